//go:build linux

package link

import (
	"runtime"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/engine"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/ring"
	"github.com/go-multiproc/mp/internal/spawn"
)

// exitHost is a portHost that keeps how the worker ended.
type exitHost struct {
	portHost

	exit spawn.Exit
	why  error
}

func (h *exitHost) Lost(exit spawn.Exit, why error) {
	h.exit, h.why = exit, why
	h.portHost.Lost(exit, why)
}

func startHuge(t *testing.T, memoryLimit int64) (*Port, *exitHost) {
	t.Helper()
	h := &exitHost{portHost: portHost{up: make(chan struct{}), lost: make(chan struct{}), result: make(chan struct{}, 16)}}
	p, err := Start(osenv.Default(), spawn.Spec{
		Name: "test", Worker: -1, Env: []string{roleVar + "=huge"}, Stdout: spawn.Stdout, Stderr: spawn.Stderr,
		Layout: ring.Layout{Slots: 8, In: 64 << 10, Out: 64 << 10}, NoArena: true, MemoryLimit: memoryLimit,
	}, h)
	if err != nil {
		t.Fatal(err)
	}
	<-h.up
	h.Lock()
	p.Send(engine.NewBatch(&engine.Job{Function: "f"}), nil)
	p.Flush()
	h.Unlock()
	return p, h
}

// What a worker announces costs the parent nothing before it has come.
func TestHostileAnnouncementAllocatesLittle(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p, h := startHuge(t, 0)
	waitFor(func() bool { return p.consumed.Load() == abi.RecordHeader+4096 })
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("%d bytes were allocated", grown)
	}
	p.Kill()
	<-h.lost
}

// Who announces more than its memory can hold is over its limit, and told to be.
func TestHostileAnnouncementOverTheLimit(t *testing.T) {
	const limit = 64 << 20
	_, h := startHuge(t, limit)
	within(t, "the worker is killed", h.lost)
	if h.why != nil || !h.exit.OOM || h.exit.Limit != limit || h.exit.Memory != abi.MaxRecord {
		t.Errorf("%v, %+v", h.why, h.exit)
	}
}
