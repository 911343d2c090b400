//go:build linux

package shared_test

import (
	"context"
	"errors"
	"sync"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/shared"
)

// made is an object that was made, or the end of the test.
func made[T interface{ Free() error }](p *play) func(T, error) T {
	return func(o T, err error) T {
		p.Helper()
		if err != nil {
			p.Fatal(err)
		}
		p.free = append(p.free, o.Free)
		return o
	}
}

func (p *play) mutex() { p.kit.Mutex = made[*shared.Mutex](p)(shared.NewMutex()) }

// lockOnce locks and unlocks. That the owner before has died is told with a lock that is held.
func lockOnce(ctx context.Context, lock func(context.Context) error, unlock func() error) error {
	err := lock(ctx)
	if err == nil || errors.Is(err, shared.ErrOwnerDied) {
		err = errors.Join(err, unlock())
	}
	return err
}

func init() {
	acts["lock"] = func(ctx context.Context, k kit) (string, error) {
		return "", lockOnce(ctx, k.Mutex.Lock, k.Mutex.Unlock)
	}
	acts["rlock twice"] = func(ctx context.Context, k kit) (string, error) {
		held, err := k.RMutex.Lock(ctx)
		if err == nil || errors.Is(err, shared.ErrOwnerDied) {
			_, nested := k.RMutex.Lock(held)
			err = errors.Join(err, nested, k.RMutex.Unlock(held), k.RMutex.Unlock(held))
		}
		return "", err
	}
	acts["write"] = func(ctx context.Context, k kit) (string, error) {
		return "", lockOnce(ctx, k.RWMutex.Lock, k.RWMutex.Unlock)
	}
	acts["read"] = func(ctx context.Context, k kit) (string, error) {
		return "", lockOnce(ctx, k.RWMutex.RLock, k.RWMutex.RUnlock)
	}
	ops["lock"] = func(ctx context.Context, k kit) func() { return func() { _ = k.Mutex.Lock(ctx) } }
	ops["unlock"] = func(ctx context.Context, k kit) func() {
		must(k.Mutex.Lock(ctx))
		return func() { must(k.Mutex.Unlock()) }
	}
	ops["rlock twice"] = func(ctx context.Context, k kit) func() {
		return func() {
			held, err := k.RMutex.Lock(ctx)
			must(err)
			_, err = k.RMutex.Lock(held)
			must(errors.Join(err, k.RMutex.Unlock(held), k.RMutex.Unlock(held)))
		}
	}
	ops["write"] = func(ctx context.Context, k kit) func() { return func() { must(k.RWMutex.Lock(ctx)) } }
	ops["read"] = func(ctx context.Context, k kit) func() { return func() { must(k.RWMutex.RLock(ctx)) } }
	ops["write no more"] = func(ctx context.Context, k kit) func() {
		must(k.RWMutex.Lock(ctx))
		return func() { must(k.RWMutex.Unlock()) }
	}
	ops["read no more"] = func(ctx context.Context, k kit) func() {
		must(k.RWMutex.RLock(ctx))
		return func() { must(k.RWMutex.RUnlock()) }
	}
}

// toldOnce: exactly one who comes after a dead owner is told of him, and nobody else is, and the mutex can be had.
func (p *play) toldOnce(m *shared.Mutex) {
	p.frozen = func(r *result) { r.note["held"] = of(owns(m.Cell(), r.slot)) }
	p.check = func(r *result) {
		told := uint64(r.all(shared.ErrOwnerDied))
		for range 2 {
			err := m.Lock(ctx)
			if errors.Is(err, shared.ErrOwnerDied) {
				told, err = told+1, nil
			}
			if err = errors.Join(err, m.Unlock()); err != nil {
				r.Error(err)
			}
		}
		if told != r.note["held"] {
			r.Errorf("%d were told that an owner died, of %d", told, r.note["held"])
		}
		if w := m.Cell().Lock.Load(); w != 0 {
			r.Errorf("the lock's word is %#x", w)
		}
	}
}

func of(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func lockScenes() []scene {
	return []scene{
		{name: "mutex: lock", set: func(p *play) {
			p.mutex()
			p.kit.Op, p.after = "lock", []string{"lock", "lock"}
			p.toldOnce(p.kit.Mutex)
		}},
		{name: "mutex: lock after a death", set: func(p *play) {
			p.mutex()
			p.kit.Mutex.Cell().Lock.Store(abi.LockDied)
			p.kit.Op, p.after = "lock", []string{"lock", "lock"}
			p.toldOnce(p.kit.Mutex)
		}},
		{name: "mutex: lock, and wait", set: func(p *play) {
			p.mutex()
			m := p.kit.Mutex
			if err := m.Lock(ctx); err != nil {
				p.Fatal(err)
			}
			unlock := sync.OnceFunc(func() {
				if err := m.Unlock(); err != nil {
					p.Error(err)
				}
			})
			p.kit.Op, p.after = "lock", []string{"lock", "lock"}
			p.on["lock: heir"] = unlock
			p.meanwhile = func(*result) { unlock() }
			p.toldOnce(m)
		}},
		{name: "mutex: unlock", set: func(p *play) {
			p.mutex()
			p.kit.Op, p.before = "unlock", []string{"lock", "lock"}
			p.toldOnce(p.kit.Mutex)
		}},
		{name: "rmutex: lock twice", set: func(p *play) {
			p.kit.RMutex = made[*shared.RMutex](p)(shared.NewRMutex())
			p.kit.Op, p.after = "rlock twice", []string{"rlock twice", "rlock twice"}
			p.frozen = func(r *result) { r.note["held"] = of(owns(p.kit.RMutex.Cell(), r.slot)) }
			p.check = func(r *result) {
				told := r.all(shared.ErrOwnerDied)
				held, err := p.kit.RMutex.Lock(ctx)
				if uint64(told) != r.note["held"] || err != nil {
					r.Error(told, err)
				}
				if err := p.kit.RMutex.Unlock(held); err != nil {
					r.Error(err)
				}
			}
		}},
		{name: "rwmutex: write", set: func(p *play) { p.rwmutex("write", nil, []string{"read", "write"}) }},
		{name: "rwmutex: read", set: func(p *play) { p.rwmutex("read", nil, []string{"write", "read"}) }},
		{name: "rwmutex: write no more", set: func(p *play) { p.rwmutex("write no more", []string{"read", "write"}, nil) }},
		{name: "rwmutex: read no more", set: func(p *play) { p.rwmutex("read no more", []string{"write", "read"}, nil) }},
		{name: "rwmutex: write, and wait", set: func(p *play) {
			p.rwmutex("write", nil, []string{"read", "write"})
			p.heldAtFirst(p.kit.RWMutex.RLock, p.kit.RWMutex.RUnlock)
		}},
		{name: "rwmutex: read, and wait", set: func(p *play) {
			p.rwmutex("read", nil, []string{"read", "write"})
			p.heldAtFirst(p.kit.RWMutex.Lock, p.kit.RWMutex.Unlock)
		}},
	}
}

// heldAtFirst has this process hold a lock until the victim waits for it, or stands still.
func (p *play) heldAtFirst(lock func(context.Context) error, unlock func() error) {
	if err := lock(ctx); err != nil {
		p.Fatal(err)
	}
	once := sync.OnceFunc(func() {
		if err := unlock(); err != nil {
			p.Error(err)
		}
	})
	p.on["wait: announced"] = func() { go once() } // the victim may stop with the guard
	p.meanwhile = func(*result) { once() }
}

// rwmutex: what a dead reader had is given back; if a writer died, readers may be told, and one writer is.
func (p *play) rwmutex(op string, before, after []string) {
	m := made[*shared.RWMutex](p)(shared.NewRWMutex())
	p.kit.RWMutex, p.kit.Op, p.before, p.after = m, op, before, after
	c := m.Cell()
	p.frozen = func(r *result) { r.note["written"] = of(c.A.Load() == uint64(r.slot)) }
	p.check = func(r *result) {
		told := uint64(0)
		readers := r.all(shared.ErrOwnerDied)
		for _, a := range r.answers {
			if a.act == "write" && errors.Is(a.err, shared.ErrOwnerDied) {
				told++
				readers--
			}
		}
		for range 2 {
			err := m.Lock(ctx)
			if errors.Is(err, shared.ErrOwnerDied) {
				told, err = told+1, nil
			}
			if err = errors.Join(err, m.Unlock()); err != nil {
				r.Error(err)
			}
		}
		if err := errors.Join(m.RLock(ctx), m.RLock(ctx), m.RUnlock(), m.RUnlock()); err != nil {
			r.Error(err)
		}
		// The victim may have got the lock after it was looked at, when it had stopped in another goroutine's step.
		if told != r.note["written"] || told == 0 && readers > 0 {
			r.Errorf("%d writers and %d readers were told that a writer died, of %d", told, readers, r.note["written"])
		}
		if a, b, w, n, e := c.A.Load(), c.B.Load(), c.C.Load(), c.D.Load(), c.E.Load(); a+b+w+n+e != 0 {
			r.Errorf("writer %d, %d read locks, %d writers and %d readers wait, flags %d", a, b, w, n, e)
		}
	}
}
