//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// joined writes its inputs one behind the other: associative, and not commutative.
var joined = mp.Reducer("joined", func(ctx context.Context, s string) (string, error) {
	how, arg, _ := strings.Cut(s, " ")
	switch how {
	case "error":
		return "", fmt.Errorf("%s: %w", s, errOwn)
	case "panic":
		panic(errOwn)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "wait":
		<-ctx.Done()
		return "", ctx.Err()
	case "once":
		i, _ := mp.ElementIndex(ctx)
		f, err := os.OpenFile(filepath.Join(arg, fmt.Sprint(i)), os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			f.Close()
			return "", errOwn
		}
	case "die":
		if _, err := dieOnce(ctx, arg); err != nil {
			return "", err
		}
	case "index":
		i, _ := mp.ElementIndex(ctx)
		return fmt.Sprint(i, ":", mp.Rand(ctx).IntN(10), mp.Rand(ctx).IntN(10), ","), nil
	}
	return how, nil
}, func(_ context.Context, a, b string) (string, error) {
	switch {
	case strings.HasPrefix(b, "unfoldable"):
		return "", fmt.Errorf("fold: %w", errOwn)
	case strings.HasPrefix(b, "explosive"):
		panic(errOwn)
	}
	return a + b, nil
})

// letters are n inputs, of which one may be another.
func letters(n int, other ...any) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range n {
			s := string(rune('a' + i%26))
			if len(other) > 0 && other[0].(int) == i {
				s = other[1].(string)
			}
			if !yield(s) {
				return
			}
		}
	}
}

// What it makes is what a loop would, in that order, however many workers there are and whatever they get at once.
func TestReduceKeepsTheOrder(t *testing.T) {
	test := func(t *testing.T, x mp.Executor) {
		for _, n := range []int{0, 1, 2, 17, 1000} {
			want := strings.Join(slices.Collect(letters(n)), "")
			for _, opts := range [][]mp.MapOption{{}, {mp.ChunkSize(1)}, {mp.ChunkSize(3)}, {mp.ChunkSize(500), mp.Window(100)}} {
				if got, err := joined.Reduce(ctx, x, letters(n), opts...); got != want || err != nil {
					t.Errorf("%d inputs, %v: %q, %v", n, opts, got, err)
				}
			}
		}
	}
	contract(t, test)
	for _, workers := range []int{1, 7} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			noLeaks(t)
			test(t, newPool(t, mp.PoolConfig{Workers: workers}))
		})
	}
}

var wordCount = mp.Reducer("wordCount", func(_ context.Context, line string) (map[string]int, error) {
	counts := make(map[string]int)
	for w := range strings.FieldsSeq(line) {
		counts[w]++
	}
	return counts, nil
}, func(_ context.Context, a, b map[string]int) (map[string]int, error) {
	for w, n := range b {
		a[w] += n
	}
	return a, nil
})

// fold may use its arguments up.
func TestReduceInPlace(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		got, err := wordCount.Reduce(ctx, x, slices.Values(slices.Repeat([]string{"a b b", "c", "", "b a"}, 1000)))
		if err != nil || len(got) != 3 || got["a"] != 2000 || got["b"] != 3000 || got["c"] != 1000 {
			t.Errorf("%v, %v", got, err)
		}
		if got, err := wordCount.Reduce(ctx, x, slices.Values([]string{})); got != nil || err != nil {
			t.Errorf("of nothing: %v, %v", got, err)
		}
	})
}

// The first failure ends it, also of an endless input, and has the index of its input.
func TestReduceFails(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		for _, s := range []string{"error here", "panic", "unfoldable", "explosive"} {
			for _, opts := range [][]mp.MapOption{{mp.ChunkSize(1)}, {mp.ChunkSize(10)}, {}} {
				for _, at := range []int{1, 777} {
					var told atomic.Int64
					observed := append(opts, mp.Observe(func(mp.Event) { told.Add(1) }))
					_, err := joined.Reduce(ctx, x, letters(1<<60, at, s), observed...)
					var ee *mp.ElementError
					if !errors.As(err, &ee) || ee.Index != at || !errors.Is(err, errOwn) || told.Load() == 0 {
						t.Errorf("%s at %d, %v: %v", s, at, opts, err)
					}
					var pe *mp.PanicError
					if errors.As(err, &pe) != (s == "panic" || s == "explosive") {
						t.Errorf("%s is a panic: %v", s, err)
					}
				}
			}
		}
	})
}

// A death fails it with the inputs that were there; with Retries it counts each of them once.
func TestReduceSurvivesKills(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	_, err := joined.Reduce(ctx, pool, letters(100, 45, "kill"), mp.ChunkSize(10))
	var ee *mp.ElementError
	var we *mp.WorkerError
	if !errors.As(err, &ee) || !errors.As(err, &we) || we.Signal != syscall.SIGKILL || ee.Index < 40 || ee.Index > 45 || we.Index != ee.Index {
		t.Errorf("%v", err)
	}
	for _, chunk := range []int{1, 7, 60} {
		in := slices.Repeat([]string{"die " + t.TempDir(), "x", "y"}, 20)
		want := strings.Repeat("diexy", 20)
		got, err := joined.Reduce(ctx, pool, slices.Values(in), mp.ChunkSize(chunk), mp.Retries(60))
		if got != want || err != nil {
			t.Errorf("%d at once: %q, %v", chunk, got, err)
		}
	}
}

// An error that is tried again is folded in its place.
func TestReduceRetriesErrors(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	again := mp.RetryIf(func(err error) bool { return errors.Is(err, errOwn) })
	_, err := joined.Reduce(ctx, pool, letters(100, 45, "error"), mp.ChunkSize(10), mp.Retries(2), again)
	var ee *mp.ElementError
	if !errors.As(err, &ee) || ee.Index != 45 || !errors.Is(err, errOwn) {
		t.Errorf("%v", err)
	}
	for _, chunk := range []int{1, 4, 40} {
		in := slices.Repeat([]string{"a", "b", "once " + t.TempDir(), "c"}, 10)
		got, err := joined.Reduce(ctx, pool, slices.Values(in), mp.ChunkSize(chunk), mp.Retries(40), again)
		if want := strings.Repeat("aboncec", 10); got != want || err != nil {
			t.Errorf("%d at once: %q, not %q, %v", chunk, got, want, err)
		}
	}
}

// The function that maps knows its input, whatever it gets at once.
func TestReduceKnowsItsInputs(t *testing.T) {
	in := slices.Values(slices.Repeat([]string{"index"}, 50))
	want, err := joined.Reduce(ctx, mp.InProcess(1), in, mp.ChunkSize(1), mp.Seed(3))
	if err != nil || !strings.HasPrefix(want, "0:") || !strings.Contains(want, ",49:") {
		t.Fatalf("%q, %v", want, err)
	}
	contract(t, func(t *testing.T, x mp.Executor) {
		for _, opts := range [][]mp.MapOption{{}, {mp.ChunkSize(7)}, {mp.ChunkSize(50)}} {
			if got, err := joined.Reduce(ctx, x, in, append(opts, mp.Seed(3))...); got != want || err != nil {
				t.Errorf("%v: %q, not %q, %v", opts, got, want, err)
			}
		}
	})
}

// When its context ends, it ends; and it takes no more inputs than it may while the first one takes its time.
func TestReduceWaits(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		notLeased(t, x)
		short, cancel := context.WithCancel(ctx)
		var pulled atomic.Int64
		done := make(chan error)
		go func() {
			_, err := joined.Reduce(short, x, func(yield func(string) bool) {
				for s := range letters(1<<60, 0, "wait") {
					if pulled.Add(1); !yield(s) {
						return
					}
				}
			}, mp.ChunkSize(1), mp.Window(100), mp.Grace(time.Minute))
			done <- err
		}()
		eventually(t, "it is full", func() bool { return pulled.Load() == 100 })
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if n := pulled.Load(); n > 101 {
			t.Errorf("%d inputs were pulled", n)
		}
	})
}
