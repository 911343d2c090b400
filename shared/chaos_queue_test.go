//go:build linux

package shared_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/go-multiproc/mp/shared"
)

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
