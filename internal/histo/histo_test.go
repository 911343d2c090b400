package histo

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every duration lies in a bucket that stands for it to a thirty-second part, and the buckets are in order.
func TestBuckets(t *testing.T) {
	check := func(d time.Duration) {
		i := index(d)
		if i < 0 || i >= buckets {
			t.Fatalf("%d: bucket %d", d, i)
		}
		if off := math.Abs(float64(middle(i) - d)); off > float64(d)/32 {
			t.Errorf("%d: bucket %d stands for %d", d, i, middle(i))
		}
		if d > 0 && index(d-1) != i && index(d-1) != i-1 {
			t.Errorf("%d: bucket %d, the one before is in %d", d, i, index(d-1))
		}
	}
	for d := range time.Duration(5000) {
		check(d)
	}
	for bit := range 63 {
		for off := range time.Duration(3) {
			check(max(0, time.Duration(1)<<bit-1+off))
		}
	}
	check(math.MaxInt64)
	if index(math.MaxInt64) != buckets-1 {
		t.Errorf("the longest is in bucket %d of %d", index(math.MaxInt64), buckets)
	}
}

// Quantiles of any distribution are those of the sorted durations to 5 percent.
func TestQuantiles(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for name, draw := range map[string]func() time.Duration{
		"even":  func() time.Duration { return time.Duration(r.Int64N(int64(time.Second))) },
		"skew":  func() time.Duration { return time.Duration(float64(time.Microsecond) * math.Exp(3*r.NormFloat64())) },
		"equal": func() time.Duration { return 1234567 },
	} {
		var h, a, b Histogram
		all := make([]time.Duration, 10_000)
		for i := range all {
			all[i] = draw()
			h.Add(all[i], 1)
			if i%3 == 0 {
				a.Add(all[i], 1)
			} else {
				b.Add(all[i], 1)
			}
		}
		slices.Sort(all)
		for _, q := range []float64{0.001, 0.1, 0.5, 0.9, 0.99, 0.999} {
			want := all[int(math.Ceil(q*float64(len(all))))-1]
			if got := h.Quantile(q); math.Abs(float64(got-want)) > 0.05*float64(want) {
				t.Errorf("%s: quantile %v is %v, want %v", name, q, got, want)
			}
		}
		if h.Quantile(0) != all[0] || h.Quantile(1) != all[len(all)-1] || h.Min() != all[0] || h.Max() != all[len(all)-1] {
			t.Errorf("%s: %v to %v, want %v to %v", name, h.Quantile(0), h.Quantile(1), all[0], all[len(all)-1])
		}
		sum := time.Duration(0)
		for _, d := range all {
			sum += d
		}
		if h.Count() != int64(len(all)) || math.Abs(float64(h.Sum()-sum)) > 1000 || h.Mean() != sum/time.Duration(len(all)) {
			t.Errorf("%s: %d, sum %v, mean %v; want sum %v", name, h.Count(), h.Sum(), h.Mean(), sum)
		}
		if a.Merge(&b); a.counts != h.counts || a.min != h.min || a.max != h.max || a.n != h.n {
			t.Errorf("%s: two parts are not the whole", name)
		}
	}
}

func TestEmptyAndOdd(t *testing.T) {
	var h, o Histogram
	h.Merge(&o)
	if h.Quantile(0.5) != 0 || h.Mean() != 0 || h.Max() != 0 || h.String() != "none" {
		t.Errorf("empty: %+v", h)
	}
	h.Add(5, 0)
	h.Add(-3, 2)
	if h.Count() != 2 || h.Max() != 0 || h.Min() != 0 {
		t.Errorf("below 0: %d, %v", h.Count(), h.Max())
	}
	h.Add(math.MaxInt64, 4)
	if h.Sum() != math.MaxInt64 || h.Quantile(0.99) < math.MaxInt64/32*31 || h.Quantile(math.NaN()) != 0 {
		t.Errorf("sum %d, p99 %d", h.Sum(), h.Quantile(0.99))
	}
	var m Histogram
	m.Add(time.Millisecond, 99)
	m.Add(1234567*time.Microsecond, 1)
	for _, want := range []string{"100, ", "p50 1ms", "p99.9 1.23s", "max 1.23s"} {
		if !strings.Contains(m.String(), want) {
			t.Errorf("%q is not in %q", want, m.String())
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	var h Histogram
	for i := range b.N {
		h.Add(time.Duration(i), 1)
	}
}
