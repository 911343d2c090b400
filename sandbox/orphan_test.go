//go:build linux

package sandbox

import (
	"context"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// middle is a process with a pool of its own, whose worker tells its number, and works on for good.
var middle *mp.Function[*shared.Queue[int], int]

var tell = mp.Func("tell", func(ctx context.Context, q *shared.Queue[int]) (int, error) {
	if err := q.Put(ctx, os.Getpid()); err != nil {
		return 0, err
	}
	for {
		number++ // nothing that ends by itself
	}
})

var number int

func init() {
	middle = mp.Func("middle", func(ctx context.Context, q *shared.Queue[int]) (int, error) {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, Sandbox: Policy{}.Task()})
		if err != nil {
			return 0, err
		}
		defer pool.Kill()
		return tell.Call(ctx, pool, q)
	})
}

// A worker in a sandbox dies with its parent, whatever it does.
func TestDiesWithItsParent(t *testing.T) {
	needs(t, Policy{})
	q, err := shared.NewQueue[int](shared.QueueConfig{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := middle.Start(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	pid, err := q.Get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		if n, err := unix.Poll(poll, -1); n == 1 {
			return
		} else if err != nil && !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
	}
}

var nest = mp.Func("nest", func(context.Context, int) (int, error) {
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		return 0, err
	}
	return 1, pool.Close()
})

// A worker in a sandbox cannot start others, and says so.
func TestNested(t *testing.T) {
	if got := call(t, nest, newPool(t, nil, mp.PoolConfig{}), 0); got != 1 {
		t.Errorf("outside: %d", got)
	}
	_, err := nest.Call(ctx, newPool(t, &Policy{}, mp.PoolConfig{}), 0)
	if !errors.Is(err, os.ErrPermission) {
		t.Errorf("%v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := Policy{Exec: loaded(t, self), ReadOnly: []string{"/proc", os.DevNull}}
	if got := call(t, nest, newPool(t, &p, mp.PoolConfig{}), 0); got != 1 {
		t.Errorf("with Exec: %d", got)
	}
}
