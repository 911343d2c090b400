//go:build linux

package manager_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/pipe"
	"github.com/go-multiproc/mp/shared"
)

// start starts a server process, which is stopped at the end of the test.
func start(t *testing.T) *manager.Manager {
	t.Helper()
	m, err := manager.Start(manager.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Stop(ctx) }) // what it returns is a test of its own
	return m
}

// A tool is what a client process gets: objects, and an end to say what it does.
type tool struct {
	What  string
	Say   *pipe.Conn
	Dict  *manager.Dict[string, []byte]
	Mutex *manager.Mutex
	Sleep *manager.Object[*counter]
}

func newTool(m *manager.Manager, what string) (k tool, listen *pipe.Conn) {
	k = tool{What: what, Dict: must(manager.NewDict[string, []byte](m)), Mutex: must(manager.NewMutex(m)), Sleep: must(counters.New(ctx, m, 0))}
	listen, say, err := pipe.New()
	if err != nil {
		panic(err)
	}
	k.Say = say
	return k, listen
}

// A client process says "ready", does one thing, and says what came of it.
var client = mp.Func("manager_test.client", func(ctx context.Context, k tool) (string, error) {
	defer k.Say.Close()
	var err error
	switch k.What {
	case "idle":
		err = errors.Join(k.Dict.Set(ctx, "a", nil), k.ready(ctx), k.asked(ctx))
		if err == nil {
			_, err = k.Dict.Get(ctx, "a")
		}
	case "holds":
		err = errors.Join(k.Mutex.Lock(ctx), k.ready(ctx))
		<-ctx.Done()
	case "waits":
		if err = k.ready(ctx); err == nil {
			err = k.Mutex.Lock(ctx)
		}
	case "runs":
		if err = k.ready(ctx); err == nil {
			_, err = counterWait.Call(ctx, k.Sleep)
		}
	case "sends":
		if err = k.ready(ctx); err == nil {
			v := make([]byte, 32<<20)
			for err == nil {
				err = k.Dict.Set(ctx, "large", v)
			}
		}
	case "receives":
		if err = errors.Join(k.Dict.Set(ctx, "large", make([]byte, 32<<20)), k.ready(ctx)); err == nil {
			for err == nil {
				_, err = k.Dict.Get(ctx, "large")
			}
		}
	}
	switch {
	case errors.Is(err, manager.ErrClosed):
		return "closed", nil
	case err != nil:
		return "", err
	}
	return "fine", nil
})

func (k tool) ready(ctx context.Context) error { return pipe.Send(ctx, k.Say, os.Getpid()) }

// asked waits until the test says something.
func (k tool) asked(ctx context.Context) error {
	_, err := k.Say.RecvBytes(ctx)
	return err
}

// W34: whatever its clients do when the server is killed, each call fails with ErrClosed, at once, and so does every later one.
func TestServerKilled(t *testing.T) {
	for _, what := range []string{"idle", "waits", "runs", "sends", "receives"} {
		t.Run(what, func(t *testing.T) {
			m := start(t)
			k, listen := newTool(m, what)
			defer listen.Close()
			if err := k.Mutex.Lock(ctx); err != nil {
				t.Fatal(err)
			}
			p, err := client.Start(ctx, k)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			must(pipe.Recv[int](ctx, listen))
			busy(t, m, what)
			var waiting sync.WaitGroup
			waiting.Go(func() {
				if err := k.Mutex.Lock(ctx); !errors.Is(err, manager.ErrClosed) {
					t.Errorf("who waits here: %v", err)
				}
			})
			if err := syscall.Kill(m.PID(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if what == "idle" {
				if err := listen.SendBytes(ctx, nil); err != nil {
					t.Fatal(err)
				}
			}
			if said, err := p.Wait(ctx); said != "closed" || err != nil {
				t.Errorf("the client: %q, %v", said, err)
			}
			waiting.Wait()
			if _, err := k.Dict.Get(ctx, "a"); !errors.Is(err, manager.ErrClosed) {
				t.Errorf("a call after that: %v", err)
			}
			if _, err := manager.NewDict[int, int](m); !errors.Is(err, manager.ErrClosed) {
				t.Errorf("an object after that: %v", err)
			}
			if err := m.Stop(ctx); err != nil {
				t.Errorf("Stop after that: %v", err)
			}
		})
	}
}

// busy waits until a client's call has arrived in the server.
func busy(t *testing.T, m *manager.Manager, what string) {
	t.Helper()
	switch what {
	case "waits":
		eventually(t, "the client waits", func() bool { return must(m.Stats(ctx)).Waiting > 0 })
	case "runs":
		eventually(t, "the client's method runs", func() bool { return must(m.Stats(ctx)).Running > 0 })
	case "sends", "receives":
		before := must(m.Stats(ctx)).Calls
		eventually(t, "the client is busy", func() bool { return must(m.Stats(ctx)).Calls > before+20 })
	}
}

// W34: what a client has in the server goes with it, whatever it was at when it was killed, and the server serves others.
func TestClientKilled(t *testing.T) {
	for _, what := range []string{"idle", "holds", "waits", "runs", "sends", "receives"} {
		t.Run(what, func(t *testing.T) {
			m := start(t)
			k, listen := newTool(m, what)
			defer listen.Close()
			if what == "waits" {
				if err := k.Mutex.Lock(ctx); err != nil {
					t.Fatal(err)
				}
			}
			p, err := client.Start(ctx, k)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			must(pipe.Recv[int](ctx, listen))
			busy(t, m, what)
			if err := p.Kill(); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Wait(ctx); err == nil {
				t.Error("it was not killed")
			}
			eventually(t, "its session has ended", func() bool {
				s := must(m.Stats(ctx))
				return s.Clients == 1 && s.Running == 0 && s.Waiting == 0
			})
			switch err := k.Mutex.Lock(withTimeout(t)); {
			case what == "holds" && !errors.Is(err, shared.ErrOwnerDied):
				t.Errorf("the lock of a dead client: %v", err)
			case what == "waits" && !errors.Is(err, context.DeadlineExceeded):
				t.Errorf("the lock that is held here: %v", err)
			case what != "holds" && what != "waits" && err != nil:
				t.Error(err)
			}
			if err := k.Dict.Set(ctx, "b", []byte("c")); err != nil {
				t.Error(err)
			}
			if err := k.Dict.Clear(ctx); err != nil {
				t.Error(err)
			}
			if s := must(m.Stats(ctx)); s.Bytes != 0 {
				t.Errorf("%d bytes are left", s.Bytes)
			}
		})
	}
}

// withTimeout is a context for what may not come.
func withTimeout(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// freeze stops a process, and returns once it does nothing any more.
func freeze(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is stopped", func() bool { return proctest.Stopped(pid) })
}

// A client that is stopped, and does not read what it asked for, costs others nothing.
func TestClientStopped(t *testing.T) {
	m := start(t)
	k, listen := newTool(m, "receives")
	defer listen.Close()
	p, err := client.Start(ctx, k)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	must(pipe.Recv[int](ctx, listen))
	freeze(t, p.PID())
	for range 1000 {
		if err := k.Dict.Set(ctx, "a", []byte("b")); err != nil {
			t.Fatal(err)
		}
	}
}

// W18, F190: Ctrl-C is the owner's to decide on.
func TestServerIgnoresInterrupts(t *testing.T) {
	m := start(t)
	d := must(manager.NewDict[int, int](m))
	for range 10 {
		if err := syscall.Kill(m.PID(), syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if err := d.Set(ctx, 1, 1); err != nil {
			t.Fatal(err)
		}
	}
}

// T129: a server ends in order, and whoever stops it knows.
func TestStop(t *testing.T) {
	m := start(t)
	d := must(manager.NewDict[int, int](m))
	o := must(counters.New(ctx, m, 0))
	var running sync.WaitGroup
	running.Go(func() {
		if _, err := counterWait.Call(ctx, o); !errors.Is(err, manager.ErrClosed) {
			t.Errorf("a method that ran: %v", err)
		}
	})
	eventually(t, "the method runs", func() bool { return must(m.Stats(ctx)).Running == 1 })
	var stops sync.WaitGroup
	for range 3 {
		stops.Go(func() {
			if err := m.Stop(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	stops.Wait()
	running.Wait()
	if err := d.Set(ctx, 1, 1); !errors.Is(err, manager.ErrClosed) {
		t.Error(err)
	}
	if err := syscall.Kill(m.PID(), 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process: %v", err)
	}
}

// A server that does not end when it is asked to is killed when the context ends.
func TestStopIsBounded(t *testing.T) {
	m := start(t)
	freeze(t, m.PID())
	if err := m.Stop(withTimeout(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := syscall.Kill(m.PID(), 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process: %v", err)
	}
}

// A server that is stopped costs a caller no more than its context, and the lock that came too late is given back.
func TestServerStopped(t *testing.T) {
	m := start(t)
	mu := must(manager.NewMutex(m))
	freeze(t, m.PID())
	if err := mu.Lock(withTimeout(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := syscall.Kill(m.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := mu.Lock(ctx); err != nil {
		t.Error(err)
	}
}

// Many servers, one after another: nothing is left of any.
func TestManyServers(t *testing.T) {
	_ = must(manager.Start(manager.Config{})).Stop(ctx) // what the first start makes for good is no leak
	proctest.NoLeaks(t, proctest.Goroutines, proctest.Descriptors)
	for range 20 {
		m, err := manager.Start(manager.Config{})
		if err != nil {
			t.Fatal(err)
		}
		d := must(manager.NewDict[int, int](m))
		if err := d.Set(ctx, 1, 2); err != nil {
			t.Fatal(err)
		}
		if err := m.Stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if left := mp.ActiveChildren(); len(left) > 0 {
		t.Error(left)
	}
}
