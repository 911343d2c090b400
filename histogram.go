package mp

import (
	"time"

	"github.com/go-multiproc/mp/internal/histo"
)

// A Histogram is a count of durations, in buckets so fine that every answer is right to 4 percent; Min, Max and Mean are exact. The zero
// value is empty. It is immutable.
type Histogram struct{ h *histo.Histogram }

var noDurations histo.Histogram

func (h Histogram) get() *histo.Histogram {
	if h.h == nil {
		return &noDurations
	}
	return h.h
}

// Count is how many durations there are.
func (h Histogram) Count() int64 { return h.get().Count() }

// Sum is all durations together.
func (h Histogram) Sum() time.Duration { return h.get().Sum() }

// Mean is their mean, 0 if there are none.
func (h Histogram) Mean() time.Duration { return h.get().Mean() }

// Min is the shortest.
func (h Histogram) Min() time.Duration { return h.get().Min() }

// Max is the longest.
func (h Histogram) Max() time.Duration { return h.get().Max() }

// Quantile is the duration that the part q of all do not exceed: 0.5 asks for the median, 0.999 for what only one of a thousand
// exceeds.
func (h Histogram) Quantile(q float64) time.Duration { return h.get().Quantile(q) }

// String is one line: the count, the mean, p50, p90, p99, p99.9 and the longest.
func (h Histogram) String() string { return h.get().String() }
