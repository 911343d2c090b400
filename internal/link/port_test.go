//go:build linux

package link

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/go-multiproc/mp/internal/engine"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/ring"
	"github.com/go-multiproc/mp/internal/spawn"
)

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
	Serve(context.Background(), p, localHandler(func() {}), func() { os.Exit(1) })
	os.Exit(0)
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

func startPort(t *testing.T) (*Port, *portHost) {
	t.Helper()
	h := &portHost{up: make(chan struct{}), lost: make(chan struct{}), result: make(chan struct{}, 16)}
	p, err := Start(osenv.Default(), spawn.Spec{
		Name: "test", Worker: -1, Stdout: spawn.Stdout, Stderr: spawn.Stderr,
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

// While a payload streams, nobody else looks at the writer's position.
func TestRoomWhileStreaming(t *testing.T) {
	p, h := startPort(t)
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
