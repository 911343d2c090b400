//go:build linux

package shared_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-multiproc/mp/shared"
)

func init() {
	acts["value store"] = func(_ context.Context, k kit) (string, error) {
		k.Value.Store(filled(3))
		v := k.Value.Load()
		return "", whole(v)
	}
	acts["value update"] = func(ctx context.Context, k kit) (string, error) {
		_, err := k.Value.Update(ctx, func(v large) large { return filled(v[0] + 10) })
		return "", err
	}
	acts["array new"] = func(context.Context, kit) (string, error) { return "", newArray() }
	ops["value store"] = func(_ context.Context, k kit) func() { return func() { k.Value.Store(filled(2)) } }
	ops["value update"] = func(ctx context.Context, k kit) func() {
		return func() {
			_, err := k.Value.Update(ctx, func(v large) large { return filled(v[0] + 1) })
			must(err)
		}
	}
	ops["array new"] = func(_ context.Context, k kit) func() {
		return func() {
			_, err := shared.NewArray[byte](max(k.N, arraySize))
			must(err)
		}
	}
	ops["queue new"] = func(context.Context, kit) func() {
		return func() {
			_, err := shared.NewQueue[string](shared.QueueConfig{})
			must(err)
		}
	}
	ops["array free"] = func(_ context.Context, k kit) func() {
		soil(k.Array)
		return func() { must(k.Array.Free()) }
	}
	ops["mutex free"] = func(ctx context.Context, k kit) func() {
		must(k.Mutex.Lock(ctx))
		return func() { must(k.Mutex.Free()) }
	}
	ops["semaphore free"] = func(_ context.Context, k kit) func() { return func() { must(k.Sem.Free()) } }
	ops["pages"] = func(context.Context, kit) func() {
		a, err := shared.NewArray[byte](100 << 20) // no page of it is touched
		must(err)
		soil(a)
		return func() {
			must(a.Free())
			for tick := range time.Tick(time.Millisecond) { // until most of it was given back
				if h := shared.Memory().Header; tick.IsZero() || h.Dirty.Load() < 64<<20 {
					return
				}
			}
		}
	}
}

const arraySize = 100_000

// soil writes something into each page of an array's first 256 KiB.
func soil(a *shared.Array[byte]) {
	for i := 0; i < min(a.Len(), 256<<10); i += 4096 {
		a.Slice()[i] = 0xff
	}
}

// whole reports an error for a value that is half old and half new.
func whole(v large) error {
	if v != filled(v[0]) {
		return fmt.Errorf("a torn value: %v", v)
	}
	return nil
}

// newArray makes an array, looks whether it is zero, and frees it again.
func newArray() error {
	a, err := shared.NewArray[byte](arraySize)
	if err != nil {
		return err
	}
	for i, b := range a.Slice() {
		if b != 0 {
			return errors.Join(fmt.Errorf("byte %d of a fresh array is %d", i, b), a.Free())
		}
	}
	return a.Free()
}

func valueScenes() []scene {
	return []scene{
		{name: "value: store", set: func(p *play) {
			p.value("value store", []string{"value store", "value store"}, func(before uint64) bool { return before == 1 || before == 2 })
		}},
		{name: "value: update", set: func(p *play) {
			p.value("value update", []string{"value update", "value update"}, func(before uint64) bool { return before%10 <= 2 })
		}},
		{name: "array: new", set: func(p *play) {
			p.kit.Op, p.after = "array new", []string{"array new", "array new"}
			p.leak = func(r *result) int { return r.passed("publish: live") }
			p.check = p.fresh
		}},
		{name: "array: new, in memory that nobody had", few: true, only: "allocate: heap grown", set: func(p *play) {
			h := shared.Memory().Header
			p.kit.Op, p.kit.N = "array new", int(h.HeapTop.Load()-h.Size/32+1)
			p.leak = func(r *result) int { return r.passed("publish: live") }
			p.check = p.fresh
		}},
		{name: "array: new, in a cell that nobody had", few: true, only: "allocate: ", set: func(p *play) {
			for shared.Memory().Header.FreeCell.Load() != 0 {
				made[*shared.Mutex](p)(shared.NewMutex())
			}
			p.kit.Op = "array new"
			p.leak = func(r *result) int { return r.passed("publish: live") }
			p.check = p.fresh
		}},
		{name: "queue: new", set: func(p *play) {
			p.kit.Op, p.after = "queue new", []string{"array new"}
			p.leak = func(r *result) int { return r.passed("publish: live") / 2 * 2 }
			p.check = p.fresh
		}},
		{name: "array: free", set: func(p *play) {
			p.kit.Array = made[*shared.Array[byte]](p)(shared.NewArray[byte](arraySize))
			p.kit.Op, p.after = "array free", []string{"array new", "array new"}
			p.check = p.fresh
		}},
		{name: "mutex: free", set: func(p *play) {
			p.mutex()
			p.kit.Op, p.before = "mutex free", []string{"lock", "lock"}
			p.freed(p.kit.Mutex.Free, shared.ErrOwnerDied)
		}},
		{name: "semaphore: free", set: func(p *play) {
			p.kit.Sem = made[*shared.Semaphore](p)(shared.NewBoundedSemaphore(0))
			p.kit.Op, p.before = "semaphore free", []string{"acquire", "acquire"}
			p.freed(p.kit.Sem.Free)
		}},
		{name: "pages: give back", few: true, only: "release: ", steps: []string{"release: claimed", "release: pages gone"}, set: func(p *play) {
			eventually(p.T, "little lies about", func() bool { // this process is not to give back what the victim frees
				h := shared.Memory().Header
				return int64(h.Dirty.Load())-int64(h.Used.Load()) < 64<<20 || newArray() != nil
			})
			p.kit.Op = "pages"
			p.check = p.fresh
		}},
	}
}

// value: it is the old one or the new one, at any time, and others go on.
func (p *play) value(op string, after []string, ok func(uint64) bool) {
	v := made[*shared.Value[large]](p)(shared.NewValue(filled(1)))
	p.kit.Value, p.kit.Op, p.after = v, op, after
	p.frozen = func(r *result) {
		now := v.Load()
		if whole(now) != nil || !ok(now[0]) {
			r.Errorf("%v", now)
		}
		r.note["held"] = of(owns(v.Cell(), r.slot))
	}
	p.check = func(r *result) {
		if err := whole(v.Load()); err != nil {
			r.Error(err)
		}
		r.all()
		err := v.Mutex().Lock(ctx)
		if errors.Is(err, shared.ErrOwnerDied) != (r.note["held"] > 0) {
			r.Errorf("%v, when the owner that died was %d", err, r.note["held"])
		}
		if err := v.Mutex().Unlock(); err != nil {
			r.Error(err)
		}
		v.Store(filled(7))
		if now := v.Load(); now != filled(7) {
			r.Errorf("%v", now)
		}
	}
}

// fresh: what is given out is zero.
func (p *play) fresh(r *result) {
	r.all()
	for range 3 {
		if err := newArray(); err != nil {
			r.Error(err)
		}
	}
}

// freed: who waited for the object is told that it is gone, when it is.
func (p *play) freed(free func() error, but ...error) {
	p.check = func(r *result) {
		if err := free(); err != nil && !errors.Is(err, shared.ErrClosed) {
			r.Error(err)
		}
		r.all(append(but, shared.ErrClosed)...)
	}
}
