package shared_test

import (
	"context"
	"errors"
	"hash/crc64"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// A sealed value tells whether it is whole.
type sealed struct {
	Head uint8
	Data [1000]byte
	Sum  uint64
	Tail uint16
}

var table = crc64.MakeTable(crc64.ECMA)

func seal(n int) (s sealed) {
	s.Head, s.Tail = uint8(n), uint16(n)
	for i := range s.Data {
		s.Data[i] = byte(n * (i + 1))
	}
	s.Sum = crc64.Checksum(s.Data[:], table)
	return s
}

func (s sealed) whole() bool {
	return s.Sum == crc64.Checksum(s.Data[:], table) && s.Head == uint8(s.Tail)
}

type sealing struct {
	V     *shared.Value[sealed]
	Times int
	Loads bool
}

var sealAll = mp.Func("sealAll", func(_ context.Context, s sealing) (int, error) {
	for i := range s.Times {
		got := s.V.Load()
		if !s.Loads {
			got = s.V.Swap(seal(i))
			s.V.Store(seal(i + 1))
		}
		if !got.whole() {
			return i, errors.New("a value was seen half written")
		}
	}
	return s.Times, nil
})

// T081, W22: a value larger than a word is never seen torn, by whoever stores and loads it.
func TestValueIsNeverTorn(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		s := sealing{fresh(shared.NewValue(seal(0)))(t), 3000, false}
		readers := s
		readers.Loads = true
		everywhere(t, where, sealAll, s, s, readers, readers)
		if !s.V.Load().whole() {
			t.Error("the last value is torn")
		}
	})
}

// W22: nor when who stores it is killed at any moment.
func TestValueIsNeverTornByAKill(t *testing.T) {
	noLeaks(t)
	s := sealing{fresh(shared.NewValue(seal(0)))(t), 1 << 40, false}
	for i := range 20 {
		before := s.V.Load()
		p := start(t, sealAll, s)
		eventually(t, "it stores", func() bool { return s.V.Load() != before })
		for range i * 10 { // so that it is killed at another moment each time
			_ = s.V.Load()
		}
		ok(t, p.Kill())
		if !s.V.Load().whole() || !s.V.Swap(seal(i)).whole() {
			t.Fatal("torn")
		}
		<-p.Done()
	}
}
