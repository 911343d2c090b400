//go:build linux

package mp_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/go-multiproc/mp"
)

type dice struct{ First, Second uint64 }

// throwDice asks for the source twice.
var throwDice = mp.Func("throwDice", func(ctx context.Context, _ string) (dice, error) {
	first := mp.Rand(ctx).Uint64()
	derived, stop := context.WithCancel(ctx)
	defer stop()
	return dice{first, mp.Rand(derived).Uint64()}, nil
})

// throwDiceDying is throwDice in a worker that dies at each third element, once.
var throwDiceDying = mp.Func("throwDiceDying", func(ctx context.Context, dir string) (dice, error) {
	d := dice{mp.Rand(ctx).Uint64(), mp.Rand(ctx).Uint64()}
	_, err := dieOnce(ctx, dir)
	return d, err
})

// The numbers of a seed are the same in every version.
func TestSeedIsStable(t *testing.T) {
	want := []dice{
		{0x91b0d7ae66239e39, 0xbf613f6e39719c11}, {0xdaa798d4694ba0b5, 0x5e705757f1389d62}, {0xf0511c96e89639bd, 0x306a7d3c2c45ca1b},
	}
	got, err := throwDice.Map(ctx, mp.InProcess(1), make([]string, 3), mp.Seed(42))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%#v, %v", got, err)
	}
}

// What an element draws depends on the seed and its index alone.
func TestSeedWhereverItRuns(t *testing.T) {
	const n = 100
	in := make([]string, n)
	want, err := throwDice.Map(ctx, mp.InProcess(2), in, mp.Seed(7))
	if err != nil {
		t.Fatal(err)
	}
	noLeaks(t)
	seen := make(map[uint64]bool)
	for _, d := range want {
		seen[d.First], seen[d.Second] = true, true
	}
	if len(seen) != 2*n {
		t.Errorf("%d different numbers of %d", len(seen), 2*n)
	}
	long := slices.Repeat([]string{"an argument that does not fit into a slot"}, n)
	fits := slices.Repeat([]string{"12345678901234567890"}, n) // into one without a seed
	for _, workers := range []int{1, 2, 7} {
		pool := newPool(t, mp.PoolConfig{Workers: workers, Retries: 10})
		for _, opts := range [][]mp.MapOption{{}, {mp.ChunkSize(1)}, {mp.ChunkSize(13)}, {mp.ChunkSize(n)}} {
			for _, in := range [][]string{in, long, fits} {
				got, err := throwDice.Map(ctx, pool, in, append(opts, mp.Seed(7))...)
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("%d workers, %v: %v, not %v, %v", workers, opts, got, want, err)
				}
			}
			got, err := throwDiceDying.Map(ctx, pool, slices.Repeat([]string{t.TempDir()}, 20), append(opts, mp.Seed(7))...)
			if err != nil || !slices.Equal(got, want[:20]) {
				t.Errorf("%d workers that die, %v: %v, not %v, %v", workers, opts, got, want[:20], err)
			}
		}
		if d, err := throwDice.Call(ctx, pool, "", mp.Seed(7)); d != want[0] || err != nil {
			t.Errorf("a call: %v, not %v, %v", d, want[0], err)
		}
	}
}

// Without a seed, or with another, the numbers are others.
func TestSeedOthers(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		seen := make(map[dice]string)
		for _, opts := range [][]mp.MapOption{{}, {}, {mp.Seed(0)}, {mp.Seed(1)}, {mp.Seed(1 << 63)}} {
			got, err := throwDice.Map(ctx, x, make([]string, 50), opts...)
			if err != nil {
				t.Fatal(err)
			}
			for i, d := range got {
				if old, ok := seen[d]; ok {
					t.Errorf("element %d with %v draws the same as %s", i, opts, old)
				}
				seen[d] = fmt.Sprintf("element %d with %v", i, opts)
			}
		}
	})
	if mp.Rand(ctx).Uint64() == mp.Rand(ctx).Uint64() {
		t.Error("two sources outside of functions are one")
	}
}
