package engine

import "time"

// A worker is recycled when it has been given MaxTasks elements, is older than MaxAge, or is larger than MaxRSS when it has nothing to
// do or has just finished something. Its successor starts first. When that is ready, the old one is given nothing more, what it has not
// begun moves, and it ends after what it has begun and Teardown.
//
// The heir of a worker with MaxTasks is started when a tenth of these is left, at the latest when the last is handed out, and takes over
// when that has happened: so a worker runs all of them, and never more. A worker that dies meanwhile is succeeded by its heir at once.

// spent reports whether a worker was given all that it may have. Call it with the engine's mutex.
func spent(w *worker) bool {
	left, limited := w.sched.Left()
	return limited && left <= 0
}

// recycle says that a worker is to be replaced, and reports whether its heir is to be started. Call it with mu.
func (e *Engine) recycle(w *worker, reason string) bool {
	if e.state == closed || !w.joined || w.reason != "" || w.index >= len(e.seats) || e.workers[w.index] != w || w.sched.Lease() != nil {
		return false
	}
	w.reason = reason
	e.restarted(reason)
	return true
}

// restarted counts a worker that is replaced. Call it with mu.
func (e *Engine) restarted(reason string) {
	e.restarts++
	e.reasons[reason]++
}

// used looks what is left of a worker that was given something, or was released.
func (e *Engine) used(w *worker) {
	var old *worker
	start := false
	e.mu.Lock()
	if left, limited := w.sched.Left(); limited && left <= e.cfg.MaxTasks/10 {
		start = e.recycle(w, reasonTasks)
	}
	if w.index < len(e.seats) && e.workers[w.index] == w {
		if heir := e.seats[w.index].heir; heir != nil && heir.ready {
			old = e.admit(heir)
		}
	}
	e.mu.Unlock()
	if start {
		go e.start(w.index) // it takes a while, and this goroutine has results to take
	}
	if old != nil {
		old.leave()
	}
}

// weigh recycles a worker that is larger than it may be.
func (e *Engine) weigh(w *worker) {
	w.mu.Lock()
	over := w.port != nil && !w.dead && w.port.RSS() > e.cfg.MaxRSS
	w.mu.Unlock()
	if !over {
		return
	}
	e.mu.Lock()
	start := e.recycle(w, reasonRSS)
	e.mu.Unlock()
	if start {
		go e.start(w.index)
	}
}

// weighEvery is how often the size of a worker that is busy with short elements is looked at: that costs some 8 µs.
const weighEvery = 10 * time.Millisecond

// period is how often keep looks; 0 if there is nothing to look for.
func (c *Config) period() time.Duration {
	const shortest, longest = 2 * time.Millisecond, time.Second
	period := time.Duration(0)
	for _, d := range []time.Duration{c.MaxAge / 20, c.IdleTimeout / 20} {
		if d > 0 && (period == 0 || d < period) {
			period = d
		}
	}
	if c.MaxRSS > 0 && (period == 0 || period > 5*weighEvery) {
		period = 5 * weighEvery
	}
	if period == 0 {
		if c.MaxAge == 0 && c.IdleTimeout == 0 {
			return 0
		}
		period = shortest
	}
	return min(max(period, shortest), longest)
}

// keep looks after workers whose time is over.
func (e *Engine) keep(period time.Duration) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-e.stopped:
			return
		}
		if e.cfg.MaxAge > 0 {
			e.renew()
		}
		if e.cfg.MaxRSS > 0 {
			for _, w := range e.resting() {
				if w.worked() {
					e.weigh(w)
				}
			}
		}
		if e.cfg.IdleTimeout > 0 {
			e.park()
		}
	}
}

// renew recycles workers that are too old: no more than a quarter at a time, for they are often of the same age.
func (e *Engine) renew() {
	var starts []int
	e.mu.Lock()
	under := 0
	for _, s := range e.seats {
		if s.heir != nil {
			under++
		}
	}
	for _, w := range e.workers {
		if under >= max(1, len(e.seats)/4) {
			break
		}
		if w != nil && time.Since(w.since) >= e.cfg.MaxAge && e.recycle(w, reasonAge) {
			starts = append(starts, w.index)
			under++
		}
	}
	e.mu.Unlock()
	for _, i := range starts {
		go e.start(i)
	}
}

// resting is the workers that elements are given to and that have none.
func (e *Engine) resting() (idle []*worker) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, w := range e.workers {
		if w != nil && w.joined && w.reason == "" && w.sched.InFlight() == 0 && w.sched.Lease() == nil {
			idle = append(idle, w)
		}
	}
	return idle
}

// worked reports whether the worker has run an element: one that is too large before it has would be replaced for ever.
func (w *worker) worked() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done > 0
}
