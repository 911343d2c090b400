//go:build linux

package shared_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/shared"
)

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
