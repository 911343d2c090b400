//go:build linux

package shared_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/osenv"
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

// The ledger: two sums that are the same, what the entry that is being made was before, and the sums by process.
const (
	ledgerX = iota
	ledgerY
	ledgerOpen
	ledgerOldX
	ledgerWho
	ledgerOldBy
	ledgerBy
)

// noted is no error if that is that an owner died.
func noted(err error) error {
	if errors.Is(err, shared.ErrOwnerDied) {
		return nil
	}
	return err
}

// transfer adds 1 to three sums, and repairs what somebody left who died in the middle. That is told always.
func (s *storm) transfer(who int) error {
	m, l := s.Ledger.Mutex(), s.Ledger.Slice()
	get := func(i int) int64 { return atomic.LoadInt64(&l[i]) }
	set := func(i int, v int64) { atomic.StoreInt64(&l[i], v) }
	err := m.Lock(context.Background())
	if noted(err) != nil {
		return err
	}
	if get(ledgerOpen) != 0 {
		if err == nil {
			return errors.New("the ledger is torn, and nobody said so")
		}
		set(ledgerX, get(ledgerOldX))
		set(ledgerY, get(ledgerOldX))
		set(ledgerBy+int(get(ledgerWho)), get(ledgerOldBy))
		set(ledgerOpen, 0)
	}
	x, sum := get(ledgerX), int64(0)
	for i := range sailors {
		sum += get(ledgerBy + i)
	}
	if get(ledgerY) != x || sum != x {
		return fmt.Errorf("the ledger says %d, %d and %d", x, get(ledgerY), sum)
	}
	set(ledgerOldX, x)
	set(ledgerWho, int64(who))
	set(ledgerOldBy, get(ledgerBy+who))
	set(ledgerOpen, 1)
	set(ledgerX, x+1)
	set(ledgerBy+who, get(ledgerBy+who)+1)
	set(ledgerY, x+1)
	set(ledgerOpen, 0)
	return m.Unlock()
}

// pages reads or writes two words that are the same, unless a writer died and nobody has written since.
func (s *sailor) pages(ctx context.Context) error {
	p := s.Pages.Slice()
	if s.rng.IntN(4) > 0 {
		err := s.RW.RLock(ctx)
		if noted(err) != nil {
			return err
		}
		a, b := atomic.LoadInt64(&p[0]), atomic.LoadInt64(&p[1])
		if err == nil && a != b {
			return fmt.Errorf("who reads sees %d and %d", a, b)
		}
		return s.RW.RUnlock()
	}
	if err := noted(s.RW.Lock(ctx)); err != nil {
		return err
	}
	v := s.rng.Int64()
	atomic.StoreInt64(&p[0], v)
	atomic.StoreInt64(&p[1], v)
	return s.RW.Unlock()
}

// permit takes one of as many tokens as there are permits: who has a permit finds one that nobody who lives has. A token is a number
// that grows, and the incarnation that has it.
func (s *sailor) permit(ctx context.Context) error {
	if s.rng.IntN(2) == 0 {
		if ok, err := s.Sem.TryAcquire(); !ok || err != nil {
			return err
		}
	} else if err := s.Sem.Acquire(ctx); err != nil {
		return err
	}
	tokens := s.Tokens.Slice()
	var before [permits]uint64
	for {
		var now [permits]uint64
		living := 0
		for i := range tokens {
			now[i] = atomic.LoadUint64(&tokens[i])
			if owner := uint32(now[i]); owner != 0 && atomic.LoadUint32(&s.Doomed.Slice()[owner]) == 0 {
				living++
				continue
			}
			mine := now[i]&^(1<<32-1) + 1<<32 | uint64(s.Incarnation)
			if atomic.CompareAndSwapUint64(&tokens[i], now[i], mine) {
				osenv.Yield()
				atomic.CompareAndSwapUint64(&tokens[i], mine, mine&^(1<<32-1)+1<<32) // if another has it, this process is doomed
				return s.Sem.Release()
			}
		}
		if living == permits && now == before {
			return fmt.Errorf("one more than %d have permits: %x", permits, now)
		}
		before = now
	}
}

// nest locks a mutex again that it holds.
func (s *sailor) nest(ctx context.Context) error {
	held, err := s.Re.Lock(ctx)
	if noted(err) != nil {
		return err
	}
	if _, err := s.Re.Lock(held); err != nil {
		return err
	}
	return errors.Join(s.Re.Unlock(held), s.Re.Unlock(held))
}

// values looks at a value, which is never torn, and changes it.
func (s *sailor) values(ctx context.Context) error {
	if err := whole(s.Value.Load()); err != nil {
		return err
	}
	if s.rng.IntN(2) == 0 {
		s.Value.Store(filled(s.rng.Uint64()))
		return nil
	}
	v, err := s.Value.Update(ctx, func(v large) large { return filled(v[0] + 1) })
	return errors.Join(err, whole(v))
}

// memory makes an object, which nobody else writes to, and frees it.
func (s *sailor) memory(ctx context.Context) error {
	a, err := shared.NewArray[uint64](s.rng.IntN(40_000))
	if err != nil {
		return err
	}
	mark := s.rng.Uint64()
	for i, v := range a.Slice() {
		if v != 0 {
			return fmt.Errorf("word %d of fresh memory is %#x", i, v)
		}
		a.Slice()[i] = mark
	}
	m, err := shared.NewMutex()
	if err != nil {
		return err
	}
	q, err := shared.NewQueue[uint64](shared.QueueConfig{})
	if err != nil {
		return err
	}
	if err := errors.Join(m.Lock(ctx), q.Put(ctx, mark), m.Unlock()); err != nil {
		return err
	}
	for i, v := range a.Slice() {
		if v != mark {
			return fmt.Errorf("word %d is %#x, and not %#x", i, v, mark)
		}
	}
	return errors.Join(q.Free(), m.Free(), a.Free())
}

// number is that of the next item, 0 if there were too many.
func (s *sailor) number() uint64 {
	if n := shared.Add(s.Number, 1); n < maxItems {
		return n
	}
	return 0
}

func (s *sailor) put(ctx context.Context) error {
	n := s.number()
	if n == 0 {
		return nil
	}
	err := s.Get.Put(ctx, item{s.Incarnation*hands + s.hand, n})
	if err == nil {
		atomic.OrUint32(&s.Items.Slice()[n], itemPut)
	}
	return err
}

// got notes that an item was got, which happens once.
func (s *storm) got(n uint64) error {
	if state := atomic.AddUint32(&s.Items.Slice()[n], oneGot); state >= 2*oneGot {
		return fmt.Errorf("item %d was got %d times", n, state/oneGot)
	}
	return nil
}

func (s *sailor) get(ctx context.Context) error {
	it, err := s.Get.Get(ctx)
	if err != nil {
		return err
	}
	if err := s.got(it.N); err != nil {
		return err
	}
	if before := s.last[it.By]; before >= it.N {
		return fmt.Errorf("item %d of %d came after item %d", it.N, it.By, before)
	}
	s.last[it.By] = it.N
	return nil
}

// pack makes an item of any size of its number.
func pack(n uint64) string {
	size := n * 7919 % 3000
	if n%50 == 0 {
		size = 40_000
	}
	return fmt.Sprintf("%d:", n) + strings.Repeat(string(rune('a'+n%26)), int(size))
}

func unpack(s string) (n uint64, err error) {
	if _, err := fmt.Sscanf(s, "%d:", &n); err != nil {
		return 0, err
	}
	if s != pack(n) {
		return n, fmt.Errorf("item %d is torn", n)
	}
	return n, nil
}

func (s *sailor) post(ctx context.Context) error {
	n := s.number()
	if n == 0 {
		return nil
	}
	err := s.Take.Put(ctx, pack(n))
	if err == nil {
		atomic.OrUint32(&s.Items.Slice()[n], itemPut|itemTaken)
	}
	return err
}

// fetch takes an item, and acknowledges it, or gives it back.
func (s *sailor) fetch(ctx context.Context) error {
	d, err := s.Take.Take(ctx)
	if err != nil {
		return err
	}
	n, err := unpack(d.Value)
	if err != nil {
		return err
	}
	state := &s.Items.Slice()[n]
	if atomic.LoadUint32(state)&itemDone != 0 {
		return fmt.Errorf("item %d was taken after it was acknowledged", n)
	}
	if s.rng.IntN(8) == 0 {
		return d.Return()
	}
	atomic.AddUint32(state, oneGot)
	if err := d.Ack(); err != nil {
		return err
	}
	atomic.OrUint32(state, itemDone)
	return nil
}

// trade waits for something that others bring, or brings it.
func (s *sailor) trade(ctx context.Context) error {
	if err := noted(s.Mutex.Lock(context.WithoutCancel(ctx))); err != nil {
		return err
	}
	if s.rng.IntN(2) == 0 {
		s.Stock.Store(s.Stock.Load() + 1)
		return errors.Join(s.Cond.Signal(1), s.Mutex.Unlock())
	}
	err := s.Cond.WaitFor(ctx, func() bool { return s.Stock.Load() > 0 })
	if err == nil {
		s.Stock.Store(s.Stock.Load() - 1)
	}
	uerr := s.Mutex.Unlock()
	return errors.Join(noted(err), uerr)
}

// signals sets, clears and waits for an event, and a group.
func (s *sailor) signals(ctx context.Context) error {
	switch s.rng.IntN(4) {
	case 0:
		return s.Event.Set()
	case 1:
		return s.Event.Clear()
	case 2:
		return s.Event.Wait(ctx)
	}
	if err := s.Group.Add(1); err != nil {
		return err
	}
	if err := s.Group.Done(); err != nil {
		return err
	}
	return s.Group.Wait(ctx)
}

// meet waits at the barrier, and makes it whole if it is broken.
func (s *sailor) meet(ctx context.Context) error {
	_, err := s.Barrier.Wait(ctx)
	if err != nil && (errors.Is(err, shared.ErrBroken) || ctx.Err() != nil) {
		return s.Barrier.Reset()
	}
	return err
}
