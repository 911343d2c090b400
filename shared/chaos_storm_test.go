//go:build linux

package shared_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// A storm is what the processes of the chaos test get.
type storm struct {
	Who         int
	Incarnation uint32 // of the process: no other has it
	Seed        uint64

	Ops     *shared.Array[uint64] // done by each; by all; and 1 when it is time to end
	Doomed  *shared.Array[uint32] // by incarnation: it is being killed, or was
	Ledger  *shared.Array[int64]
	Pages   *shared.Array[int64] // two that are the same, under RW
	RW      *shared.RWMutex
	Re      *shared.RMutex
	Sem     *shared.Semaphore
	Tokens  *shared.Array[uint64] // as many as permits
	Mutex   *shared.Mutex
	Cond    *shared.Cond
	Stock   *shared.Value[int64] // under Mutex
	Event   *shared.Event
	Barrier *shared.Barrier
	Group   *shared.WaitGroup
	Value   *shared.Value[large]
	Number  *shared.Value[uint64] // of the last item
	Get     *shared.Queue[item]
	Take    *shared.Queue[string]
	Items   *shared.Array[uint32] // by number: what is known of it
}

// An item of the queue from which it is got.
type item struct {
	By uint32
	N  uint64
}

// What is known of an item: how often it was got in the upper half.
const (
	itemPut   = 1
	itemTaken = 2 // it is of the queue from which it is taken
	itemDone  = 4 // acknowledged
	oneGot    = 1 << 16
)

// sail does what there is to do until it is time to end, or the process is killed.
var sail = mp.Func("sail", func(ctx context.Context, s storm) (struct{}, error) {
	errs := make([]error, hands)
	var wg sync.WaitGroup
	for i := range errs {
		h := &sailor{storm: s, hand: uint32(i), rng: rand.New(rand.NewPCG(s.Seed, uint64(i))), last: make(map[uint32]uint64)}
		wg.Go(func() {
			ops := s.Ops.Slice()
			for errs[i] == nil && atomic.LoadUint64(&ops[sailors+1]) == 0 {
				errs[i] = h.work(ctx)
				atomic.AddUint64(&ops[s.Who], 1)
				atomic.AddUint64(&ops[sailors], 1)
			}
		})
	}
	wg.Wait()
	return struct{}{}, errors.Join(errs...)
})

// A sailor is one goroutine.
type sailor struct {
	storm
	hand uint32 // of the process
	rng  *rand.Rand
	last map[uint32]uint64 // of each process, the item that was got last
}

// work does one thing.
func (s *sailor) work(ctx context.Context) error {
	short, cancel := context.WithTimeout(ctx, time.Duration(1+s.rng.IntN(10))*time.Millisecond)
	defer cancel()
	works := [...]func(context.Context) error{
		func(context.Context) error { return s.transfer(s.Who) },
		func(context.Context) error { return s.pages(ctx) },
		func(context.Context) error { return s.permit(ctx) },
		func(context.Context) error { return s.nest(ctx) },
		func(context.Context) error { return s.values(ctx) },
		func(context.Context) error { return s.memory(ctx) },
		s.put, s.put, s.get, s.get, s.post, s.post, s.fetch, s.fetch, s.trade, s.signals, s.meet,
	}
	err := works[s.rng.IntN(len(works))](short)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // there was nothing to be had
	}
	return err
}
