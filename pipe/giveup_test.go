//go:build linux

package pipe

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// notHere is an argument that no worker can decode; its end comes behind what is wrong.
type notHere struct {
	Bad badIn
	End *Conn
}

type badIn struct{}

func (badIn) MarshalBinary() ([]byte, error)  { return nil, nil }
func (*badIn) UnmarshalBinary(b []byte) error { return errors.New("not here") }

// notOut is an argument that cannot be encoded; its end comes before what is wrong.
type notOut struct {
	End *Conn
	Bad badOut
}

type badOut struct{}

func (badOut) MarshalBinary() ([]byte, error)  { return nil, errors.New("not out") }
func (*badOut) UnmarshalBinary(b []byte) error { return nil }

var (
	decodesNot = mp.Func("decodesNot", func(_ context.Context, a notHere) (int, error) { return 1, a.End.Close() })
	encodesNot = mp.Func("encodesNot", func(_ context.Context, a notOut) (int, error) { return 1, a.End.Close() })
	occupies   = mp.Func("occupies", func(ctx context.Context, c *Conn) (int, error) {
		defer c.Close()
		if err := Send(ctx, c, os.Getpid()); err != nil {
			return 0, err
		}
		_, err := c.RecvBytes(ctx)
		return 0, err
	})
	makesLate = mp.Func("makesLate", func(_ context.Context, a mp.Args2[*Conn, *Conn]) (*Conn, error) {
		defer a.A.Close()
		if err := Send(context.Background(), a.A, os.Getpid()); err != nil {
			return nil, err
		}
		_, err := a.A.RecvBytes(context.Background()) // until nobody wants the result any more
		return a.B, err
	})
)

// gone checks that the other end of a connection is no more.
func gone(t *testing.T, what string, c *Conn) {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err := c.RecvBytes(limited)
	wants(t, what, err, io.EOF)
}

// An end that was sent and did not arrive, for whatever reason, is closed: nobody waits for it for ever.
func TestGiveUp(t *testing.T) {
	for what, send := range map[string]func(t *testing.T, c *Conn) error{
		"Start: no such directory": func(t *testing.T, c *Conn) error {
			_, err := echoes.Start(ctx, c, mp.Dir("/nowhere"))
			return err
		},
		"Start: killed at once": func(t *testing.T, c *Conn) error {
			p, err := echoes.Start(ctx, c)
			ok(t, err)
			_ = p.Kill()
			_, err = p.Wait(ctx)
			return err
		},
		"Start: ctx ends at once": func(t *testing.T, c *Conn) error {
			limited, cancel := context.WithCancel(ctx)
			p, err := echoes.Start(limited, c)
			ok(t, err)
			cancel()
			_, err = p.Wait(ctx)
			return err
		},
		"Start: no Main": func(t *testing.T, c *Conn) error {
			p, err := echoes.Start(ctx, c, mp.Env([]string{"MP_PIPE_NO_MAIN=1"}))
			ok(t, err)
			_, err = p.Wait(ctx)
			wants(t, "Start", err, mp.ErrNotMain)
			return err
		},
		"Start: cannot be decoded": func(t *testing.T, c *Conn) error {
			p, err := decodesNot.Start(ctx, notHere{End: c})
			ok(t, err)
			_, err = p.Wait(ctx)
			return err
		},
		"Start: cannot be encoded": func(t *testing.T, c *Conn) error {
			_, err := encodesNot.Start(ctx, notOut{End: c})
			return err
		},
		"Call: a closed pool": func(t *testing.T, c *Conn) error {
			pool := newPool(t, 1)
			ok(t, pool.Close())
			_, err := echoes.Call(ctx, pool, c)
			return err
		},
		"Call: cannot be decoded": func(t *testing.T, c *Conn) error {
			_, err := decodesNot.Call(ctx, newPool(t, 1), notHere{End: c})
			return err
		},
		"Call: cannot be encoded": func(t *testing.T, c *Conn) error {
			_, err := encodesNot.Call(ctx, newPool(t, 1), notOut{End: c})
			return err
		},
		"Map: cannot be decoded": func(t *testing.T, c *Conn) error {
			_, err := decodesNot.Map(ctx, newPool(t, 1), []notHere{{End: c}})
			return err
		},
		"Map: cannot be encoded": func(t *testing.T, c *Conn) error {
			_, err := encodesNot.Map(ctx, newPool(t, 1), []notOut{{End: c}})
			return err
		},
		"Send: the other end is closed": func(t *testing.T, c *Conn) error {
			a, b, err := New()
			ok(t, errors.Join(err, b.Close()))
			return errors.Join(Send(ctx, a, c), a.Close())
		},
		"Send: a context that ends": func(t *testing.T, c *Conn) error {
			a, _ := pair(t)
			for a.TrySendBytes(make([]byte, 8)) == nil {
			}
			limited, cancel := context.WithTimeout(ctx, short)
			defer cancel()
			return Send(limited, a, c)
		},
		"Recv of another type": func(t *testing.T, c *Conn) error {
			a, b := pair(t)
			ok(t, Send(ctx, a, c))
			_, err := Recv[string](ctx, b)
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			noLeaks(t)
			here, there := newEnds(t)
			if err := send(t, there); err == nil {
				t.Fatal("no error")
			}
			gone(t, what, here)
		})
	}
}

// busy is a pool whose only worker waits for a message.
func busy(t *testing.T) (*mp.Pool, *Conn) {
	t.Helper()
	pool := newPool(t, 1)
	c, there := newEnds(t)
	fut := occupies.Go(ctx, pool, there)
	t.Cleanup(func() {
		_ = c.Close()
		_, _ = fut.Wait(ctx)
	})
	_, err := Recv[int](ctx, c)
	ok(t, err)
	return pool, c
}

// An end that waits behind a busy worker is given up with what it is an argument of.
func TestGiveUpBehindOthers(t *testing.T) {
	for what, send := range map[string]func(t *testing.T, pool *mp.Pool, occupant, c *Conn){
		"Go and Cancel": func(t *testing.T, pool *mp.Pool, _, c *Conn) {
			fut := echoes.Go(ctx, pool, c)
			fut.Cancel()
			_, err := fut.Wait(ctx)
			wants(t, "Wait", err, context.Canceled)
		},
		"Call whose context ends": func(t *testing.T, pool *mp.Pool, _, c *Conn) {
			limited, cancel := context.WithTimeout(ctx, short)
			defer cancel()
			_, err := echoes.Call(limited, pool, c)
			wants(t, "Call", err, context.DeadlineExceeded)
		},
		"Map whose context ends": func(t *testing.T, pool *mp.Pool, _, c *Conn) {
			limited, cancel := context.WithTimeout(ctx, short)
			defer cancel()
			_, err := echoes.Map(limited, pool, []*Conn{c})
			wants(t, "Map", err, context.DeadlineExceeded)
		},
		"Results whose context ends": func(t *testing.T, pool *mp.Pool, _, c *Conn) {
			limited, cancel := context.WithTimeout(ctx, short)
			defer cancel()
			for _, r := range echoes.Results(limited, pool, func(yield func(*Conn) bool) { yield(c) }) {
				wants(t, "Results", r.Err, context.DeadlineExceeded)
			}
		},
		"Kill": func(t *testing.T, pool *mp.Pool, _, c *Conn) {
			fut := echoes.Go(ctx, pool, c)
			ok(t, pool.Kill())
			_, err := fut.Wait(ctx)
			wants(t, "Wait", err, mp.ErrClosed)
		},
	} {
		t.Run(what, func(t *testing.T) {
			noLeaks(t)
			pool, occupant := busy(t)
			here, there := newEnds(t)
			send(t, pool, occupant, there)
			gone(t, what, here)
		})
	}
}

// What waits behind a worker that is killed goes to the next one, with its end.
func TestMovesOnFromADeadWorker(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, 1)
	occupant, there := newEnds(t)
	dying := occupies.Go(ctx, pool, there)
	pid, err := Recv[int](ctx, occupant)
	ok(t, err)
	here, there := newEnds(t)
	fut := echoes.Go(ctx, pool, there)
	p, err := os.FindProcess(pid)
	ok(t, err)
	ok(t, p.Kill())
	if _, err := dying.Wait(ctx); err == nil {
		t.Error("no error")
	}
	talk(t, here)
	ok(t, here.Close())
	_, err = fut.Wait(ctx)
	ok(t, err)
}

// A result that comes when nobody wants it any more is given up.
func TestGiveUpResults(t *testing.T) {
	for what, call := range map[string]func(t *testing.T, pool *mp.Pool, a mp.Args2[*Conn, *Conn], begun func()){
		"Go and Cancel": func(t *testing.T, pool *mp.Pool, a mp.Args2[*Conn, *Conn], begun func()) {
			fut := makesLate.Go(ctx, pool, a, mp.Grace(time.Hour))
			begun()
			fut.Cancel()
		},
		"Map whose context ends": func(t *testing.T, pool *mp.Pool, a mp.Args2[*Conn, *Conn], begun func()) {
			limited, cancel := context.WithCancel(ctx)
			var wg sync.WaitGroup
			wg.Go(func() {
				_, err := makesLate.Map(limited, pool, []mp.Args2[*Conn, *Conn]{a}, mp.Grace(time.Hour))
				wants(t, "Map", err, context.Canceled)
			})
			begun()
			cancel()
			wg.Wait()
		},
	} {
		t.Run(what, func(t *testing.T) {
			noLeaks(t)
			pool := newPool(t, 1)
			lets, waits := newEnds(t)
			here, there := newEnds(t)
			call(t, pool, mp.Pack2(waits, there), func() {
				_, err := Recv[int](ctx, lets)
				ok(t, err)
			})
			ok(t, lets.SendBytes(ctx, nil))
			gone(t, what, here)
		})
	}
}
