package shared

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/arena"
	"github.com/go-multiproc/mp/internal/race"
	"github.com/go-multiproc/mp/internal/robust"
)

// A Value is one value of T that all processes see. T is of fixed size and has no pointers. Load, Store, Swap and Add are atomic,
// whatever the size, also if a process is killed in the middle: the value is the old one or the new one. Up to 8 bytes they take no
// lock. All methods are safe for concurrent use.
type Value[T any] struct {
	handle
	large []atomic.Uint64 // two copies, of a T larger than a word
}

// Integer is what Add adds to.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

// The cell of a value: A is the value, if it fits a word. Else its memory is two copies, and A tells by its lowest bit which one
// holds. Who stores has the cell's Guard, writes the other copy, and adds 1 to A: that is the step. Who loads copies, and looks
// again whether A is the same. Lock is the mutex that belongs to the value.
func init() {
	arena.Kinds[kindValue] = arena.Kind{} // a sweep gives Guard back: a copy that was half written is not the one that holds
}

const wordSize = 8

func wordsOf(t reflect.Type) int { return int((t.Size() + wordSize - 1) / wordSize) }

// NewValue makes a value. It is an error, which names the field, if T is not of fixed size or has pointers.
func NewValue[T any](v T) (*Value[T], error) {
	t := reflect.TypeFor[T]()
	if err := fixed(t); err != nil {
		return nil, err
	}
	size := uint64(0)
	if t.Size() > wordSize {
		size = 2 * wordSize * uint64(wordsOf(t))
	}
	h, err := newObject("NewValue", kindValue, size, func(a *arena.Arena, c *abi.Cell) {
		c.Type.Store(typeHash(t))
		if size == 0 {
			c.A.Store(toWord(v))
		} else {
			storeWords(words(a, c.Offset.Load(), wordsOf(t)), &v) // none, if it is damaged already: its opening tells
		}
	})
	if err != nil {
		return nil, err
	}
	return openValue[T](h)
}

func openValue[T any](h handle) (*Value[T], error) {
	v := &Value[T]{handle: h}
	if h.check() != nil {
		return v, nil //nolint:nilerr // its use tells
	}
	t := reflect.TypeFor[T]()
	if h.cell.Type.Load() != typeHash(t) {
		return nil, errCorrupt
	}
	if t.Size() > wordSize {
		if v.large = words(h.a, h.cell.Offset.Load(), 2*wordsOf(t)); v.large == nil {
			return nil, errDamaged
		}
	}
	return v, nil
}

func (v *Value[T]) must() {
	if err := v.check(); err != nil {
		panic(fmt.Errorf("%w: a Value was used", err))
	}
}

// half is the copy that holds while A is seq.
func (v *Value[T]) half(seq uint64) []atomic.Uint64 {
	n := len(v.large) / 2
	return v.large[int(seq&1)*n:][:n]
}

// Load returns the value. Like all methods without an error it panics with ErrClosed or ErrDetached if the value is not
// there.
func (v *Value[T]) Load() (value T) {
	v.must()
	if v.large == nil {
		value = fromWord[T](v.cell.A.Load())
		race.Acquire(v.local)
		return value
	}
	for {
		seq := v.cell.A.Load() // SYNC POINT value: pairs with the addition in swapLarge
		loadWords(v.half(seq), &value)
		if v.cell.A.Load() == seq {
			race.Acquire(v.local)
			return value
		}
	}
}

// Store sets the value.
func (v *Value[T]) Store(value T) {
	if v.large == nil {
		v.must()
		race.Release(v.local)
		v.cell.A.Store(toWord(value))
		return
	}
	v.swapLarge(value)
}

// Swap sets the value and returns the one before.
func (v *Value[T]) Swap(value T) (before T) {
	if v.large == nil {
		v.must()
		race.Release(v.local)
		before = fromWord[T](v.cell.A.Swap(toWord(value)))
		race.Acquire(v.local)
		return before
	}
	return v.swapLarge(value)
}

func (v *Value[T]) swapLarge(value T) (before T) {
	v.must()
	c := v.cell
	if !v.a.F.Guard(context.Background(), &c.Guard) {
		panic(ErrClosed)
	}
	defer v.a.F.Unguard(&c.Guard)
	v.must()
	robust.At("value: guarded")
	race.Acquire(v.local)
	seq := c.A.Load()
	loadWords(v.half(seq), &before)
	storeWords(v.half(seq+1), &value)
	robust.At("value: written")
	race.Release(v.local)
	c.A.Add(1) // SYNC POINT value
	robust.At("value: stored")
	return before
}

// Update sets the value to what fn makes of it, under the lock that belongs to it, and returns that. If fn panics, or the process
// dies meanwhile, the value stays as it is: so nobody is told here that an owner of the lock died, but who calls
// Mutex().Lock still is.
func (v *Value[T]) Update(ctx context.Context, fn func(T) T) (value T, err error) {
	m := v.Mutex()
	err = m.Lock(ctx)
	torn := errors.Is(err, ErrOwnerDied)
	if err != nil && !torn {
		return value, err
	}
	defer func() {
		if uerr := m.unlock(torn); err == nil {
			err = uerr
		}
	}()
	value = fn(v.Load())
	v.Store(value)
	return value, nil
}

// Mutex is the lock that belongs to the value. Load and Store do not heed it: it is for changes of several steps.
// To free it is to free the value.
func (v *Value[T]) Mutex() *Mutex { return &Mutex{v.handle} }

// Add adds delta to the value in one step, without a lock, and returns the sum; it wraps around as T does.
func Add[T Integer](v *Value[T], delta T) T {
	v.must()
	race.Release(v.local)
	defer race.Acquire(v.local)
	for {
		before := v.cell.A.Load()
		sum := fromWord[T](before) + delta
		if v.cell.A.CompareAndSwap(before, toWord(sum)) {
			return sum
		}
	}
}

// CompareAndSwap sets the value to after if it is before, in one step, and reports whether it did.
func CompareAndSwap[T Integer](v *Value[T], before, after T) bool {
	v.must()
	race.Release(v.local)
	defer race.Acquire(v.local)
	return v.cell.A.CompareAndSwap(toWord(before), toWord(after))
}

// String names the value and tells what it is.
func (v *Value[T]) String() string {
	name, ok := v.name("Value")
	if !ok {
		return name
	}
	return fmt.Sprintf("%s(%v)", name, v.Load())
}

// MarshalBinary implements encoding.BinaryMarshaler: what travels is the handle.
func (v *Value[T]) MarshalBinary() ([]byte, error) { return v.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (v *Value[T]) UnmarshalBinary(b []byte) error {
	var h handle
	if err := h.unmarshal(b, kindValue); err != nil {
		return err
	}
	opened, err := openValue[T](h)
	if err != nil {
		return errors.Join(err, fmt.Errorf("mp/shared: the value is of another type than %s", reflect.TypeFor[T]()))
	}
	*v = *opened
	return nil
}
