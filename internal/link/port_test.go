//go:build linux

package link

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/engine"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/proctest"
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
	if role := os.Getenv(roleVar); role != "" {
		answer(p, hostileRecords[role], role == "huge")
	}
	Serve(context.Background(), p, localHandler(func() {}), func() { os.Exit(1) })
	os.Exit(0)
}

// hostileRecords are what hostile workers answer the first batch with: a record that is none; and one of almost 2^48 bytes, of which a page
// comes, and then nothing more.
var hostileRecords = map[string][]byte{
	"nonsense": make([]byte, abi.RecordHeader),
	"huge":     append(binary.LittleEndian.AppendUint64(nil, abi.Record(abi.StatusOK, 0, abi.MaxRecord)), make([]byte, 4096)...),
}

// answer is the life of such a worker, until its parent ends it. One that does not wake the parent is found by who helps.
func answer(p *spawn.Parent, record []byte, wake bool) {
	slots, _, out := p.Channel.WorkerEnds()
	waitFor(slots.Ready)
	_, _ = out.Write(record)
	out.Publish()
	if wake {
		p.Wake()
	}
	_, _, _ = p.RecvCancel() // nothing is cancelled: it blocks until the end
}

// portHost is an engine as far as a port needs one; its mutex is the worker's.
type portHost struct {
	sync.Mutex
	up, lost chan struct{}
	result   chan struct{}
	progress func()
}

func (h *portHost) Up() { close(h.up) }

func (h *portHost) Results(n, _ int, _ []byte) (err error) {
	for range n {
		err = errors.Join(err, h.Result(0, nil))
	}
	return err
}

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

func (h *portHost) Quiet() {}

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
	case <-time.After(time.Minute):
		t.Fatalf("still not: %s", what)
	}
}

func waitFor(cond func() bool) {
	if !proctest.Within(time.Minute, cond) {
		panic("it does not come to be\n" + proctest.Stacks())
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

// Room that a worker makes without a result, while its parent does something else, is noticed when the parent has done.
func TestRoomMadeInSilence(t *testing.T) {
	p, h := startPort(t, "")
	large := make([]byte, 1<<20)
	send := func(payload []byte) (*engine.Batch, bool) {
		b := engine.NewBatch(&engine.Job{Waited: true})
		return b, p.Send(b, payload)
	}
	step := 0
	h.progress = func() {
		if step++; step > 1 {
			if step == 2 {
				if _, ok := send(large); !ok {
					t.Error("still no room")
				}
				p.Flush()
			}
			return
		}
		// Something is sent, something large has to wait for it, and then it is taken back.
		b, _ := send(nil)
		if _, ok := send(large); ok {
			t.Error("a large payload was taken by a worker that has something else")
		}
		p.TakeBack(b)
		p.Flush()
		flag := p.Child.Channel.WorkFlag
		waitFor(func() bool { return p.Child.Channel.U64(abi.OffSlotHead).Load() == 2 && flag.Load() == 1 })
	}
	h.Lock()
	send(nil)
	p.Flush()
	h.Unlock()
	within(t, "the first result", h.result)
	within(t, "the result of the large one", h.result)
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
