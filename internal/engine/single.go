package engine

// OneAtATime lets each worker have one element at a time, so that they begin in the order in which they wait: with one worker, in
// that of the job. Call it before there is any. Package mptest does.
func (e *Engine) OneAtATime() {
	e.mu.Lock()
	e.sched.OneAtATime = true
	e.mu.Unlock()
}
