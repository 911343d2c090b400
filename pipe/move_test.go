//go:build linux

package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
)

// moved is what the functions below get: an end, perhaps deep in a structure.
type moved struct {
	Name string
	Ends map[string][]*Conn
}

var (
	echoes   = mp.Func("echoes", func(ctx context.Context, c *Conn) (int, error) { return echo(ctx, c) })
	deepEcho = mp.Func("deepEcho", func(ctx context.Context, m moved) (int, error) { return echo(ctx, m.Ends[m.Name][1]) })
	passes   = mp.Func("passes", func(_ context.Context, c *Conn) (*Conn, error) { return c, nil })
	says     = mp.Func("says", func(ctx context.Context, a mp.Args2[*Conn, string]) (int, error) {
		return len(a.B), errors.Join(Send(ctx, a.A, a.B), a.A.Close())
	})
	hears = mp.Func("hears", func(ctx context.Context, c *Conn) (string, error) {
		s, err := Recv[string](ctx, c)
		return s, errors.Join(err, c.Close())
	})
	makes = mp.Func("makes", func(ctx context.Context, s string) (*Conn, error) {
		here, there, err := New()
		if err != nil {
			return nil, err
		}
		return there, errors.Join(Send(ctx, here, s), here.Close())
	})
	fetches = mp.Func("fetches", func(ctx context.Context, c *Conn) (string, error) {
		inner, err := Recv[*Conn](ctx, c)
		if err != nil {
			return "", err
		}
		s, err := Recv[string](ctx, inner)
		return s, errors.Join(err, inner.Close(), c.Close())
	})
	answers = mp.Func("answers", func(ctx context.Context, ends []*Conn) (int, error) {
		for i, c := range ends {
			if err := errors.Join(Send(ctx, c, i), c.Close()); err != nil {
				return i, err
			}
		}
		return len(ends), nil
	})
	takesFiles = mp.Func("takesFiles", func(ctx context.Context, c *Conn) (string, error) {
		defer c.Close()
		all := ""
		for {
			f, err := c.RecvFile(ctx)
			if errors.Is(err, io.EOF) {
				return all, nil
			}
			if err != nil {
				return all, err
			}
			b := make([]byte, 10)
			n, _ := f.ReadAt(b, 0)
			f.Close()
			all += string(b[:n])
		}
	})
	receives = mp.Func("receives", func(ctx context.Context, c *Conn) (bool, error) {
		defer c.Close()
		b, err := c.RecvBytes(ctx)
		return isPattern(b, len(b)) && len(b) > 0, err
	})
	relay *mp.Function[mp.Args2[*Conn, int], *Conn]
)

func init() {
	relay = mp.Func("relay", func(ctx context.Context, a mp.Args2[*Conn, int]) (*Conn, error) {
		if a.B == 0 {
			return a.A, Send(ctx, a.A, os.Getpid())
		}
		p, err := relay.Start(ctx, mp.Pack2(a.A, a.B-1))
		if err != nil {
			return nil, err
		}
		return p.Wait(ctx)
	})
}

// echo sends back what comes, until the end, and tells how much that was.
func echo(ctx context.Context, c *Conn) (n int, err error) {
	defer c.Close()
	for {
		b, err := c.RecvBytes(ctx)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err == nil {
			err = c.SendBytes(ctx, b)
		}
		if err != nil {
			return n, err
		}
		n++
	}
}

// talk has messages echoed.
func talk(t testing.TB, c *Conn) {
	t.Helper()
	for _, n := range []int{0, 1, 1000, 300_000, 1} {
		done := make(chan error, 1)
		go func() { done <- c.SendBytes(ctx, pattern(n)) }()
		b, err := c.RecvBytes(ctx)
		ok(t, errors.Join(err, <-done))
		if !isPattern(b, n) {
			t.Errorf("%d bytes came back as %d others", n, len(b))
		}
	}
}

// newEnds is a pair of which the test looks after the first only.
func newEnds(t testing.TB) (here, there *Conn) {
	t.Helper()
	here, there, err := New()
	ok(t, err)
	t.Cleanup(func() { ok(t, here.Close()) })
	return here, there
}

// onBoth runs a test with workers that are processes, and with goroutines.
func onBoth(t *testing.T, test func(*testing.T, mp.Executor)) {
	t.Run("processes", func(t *testing.T) {
		noLeaks(t)
		test(t, newPool(t, 2))
	})
	t.Run("goroutines", func(t *testing.T) {
		x := goroutines()
		noLeaks(t)
		test(t, x)
	})
}

// goroutines is made once: they stay.
var goroutines = sync.OnceValue(func() mp.Executor {
	x := mp.InProcess(2)
	_, _ = passes.Call(ctx, x, nil) // starts them
	return x
})

func newPool(t testing.TB, workers int) *mp.Pool {
	t.Helper()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: workers})
	ok(t, err)
	t.Cleanup(func() { ok(t, pool.Close()) })
	return pool
}

// T153, T171, H15: the child has its end, the parent's copy is closed, and may be closed again at once.
func TestMoveToAProcess(t *testing.T) {
	noLeaks(t)
	here, there := newEnds(t)
	p, err := echoes.Start(ctx, there)
	ok(t, err)
	wants(t, "SendBytes after the move", there.SendBytes(ctx, nil), ErrMoved)
	wants(t, "SendBytes after the move", there.SendBytes(ctx, nil), ErrClosed)
	_, err = there.RecvBytes(ctx)
	wants(t, "RecvBytes after the move", err, ErrMoved)
	ok(t, there.Close())
	talk(t, here)
	ok(t, here.Close())
	if n, err := p.Wait(ctx); n != 5 || err != nil {
		t.Error(n, err)
	}
}

// F132: the end of a process is the end of its connections, and nobody else has a copy.
func TestEndOfTheProcess(t *testing.T) {
	noLeaks(t)
	here, there := newEnds(t)
	others := newPool(t, 2) // siblings inherit nothing
	p, err := echoes.Start(ctx, there)
	ok(t, err)
	later := newPool(t, 1)
	talk(t, here)
	ok(t, p.Kill())
	_, err = here.RecvBytes(ctx)
	wants(t, "RecvBytes", err, io.EOF)
	_, _ = p.Wait(ctx)
	runtime.KeepAlive([]any{others, later})
}

// F133: as an argument, deep in a structure, as a result, there and back.
func TestMoveByCalls(t *testing.T) {
	onBoth(t, func(t *testing.T, x mp.Executor) {
		here, there := newEnds(t)
		fut := deepEcho.Go(ctx, x, moved{"b", map[string][]*Conn{"a": nil, "b": {nil, there}}})
		talk(t, here)
		ok(t, here.Close())
		if n, err := fut.Wait(ctx); n != 5 || err != nil {
			t.Error(n, err)
		}

		c, err := makes.Call(ctx, x, "from inside")
		ok(t, err)
		defer c.Close()
		for range 10 {
			c, err = passes.Call(ctx, x, c)
			ok(t, err)
		}
		s, err := Recv[string](ctx, c)
		if s != "from inside" || err != nil {
			t.Error(s, err)
		}
		_, err = Recv[string](ctx, c)
		wants(t, "Recv at the end", err, io.EOF)
		ok(t, c.Close())
	})
}

// An end goes down three generations and comes back up, with what was sent meanwhile.
func TestMoveThroughGenerations(t *testing.T) {
	noLeaks(t)
	here, there := newEnds(t)
	ok(t, Send(ctx, here, "down"))
	p, err := relay.Start(ctx, mp.Pack2(there, 2))
	ok(t, err)
	ok(t, Send(ctx, here, "up"))
	back, err := p.Wait(ctx)
	ok(t, err)
	defer back.Close()
	if pid, err := Recv[int](ctx, here); pid == os.Getpid() || pid == p.PID() || err != nil {
		t.Error(pid, err)
	}
	for _, want := range []string{"down", "up"} {
		if s, err := Recv[string](ctx, back); s != want || err != nil {
			t.Errorf("%q, %v", s, err)
		}
	}
}

// T171: through another connection, whose other end may have ended by then.
func TestMoveThroughAConnection(t *testing.T) {
	onBoth(t, func(t *testing.T, x mp.Executor) {
		outer, outerThere := newEnds(t)
		inner, innerThere := newEnds(t)
		ok(t, Send(ctx, inner, "in the inner one"))
		ok(t, Send(ctx, outer, innerThere))
		ok(t, outer.Close())
		ok(t, inner.Close())
		if s, err := fetches.Call(ctx, x, outerThere); s != "in the inner one" || err != nil {
			t.Error(s, err)
		}
	})
}

// T171: connections of every family move, but for those whose keys would have to.
func TestMoveOnEveryNetwork(t *testing.T) {
	for _, n := range networks() {
		t.Run(n.name, func(t *testing.T) {
			noLeaks(t)
			here, there := by(t, n.name).meet(t)
			p, err := echoes.Start(ctx, there)
			if n.listener.TLS != nil {
				wants(t, "with TLS", err, errors.ErrUnsupported)
				ok(t, Send(ctx, there, "stays"))
				s, err := Recv[string](ctx, here)
				if s != "stays" || err != nil {
					t.Error(s, err)
				}
				return
			}
			ok(t, err)
			ok(t, there.Close())
			talk(t, here)
			ok(t, here.Close())
			if n, err := p.Wait(ctx); n != 5 || err != nil {
				t.Error(n, err)
			}
		})
	}
}

// Both ends go, to two processes.
func TestMoveBothEnds(t *testing.T) {
	onBoth(t, func(t *testing.T, x mp.Executor) {
		a, b, err := New()
		ok(t, err)
		heard := hears.Go(ctx, x, b)
		if n, err := says.Call(ctx, x, mp.Pack2(a, "hello")); n != 5 || err != nil {
			t.Error(n, err)
		}
		if s, err := heard.Wait(ctx); s != "hello" || err != nil {
			t.Error(s, err)
		}
	})
}

// A worker that ends, or is killed, when its result was read has no part in it any more.
func TestSenderEnds(t *testing.T) {
	noLeaks(t)
	p, err := makes.Start(ctx, "from the dead")
	ok(t, err)
	ended, err := p.Wait(ctx)
	ok(t, err)
	pool := newPool(t, 1)
	killed, err := makes.Call(ctx, pool, "from the dead")
	ok(t, err)
	worker := pool.Workers()[0].PID
	ok(t, syscall.Kill(worker, syscall.SIGKILL))
	eventually(t, "the worker is another", func() bool { return pool.Workers()[0].PID != worker })
	for _, c := range []*Conn{ended, killed} {
		if s, err := Recv[string](ctx, c); s != "from the dead" || err != nil {
			t.Error(s, err)
		}
		ok(t, c.Close())
	}
}

// Many at a time, and each goes to its place.
func TestMoveMany(t *testing.T) {
	const many = 300
	onBoth(t, func(t *testing.T, x mp.Executor) {
		var here, there []*Conn
		for range many {
			a, b := newEnds(t)
			here, there = append(here, a), append(there, b)
		}
		if n, err := answers.Call(ctx, x, there); n != many || err != nil {
			t.Fatal(n, err)
		}
		for i, c := range here {
			if n, err := Recv[int](ctx, c); n != i || err != nil {
				t.Fatal(i, n, err)
			}
		}
	})
}

// An element that is given to a worker and taken back again still has its end.
func TestMoveByMaps(t *testing.T) {
	const many = 200
	onBoth(t, func(t *testing.T, x mp.Executor) {
		var here, there []*Conn
		for i := range many {
			a, b := newEnds(t)
			here, there = append(here, a), append(there, b)
			if i > 0 {
				ok(t, Send(ctx, a, fmt.Sprint(i)))
			}
		}
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { // the first holds its worker up, and what waits behind it moves to the other
			for i, c := range here[1:] {
				if _, err := Recv[int](ctx, c); !errors.Is(err, io.EOF) {
					t.Error(i+1, err)
				}
				if i == many/2 {
					if err := Send(ctx, here[0], "0"); err != nil {
						t.Error(err)
					}
				}
			}
		})
		all, err := hears.Map(ctx, x, there, mp.ChunkSize(many/2))
		ok(t, err)
		for i, s := range all {
			if s != fmt.Sprint(i) {
				t.Errorf("%d got what is for %s", i, s)
			}
		}
	})
}
