//go:build rivals

package main

import (
	"errors"
	"time"
)

func openRivalsStart(r *runner) (*bench, error) {
	n := r.n(20)
	sides := []side{
		{"ours", func() (figures, error) {
			return lives("ours", n, func() (time.Duration, error) { return poolToResult(1) })
		}},
		{"ours, 2 workers", func() (figures, error) {
			return lives("ours"+ofTwo, n, func() (time.Duration, error) { return poolToResult(workers) })
		}},
	}
	for _, rival := range rpcNames {
		sides = append(sides, side{rival, func() (figures, error) {
			return lives(rival, n, func() (time.Duration, error) { return remoteToResult(rival) })
		}})
	}
	return &bench{sides: sides}, nil
}

// remoteToResult is the time from the start of a rival's process to its first result. That it ends is not counted.
func remoteToResult(rival string) (time.Duration, error) {
	begin := time.Now()
	remote, err := rpcRivals[rival]()
	if err != nil {
		return 0, err
	}
	v, err := remote.Noop(7)
	took := time.Since(begin)
	if err == nil && v != 7 {
		err = errWrong
	}
	return took, errors.Join(err, remote.close())
}
