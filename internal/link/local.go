package link

import (
	"context"
	"encoding/binary"
	"os"
	"sync"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/engine"
	"github.com/go-multiproc/mp/internal/spawn"
)

// Local is a worker that is a goroutine of this process: the same messages, the same handler, no containment. It cannot
// be killed, so Kill abandons it: it is lost at once, and what it still runs is nobody's any more.
type Local struct {
	host    engine.Host
	handler Handler

	elements elements
	calls    sync.Mutex // held for calls of the host but Up: one at a time, and none after Lost

	mu     sync.Mutex
	work   *sync.Cond
	queue  []*localBatch
	finish bool
	dead   bool
}

type localBatch struct {
	b       *engine.Batch
	payload []byte
	cursor  atomic.Uint64 // abi.Cursor
}

// StartLocal starts the goroutine.
func StartLocal(base context.Context, h engine.Host, handler Handler) *Local {
	l := &Local{host: h, handler: handler, elements: elements{base: base, handler: handler}}
	if h, ok := h.(engine.FractionHost); ok {
		l.elements.tellFractions(h.Fraction)
	} else {
		l.elements.tellFractions(func(uint64, float64) {})
	}
	l.work = sync.NewCond(&l.mu)
	go func() {
		h.Up()
		l.run()
	}()
	return l
}

// run serves, on a goroutine for each runtime.Goexit of a function.
func (l *Local) run() {
	exited := true
	defer func() {
		if exited {
			go l.run()
		}
	}()
	for {
		lb := l.next()
		if lb == nil {
			break
		}
		l.serve(lb)
	}
	exited = false
	l.mu.Lock()
	lost := !l.dead
	l.dead = true
	l.mu.Unlock()
	if lost {
		l.lost()
	}
}

func (l *Local) lost() {
	l.calls.Lock()
	defer l.calls.Unlock()
	l.host.Lost(spawn.Exit{}, nil)
}

// next waits for a batch with something left to begin; nil is the end. A batch stays in the queue while it is served.
func (l *Local) next() *localBatch {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for len(l.queue) > 0 {
			if c := abi.Cursor(l.queue[0].cursor.Load()); c.Begun() < c.Limit() && !l.dead {
				return l.queue[0]
			}
			l.queue = l.queue[1:]
		}
		if l.dead || l.finish {
			return nil
		}
		l.work.Wait()
	}
}

func (l *Local) serve(lb *localBatch) {
	b := lb.b
	l.elements.next(b.Job.Func, b.Job.Seeded, b.Job.Seed)
	chunked := b.Count() > 1 && l.handler.Chunked(b.Job.Func)
	for {
		old := lb.cursor.Load()
		c := abi.Cursor(old)
		begun, limit := c.Begun(), c.Limit()
		if begun >= limit {
			return
		}
		upTo := begun + 1
		if chunked {
			upTo = limit
		}
		if !lb.cursor.CompareAndSwap(old, uint64(abi.MakeCursor(c.Lap(), uint16(upTo), uint16(limit)))) {
			continue
		}
		if chunked {
			l.all(lb, upTo)
		} else {
			l.one(b, b.Index()+int64(begun), l.arg(lb))
		}
	}
}

// arg cuts the next argument off the payload.
func (l *Local) arg(lb *localBatch) []byte {
	b, arg := lb.b, lb.payload
	switch {
	case b.Flags&abi.FlagSized != 0:
		n := 4 + int(binary.LittleEndian.Uint32(arg))
		arg, lb.payload = arg[4:n], lb.payload[n:]
	case b.Count() > 1:
		n := l.handler.ArgSize(b.Job.Func)
		arg, lb.payload = arg[:n], lb.payload[n:]
	}
	return arg
}

func (l *Local) one(b *engine.Batch, index int64, arg []byte) {
	e := l.elements.begin(index, b.Job.Timeout)
	status, out := abi.StatusGoexit, []byte(nil)
	defer func() { l.report(e, status, out) }() // deferred, for Goexit comes this way, too
	status, out = l.handler.Runner(b.Job.Func).Run(e, arg, nil)
}

// all runs the first n elements of a batch at once.
func (l *Local) all(lb *localBatch, n int) {
	b := lb.b
	args := make([][]byte, n)
	for i := range args {
		args[i] = l.arg(lb)
	}
	e := l.elements.beginAll(n, b.Index(), b.Job.Timeout)
	left := n
	defer func() { // Goexit
		for range left {
			l.report(e, abi.StatusGoexit, nil)
		}
	}()
	outcome := l.handler.RunChunk(e, b.Job.Func, args)
	for k := range args {
		status, out := outcome(k, nil)
		left--
		l.report(e, status, out)
	}
}

func (l *Local) report(e *element, status uint8, out []byte) {
	l.elements.end(e)
	l.calls.Lock() // it stores
	l.elements.settle()
	defer l.calls.Unlock()
	l.mu.Lock()
	dead := l.dead
	l.mu.Unlock()
	if !dead {
		_ = l.host.Result(status, out) // an error would be of this very process
		l.host.Progress()
	}
}

// PID implements engine.Port.
func (l *Local) PID() int { return os.Getpid() }

// Room implements engine.Port.
func (l *Local) Room() int { return 64 }

// Flush implements engine.Port: what is sent is seen at once.
func (l *Local) Flush() {}

// Send implements engine.Port.
func (l *Local) Send(b *engine.Batch, payload []byte) bool {
	lb := &localBatch{b: b, payload: append([]byte(nil), payload...)}
	lb.cursor.Store(uint64(abi.MakeCursor(1, 0, uint16(b.Count()))))
	b.Local = &lb.cursor
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, lb)
	l.work.Signal()
	return true
}

// TakeBack implements engine.Port.
func (l *Local) TakeBack(b *engine.Batch) int { return takeBack(b.Local) }

func takeBack(cursor *atomic.Uint64) int {
	for {
		old := cursor.Load()
		c := abi.Cursor(old)
		if cursor.CompareAndSwap(old, uint64(abi.MakeCursor(c.Lap(), uint16(c.Begun()), uint16(c.Begun())))) {
			return c.Begun()
		}
	}
}

// Begun implements engine.Port.
func (l *Local) Begun(b *engine.Batch) int { return abi.Cursor(b.Local.Load()).Begun() }

// Cancel implements engine.Port.
func (l *Local) Cancel(number uint64, cause uint8) { l.elements.cancelled(number, cause) }

// Finish implements engine.Port.
func (l *Local) Finish() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.finish = true
	l.work.Signal()
	return true
}

// Kill implements engine.Port.
func (l *Local) Kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return
	}
	l.dead = true
	for _, lb := range l.queue { // others will run it, and the goroutine may go on some day
		takeBack(&lb.cursor)
	}
	l.work.Signal()
	go l.lost()
}

// Inspect implements engine.Port: its goroutine is one of this process.
func (l *Local) Inspect() {}

// Suspect implements engine.Port.
func (l *Local) Suspect() bool { return false }

// RSS implements engine.Port.
func (l *Local) RSS() int64 { return 0 }

// PeakRSS implements engine.Port.
func (l *Local) PeakRSS() int64 { return 0 }

// Help implements engine.Port: the goroutine needs none.
func (l *Local) Help(func() bool) {}
