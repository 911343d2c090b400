package engine

import "hash/fnv"

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

// hash is the same in every process and version.
func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // never fails
	return h.Sum64()
}
