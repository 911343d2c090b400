package ring

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
)

// script is bytes that decide what a hostile peer does, and when.
type script struct{ b []byte }

func (s *script) more() bool { return len(s.b) > 0 }

func (s *script) byte() byte {
	if len(s.b) == 0 {
		return 0
	}
	c := s.b[0]
	s.b = s.b[1:]
	return c
}

// word is any word, but mostly one near what would be right.
func (s *script) word(near uint64) uint64 {
	switch c := s.byte(); c % 4 {
	case 0:
		return near + uint64(int8(s.byte()))
	case 1:
		return near + uint64(int8(s.byte()))<<(c>>2)
	case 2:
		var b [8]byte
		s.b = s.b[copy(b[:], s.b):]
		return binary.LittleEndian.Uint64(b[:])
	}
	return near
}

// between checks that a count is possible, or that the other side was found out and nothing else happened.
func between(t *testing.T, what string, n, low, high int, err error) {
	t.Helper()
	if (err != nil && (!errors.Is(err, ErrCorrupt) || n != 0)) || n < low || n > high {
		t.Fatalf("%s: %d, %v, want %d to %d", what, n, err, low, high)
	}
}

// The parent reads a ring of results. Everything in it, and both words, may be anything at any moment.
func FuzzReaderHostile(f *testing.F) {
	f.Add([]byte{0}, uint64(0))
	f.Add([]byte("\x01\x00\x08\x02\x03\x10\x04\x01\x01\xff\x02\x05"), uint64(math.MaxUint64-3))
	f.Add([]byte("\x01\x03\x02\x03\x40\x01\x00\x40\x02\x03\x40\x03\x40\x05\x00\x00\x03"), uint64(1<<63))
	f.Fuzz(func(t *testing.T, b []byte, at uint64) {
		const size = 64
		at &^= 7
		p := newBytePipe(size, at)
		for s := (&script{b}); s.more(); {
			switch s.byte() % 9 {
			case 0:
				p.buf[s.byte()%size] = s.byte()
			case 1:
				p.tail.Store(s.word(p.r.Consumed()))
			case 2:
				p.head.Store(s.word(p.r.Consumed()))
			case 3:
				n, err := p.r.Available()
				between(t, "available", n, 0, size, err)
				if err == nil && n != p.r.Known() {
					t.Fatalf("%d available, %d known", n, p.r.Known())
				}
			case 4:
				dst, known := make([]byte, s.byte()), p.r.Known()
				if n := p.r.Read(dst); n != min(len(dst), known) {
					t.Fatalf("read %d of %d, with %d known", n, len(dst), known)
				}
			case 5:
				known, before, n := p.r.Known(), p.r.Consumed(), int(s.byte())
				p.r.Discard(n)
				if got := p.r.Consumed() - before; got != uint64(min(n, known)) {
					t.Fatalf("discarded %d of %d, with %d known", got, n, known)
				}
			case 6:
				if p.r.Known() >= 8 && p.r.Consumed()%8 == 0 { // what the caller has to see to
					p.r.Word()
				}
			case 8:
				if p.r.Consumed()%abi.RecordAlign == 0 {
					size, most, known, before := int(s.byte()), int(s.byte()), p.r.Known(), p.r.Consumed()
					out, n := p.r.Records(nil, s.byte(), size, most)
					took := int(p.r.Consumed() - before)
					if n > most || len(out) != n*size || took > known || took != n*(abi.RecordHeader+(size+7)/8*8) {
						t.Fatalf("%d records of %d bytes, at most %d: %d bytes of %d known", n, size, most, took, known)
					}
				}
			case 7:
				p.r.Release()
				if p.head.Load() != p.r.Consumed() {
					t.Fatal("released something else than what was consumed")
				}
			}
			between(t, "known", p.r.Known(), 0, size, nil)
		}
	})
}

// The parent writes a ring of payloads, whose reader is hostile.
func FuzzWriterHostile(f *testing.F) {
	f.Add([]byte{0}, uint64(0))
	f.Add([]byte("\x02\x40\x03\x00\x00\x08\x01\x02\x10\x00\x01\x01"), uint64(math.MaxUint64-3))
	f.Fuzz(func(t *testing.T, b []byte, at uint64) {
		const size = 64
		p := newBytePipe(size, at)
		for s := (&script{b}); s.more(); {
			switch s.byte() % 5 {
			case 0:
				p.head.Store(s.word(p.w.pos))
			case 1:
				n, err := p.w.Free()
				between(t, "free", n, 0, size, err)
			case 2:
				b := make([]byte, s.byte())
				n, err := p.w.Write(b)
				between(t, "written", n, 0, min(len(b), size), err)
			case 3:
				n := int(s.byte())
				if ok, err := p.w.Room(n); ok && (err != nil || n > size) {
					t.Fatalf("room for %d: %v", n, err)
				}
			case 4:
				p.w.Publish()
			}
		}
	})
}

// The parent holds the slots; the worker can write anything into them, and into both words.
func FuzzSlotWriterHostile(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00\x01\x04\x03\x00\x05\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x03\x00\x04\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		const slots = 8
		p := newSlotPipe(slots)
		var counts []int
		for s := (&script{b}); s.more(); {
			switch s.byte() % 7 {
			case 0:
				free, err := p.w.Free()
				between(t, "free", free, 0, slots, err)
				if free > 0 {
					count := int(s.byte()) << (s.byte() % 9)
					counts = append(counts, count)
					if n := p.w.Put(Batch{Count: count, Inline: make([]byte, s.byte()%(abi.SlotInline+1))}); n != uint64(len(counts)-1) {
						t.Fatalf("slot %d is called %d", len(counts)-1, n)
					}
				}
			case 1:
				p.w.Publish()
				if p.tail.Load() != uint64(len(counts)) {
					t.Fatalf("published %d of %d", p.tail.Load(), len(counts))
				}
			case 2:
				p.head.Store(s.word(p.w.pos))
			case 3, 4: // what the parent asks about
				if len(counts) > 0 {
					i := max(0, len(counts)-1-int(s.byte())%(2*slots))
					n := p.w.Begun(uint64(i), counts[i])
					between(t, "begun", n, 0, counts[i], nil)
					n = p.w.TakeBack(uint64(i), counts[i])
					between(t, "kept", n, 0, counts[i], nil)
					if again := p.w.TakeBack(uint64(i), counts[i]); again != n {
						t.Fatalf("took back all but %d, and the second time all but %d", n, again)
					}
				}
			case 5:
				word := p.w.cursor(uint64(s.byte()))
				c := abi.Cursor(word.Load())
				word.Store(s.word(uint64(abi.MakeCursor(c.Lap(), uint16(c.Begun()), uint16(c.Limit())))))
			case 6:
				p.mem[int(s.byte())*2%len(p.mem)] = s.byte()
			}
		}
	})
}

// Cursors that no worker can have made.
func TestNonsenseCursorsHaveBegunWholly(t *testing.T) {
	const count = 10
	for _, c := range []struct {
		name   string
		cursor abi.Cursor
		begun  int // what Begun says: it does not look at the limit, which take-back changes
	}{
		{"zero", 0, count},
		{"all ones", math.MaxUint64, count},
		{"another lap", abi.MakeCursor(2, 3, count), count},
		{"more begun than there are", abi.MakeCursor(1, count+1, count+1), count},
		{"more begun than may", abi.MakeCursor(1, 5, 3), 5},
		{"more may begin than there are", abi.MakeCursor(1, 5, count+1), 5},
	} {
		p := newSlotPipe(8)
		n := p.w.Put(Batch{Count: count})
		p.w.cursor(n).Store(uint64(c.cursor))
		if got := p.w.TakeBack(n, count); got != count {
			t.Errorf("%s: took back all but %d", c.name, got)
		}
		if got := p.w.cursor(n).Load(); got != uint64(c.cursor) {
			t.Errorf("%s: it was changed to %x", c.name, got)
		}
		if got := p.w.Begun(n, count); got != c.begun {
			t.Errorf("%s: %d have begun, want %d", c.name, got, c.begun)
		}
	}
}

func TestSpoiledWordsAtRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	corrupt := 0
	for range 2000 {
		p := newBytePipe(8, r.Uint64()&^7)
		for range 50 {
			p.tail.Store(p.r.Consumed() + uint64(r.IntN(12)) - 1)
			n, err := p.r.Available()
			between(t, "available", n, 0, 8, err)
			if err != nil {
				corrupt++
				break
			}
			p.r.Read(make([]byte, r.IntN(9)))
		}
	}
	if corrupt < 1000 {
		t.Errorf("only %d of 2000 readers noticed", corrupt)
	}
}
