package engine

// pin decides which worker is to run a job, if not any. Call it with mu.
func (e *Engine) pin(j *Job) error {
	switch {
	case j.Lease != nil:
		if err := j.Lease.err(); err != nil {
			return err
		}
		j.sched.Pin = &j.Lease.pin
	case j.Key != "":
		j.sched.Key = hash(j.Key)
		j.sched.Pin = e.sched.Place(j.sched.Key)
	}
	return nil
}

// pinned reports whether one worker only is to run the job.
func (j *Job) pinned() bool { return j.Key != "" || j.Lease != nil }

// hash is FNV-1a, which any process and any version computes alike.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
