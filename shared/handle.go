package shared

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/arena"
	"github.com/go-multiproc/mp/internal/race"
	"github.com/go-multiproc/mp/internal/robust"
	"github.com/go-multiproc/mp/internal/spawn"
)

// Kinds of cells.
const (
	kindMutex uint8 = iota + 1
	kindRMutex
	kindRWMutex
	kindSemaphore
	kindCond
	kindEvent
	kindBarrier
	kindWaitGroup
	kindValue
	kindArray
	kindQueue
	kindQueueEnd
	kindSegment
	kindDelivery
	kindBlock
)

// A handle is a reference to an object. It is immutable once it is made or decoded.
type handle struct {
	cell  *abi.Cell // nil: the object is another family's, or none
	meta  uint64    // of a cell that still is the object
	me    uint32
	a     *arena.Arena
	local *arena.Local
	wire  [handleSize]byte
}

// handleSize is the size of a handle on its way: family 8, cell 4, generation 4.
const handleSize = 16

var (
	errZero    = errors.New("mp/shared: a zero handle: objects are made by the New functions")
	errCorrupt = errors.New("mp/shared: no handle of this type")
)

// makeHandle is the handle on a fresh object.
func makeHandle(a *arena.Arena, c *abi.Cell) handle {
	meta := c.Meta.Load()
	h := handle{cell: c, meta: abi.Meta(abi.Gen(meta), abi.Kind(meta), abi.CellLive), me: a.F.Me, a: a}
	n := a.Number(c)
	h.local = a.Local(n, h.meta)
	binary.LittleEndian.PutUint64(h.wire[:], a.Family())
	binary.LittleEndian.PutUint32(h.wire[8:], n)
	binary.LittleEndian.PutUint32(h.wire[12:], abi.Gen(meta))
	return h
}

// newObject makes an object with size bytes of memory, which init prepares before anybody sees it.
func newObject(what string, kind uint8, size uint64, init func(*arena.Arena, *abi.Cell)) (handle, error) {
	a, err := create(what)
	if err != nil {
		return handle{}, err
	}
	c, err := a.New(kind, size)
	if err != nil {
		return handle{}, fmt.Errorf("mp/shared: %s: %w", what, err)
	}
	if init != nil {
		init(a, c)
	}
	a.Publish(c)
	return makeHandle(a, c), nil
}

// marshal is the handle for another process.
func (h *handle) marshal() ([]byte, error) {
	if h.wire == [handleSize]byte{} {
		return nil, errZero
	}
	return append([]byte(nil), h.wire[:]...), nil
}

// unmarshal makes it the handle that another process sent, on an object of one of these kinds. What is wrong with the object,
// its use tells.
func (h *handle) unmarshal(b []byte, kinds ...uint8) error {
	if len(b) != handleSize {
		return errCorrupt
	}
	*h = handle{wire: [handleSize]byte(b)}
	if spawn.NoArena() { // nothing here could use it: better to say so now
		return fmt.Errorf("mp/shared: %w", errNoArena)
	}
	a, err := own.inherited()
	if err != nil || a == nil || a.Family() != binary.LittleEndian.Uint64(b) {
		return nil //nolint:nilerr // it is detached
	}
	n, gen := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
	c := a.Cell(n)
	if c == nil {
		return errCorrupt
	}
	meta := abi.Meta(gen, kinds[0], abi.CellLive) // of a freed object nobody knows the kind
	if now := c.Meta.Load(); abi.Gen(now) == gen && abi.State(now) == abi.CellLive {
		fits := false
		for _, k := range kinds {
			fits = fits || k == abi.Kind(now)
		}
		if !fits {
			return errCorrupt
		}
		meta = now
	}
	h.cell, h.meta, h.me, h.a, h.local = c, meta, a.F.Me, a, a.Local(n, meta)
	return nil
}

// inherited is join where there is something to join.
func (f *family) inherited() (*arena.Arena, error) {
	if a := f.joined.Load(); a != nil {
		return a, nil
	}
	f.mu.Lock()
	none := f.file == nil
	f.mu.Unlock()
	if none {
		return nil, nil //nolint:nilnil // there is none
	}
	return f.join()
}

// check reports whether the handle still refers to its object.
func (h *handle) check() error {
	switch {
	case h.cell == nil && h.wire == [handleSize]byte{}:
		return errZero
	case h.cell == nil:
		return ErrDetached
	case h.cell.Meta.Load() != h.meta:
		return ErrClosed
	}
	return nil
}

func (h *handle) tag() uint64 { return robust.Tag(h.a.Number(h.cell)) }

// lock is the lock of a cell of the object.
func (h *handle) lock(c *abi.Cell, gate *robust.Gate) robust.Lock {
	return robust.Lock{F: h.a.F, Word: &c.Lock, Waiting: &c.Waiting, Tag: h.tag(), Gate: gate, Meta: &h.cell.Meta, Is: h.meta}
}

// enter takes the object's guard, for what has to be done.
func (h *handle) enter() error { return h.enterFor(context.Background()) }

// noWait is the context of who does not wait for a guard that a process has which is stopped.
var noWait = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// enterFor is enter, for what need not be done when ctx has ended.
func (h *handle) enterFor(ctx context.Context) error {
	if err := h.check(); err != nil {
		return err
	}
	if !h.cell.Lock.CompareAndSwap(0, h.me) && !h.a.F.Guard(whileLive{ctx, h}, &h.cell.Lock) {
		if h.check() == nil && ctx.Err() != nil {
			return ctx.Err()
		}
		return ErrClosed
	}
	if h.cell.Meta.Load() != h.meta { // it is another object's by now
		// Which may be a mutex: so who came meanwhile and waits is woken, and who is to be the next stays so.
		_ = h.lock(h.cell, nil).Unlock(false) // this process has it
		return ErrClosed
	}
	robust.At("guard: taken")
	race.Acquire(h.local)
	return nil
}

// whileLive is a context that ends with the object, too: the word that was its guard may be a mutex's by then, and held for long.
type whileLive struct {
	context.Context

	h *handle
}

// Err implements context.Context.
func (c whileLive) Err() error {
	if err := c.h.check(); err != nil {
		return err
	}
	return c.Context.Err()
}

func (h *handle) exit() {
	robust.At("guard: about to be given back")
	race.Release(h.local)
	h.a.F.Unguard(&h.cell.Lock)
	robust.At("guard: given back")
}

// try calls fn under the guard.
func (h *handle) try(fn func() (bool, error)) (done bool, err error) {
	return h.tryFor(context.Background(), fn)
}

func (h *handle) tryFor(ctx context.Context, fn func() (bool, error)) (done bool, err error) {
	if err := h.enterFor(ctx); err != nil {
		return true, err
	}
	defer h.exit()
	return fn()
}

// await waits until fn, called under the guard, reports that it is done. With a gate it is one goroutine of the process at a
// time, in order.
func (h *handle) await(ctx context.Context, bells *atomic.Uint64, gate *robust.Gate, fn func() (bool, error)) (err error) {
	if gate != nil {
		return h.awaitTurn(ctx, bells, gate, gate.Join(), fn)
	}
	return h.awaitNow(ctx, bells, fn)
}

// awaitTurn is await of who has joined at the gate.
func (h *handle) awaitTurn(ctx context.Context, bells *atomic.Uint64, gate *robust.Gate, turn robust.Turn, fn func() (bool, error)) error {
	if err := gate.Wait(ctx, turn); err != nil {
		return err
	}
	defer gate.Exit()
	defer h.a.F.Leave(bells)
	return h.awaitNow(ctx, bells, fn)
}

func (h *handle) awaitNow(ctx context.Context, bells *atomic.Uint64, fn func() (bool, error)) (err error) {
	werr := h.a.F.Wait(ctx, bells, h.tag(), func() bool {
		var done bool
		done, err = h.tryFor(ctx, fn)
		return done
	})
	if werr != nil {
		return werr
	}
	return err
}

func (h *handle) wakeAll(bells *atomic.Uint64) { h.a.F.WakeAll(bells, h.tag()) }
func (h *handle) wakeOne(bells *atomic.Uint64) { h.a.F.WakeOne(bells, h.tag()) }

// Free returns the object's memory. Later use of any handle on it, in any process, is ErrClosed, and so is what waits
// for it now. Memory that a process still looks into, like that of an array, may become another object's.
func (h *handle) Free() error {
	if err := h.check(); err != nil {
		return err
	}
	c := h.cell
	kind := &arena.Kinds[abi.Kind(h.meta)]
	if kind.Guarded {
		if err := h.enter(); err != nil {
			return err
		}
	} else if !h.a.F.Guard(context.Background(), &c.Guard) { // who is within writes no more when the memory is another's
		return ErrClosed
	}
	if !h.a.End(c, h.meta) {
		if kind.Guarded {
			h.exit()
		} else {
			h.a.F.Unguard(&c.Guard)
		}
		return ErrClosed
	}
	c.Lock.Store(abi.LockFreed)
	robust.At("free: lock freed")
	h.wakeAll(&c.Waiting)
	h.wakeAll(&c.Waiting2)
	h.wakeAll(&c.E)
	if kind.End != nil {
		kind.End(h.a, c)
	}
	h.a.Free(c)
	return nil
}

// name is how String begins.
func (h *handle) name(what string) (string, bool) {
	switch err := h.check(); {
	case errors.Is(err, ErrClosed):
		return what + "(freed)", false
	case errors.Is(err, ErrDetached):
		return what + "(detached)", false
	case err != nil:
		return what + "(zero)", false
	}
	return fmt.Sprintf("%s#%d", what, h.a.Number(h.cell)), true
}

// who is a process by its slot.
func (h *handle) who(slot uint32) string {
	switch slot {
	case 0:
		return "nobody"
	case h.me:
		return fmt.Sprintf("process %d, this one", h.a.F.PID(slot))
	}
	return fmt.Sprintf("process %d", h.a.F.PID(slot))
}
