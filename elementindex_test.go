//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// whichElement returns the index of its element, or -2 if it has none and says so.
var whichElement = mp.Func("whichElement", func(ctx context.Context, pause time.Duration) (int, error) {
	if pause > 0 {
		<-time.After(pause)
	}
	derived, stop := context.WithCancel(ctx)
	stop()
	i, ok := mp.ElementIndex(derived)
	if !ok {
		i--
	}
	return i, nil
})

// whichElementDies is whichElement in a worker that dies at each third element, once.
var whichElementDies = mp.Func("whichElementDies", dieOnce)

// dieOnce kills its process at each third element, once: that it did, a file in a directory tells.
func dieOnce(ctx context.Context, dir string) (int, error) {
	i, _ := mp.ElementIndex(ctx)
	if i%3 != 0 {
		return i, nil
	}
	f, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(i)), os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return i, nil
	}
	if err != nil {
		return i, err
	}
	f.Close()
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func countTo(n int) []int {
	want := make([]int, n)
	for i := range want {
		want[i] = i
	}
	return want
}

// An element knows its index, in batches of any size, also of those that were split because others idled.
func TestElementIndex(t *testing.T) {
	in := make([]time.Duration, 300)
	in[0], in[17] = 20*time.Millisecond, 20*time.Millisecond // what is behind them moves to other workers
	contract(t, func(t *testing.T, x mp.Executor) {
		for _, opts := range [][]mp.MapOption{nil, {mp.ChunkSize(1)}, {mp.ChunkSize(7)}, {mp.ChunkSize(300)}, {mp.Seed(1), mp.ChunkSize(50)}} {
			got, err := whichElement.Map(ctx, x, in, opts...)
			if err != nil || !slices.Equal(got, countTo(len(in))) {
				t.Errorf("%v: %v, %v", opts, got, err)
			}
			n := 0
			for i, r := range whichElement.Results(ctx, x, slices.Values(in), opts...) {
				if n++; r.Value != i || r.Err != nil {
					t.Errorf("%v: element %d takes itself for %d, %v", opts, i, r.Value, r.Err)
				}
			}
			if n != len(in) {
				t.Errorf("%v: %d results", opts, n)
			}
		}
		if i, err := whichElement.Call(ctx, x, 0); i != -2 || err != nil {
			t.Errorf("a call has the index %d, %v", i, err)
		}
	})
	if i, ok := mp.ElementIndex(ctx); i != -1 || ok {
		t.Errorf("outside there is an element %d", i)
	}
}

// An element has its index as well when its worker died and it runs once more elsewhere.
func TestElementIndexOfRetries(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2, Retries: 10})
	for _, chunk := range []int{1, 4, 30} {
		t.Run(fmt.Sprint(chunk), func(t *testing.T) {
			dir := t.TempDir()
			in := slices.Repeat([]string{dir}, 30)
			got, err := whichElementDies.Map(ctx, pool, in, mp.ChunkSize(chunk))
			if err != nil || !slices.Equal(got, countTo(len(in))) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// A process of its own has no element.
func TestElementIndexOfAProcess(t *testing.T) {
	noLeaks(t)
	p, err := whichElement.Start(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	if i, err := p.Wait(ctx); i != -2 || err != nil {
		t.Errorf("it has the index %d, %v", i, err)
	}
}
