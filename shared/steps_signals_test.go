//go:build linux

package shared_test

import (
	"context"
	"errors"
	"slices"

	"github.com/go-multiproc/mp/shared"
)

func init() {
	acts["acquire"] = func(ctx context.Context, k kit) (string, error) {
		return "", errors.Join(k.Sem.Acquire(ctx), k.Sem.Release())
	}
	acts["cond wait"] = func(ctx context.Context, k kit) (string, error) {
		if err := k.Mutex.Lock(ctx); err != nil {
			return "", err
		}
		return "", errors.Join(k.Cond.Wait(ctx), k.Mutex.Unlock())
	}
	acts["event wait"] = func(ctx context.Context, k kit) (string, error) { return "", k.Event.Wait(ctx) }
	acts["group wait"] = func(ctx context.Context, k kit) (string, error) { return "", k.Group.Wait(ctx) }
	acts["barrier wait"] = func(ctx context.Context, k kit) (string, error) {
		_, err := k.Barrier.Wait(ctx)
		return "", err
	}
	ops["acquire"] = func(ctx context.Context, k kit) func() { return func() { must(k.Sem.Acquire(ctx)) } }
	ops["release"] = func(ctx context.Context, k kit) func() {
		must(k.Sem.Acquire(ctx))
		return func() { must(k.Sem.Release()) }
	}
	ops["release one"] = func(_ context.Context, k kit) func() { return func() { must(k.Sem.Release()) } }
	ops["cond wait"] = func(ctx context.Context, k kit) func() {
		return func() { must(errors.Join(k.Mutex.Lock(ctx), k.Cond.Wait(ctx))) }
	}
	ops["cond signal"] = func(_ context.Context, k kit) func() { return func() { must(k.Cond.Signal(2)) } }
	ops["event set"] = func(_ context.Context, k kit) func() { return func() { must(k.Event.Set()) } }
	ops["event clear"] = func(_ context.Context, k kit) func() {
		must(k.Event.Set())
		return func() { must(k.Event.Clear()) }
	}
	ops["event wait"] = func(ctx context.Context, k kit) func() { return func() { must(k.Event.Wait(ctx)) } }
	ops["group done"] = func(_ context.Context, k kit) func() { return func() { must(k.Group.Done()) } }
	ops["group wait"] = func(ctx context.Context, k kit) func() { return func() { must(k.Group.Wait(ctx)) } }
	ops["barrier wait"] = func(ctx context.Context, k kit) func() { return func() { _, _ = k.Barrier.Wait(ctx) } }
	ops["barrier reset"] = func(_ context.Context, k kit) func() { return func() { must(k.Barrier.Reset()) } }
	ops["barrier abort"] = func(_ context.Context, k kit) func() { return func() { must(k.Barrier.Abort()) } }
}

func signalScenes() []scene {
	return []scene{
		{name: "semaphore: acquire", set: func(p *play) { p.bounded("acquire", nil, []string{"acquire", "acquire"}) }},
		{name: "semaphore: release", set: func(p *play) { p.bounded("release", []string{"acquire", "acquire"}, nil) }},
		{name: "semaphore: acquire, and wait", set: func(p *play) {
			p.bounded("acquire", nil, []string{"acquire", "acquire"})
			p.heldAtFirst(p.kit.Sem.Acquire, p.kit.Sem.Release)
			p.on["wait: announced#2"], p.on["wait: announced"] = p.on["wait: announced"], nil // it is the heir by then
		}},
		{name: "semaphore: acquire what belongs to nobody", set: func(p *play) { p.unbounded("acquire", 1, nil) }},
		{name: "semaphore: release what belongs to nobody", set: func(p *play) { p.unbounded("release one", 0, []string{"acquire", "acquire"}) }},
		{name: "cond: wait", set: (*play).condWait},
		{name: "cond: signal", set: (*play).condSignal},
		{name: "event: set", set: func(p *play) {
			p.event("event set", []string{"event wait", "event wait"}, nil)
			p.asleep = func(r *result) { // they go, though it is not set any more when they look
				if err := p.kit.Event.Clear(); err != nil {
					r.Error(err)
				}
			}
		}},
		{name: "event: wait", set: func(p *play) {
			p.event("event wait", nil, []string{"event wait", "event wait"})
			p.on["wait: announced"] = func() { p.bg.Go(func() { _ = p.kit.Event.Set() }) }
		}},
		{name: "event: clear", set: func(p *play) { p.event("event clear", nil, []string{"event wait"}) }},
		{name: "waitgroup: done", set: func(p *play) {
			p.group("group done", []string{"group wait", "group wait"}, nil)
			check := p.check
			p.asleep = func(r *result) { // they go, though it is not 0 any more when they look
				if g := p.kit.Group; g.Cell().A.Load() == 0 {
					r.note["added"] = 1
					if err := g.Add(1); err != nil {
						r.Error(err)
					}
				}
			}
			p.check = func(r *result) {
				if r.note["added"] > 0 {
					r.all()
				}
				check(r)
			}
		}},
		{name: "waitgroup: wait", set: func(p *play) {
			p.group("group wait", nil, []string{"group wait", "group wait"})
			p.on["wait: announced"] = func() { p.bg.Go(func() { _ = p.kit.Group.Done() }) }
		}},
		{name: "barrier: come first", set: (*play).barrierFirst},
		{name: "barrier: come last", set: func(p *play) { p.barrier("barrier wait", 3, []string{"barrier wait", "barrier wait"}) }},
		{name: "barrier: reset", set: func(p *play) { p.barrier("barrier reset", 3, []string{"barrier wait", "barrier wait"}) }},
		{name: "barrier: abort", set: func(p *play) { p.barrier("barrier abort", 3, []string{"barrier wait", "barrier wait"}) }},
	}
}

// bounded: all permits come back, and there are no more.
func (p *play) bounded(op string, before, after []string) {
	s := made[*shared.Semaphore](p)(shared.NewBoundedSemaphore(1))
	p.kit.Sem, p.kit.Op, p.before, p.after = s, op, before, after
	p.check = func(r *result) {
		r.all()
		for range 2 {
			if s.Value() != 1 {
				r.Errorf("%v", s)
			}
			if err := s.Acquire(ctx); err != nil {
				r.Error(err)
			}
			if more, err := s.TryAcquire(); more || err != nil {
				r.Error("there are too many permits", err)
			}
			if err := s.Release(); err != nil {
				r.Error(err)
			}
		}
	}
}

// unbounded: the semaphore goes on; what the victim had is gone.
func (p *play) unbounded(op string, n int, before []string) {
	s := made[*shared.Semaphore](p)(shared.NewSemaphore(n))
	p.kit.Sem, p.kit.Op, p.before = s, op, before
	p.check = func(r *result) {
		if err := s.Release(); err != nil {
			r.Error(err)
		}
		r.all()
		eventually(r.T, "permits are back", func() bool { return s.Value() >= 1 })
		if s.Value() > 2 {
			r.Errorf("%v", s)
		}
	}
}

func (p *play) cond() {
	p.mutex()
	p.kit.Cond = made[*shared.Cond](p)(shared.NewCond(p.kit.Mutex))
}

// condWait: the wake-up that the victim was given and has not taken goes to another.
func (p *play) condWait() {
	p.cond()
	c, m := p.kit.Cond, p.kit.Mutex
	signal := func(slot uint32) { // it is the victim's turn
		c.Cell().A.Store(uint64(slot) - 1)
		if err := c.Signal(1); err != nil {
			p.Error(err)
		}
	}
	given := func(slot uint32) bool { return uint32(c.Record(slot)) > 0 }
	p.kit.Op, p.first = "cond wait", []string{"cond wait", "cond wait"}
	p.on["wait: announced"] = func() {
		for slot := range shared.Memory().F.Members() {
			if c.Record(slot)>>32 > 0 && !slices.Contains(p.others, slot) {
				p.bg.Go(func() { signal(slot) })
			}
		}
	}
	p.frozen = func(r *result) {
		if !guarded(p.kit, r.slot) && c.Record(r.slot)>>32 > 0 && !given(r.slot) && r.passed("wait: announced") < 2 {
			signal(r.slot)
		}
		r.note["given"] = of(given(r.slot))
		r.note["held"] = of(owns(m.Cell(), r.slot))
	}
	p.check = func(r *result) {
		if r.note["given"] > 0 {
			eventually(r.T, "another has the wake-up", func() bool { return r.answered() > 0 })
		}
		for r.answered() < 2 {
			if err := c.Broadcast(); err != nil {
				r.Error(err)
			}
		}
		p.toldOf(r)
	}
}

// toldOf: of the victim, if it held the mutex of a condition, one was told.
func (p *play) toldOf(r *result) {
	told := uint64(r.all(shared.ErrOwnerDied))
	err := p.kit.Mutex.Lock(ctx)
	if errors.Is(err, shared.ErrOwnerDied) {
		told, err = told+1, nil
	}
	if err = errors.Join(err, p.kit.Mutex.Unlock()); err != nil || told != r.note["held"] {
		r.Errorf("%d were told that an owner died, of %d; %v", told, r.note["held"], err)
	}
}

// condSignal: those that were given a wake-up wake, though nobody rang.
func (p *play) condSignal() {
	p.cond()
	p.kit.Op, p.before = "cond signal", []string{"cond wait", "cond wait"}
	p.check = func(r *result) {
		eventually(r.T, "who was given a wake-up wakes", func() bool { return r.answered() >= r.passed("cond: given") })
		if n := r.answered(); n > r.passed("cond: given") {
			r.Errorf("%d woke, of %d", n, r.passed("cond: given"))
		}
		if err := p.kit.Cond.Broadcast(); err != nil {
			r.Error(err)
		}
		p.toldOf(r)
	}
}

// event: if it was set, everybody goes, else when it is set.
func (p *play) event(op string, before, after []string) {
	e := made[*shared.Event](p)(shared.NewEvent())
	p.kit.Event, p.kit.Op, p.before, p.after = e, op, before, after
	p.frozen = func(r *result) { r.note["set"] = of(e.IsSet()) }
	p.check = func(r *result) {
		if r.note["set"] > 0 {
			r.all()
		}
		if err := e.Set(); err != nil {
			r.Error(err)
		}
		r.all()
		if err := errors.Join(e.Clear(), e.Set(), e.Wait(ctx)); err != nil {
			r.Error(err)
		}
	}
}

// group: if the count came to 0, everybody goes, else when it does.
func (p *play) group(op string, before, after []string) {
	g := made[*shared.WaitGroup](p)(shared.NewWaitGroup())
	if err := g.Add(1); err != nil {
		p.Fatal(err)
	}
	p.kit.Group, p.kit.Op, p.before, p.after = g, op, before, after
	p.check = func(r *result) {
		if g.Cell().A.Load() > 0 {
			if err := g.Done(); err != nil && !errors.Is(err, shared.ErrBound) { // another does it, too
				r.Error(err)
			}
		}
		r.all()
		if err := errors.Join(g.Add(1), g.Done(), g.Wait(ctx)); err != nil {
			r.Error(err)
		}
	}
}
