package shared

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/arena"
	"github.com/go-multiproc/mp/internal/robust"
)

// A WaitGroup is a count that can be waited for to become 0. What is counted belongs to nobody: if the process that was to call
// Done dies, the count stays, so use a pool for work that may crash. All methods are safe for concurrent use.
type WaitGroup struct{ handle }

// The cell of a wait group, changed under its guard: A is the count, B how often it became 0.
func init() {
	arena.Kinds[kindWaitGroup] = arena.Kind{Guarded: true, Holds: nothingHeld, Bury: buryWaitGroup}
}

// buryWaitGroup lets go who waits: if the last Done was cut in two, the count is 0, and nobody was told.
func buryWaitGroup(_ *arena.Arena, c *abi.Cell, _ uint64, _ uint32) {
	if c.A.Load() == 0 {
		c.B.Add(1)
	}
}

func nothingHeld(*arena.Arena, *abi.Cell, uint32) bool { return false }

func nothingToBury(*arena.Arena, *abi.Cell, uint64, uint32) {}

// NewWaitGroup makes a wait group whose count is 0.
func NewWaitGroup() (*WaitGroup, error) {
	h, err := newObject("NewWaitGroup", kindWaitGroup, 0, nil)
	if err != nil {
		return nil, err
	}
	return &WaitGroup{h}, nil
}

// Add adds n, which may be negative, to the count. It is ErrBound, and nothing is added, if that makes it negative.
func (g *WaitGroup) Add(n int) error {
	if err := g.enter(); err != nil {
		return err
	}
	c := g.cell
	count := int64(c.A.Load()) + int64(n)
	if count < 0 {
		g.exit()
		return fmt.Errorf("%w: a wait group's count would be %d", ErrBound, count)
	}
	c.A.Store(uint64(count))
	robust.At("waitgroup: counted")
	if count == 0 {
		c.B.Add(1)
	}
	g.exit()
	if count == 0 {
		g.wakeAll(&c.Waiting)
	}
	return nil
}

// Done takes 1 off the count.
func (g *WaitGroup) Done() error { return g.Add(-1) }

// Wait waits until the count is 0, or was in the meantime.
func (g *WaitGroup) Wait(ctx context.Context) error {
	if err := g.check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	before := g.cell.B.Load()
	return g.await(ctx, &g.cell.Waiting, nil, func() (bool, error) {
		return g.cell.A.Load() == 0 || g.cell.B.Load() != before, nil
	})
}

// String names the wait group and its count.
func (g *WaitGroup) String() string {
	name, ok := g.name("WaitGroup")
	if !ok {
		return name
	}
	return fmt.Sprintf("%s(%d)", name, g.cell.A.Load())
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (g *WaitGroup) MarshalBinary() ([]byte, error) { return g.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (g *WaitGroup) UnmarshalBinary(b []byte) error { return g.unmarshal(b, kindWaitGroup) }
