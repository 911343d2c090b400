//go:build linux

package sandbox

import (
	"context"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// BenchmarkCall is a round trip, alternately to a worker without a policy and to one with: the ratio is what a policy costs.
func BenchmarkCall(b *testing.B) {
	outside, inside := newPool(b, nil, mp.PoolConfig{}), newPool(b, &Policy{}, mp.PoolConfig{})
	var without, with time.Duration
	const round = 200
	for b.Loop() {
		start := time.Now()
		for range round {
			call(b, double, outside, 1)
		}
		middle := time.Now()
		for range round {
			call(b, double, inside, 1)
		}
		without += middle.Sub(start)
		with += time.Since(middle)
	}
	b.ReportMetric(float64(without.Nanoseconds())/float64(b.N)/round, "without-ns/call")
	b.ReportMetric(float64(with.Nanoseconds())/float64(b.N)/round, "with-ns/call")
	b.ReportMetric(with.Seconds()/without.Seconds(), "ratio")
}

var timeApply = mp.Func("timeApply", func(_ context.Context, p Policy) (int64, error) {
	start := time.Now()
	err := Apply(p)
	return int64(time.Since(start)), err
})

// BenchmarkApply is how long a worker takes to obey.
func BenchmarkApply(b *testing.B) {
	needs(b, Policy{})
	var total int64
	for b.Loop() {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
		if err != nil {
			b.Fatal(err)
		}
		total += call(b, timeApply, pool, Policy{})
		if err := pool.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(total)/float64(b.N), "apply-ns")
}
