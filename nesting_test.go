//go:build linux

package mp_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
)

// nested opens a pool of its own and maps in it, so many levels deep, and returns the depths it saw on the way.
var nested *mp.Function[int, []int]

// nestAndMark is nested that notes its pid in a directory and then waits for ever, at the deepest level.
var nestAndMark *mp.Function[mp.Args2[int, string], int]

func init() { // their bodies use their own variables
	nested = mp.Func("nested", func(ctx context.Context, levels int) ([]int, error) {
		here := []int{mp.Current().Depth}
		if levels == 0 {
			return here, nil
		}
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
		if err != nil {
			return nil, err
		}
		defer pool.Close()
		if _, err := square.Map(ctx, pool, []int{1, 2, 3}); err != nil {
			return nil, err
		}
		below, err := nested.Call(ctx, pool, levels-1)
		return append(here, below...), err
	})
	nestAndMark = mp.Func2("nestAndMark", func(ctx context.Context, levels int, dir string) (int, error) {
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(os.Getpid())), []byte(strconv.Itoa(levels)), 0o600); err != nil {
			return 0, err
		}
		if levels == 0 {
			select {}
		}
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
		if err != nil {
			return 0, err
		}
		defer pool.Close()
		return nestAndMark.Call(ctx, pool, mp.Pack2(levels-1, dir))
	})
}

// W31, T126: a worker may have workers, and these may, too.
func TestNestedPools(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	depths, err := nested.Call(ctx, pool, 3)
	if err != nil || len(depths) != 4 {
		t.Fatal(depths, err)
	}
	for i, d := range depths {
		if d != i+1 {
			t.Errorf("depths %v", depths)
		}
	}
}

// W20: a worker that is killed takes everything that it has started with it, however deep; the pool heals.
func TestKillTakesGrandchildren(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1})
	dir := t.TempDir()
	fut := nestAndMark.Go(ctx, pool, mp.Pack2(2, dir))
	var pids []int
	eventually(t, "three levels run", func() bool {
		files, _ := os.ReadDir(dir)
		return len(files) == 3
	})
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		pid, err := strconv.Atoi(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if err := syscall.Kill(pool.Workers()[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := fut.Wait(ctx); err == nil {
		t.Error("the call of a killed worker succeeded")
	}
	for _, pid := range pids {
		eventually(t, "the process has ended: "+strconv.Itoa(pid), func() bool { return proctest.Ended(pid) })
	}
	if v, err := square.Call(ctx, pool, 9); v != 81 || err != nil {
		t.Errorf("afterwards: %d, %v", v, err)
	}
}
