package shared_test

import (
	"encoding"
	"errors"
	"strings"
	"testing"

	"github.com/go-multiproc/mp/shared"
)

// A thing is an object with all that can be done with it.
type thing struct {
	object interface {
		Free() error
		String() string
		encoding.BinaryMarshaler
		encoding.BinaryUnmarshaler
	}
	calls map[string]func() error
	waits func() error // one of them, which waits; nil if none does
}

func second[T any](_ T, err error) error { return err }

// panicking is a call without an error, which panics with it instead.
func panicking(fn func()) func() error {
	return func() error { err, _ := panics(fn).(error); return err }
}

// things are what these handles can do: fresh ones, or zero ones.
type things struct {
	M *shared.Mutex
	R *shared.RMutex
	W *shared.RWMutex
	S *shared.Semaphore
	C *shared.Cond
	E *shared.Event
	B *shared.Barrier
	G *shared.WaitGroup
	V *shared.Value[int]
	L *shared.Value[[4]int]
	A *shared.Array[int]
	Q *shared.Queue[int]
}

func allFresh(t *testing.T) things {
	t.Helper()
	m := fresh(shared.NewMutex())(t)
	return things{
		m, fresh(shared.NewRMutex())(t), fresh(shared.NewRWMutex())(t), fresh(shared.NewBoundedSemaphore(1))(t), fresh(shared.NewCond(m))(t),
		fresh(shared.NewEvent())(t), fresh(shared.NewBarrier(2))(t), fresh(shared.NewWaitGroup())(t), fresh(shared.NewValue(1))(t),
		fresh(shared.NewValue([4]int{}))(t), fresh(shared.NewArray[int](1))(t), fresh(shared.NewQueue[int](shared.QueueConfig{}))(t),
	}
}

func zero() things {
	return things{
		new(shared.Mutex), new(shared.RMutex), new(shared.RWMutex), new(shared.Semaphore), new(shared.Cond), new(shared.Event),
		new(shared.Barrier), new(shared.WaitGroup), new(shared.Value[int]), new(shared.Value[[4]int]), new(shared.Array[int]),
		new(shared.Queue[int]),
	}
}

func (x things) list() map[string]thing {
	return map[string]thing{
		"Mutex": {x.M, map[string]func() error{
			"Lock": func() error { return x.M.Lock(ctx) }, "TryLock": func() error { return second(x.M.TryLock()) }, "Unlock": x.M.Unlock,
			"Do": func() error { return x.M.Do(ctx, nothing) }, "Locker.Lock": panicking(func() { x.M.Locker().Lock() }),
		}, func() error { return x.M.Lock(ctx) }},
		"RMutex": {x.R, map[string]func() error{
			"Lock": func() error { return second(x.R.Lock(ctx)) }, "Unlock": func() error { return x.R.Unlock(ctx) },
		}, func() error { return second(x.R.Lock(ctx)) }},
		"RWMutex": {x.W, map[string]func() error{
			"Lock": func() error { return x.W.Lock(ctx) }, "TryLock": func() error { return second(x.W.TryLock()) }, "Unlock": x.W.Unlock,
			"RLock": func() error { return x.W.RLock(ctx) }, "TryRLock": func() error { return second(x.W.TryRLock()) }, "RUnlock": x.W.RUnlock,
		}, func() error { return x.W.RLock(ctx) }},
		"Semaphore": {x.S, map[string]func() error{
			"Acquire": func() error { return x.S.Acquire(ctx) }, "TryAcquire": func() error { return second(x.S.TryAcquire()) }, "Release": x.S.Release,
		}, func() error { return x.S.Acquire(ctx) }},
		"Cond": {x.C, map[string]func() error{
			"Wait": func() error { return x.C.Wait(ctx) }, "WaitFor": func() error { return x.C.WaitFor(ctx, func() bool { return true }) },
			"Signal": func() error { return x.C.Signal(1) }, "Broadcast": x.C.Broadcast,
		}, nil},
		"Event": {x.E, map[string]func() error{
			"Set": x.E.Set, "Clear": x.E.Clear, "Wait": func() error { return x.E.Wait(ctx) },
		}, func() error { return x.E.Wait(ctx) }},
		"Barrier": {x.B, map[string]func() error{
			"Wait": func() error { return second(x.B.Wait(ctx)) }, "Abort": x.B.Abort, "Reset": x.B.Reset,
		}, func() error { return second(x.B.Wait(ctx)) }},
		"WaitGroup": {x.G, map[string]func() error{
			"Add": func() error { return x.G.Add(1) }, "Done": x.G.Done, "Wait": func() error { return x.G.Wait(ctx) },
		}, func() error { return x.G.Wait(ctx) }},
		"Value": {x.V, map[string]func() error{
			"Load": panicking(func() { x.V.Load() }), "Store": panicking(func() { x.V.Store(1) }), "Swap": panicking(func() { x.V.Swap(1) }),
			"Update": func() error { return second(x.V.Update(ctx, func(v int) int { return v })) },
			"Add":    panicking(func() { shared.Add(x.V, 1) }), "CompareAndSwap": panicking(func() { shared.CompareAndSwap(x.V, 1, 1) }),
			"Mutex.Lock": func() error { return x.V.Mutex().Lock(ctx) },
		}, func() error { return x.V.Mutex().Lock(ctx) }},
		"large Value": {x.L, map[string]func() error{
			"Load": panicking(func() { x.L.Load() }), "Store": panicking(func() { x.L.Store([4]int{}) }), "Swap": panicking(func() { x.L.Swap([4]int{}) }),
			"Update": func() error { return second(x.L.Update(ctx, func(v [4]int) [4]int { return v })) },
		}, nil},
		"Array": {x.A, map[string]func() error{
			"At": panicking(func() { x.A.At(0) }), "Set": panicking(func() { x.A.Set(0, 1) }), "Mutex.TryLock": func() error { return second(x.A.Mutex().TryLock()) },
		}, func() error { return x.A.Mutex().Lock(ctx) }},
		"Queue": {x.Q, map[string]func() error{
			"Put": func() error { return x.Q.Put(ctx, 1) }, "TryPut": func() error { return x.Q.TryPut(1) }, "Get": func() error { return second(x.Q.Get(ctx)) },
			"TryGet": func() error { return second(x.Q.TryGet()) }, "Take": func() error { return second(x.Q.Take(ctx)) },
			"TryTake": func() error { return second(x.Q.TryTake()) }, "Close": x.Q.Close, "TaskDone": x.Q.TaskDone, "Join": func() error { return x.Q.Join(ctx) },
		}, func() error { return second(x.Q.Get(ctx)) }},
	}
}

// lifeless checks what a handle without an object says.
func lifeless(t *testing.T, x thing, is func(error) bool, text string) {
	t.Helper()
	for name, call := range x.calls {
		if err := call(); !is(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := x.object.Free(); !is(err) {
		t.Errorf("Free: %v", err)
	}
	if s := x.object.String(); !strings.HasSuffix(s, text) {
		t.Errorf("String: %s", s)
	}
}

func silent(t *testing.T, x things) {
	t.Helper()
	if x.M.Locked() || x.R.Locked() || x.S.Value() != 0 || x.E.IsSet() || x.B.Parties() != 0 || x.B.Waiting() != 0 || x.B.Broken() ||
		x.A.Len() != 0 || x.A.Slice() != nil || x.Q.Len() != 0 {
		t.Error("what has no error is not zero")
	}
}

// F170: later use of any handle on a freed object is ErrClosed.
func TestFreed(t *testing.T) {
	noLeaks(t)
	x := allFresh(t)
	for name, y := range x.list() {
		t.Run(name, func(t *testing.T) {
			if name == "Cond" || name == "Mutex" {
				_ = x.C.Free()
			}
			_ = y.object.Free()
			lifeless(t, y, func(err error) bool { return errors.Is(err, shared.ErrClosed) }, "(freed)")
		})
	}
	silent(t, x)
}

// W42: a zero handle says that it is one.
func TestZeroHandles(t *testing.T) {
	noLeaks(t)
	for name, y := range zero().list() {
		t.Run(name, func(t *testing.T) {
			lifeless(t, y, func(err error) bool { return err != nil && strings.Contains(err.Error(), "a zero handle") }, "(zero)")
			if _, err := y.object.MarshalBinary(); err == nil {
				t.Error("it can be sent")
			}
		})
	}
	silent(t, zero())
}

// A handle of another family says so.
func TestDetachedBytes(t *testing.T) {
	noLeaks(t)
	detached := zero()
	originals, strangers := allFresh(t).list(), detached.list()
	for name, original := range originals {
		t.Run(name, func(t *testing.T) {
			b, err := original.object.MarshalBinary()
			ok(t, err)
			for i := 0; i < len(b); i += 16 {
				b[i]++ // the number of the family
			}
			ok(t, strangers[name].object.UnmarshalBinary(b))
			lifeless(t, strangers[name], func(err error) bool { return errors.Is(err, shared.ErrDetached) }, "(detached)")
			for what, bad := range map[string][]byte{"nothing": nil, "too little": b[1:], "too much": append(b, 0)} {
				if strangers[name].object.UnmarshalBinary(bad) == nil {
					t.Errorf("%s was taken for a handle", what)
				}
			}
		})
	}
	silent(t, detached)
}

// A handle of one kind is none of another.
func TestHandlesOfAnotherKind(t *testing.T) {
	noLeaks(t)
	for name, x := range allFresh(t).list() {
		b, err := x.object.MarshalBinary()
		ok(t, err)
		for other, y := range zero().list() {
			lock := other == "Mutex" && (name == "Value" || name == "large Value" || name == "Array") // they have one
			if err := y.object.UnmarshalBinary(b); (err == nil) != (name == other || lock) {
				t.Errorf("a %s as a %s: %v", name, other, err)
			}
		}
	}
}

// Who waits when an object is freed is told.
func TestFreeWakes(t *testing.T) {
	noLeaks(t)
	x := allFresh(t)
	ok(t, x.M.Lock(ctx))
	_, err := x.R.Lock(ctx)
	ok(t, errors.Join(err, x.W.Lock(ctx), x.S.Acquire(ctx), x.G.Add(1), x.V.Mutex().Lock(ctx), x.A.Mutex().Lock(ctx)))
	for name, y := range x.list() {
		if y.waits == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			errs := make(chan error)
			for range 3 {
				if name == "Barrier" {
					continue
				}
				go func() { errs <- y.waits() }()
			}
			n := 3
			if name == "Barrier" {
				n = 1
				go func() { errs <- y.waits() }()
				eventually(t, "it waits", func() bool { return x.B.Waiting() == 1 })
			}
			ok(t, y.object.Free())
			for range n {
				wants(t, name, <-errs, shared.ErrClosed)
			}
		})
	}
}
