// Package profile takes profiles of all workers of a pool at once, merged into one that go tool pprof reads. Every sample has the
// label "worker", the index of its worker: "go tool pprof -tagfocus worker=3" shows one of them, -tagroot worker all apart.
//
// A program that uses it imports it in all its processes, which comes by itself, for workers are the same program.
package profile

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/pprof/profile"

	"github.com/go-multiproc/mp"
)

const (
	maxAnswer  = 16 << 20 // of one worker, as it comes
	maxProfile = 64 << 20 // and unpacked
)

// A PartialError tells which workers are not in a profile that was written, and why: they ended meanwhile, did not answer
// before the context ended, or could not.
type PartialError struct {
	Workers map[int]error // by index
}

// Error implements error.
func (e *PartialError) Error() string {
	why := make([]string, 0, len(e.Workers))
	for _, i := range slices.Sorted(maps.Keys(e.Workers)) {
		why = append(why, fmt.Sprintf("worker %d: %v", i, e.Workers[i]))
	}
	return "mp: not in the profile: " + strings.Join(why, "; ")
}

// Unwrap gives all reasons.
func (e *PartialError) Unwrap() []error {
	all := make([]error, 0, len(e.Workers))
	for _, i := range slices.Sorted(maps.Keys(e.Workers)) {
		all = append(all, e.Workers[i])
	}
	return all
}

// CPU profiles what the workers of a pool do for so long, and writes it to w. If some workers could not be profiled it writes
// what there is of the others and returns a *PartialError; if there is nothing, nothing is written. A worker whose program
// takes a CPU profile of its own at that time cannot be profiled.
func CPU(ctx context.Context, pool *mp.Pool, w io.Writer, d time.Duration) error {
	return all(ctx, pool, w, cpu, binary.LittleEndian.AppendUint64(nil, uint64(d)))
}

// Heap writes where the memory of the workers was allocated, as of their last garbage collection; otherwise it is as CPU.
func Heap(ctx context.Context, pool *mp.Pool, w io.Writer) error { return Lookup(ctx, pool, w, "heap") }

// Goroutine writes what the goroutines of the workers do; otherwise it is as CPU.
func Goroutine(ctx context.Context, pool *mp.Pool, w io.Writer) error {
	return Lookup(ctx, pool, w, "goroutine")
}

// Lookup writes the profile of this name, one of runtime/pprof or the program's own; otherwise it is as CPU.
func Lookup(ctx context.Context, pool *mp.Pool, w io.Writer, name string) error {
	return all(ctx, pool, w, lookup, []byte(name))
}

// answer is the profile of one worker.
type answer struct {
	worker  int
	profile *profile.Profile
	err     error
}

func all(ctx context.Context, pool *mp.Pool, w io.Writer, name string, arg []byte) error {
	b, err := pool.Backend()
	if err != nil {
		return err
	}
	n := len(pool.Workers())
	answers := make(chan answer)
	for i := range n {
		go func() {
			a := answer{worker: i}
			raw, err := b.Engine.Ask(ctx, i, name, arg, maxAnswer)
			if err == nil {
				a.profile, err = parse(raw, i)
			}
			a.err = err
			answers <- a
		}()
	}
	profiles := make([]*profile.Profile, n)
	partial := PartialError{Workers: make(map[int]error)}
	for range n {
		a := <-answers
		profiles[a.worker] = a.profile
		if a.err != nil {
			partial.Workers[a.worker] = a.err
		}
	}
	profiles = slices.DeleteFunc(profiles, func(p *profile.Profile) bool { return p == nil })
	if len(profiles) > 0 {
		merged, err := profile.Merge(profiles)
		if err != nil {
			return fmt.Errorf("mp: the profiles of the workers do not fit together: %w", err)
		}
		if err := merged.Write(w); err != nil {
			return err
		}
	}
	if len(partial.Workers) > 0 {
		return &partial
	}
	return nil
}

// parse reads what a worker sent, which may be anything.
func parse(raw []byte, worker int) (p *profile.Profile, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("mp: malformed profile: %v", r)
		}
	}()
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(z, maxProfile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxProfile {
		return nil, errors.New("mp: the profile is too large")
	}
	if p, err = profile.ParseUncompressed(data); err != nil {
		return nil, err
	}
	if err := p.CheckValid(); err != nil {
		return nil, err
	}
	p.SetLabel("worker", []string{strconv.Itoa(worker)})
	return p, nil
}
