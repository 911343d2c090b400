// Package histo counts durations in a fixed number of buckets whose width grows with the duration, as HdrHistogram does: sixteen
// for each power of two. Whatever is asked of a histogram is wrong by a thirty-second part at the most, from a nanosecond
// to centuries, and 8 KB hold any number of durations.
package histo

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
	"time"
)

const (
	fine    = 4         // bits of a duration, after its first, that tell the bucket
	perStep = 1 << fine // buckets for each power of two
	buckets = (63-fine)*perStep + perStep
)

// A Histogram is durations that were counted. The zero value is empty. Not safe for concurrent use.
type Histogram struct {
	counts   [buckets]int64
	n        int64
	sum      float64
	min, max time.Duration
}

// index is the bucket of a duration. The first 2*perStep buckets hold one value each.
func index(d time.Duration) int {
	v := uint64(d)
	step := max(0, bits.Len64(v)-fine-1)
	return step*perStep + int(v>>step)
}

// middle is the duration that stands for a bucket.
func middle(i int) time.Duration {
	if i < 2*perStep {
		return time.Duration(i)
	}
	step := i/perStep - 1
	low := uint64(i-step*perStep) << step
	return time.Duration(low + 1<<step/2)
}

// Add counts a duration n times. One below 0 is 0.
func (h *Histogram) Add(d time.Duration, n int64) {
	if n <= 0 {
		return
	}
	d = max(0, d)
	if h.n == 0 || d < h.min {
		h.min = d
	}
	h.max = max(h.max, d)
	h.counts[index(d)] += n
	h.n += n
	h.sum += float64(d) * float64(n)
}

// Merge counts everything that o has counted.
func (h *Histogram) Merge(o *Histogram) {
	if o.n == 0 {
		return
	}
	if h.n == 0 || o.min < h.min {
		h.min = o.min
	}
	h.max = max(h.max, o.max)
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.n += o.n
	h.sum += o.sum
}

// Count is how many durations were counted.
func (h *Histogram) Count() int64 { return h.n }

// Sum is all of them together, at most what a Duration can hold.
func (h *Histogram) Sum() time.Duration {
	if h.sum >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(h.sum)
}

// Mean is their mean; 0 if there are none.
func (h *Histogram) Mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return time.Duration(h.sum / float64(h.n))
}

// Min is the shortest, exactly.
func (h *Histogram) Min() time.Duration { return h.min }

// Max is the longest, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile is a duration that the part q of all do not exceed: 0.5 asks for the median, 0 for Min, 1 for Max.
func (h *Histogram) Quantile(q float64) time.Duration {
	switch {
	case h.n == 0 || q <= 0 || math.IsNaN(q):
		return h.min
	case q >= 1:
		return h.max
	}
	rank := max(1, int64(math.Ceil(q*float64(h.n))))
	for i, n := range h.counts {
		if rank -= n; rank <= 0 {
			return min(max(middle(i), h.min), h.max)
		}
	}
	return h.max
}

// String is one line: how many, the mean, some quantiles and the longest.
func (h *Histogram) String() string {
	if h.n == 0 {
		return "none"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d, mean %v", h.n, short(h.Mean()))
	for _, q := range []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}} {
		fmt.Fprintf(&b, ", %s %v", q.name, short(h.Quantile(q.q)))
	}
	fmt.Fprintf(&b, ", max %v", short(h.max))
	return b.String()
}

// short leaves out digits that nobody reads.
func short(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}
