//go:build rivals

package main

import (
	"errors"
	"slices"

	"github.com/go-multiproc/mp"
)

func openRivalsMap(r *runner) (*bench, error) {
	p, err := newPool(workers)
	if err != nil {
		return nil, err
	}
	var all []*remote
	closeAll := func() { closing(p)(); closeRemotes(all) }
	nothing := numbers(r.n(100_000))
	work := slices.Repeat([]int{100 * stepsPerMicrosecond()}, r.n(1000))
	sides := []side{
		elements("ours", nothing, func(in []int) ([]int, error) { return noopMP.Map(ctx, p, in) }),
		elements("ours"+inOnes, nothing, func(in []int) ([]int, error) { return noopMP.Map(ctx, p, in, mp.ChunkSize(1)) }),
		burning("ours"+ofWork, work, func(in []int) ([]uint64, error) { return burnMP.Map(ctx, p, in) }),
		burning("ours"+inOnes+ofWork, work, func(in []int) ([]uint64, error) { return burnMP.Map(ctx, p, in, mp.ChunkSize(1)) }),
	}
	for _, rival := range rpcNames {
		remotes, err := openRemotes(rival, workers)
		if err != nil {
			closeAll()
			return nil, err
		}
		all = append(all, remotes...)
		sides = append(sides,
			elements(rival, nothing, func(in []int) ([]int, error) {
				out, errs := overRemotes(remotes, noopsInFlight, service.Noop, in)
				return out, errors.Join(errs...)
			}),
			burning(rival+ofWork, work, func(in []int) ([]uint64, error) {
				out, errs := overRemotes(remotes, inFlightOfWork, service.Burn, in)
				return out, errors.Join(errs...)
			}))
		if rival == plainGRPC {
			sides = append(sides, elements(grpcStreams, nothing, func(in []int) ([]int, error) { return overStreams(remotes, inFlightStream, in) }))
		}
	}
	for _, rival := range poolNames {
		sides = append(sides,
			elements(rival, nothing, func(in []int) ([]int, error) { return poolRivals[int, int]()[rival](noop, in) }),
			burning(rival+ofWork, work, func(in []int) ([]uint64, error) { return poolRivals[int, uint64]()[rival](burn, in) }))
	}
	return &bench{sides: sides, close: closeAll}, nil
}
