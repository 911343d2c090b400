package engine

// OneAtATime lets each worker have one element at a time, so that they begin in the order in which they wait: with one worker, in
// that of the job. Call it before there is any. Package mptest does.
func (e *Engine) OneAtATime() {
	e.mu.Lock()
	e.single = true
	e.mu.Unlock()
}

// most is how many batches of those that w has room for it may be handed. Call it with mu.
func (e *Engine) most(w *worker, room int) int {
	if e.single {
		room = max(0, 1-w.sched.InFlight())
	}
	return min(room, handful)
}
