package spawn

import (
	"syscall"
	"time"
)

// How often a limited worker's memory is looked at. A look costs some 8 µs, and a fast allocator gets megabytes in 10 ms: so it is looked
// at more often when it is near its limit.
const (
	sampleEvery = 10 * time.Millisecond
	sampleNear  = time.Millisecond // from half of the limit on
)

// usage is what the kernel counted in the group of a worker.
type usage struct {
	killed bool  // processes, for want of memory
	limit  bool  // ... because of the group's own limit
	peak   int64 // the most that the group had, 0 if it does not tell
}

// limitMemory kills the worker when it is above its limit, until the channel that it returns is closed. Where it has a control group, the
// kernel does.
func (c *Child) limitMemory() chan struct{} {
	stop := make(chan struct{})
	if c.spec.MemoryLimit <= 0 || c.group != nil {
		return stop
	}
	s, ok := newSampler(c.PID) // the process is not reaped before this goroutine says so: the pid is its own
	if !ok {
		return stop
	}
	go func() {
		defer s.close()
		timer := time.NewTimer(sampleEvery)
		defer timer.Stop()
		for {
			select {
			case <-stop:
				return
			case <-timer.C:
			}
			n, ok := s.private()
			switch {
			case !ok: // it has ended
				return
			case n > c.spec.MemoryLimit:
				c.KillOver(n)
				return
			case n > c.spec.MemoryLimit/2:
				timer.Reset(sampleNear)
			default:
				timer.Reset(sampleEvery)
			}
		}
	}()
	return stop
}

// KillOver is Kill, for having so much memory, which is above its limit.
func (c *Child) KillOver(memory int64) {
	c.mu.Lock()
	c.over = memory
	c.mu.Unlock()
	c.Kill()
}

// setMemory tells in the exit whether the worker was killed for its memory.
func (c *Child) setMemory(e *Exit) {
	if e.Signal != syscall.SIGKILL {
		return
	}
	c.mu.Lock()
	over := c.over
	c.mu.Unlock()
	switch u := c.group.usage(); {
	case over > 0:
		e.OOM, e.Limit, e.Memory = true, c.spec.MemoryLimit, over
	case u.killed:
		if e.OOM, e.Memory = true, u.peak; u.limit {
			e.Limit = c.spec.MemoryLimit
		}
	}
}
