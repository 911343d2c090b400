package shared

import (
	"context"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/robust"
)

// spins waits for a moment.
func (q *Queue[T]) spins(ready func() bool) bool {
	if !q.spinning.CompareAndSwap(false, true) {
		return ready()
	}
	defer q.spinning.Store(false)
	return q.spin.Spin(ready)
}

// awaitItem waits until there may be something to get.
func (q *Queue[T]) awaitItem(ctx context.Context) error {
	if q.spins(q.some) {
		return nil
	}
	return q.sleep(ctx, q.itemBells(), &q.local.Gates[itemGate], func() bool { return q.ready() || q.ctl.Closed.Load() != 0 && !q.outstanding() })
}

// awaitRoom waits until there may be room for n bytes.
func (q *Queue[T]) awaitRoom(ctx context.Context, n uint64) error {
	room := func() bool {
		puts := q.ctl.Puts.Load()
		gets, bytes := taken(q.ctl)
		return fits(q.ctl, puts, gets, q.ctl.Tail[puts%2].Bytes, bytes, n)
	}
	if q.spins(room) {
		return nil
	}
	return q.sleep(ctx, q.roomBells(), &q.local.Gates[roomGate], func() bool { return room() || q.ctl.Closed.Load() != 0 })
}

// sleep waits until ready, one goroutine of the process at a time.
func (q *Queue[T]) sleep(ctx context.Context, bells *atomic.Uint64, gate *robust.Gate, ready func() bool) error {
	if err := gate.Enter(ctx); err != nil {
		return err
	}
	defer gate.Exit()
	err := q.a.F.Wait(ctx, bells, q.tag(), func() bool { return q.check() != nil || ready() })
	q.a.F.Leave(bells)
	if gone := q.check(); gone != nil {
		return gone
	}
	if err != nil && ready() {
		q.wakeOne(bells) // it was perhaps woken in his place
	}
	return err
}
