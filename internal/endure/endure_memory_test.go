//go:build linux

package endure

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/mptest"
)

// memoryGroup makes a control group for so much memory, of whichever version there is; the test is skipped where it can't be had.
func memoryGroup(t *testing.T, limit int64) (dir string) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Skip(err)
	}
	var why []error
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		var root, file string
		switch {
		case len(parts) == 3 && strings.Contains(","+parts[1]+",", ",memory,"):
			root, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		case len(parts) == 3 && parts[1] == "":
			root, file = "/sys/fs/cgroup", "memory.max"
		default:
			continue
		}
		dir = filepath.Join(root, parts[2], fmt.Sprintf("mp-endure-%d", os.Getpid()))
		err := os.Mkdir(dir, 0o700)
		if err == nil {
			t.Cleanup(func() {
				if err := os.Remove(dir); err != nil {
					t.Error(err)
				}
			})
			if err = os.WriteFile(filepath.Join(dir, file), []byte(strconv.FormatInt(limit, 10)), 0o600); err == nil {
				return dir
			}
		}
		why = append(why, err)
	}
	t.Skip("no control group with a limit on memory: ", errors.Join(why...))
	return ""
}

// hog takes memory until its context ends, which it does not live to see.
var hog = mp.Func("endure.hog", func(ctx context.Context, _ int) (int, error) {
	var all [][]byte
	for ctx.Err() == nil {
		b := make([]byte, mib)
		for i := 0; i < len(b); i += 4 * kib {
			b[i] = 1
		}
		all = append(all, b)
	}
	return len(all), nil
})

// In a control group whose memory is used up the kernel ends the largest process. That is the worker that took it: its element alone fails,
// and is told why.
func TestMemoryPressure(t *testing.T) {
	const limit = 192 * mib
	if os.Getenv(envInside) == "" {
		inside(t, surrounding{how: memoryGroup(t, limit)})
		return
	}
	if err := os.WriteFile(filepath.Join(os.Getenv("MP_ENDURE_HOW"), "cgroup.procs"), []byte("0"), 0o600); err != nil {
		t.Skip(err)
	}
	work(t, "with enough memory")
	mptest.NoLeaks(t)
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, err := hog.Call(ctx, pool, 0)
		if we, ok := errors.AsType[*mp.WorkerError](err); !ok || !we.OOM {
			t.Errorf("the one that took it all: %v", err)
		}
		if errs := outcomes(t, pool, 1000); len(errs) > 0 {
			t.Errorf("others: %v", errs)
		}
	}
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
	work(t, "afterwards")
}
