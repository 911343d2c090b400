package shared_test

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// A kind is one kind of object, and what can be done with it that may fail, or wait.
type kind struct {
	name string
	make func() (travels, error)
	zero func() travels
	use  func(travels) error
	// wait waits for something that does not come, once prepare was called.
	prepare func(travels) error
	wait    func(context.Context, travels) error
}

type travels interface {
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
	Free() error
	String() string
}

func recovered(fn func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = v.(error)
		}
	}()
	fn()
	return nil
}

// ended is a context that has ended.
var ended = func() context.Context {
	c, cancel := context.WithCancel(ctx)
	cancel()
	return c
}()

var kinds = []kind{
	{
		name:    "Mutex",
		make:    func() (travels, error) { return shared.NewMutex() },
		zero:    func() travels { return new(shared.Mutex) },
		use:     func(o travels) error { _, err := o.(*shared.Mutex).TryLock(); return err },
		prepare: func(o travels) error { return o.(*shared.Mutex).Lock(ctx) },
		wait:    func(ctx context.Context, o travels) error { return o.(*shared.Mutex).Lock(ctx) },
	},
	{
		name: "Queue",
		make: func() (travels, error) { return shared.NewQueue[string](shared.QueueConfig{Capacity: 1}) },
		zero: func() travels { return new(shared.Queue[string]) },
		use:  func(o travels) error { return o.(*shared.Queue[string]).TryPut("x") },
		wait: func(ctx context.Context, o travels) error { _, err := o.(*shared.Queue[string]).Get(ctx); return err },
	},
	{
		name:    "RMutex",
		make:    func() (travels, error) { return shared.NewRMutex() },
		zero:    func() travels { return new(shared.RMutex) },
		use:     func(o travels) error { _, err := o.(*shared.RMutex).Lock(ended); return err },
		prepare: func(o travels) error { _, err := o.(*shared.RMutex).Lock(ctx); return err },
		wait:    func(ctx context.Context, o travels) error { _, err := o.(*shared.RMutex).Lock(ctx); return err },
	},
	{
		name:    "RWMutex for writing",
		make:    func() (travels, error) { return shared.NewRWMutex() },
		zero:    func() travels { return new(shared.RWMutex) },
		use:     func(o travels) error { _, err := o.(*shared.RWMutex).TryLock(); return err },
		prepare: func(o travels) error { return o.(*shared.RWMutex).RLock(ctx) },
		wait:    func(ctx context.Context, o travels) error { return o.(*shared.RWMutex).Lock(ctx) },
	},
	{
		name:    "RWMutex for reading",
		make:    func() (travels, error) { return shared.NewRWMutex() },
		zero:    func() travels { return new(shared.RWMutex) },
		use:     func(o travels) error { _, err := o.(*shared.RWMutex).TryRLock(); return err },
		prepare: func(o travels) error { return o.(*shared.RWMutex).Lock(ctx) },
		wait:    func(ctx context.Context, o travels) error { return o.(*shared.RWMutex).RLock(ctx) },
	},
	{
		name: "Semaphore",
		make: func() (travels, error) { return shared.NewSemaphore(0) },
		zero: func() travels { return new(shared.Semaphore) },
		use:  func(o travels) error { return o.(*shared.Semaphore).Release() },
		wait: func(ctx context.Context, o travels) error { return o.(*shared.Semaphore).Acquire(ctx) },
	},
	{
		name: "Event",
		make: func() (travels, error) { return shared.NewEvent() },
		zero: func() travels { return new(shared.Event) },
		use:  func(o travels) error { return o.(*shared.Event).Set() },
		wait: func(ctx context.Context, o travels) error { return o.(*shared.Event).Wait(ctx) },
	},
	{
		name: "Barrier",
		make: func() (travels, error) { return shared.NewBarrier(1000) },
		zero: func() travels { return new(shared.Barrier) },
		use:  func(o travels) error { return o.(*shared.Barrier).Abort() },
		wait: func(ctx context.Context, o travels) error { _, err := o.(*shared.Barrier).Wait(ctx); return err },
	},
	{
		name:    "WaitGroup",
		make:    func() (travels, error) { return shared.NewWaitGroup() },
		zero:    func() travels { return new(shared.WaitGroup) },
		use:     func(o travels) error { return o.(*shared.WaitGroup).Add(1) },
		prepare: func(o travels) error { return o.(*shared.WaitGroup).Add(1) },
		wait:    func(ctx context.Context, o travels) error { return o.(*shared.WaitGroup).Wait(ctx) },
	},
	{
		name: "Value",
		make: func() (travels, error) { return shared.NewValue(int32(7)) },
		zero: func() travels { return new(shared.Value[int32]) },
		use:  func(o travels) error { return recovered(func() { o.(*shared.Value[int32]).Store(9) }) },
	},
	{
		name: "large Value",
		make: func() (travels, error) { return shared.NewValue([5]int64{7}) },
		zero: func() travels { return new(shared.Value[[5]int64]) },
		use:  func(o travels) error { return recovered(func() { o.(*shared.Value[[5]int64]).Store([5]int64{9}) }) },
	},
	{
		name: "Array",
		make: func() (travels, error) { return shared.NewArray[int32](100) },
		zero: func() travels { return new(shared.Array[int32]) },
		use:  func(o travels) error { return recovered(func() { o.(*shared.Array[int32]).Set(5, 9) }) },
	},
	{
		name:    "mutex of an Array",
		make:    func() (travels, error) { return shared.NewArray[int64](100) },
		zero:    func() travels { return new(shared.Array[int64]) },
		use:     func(o travels) error { _, err := o.(*shared.Array[int64]).Mutex().TryLock(); return err },
		prepare: func(o travels) error { return o.(*shared.Array[int64]).Mutex().Lock(ctx) },
		wait:    func(ctx context.Context, o travels) error { return o.(*shared.Array[int64]).Mutex().Lock(ctx) },
	},
	{
		name: "full Queue",
		make: func() (travels, error) { return shared.NewQueue[[3]int](shared.QueueConfig{Capacity: 1}) },
		zero: func() travels { return new(shared.Queue[[3]int]) },
		use:  func(o travels) error { _, err := o.(*shared.Queue[[3]int]).TryGet(); return err },
		prepare: func(o travels) error {
			return o.(*shared.Queue[[3]int]).Put(ctx, [3]int{1, 2, 3})
		},
		wait: func(ctx context.Context, o travels) error { return o.(*shared.Queue[[3]int]).Put(ctx, [3]int{4}) },
	},
	{
		name:    "Queue to be joined",
		make:    func() (travels, error) { return shared.NewQueue[int](shared.QueueConfig{}) },
		zero:    func() travels { return new(shared.Queue[int]) },
		use:     func(o travels) error { return o.(*shared.Queue[int]).TaskDone() },
		prepare: func(o travels) error { return o.(*shared.Queue[int]).Put(ctx, 1) },
		wait:    func(ctx context.Context, o travels) error { return o.(*shared.Queue[int]).Join(ctx) },
	},
	{
		name: "Queue to take from",
		make: func() (travels, error) { return shared.NewQueue[int](shared.QueueConfig{}) },
		zero: func() travels { return new(shared.Queue[int]) },
		use:  func(o travels) error { _, err := o.(*shared.Queue[int]).TryTake(); return err },
		wait: func(ctx context.Context, o travels) error { _, err := o.(*shared.Queue[int]).Take(ctx); return err },
	},
}

func copyOf(t testing.TB, k kind, o travels) travels {
	t.Helper()
	b, err := o.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	c := k.zero()
	if err := c.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	return c
}

type waitArgs struct {
	Kind   int
	Handle []byte
	Up     *shared.Event
}

// waitFor waits with a handle of a kind, and returns how that ended.
var waitFor = mp.Func("waitFor", func(ctx context.Context, w waitArgs) (string, error) {
	o := kinds[w.Kind].zero()
	if err := o.UnmarshalBinary(w.Handle); err != nil {
		return "", err
	}
	if err := w.Up.Set(); err != nil {
		return "", err
	}
	return closedOr(kinds[w.Kind].wait(ctx, o)), nil
})

func closedOr(err error) string {
	if errors.Is(err, shared.ErrClosed) {
		return "closed"
	}
	return fmt.Sprint(err)
}

// number is which cell an object is in.
func number(o travels) string {
	_, after, _ := strings.Cut(o.String(), "#")
	n, _, _ := strings.Cut(after, "(")
	return n
}

// The end of an object is told to everybody who waits for it, in every process, also when its memory is another object's at once,
// which nobody touches with an old handle.
func TestFreeEndsWaits(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, 1)
	for i, k := range kinds {
		if k.wait == nil {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			for range 10 {
				o, err := k.make()
				ok(t, err)
				if k.prepare != nil {
					ok(t, k.prepare(o))
				}
				up, err := shared.NewEvent()
				ok(t, err)
				b, err := o.MarshalBinary()
				ok(t, err)
				far := waitFor.Go(ctx, pool, waitArgs{i, b, up})
				here := make(chan error, 2)
				for range cap(here) {
					c := copyOf(t, k, o)
					go func() { here <- k.wait(ctx, c) }()
				}
				ok(t, up.Wait(ctx))
				stale := copyOf(t, k, o)
				ok(t, o.Free())
				next, err := shared.NewMutex() // in the cell that was freed last, or another
				ok(t, err)
				ok(t, next.Lock(ctx))
				if got, err := far.Wait(ctx); got != "closed" || err != nil {
					t.Errorf("in another process: %q, %v", got, err)
				}
				for range cap(here) {
					if err := <-here; !errors.Is(err, shared.ErrClosed) {
						t.Errorf("in this process: %v", err)
					}
				}
				wants(t, "a second Free", o.Free(), shared.ErrClosed)
				wants(t, "Free by another handle", stale.Free(), shared.ErrClosed)
				wants(t, "a use", k.use(stale), shared.ErrClosed)
				wants(t, "a wait", k.wait(ctx, stale), shared.ErrClosed)
				ok(t, next.Unlock())
				ok(t, next.Free())
				ok(t, up.Free())
			}
		})
	}
}

// A cell has another object by now. Whatever is done with a handle on the last one, the present one does not change.
func TestReusedCellIsNotTouched(t *testing.T) {
	noLeaks(t)
	for _, old := range kinds {
		for _, other := range kinds {
			o, err := old.make()
			ok(t, err)
			stale := copyOf(t, old, o)
			n := number(o)
			ok(t, o.Free())
			next, err := other.make()
			ok(t, err)
			if number(next) != n && !strings.Contains(old.name+other.name, "Queue") {
				t.Errorf("%s in cell %s, %s in cell %s", old.name, n, other.name, number(next))
			}
			before := next.String()
			wants(t, "a use", old.use(stale), shared.ErrClosed)
			if old.wait != nil {
				wants(t, "a wait", old.wait(ctx, stale), shared.ErrClosed)
			}
			wants(t, "Free", stale.Free(), shared.ErrClosed)
			late := copyOf(t, old, stale) // decoded only now
			wants(t, "a use of what was decoded late", old.use(late), shared.ErrClosed)
			if after := next.String(); after != before {
				t.Errorf("%s was %s, and is %s after a %s in its cell was used", other.name, before, after, old.name)
			}
			if !strings.HasSuffix(stale.String(), "(freed)") {
				t.Error(stale)
			}
			ok(t, next.Free())
		}
	}
}

// A zero handle refers to nothing, says so, and does not travel.
func TestMethodsOfZeroHandles(t *testing.T) {
	for _, k := range kinds {
		o := k.zero()
		for what, err := range map[string]error{"use": k.use(o), "free": o.Free()} {
			if err == nil || !strings.Contains(err.Error(), "zero handle") {
				t.Errorf("%s: %s: %v", k.name, what, err)
			}
		}
		if k.wait != nil {
			if err := k.wait(ctx, o); err == nil || !strings.Contains(err.Error(), "zero handle") {
				t.Errorf("%s: wait: %v", k.name, err)
			}
		}
		if _, err := o.MarshalBinary(); err == nil {
			t.Errorf("%s: it travels", k.name)
		}
		if !strings.HasSuffix(o.String(), "(zero)") {
			t.Error(o)
		}
	}
}

// A handle on one kind of object, or on elements of one type, is none on another.
func TestHandlesOfAnotherType(t *testing.T) {
	noLeaks(t)
	for i, k := range kinds {
		o, err := k.make()
		ok(t, err)
		b, err := o.MarshalBinary()
		ok(t, err)
		for j, other := range kinds {
			err := other.zero().UnmarshalBinary(b)
			same := fmt.Sprintf("%T", other.zero()) == fmt.Sprintf("%T", o)
			within := other.name == "Mutex" && strings.Contains(k.name, "Value") || other.name == "Mutex" && strings.Contains(k.name, "Array")
			queue := strings.Contains(k.name, "Queue") && strings.Contains(other.name, "Queue") // of other items: they tell
			if (i == j || same || within || queue) != (err == nil) {
				t.Errorf("%s as %s: %v", k.name, other.name, err)
			}
		}
		ok(t, o.Free())
	}
	a := fresh(shared.NewArray[int32](4))(t)
	b, err := a.MarshalBinary()
	ok(t, err)
	if err := new(shared.Array[float64]).UnmarshalBinary(b); err == nil || !strings.Contains(err.Error(), "another type than float64") {
		t.Error(err)
	}
}

// Whatever bytes are decoded, the handle is one, or none, and nothing else is hurt.
func FuzzUnmarshal(f *testing.F) {
	for i, k := range kinds {
		o, err := k.make()
		if err != nil {
			f.Fatal(err)
		}
		b, err := o.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), b)
		for bit := range 8 {
			c := append([]byte(nil), b...)
			c[8+bit] ^= 1 << bit
			f.Add(byte(i+bit), c)
		}
		f.Add(byte(i), b[:len(b)-1])
		for other := range kinds {
			f.Add(128-byte(128%len(kinds))+byte(len(kinds)+other), b)
		}
	}
	f.Add(byte(0), []byte{})
	own, err := shared.NewEvent()
	if err != nil {
		f.Fatal(err)
	}
	family, err := own.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, which byte, b []byte) {
		k := kinds[int(which)%len(kinds)]
		if which >= 128 { // else the bytes are of the family of the process that found them
			copy(b, family[:8])
		}
		o := k.zero()
		if o.UnmarshalBinary(b) != nil {
			return
		}
		_ = o.String()
		if again, err := o.MarshalBinary(); err == nil && string(again) != string(b) {
			t.Errorf("%x became %x", b, again)
		}
		if k.wait != nil {
			_ = k.wait(ended, o)
		}
		_ = k.use(o)
	})
}
