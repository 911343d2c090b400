//go:build linux

package shared_test

import (
	"sync"
	"sync/atomic"

	"github.com/go-multiproc/mp/shared"
)

// barrier: if the phase was over, everybody passed it or was told of the reset, else the barrier is broken, or it is as if nothing
// had happened. After Reset it is as new.
func (p *play) barrier(op string, parties int, before []string) {
	b := made[*shared.Barrier](p)(shared.NewBarrier(parties))
	p.kit.Barrier, p.kit.Op, p.before = b, op, before
	var phase uint64
	p.frozen = func(r *result) {
		phase = b.Cell().A.Load()
		r.note["party"] = of(b.Record(r.slot) != 0)
		r.note["broken"] = of(b.Broken())
	}
	p.check = func(r *result) {
		switch {
		case phase == 0 && r.note["party"]+r.note["broken"] > 0:
			if n := r.all(shared.ErrBroken); n != len(r.answers) {
				r.Errorf("%d of %d were told that it is broken", n, len(r.answers))
			}
		case phase > 0:
			want := 0
			if op == "barrier reset" {
				want = len(r.answers)
			}
			if n := r.all(shared.ErrBroken); n != want {
				r.Errorf("%d of %d were told that it is broken", n, len(r.answers))
			}
		}
		eventually(r.T, "nobody waits", func() bool { // who waited for the guard comes after the first reset
			if err := b.Reset(); err != nil {
				r.Error(err)
			}
			return r.answered() == len(r.answers)
		})
		r.all(shared.ErrBroken)
		p.passes(r, b, parties)
	}
}

// passes: as many as must come come, and pass.
func (p *play) passes(r *result, b *shared.Barrier, parties int) {
	var wg sync.WaitGroup
	for range parties {
		wg.Go(func() {
			if _, err := b.Wait(ctx); err != nil {
				r.Error(err)
			}
		})
	}
	wg.Wait()
	if b.Broken() || b.Waiting() != 0 {
		r.Errorf("%v", b)
	}
}

// barrierFirst: the victim waits, others come, but too few, or so late that some of them belong to the next phase.
func (p *play) barrierFirst() {
	p.barrier("barrier wait", 4, nil)
	check, b := p.check, p.kit.Barrier
	var came atomic.Int32 // of this process
	p.on["wait: announced"] = func() {
		came.Add(3)
		for range 3 {
			go func() {
				_, _ = b.Wait(ctx)
				came.Add(-1)
			}()
		}
	}
	p.after = []string{"barrier wait", "barrier wait"}
	p.check = func(r *result) {
		if b.Cell().A.Load() == 0 && came.Load() == 0 {
			check(r)
			return
		}
		eventually(r.T, "everybody has passed, or was told", func() bool {
			if b.Broken() || b.Cell().A.Load() > 0 {
				_ = b.Reset()
			}
			return came.Load() == 0 && r.answered() == len(r.answers)
		})
		r.all(shared.ErrBroken)
		p.passes(r, b, 4)
	}
}
