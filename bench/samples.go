package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// samples holds, for each figure, its values by round.
type samples struct {
	of      map[string][]float64
	skipped map[string]string // sides, and why
}

func (s *samples) add(f figures) {
	for name, v := range f {
		s.of[name] = append(s.of[name], v)
	}
}

func (s *samples) notes() []string {
	var notes []string
	for _, side := range slices.Sorted(maps.Keys(s.skipped)) {
		notes = append(notes, fmt.Sprintf("Left out: %s, for %s.", side, s.skipped[side]))
	}
	return notes
}

// ratios is what f makes of the two figures of each round.
func (s *samples) ratios(ours, rival string, f func(ours, rival float64) float64) []float64 {
	a, b := s.of[ours], s.of[rival]
	out := make([]float64, min(len(a), len(b)))
	for i := range out {
		out[i] = f(a[i], b[i])
	}
	return out
}

// quantile is the value below which the share q of v lies, NaN if there is none. It does not change v.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(v))
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

func median(v []float64) float64 { return quantile(v, 0.5) }

// latencies are the times of many operations, in seconds.
type latencies []float64

func (l *latencies) since(begin time.Time) { *l = append(*l, time.Since(begin).Seconds()) }

// figures names the median, and what one in a hundred exceeds.
func (l latencies) figures(name string) figures {
	return figures{name: median(l), name + " p99": quantile(l, 0.99)}
}

// rate is n operations in the time since begin, for each second.
func rate(n int, begin time.Time) float64 { return float64(n) / time.Since(begin).Seconds() }
