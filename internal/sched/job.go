package sched

import "time"

// Cost is the estimated time of one element of a function. It outlives jobs.
type Cost struct{ ns float64 }

// Observe takes the measured time of n elements in a row into the estimate.
func (c *Cost) Observe(n int, took time.Duration) {
	if n <= 0 {
		return
	}
	x := max(float64(took)/float64(n), 1)
	if c.ns == 0 {
		c.ns = x
		return
	}
	c.ns += (x - c.ns) * newWeight
}

// Estimate is the estimated time of an element; 0 if it is not known.
func (c *Cost) Estimate() time.Duration { return time.Duration(c.ns) }

// fits is how many elements take about d, at least least; least if nothing is known.
func (c *Cost) fits(d time.Duration, least, most int) int {
	if c.ns == 0 {
		return least
	}
	return int(max(float64(least), min(float64(d)/c.ns, float64(most))))
}

// price is the time that one element is taken to need, in nanoseconds. One of which nothing is known is taken to fill its share
// of the smallest window.
func (c *Cost) price() float64 {
	if c.ns == 0 {
		return float64(windowTarget) / minWindow
	}
	return c.ns
}

// A Job is a sequence of elements, numbered from 0, that are handed out in order.
type Job struct {
	Cost     *Cost // shared by the jobs of one function; guarded as the Scheduler is
	Chunk    int   // elements in a batch; 0 leaves it to the Scheduler
	Whole    bool  // Chunk is meant: else a batch has fewer if it would take long
	Priority int   // what waits goes out before all of a lower one
	Pin      *Pin  // only its worker gets the elements; nil: any worker
	Key      uint64

	Owner any // whose job it is

	next  int64   // the first that was never handed out
	end   int64   // the first that is not available yet
	back  []Range // to be handed out again, before next
	ended bool    // cancelled: nothing more is handed out

	// The job's place in the order; see queue.
	spent float64 // price of what was handed out, and not taken back
	out   float64 // of that, what is in flight
	given int64   // elements handed out, and not taken back
	since uint64  // its number among those that came; 0 if it has not
	at    int     // in its level's heap, from 1; 0 if it waits in none
}

// Waiting is how many elements could be handed out now.
func (j *Job) Waiting() int64 {
	if j.ended {
		return 0
	}
	n := j.end - j.next
	for _, r := range j.back {
		n += int64(r.N)
	}
	return n
}

// Estimate is the expected number of elements in a batch.
func (j *Job) Estimate() int {
	if j.Chunk > 0 {
		return j.chunk()
	}
	return j.Cost.fits(batchTarget, 1, maxBatch)
}

// chunk is Chunk, but, if that may be, no more than a worker should hold.
func (j *Job) chunk() int {
	if j.Whole || j.Cost.ns == 0 || j.Chunk == 1 {
		return j.Chunk
	}
	return j.Cost.fits(windowTarget, 1, j.Chunk)
}

// take takes up to n elements off what waits.
func (j *Job) take(n int) Range {
	if len(j.back) == 0 {
		r := Range{j.next, int(min(int64(n), j.end-j.next))}
		j.next += int64(r.N)
		return r
	}
	first := &j.back[0]
	r := Range{first.First, min(n, first.N)}
	first.First += int64(r.N)
	if first.N -= r.N; first.N == 0 {
		j.back = j.back[1:]
	}
	return r
}

// A Range is elements First to First+N-1.
type Range struct {
	First int64
	N     int
}

// A Batch is what one worker is given at a time.
type Batch struct {
	Job *Job
	Range
}
