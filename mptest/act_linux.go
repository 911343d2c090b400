package mptest

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/probe"
	"github.com/go-multiproc/mp/internal/ring"
)

func init() { probe.Elements = acting }

// An actor is a worker of a faulty pool. All workers count in one word that they share, so that each number comes up once, whoever
// begins the element.
type actor struct {
	begun   *atomic.Uint64
	faults  []step
	channel *ring.Channel
	wake    func()
}

// acting returns what a worker of a faulty pool does before each element; nil in any other.
func acting(c *ring.Channel, wake func()) func(context.Context) {
	p, ok := planned()
	if !ok {
		return nil
	}
	begun, err := mapCounter(p.Counter)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mptest:", err)
		os.Exit(1)
	}
	a := &actor{begun, p.Faults, c, wake}
	return a.before
}

// mapCounter maps the counter for as long as the process lives.
func mapCounter(name string) (*atomic.Uint64, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	mem, err := osenv.Map(f, counterSize)
	if err != nil {
		return nil, err
	}
	return ring.Memory(mem).U64(0), nil
}

func (a *actor) before(ctx context.Context) {
	n := a.begun.Add(1)
	for _, f := range a.faults {
		if f.On != n {
			continue
		}
		switch f.Kind {
		case crash:
			a.crash()
		case hang:
			forever()
		case slow:
			wait(ctx, f.Time)
		case corrupt:
			a.corrupt()
		}
	}
}

// wait takes d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// crash reads memory that must not be read. That is no nil pointer, which would be a panic: the runtime ends the process.
func (a *actor) crash() {
	mem, err := syscall.Mmap(-1, 0, os.Getpagesize(), syscall.PROT_NONE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err == nil {
		a.begun.Add(uint64(mem[0]))
	}
	os.Exit(2)
}

// corrupt fills the ring of results, and says that some have come. First it lets the parent take those that have: what is to be
// hurt is this element, and no other.
func (a *actor) corrupt() {
	c := a.channel
	tail, head := c.U64(abi.OffOutTail), c.U64(abi.OffOutHead)
	for head.Load() != tail.Load() {
		a.wake()
		time.Sleep(time.Millisecond)
	}
	for i := range c.OutMem {
		c.OutMem[i] = 0xff
	}
	tail.Add(uint64(len(c.OutMem) / 2))
	a.wake()
	forever()
}

// forever must not look like a deadlock to the runtime.
func forever() {
	for {
		time.Sleep(time.Hour)
	}
}
