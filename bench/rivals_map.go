//go:build rivals

package main

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/go-multiproc/mp/bench/rivalpb"
)

// How many calls are under way to each process of a rival, so that it does not wait for the caller: more do not make it faster, fewer
// make it slower, and with work fewer do. To a stream those are messages.
const (
	noopsInFlight  = 64
	inFlightOfWork = 4
	inFlightStream = 256
)

var errNobodyLeft = errors.New("no process is left")

// overRemotes is what a user of remote procedure calls writes to have a map: so many callers for each process, each of which takes the
// next element when its call has come back, and puts the result in its place. A caller whose process is lost takes no more.
func overRemotes[In, Out any](remotes []*remote, callers int, call func(service, In) (Out, error), in []In) ([]Out, []error) {
	out, errs := make([]Out, len(in)), make([]error, len(in))
	var next atomic.Int64
	var wg sync.WaitGroup
	for _, r := range remotes {
		for range callers {
			wg.Go(func() {
				for i := int(next.Add(1)) - 1; i < len(in); i = int(next.Add(1)) - 1 {
					if out[i], errs[i] = call(r.service, in[i]); errs[i] != nil && r.lost(errs[i]) {
						return
					}
				}
			})
		}
	}
	wg.Wait()
	for i := min(int(next.Load()), len(in)); i < len(in); i++ {
		errs[i] = errNobodyLeft
	}
	return out, errs
}

// overStreams is the no-op by one stream of gRPC to each process, as its guide to performance says for many small messages: each element
// and each outcome is a message with its index, and a message waits for no answer to the one before. No more than the window are under
// way to a process, so that the other has its share.
func overStreams(remotes []*remote, window int, in []int) ([]int, error) {
	out := make([]int, len(in))
	var next atomic.Int64
	var runs []func(context.Context) error
	for _, r := range remotes {
		client, ok := r.service.(grpcClient)
		if !ok {
			return nil, errors.New("a stream by something else than gRPC")
		}
		runs = append(runs, func(ctx context.Context) error {
			stream, err := client.c.Noops(ctx)
			if err != nil {
				return err
			}
			room := make(chan struct{}, window)
			return together(
				func(ctx context.Context) error {
					for i := int(next.Add(1)) - 1; i < len(in); i = int(next.Add(1)) - 1 {
						select {
						case room <- struct{}{}:
						case <-ctx.Done():
							return ctx.Err()
						}
						if err := stream.Send(&rivalpb.Element{Index: int64(i), Value: int64(in[i])}); err != nil {
							return err
						}
					}
					return stream.CloseSend()
				},
				func(context.Context) error {
					for {
						v, err := stream.Recv()
						if errors.Is(err, io.EOF) {
							return nil
						}
						if err != nil {
							return err
						}
						if v.GetError() != "" {
							return errors.New(v.GetError())
						}
						out[v.GetIndex()] = int(v.GetValue())
						<-room
					}
				})
		})
	}
	return out, together(runs...)
}
