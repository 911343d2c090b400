//go:build rivals

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/rpc"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Each rival gives back what it gets, and is lost when its process has been ended.
func TestRivalsServe(t *testing.T) {
	for _, name := range rpcNames {
		t.Run(name, func(t *testing.T) {
			r, err := rpcRivals[name]()
			if err != nil {
				t.Fatal(err)
			}
			if v, err := r.Noop(-7); v != -7 || err != nil {
				t.Error(v, err)
			}
			want, _ := burn(ctx, 1000)
			if v, err := r.Burn(1000); v != want || err != nil {
				t.Error(v, want, err)
			}
			for _, in := range []small{{}, smallOf(3)} {
				if v, err := r.Return(in); v != in || err != nil {
					t.Error(v, in, err)
				}
			}
			for _, size := range []int{0, 1, 64 << 10, megabyte} {
				in := bytes.Repeat([]byte{5}, size)
				if v, err := r.Echo(in); !bytes.Equal(v, in) || err != nil {
					t.Errorf("%d bytes: got %d, %v", size, len(v), err)
				}
			}
			if v, err := r.Die(1); v != 1 || err != nil {
				t.Error(v, err)
			}
			if err := r.close(); err != nil {
				t.Error(err)
			}
			if _, err := r.Noop(1); !r.lost(err) && status.Code(err) != codes.Canceled { // what gRPC says of a connection that the caller closed
				t.Errorf("after its end: %v", err)
			}
		})
	}
}

// When the process is killed, that is told from an error of the function.
func TestRivalsAreLost(t *testing.T) {
	for _, name := range rpcNames {
		r, err := rpcRivals[name]()
		if err != nil {
			t.Fatal(name, err)
		}
		if _, err := r.Die(-1); err == nil || !r.lost(err) {
			t.Errorf("%s: killed: %v", name, err)
		}
		_ = r.close() // its process was killed
	}
	if netRPCLost(rpc.ServerError("no")) || netRPCLost(nil) || !netRPCLost(rpc.ErrShutdown) {
		t.Error("net/rpc: function and connection are mixed up")
	}
	if grpcLost(status.Error(codes.Unknown, "no")) || grpcLost(nil) {
		t.Error("gRPC: function and connection are mixed up")
	}
}

func TestPoolRivalsKeepOrderAndErrors(t *testing.T) {
	failure := errors.New("failure")
	for _, name := range poolNames {
		in := numbers(1000)
		out, err := poolRivals[int, int]()[name](noop, in)
		if err != nil || len(out) != len(in) {
			t.Fatal(name, len(out), err)
		}
		for i, v := range out {
			if v != i {
				t.Fatalf("%s: element %d is %d", name, i, v)
			}
		}
		_, err = poolRivals[int, int]()[name](func(_ context.Context, x int) (int, error) {
			if x == 500 {
				return 0, failure
			}
			return x, nil
		}, in)
		if !errors.Is(err, failure) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fragile is a service that is lost at its nth call.
type fragile struct {
	served

	n    int64
	seen *atomic.Int64
}

var errLost = errors.New("lost")

func (f fragile) Noop(x int) (int, error) {
	if f.seen.Add(1) >= f.n {
		return 0, errLost
	}
	return x, nil
}

// Every element has one outcome, whoever is lost; a process that is left takes the rest.
func TestOverRemotesAccountsForAll(t *testing.T) {
	broken := func(n int64) *remote {
		return &remote{service: fragile{n: n, seen: new(atomic.Int64)}, lost: func(err error) bool { return errors.Is(err, errLost) }}
	}
	well := func() *remote { return &remote{service: served{}, lost: func(error) bool { return false }} }
	for _, callers := range []int{1, 7} {
		out, errs := overRemotes([]*remote{broken(10), well()}, callers, service.Noop, numbers(1000))
		failed := 0
		for i, v := range out {
			switch {
			case errs[i] != nil:
				failed++
			case v != i:
				t.Errorf("%d callers: element %d is %d", callers, i, v)
			}
		}
		if failed > callers {
			t.Errorf("%d callers: %d failures", callers, failed)
		}
		_, errs = overRemotes([]*remote{broken(10), broken(20)}, callers, service.Noop, numbers(1000))
		right, lost, nobody := 0, 0, 0
		for _, err := range errs {
			switch {
			case err == nil:
				right++
			case errors.Is(err, errLost):
				lost++
			case errors.Is(err, errNobodyLeft):
				nobody++
			}
		}
		if right != 28 || lost != 2*callers || nobody != 1000-28-2*callers {
			t.Errorf("%d callers: %d right, %d lost, %d with nobody", callers, right, lost, nobody)
		}
	}
}

func TestStreamsKeepOrder(t *testing.T) {
	remotes, err := openRemotes(plainGRPC, workers)
	if err != nil {
		t.Fatal(err)
	}
	defer closeRemotes(remotes)
	for _, window := range []int{1, 16} {
		out, err := overStreams(remotes, window, numbers(1000))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range out {
			if v != i {
				t.Fatalf("element %d is %d", i, v)
			}
		}
	}
}

// One tiny round: each side checks its own results, and no line waits for a figure that nobody measures.
func TestRivalGroupsMeasureWhatTheirLinesCompare(t *testing.T) {
	for _, name := range []string{rivalsCallGroup.name, rivalsMapGroup.name, rivalsStartGroup.name} {
		t.Run(name, func(t *testing.T) {
			chosen, err := choose(name, false)
			if err != nil {
				t.Fatal(err)
			}
			r := &runner{rounds: 1, scale: 500}
			s, err := r.group(chosen[0])
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range chosen[0].lines {
				if len(s.of[l.ours]) != 1 || s.of[l.ours][0] <= 0 {
					t.Errorf("%s: ours, %q, is %v", l.what, l.ours, s.of[l.ours])
				}
				leftOut := strings.HasPrefix(l.rival, pythonApply) && len(s.skipped) > 0
				if len(s.of[l.rival]) != 1 && !leftOut {
					t.Errorf("%s: the rival, %q, is %v", l.what, l.rival, s.of[l.rival])
				}
			}
		})
	}
}

// The other program hands over what it found.
func TestMeasuredByAnother(t *testing.T) {
	r := &runner{rounds: 1, scale: 500, short: true}
	s, err := r.measuredBy(own(), rivalsMapGroup)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.of[plainGRPC]; len(got) != 1 || got[0] <= 0 {
		t.Error(got)
	}
	if _, err := r.measuredBy(own(), group{name: "nothing"}); err == nil {
		t.Error("a group that does not exist was measured")
	}
}

// Ours: the element that kills is lost and nothing else, and the pool is whole. Of a rival, no more is lost than was in flight to the
// process that died. A pool of goroutines takes the program with it.
func TestRivalsCrash(t *testing.T) {
	const n = 300
	if l, err := oursCrash(n); err != nil || l != (loss{Right: n - 1, Failed: 1, After: "2 workers"}) {
		t.Errorf("ours: %+v, %v", l, err)
	}
	for _, name := range rpcNames {
		for _, callers := range []int{1, 8} {
			l, err := remoteCrash(name, callers, n)
			if err != nil || l.Failed < 1 || l.Failed > callers || l.Right != n-l.Failed || l.After != "1 of 2 processes" {
				t.Errorf("%s, %d in flight: %+v, %v", name, callers, l, err)
			}
		}
	}
	for _, name := range poolNames {
		if l, err := pooledCrash(name, n); err != nil || l.None != n {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
}

func TestLossTable(t *testing.T) {
	tab := &lossTable{n: 10, seen: make(map[string][]loss)}
	failed := 0
	tab.side("mp", "workers", func() (loss, error) {
		failed++
		return loss{Right: 10 - failed, Failed: failed, After: fmt.Sprint(failed)}, nil
	})
	tab.side("nobody", "nothing", func() (loss, error) { return loss{}, skip("there is none") })
	tab.side("liar", "nothing", func() (loss, error) { return loss{Right: 11}, nil })
	for range 2 {
		if _, err := tab.sides[0].measure(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tab.sides[1].measure(); err == nil {
		t.Error("a side that is missing was measured")
	}
	if _, err := tab.sides[2].measure(); err == nil {
		t.Error("11 of 10 outcomes")
	}
	var out strings.Builder
	if err := tab.print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| mp | workers | 8-9 | 1-2 | 0 | 1; or 2 |\n", "| nobody | nothing | left out | | | |\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
