//go:build linux

package link

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/engine"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/ring"
	"github.com/go-multiproc/mp/internal/spawn"
)

const roleVar = "MP_LINK_ROLE" // what a worker does, if not serve

// TestMain makes this binary the tests, or a worker.
func TestMain(m *testing.M) {
	if !spawn.IsWorker() {
		_ = os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
		os.Exit(m.Run())
	}
	p, err := spawn.Attach(nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if os.Getenv(roleVar) == "nonsense" {
		nonsense(p)
	}
	Serve(context.Background(), p, localHandler(func() {}), func() { os.Exit(1) })
	os.Exit(0)
}

// nonsense answers the first batch with a record that is none.
func nonsense(p *spawn.Parent) {
	slots, _, out := p.Channel.WorkerEnds()
	for !slots.Ready() {
		time.Sleep(time.Millisecond)
	}
	_, _ = out.Write(make([]byte, abi.RecordHeader))
	out.Publish()
	time.Sleep(time.Hour)
}

// portHost is an engine as far as a port needs one; its mutex is the worker's.
type portHost struct {
	sync.Mutex
	up, lost chan struct{}
	result   chan struct{}
	progress func()
}

func (h *portHost) Up() { close(h.up) }

func (h *portHost) Result(uint8, []byte) error {
	h.result <- struct{}{}
	return nil
}

func (h *portHost) Progress() {
	h.Lock()
	defer h.Unlock()
	if h.progress != nil {
		h.progress()
	}
}

func (h *portHost) Lost(spawn.Exit, error) { close(h.lost) }

func startPort(t *testing.T, role string) (*Port, *portHost) {
	t.Helper()
	h := &portHost{up: make(chan struct{}), lost: make(chan struct{}), result: make(chan struct{}, 16)}
	p, err := Start(osenv.Default(), spawn.Spec{
		Name: "test", Worker: -1, Env: []string{roleVar + "=" + role}, Stdout: spawn.Stdout, Stderr: spawn.Stderr,
		Layout: ring.Layout{Slots: 8, In: 64 << 10, Out: 64 << 10},
	}, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Child.Kill()
		<-h.lost
	})
	<-h.up
	return p, h
}

func within(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("not within 10 s: %s", what)
	}
}

func waitFor(cond func() bool) {
	for !cond() {
		time.Sleep(time.Millisecond)
	}
}

// A caller that helps and finds nonsense ends the worker: the port's own goroutine sleeps, and nobody else wakes it.
func TestNonsenseFoundByAHelper(t *testing.T) {
	p, h := startPort(t, "nonsense")
	waitFor(func() bool { return p.Child.Channel.RecvFlag.Load() == 1 })
	h.Lock()
	p.Send(engine.NewBatch(&engine.Job{Waited: true}), nil)
	p.Flush()
	h.Unlock()
	waitFor(p.ready)
	p.Help(func() bool { return false })
	within(t, "the worker is lost", h.lost)
}

// While a payload streams, nobody else looks at the writer's position.
func TestRoomWhileStreaming(t *testing.T) {
	p, h := startPort(t, "")
	h.Lock()
	if !p.Send(engine.NewBatch(&engine.Job{Waited: true}), make([]byte, 16<<20)) {
		t.Error("no room")
	}
	h.Unlock()
	for {
		h.Lock()
		p.Room()
		h.Unlock()
		select {
		case <-h.result:
			return
		case <-h.lost:
			t.Fatal("the worker was killed")
		default:
		}
	}
}
