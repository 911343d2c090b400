package ring

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// starts are positions near each edge: of a lap, of 32 and 63 bits, of all. The code claims to stand even the last.
func starts(size uint64) []uint64 {
	return []uint64{0, size - 3, 1<<32 - 5, 1<<63 - size/2 - 1, math.MaxUint64 - size - 1, math.MaxUint64 - 2, math.MaxUint64}
}

// bytePipe is a ring of bytes with both its ends, and the words between them.
type bytePipe struct {
	buf        []byte
	tail, head atomic.Uint64
	w          *Writer
	r          *Reader
}

func newBytePipe(size int, at uint64) *bytePipe {
	p := &bytePipe{buf: make([]byte, size)}
	p.tail.Store(at)
	p.head.Store(at)
	p.w, p.r = NewWriter(p.buf, &p.tail, &p.head, at), NewReader(p.buf, &p.tail, &p.head, at)
	return p
}

// byteModel is what a ring should do, with positions that count from 0 and never wrap.
type byteModel struct {
	stream                     []byte // all that was ever written
	published, known, consumed int
	released, seen             int // seen: released as the writer knows it
}

func TestBytesAgainstAModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, size := range []int{8, 16, 64, 4096} {
		for _, at := range starts(uint64(size)) {
			byteModelRun(t, rand.New(rand.NewPCG(seed, at)), newBytePipe(size, at), 100_000/len(starts(8))/4)
		}
	}
	byteModelRun(t, rand.New(rand.NewPCG(seed, 1)), newBytePipe(8, math.MaxUint64-500), 100_000)
}

func byteModelRun(t *testing.T, r *rand.Rand, p *bytePipe, steps int) {
	t.Helper()
	size := len(p.buf)
	m := byteModel{}
	next := byte(0)
	for step := range steps {
		free := size - (len(m.stream) - m.released)
		switch r.IntN(10) {
		case 0, 1:
			b := make([]byte, r.IntN(size+size/2))
			for i := range b {
				b[i] = next + byte(i)
			}
			n, err := p.w.Write(b)
			// It asks the other side only if it does not know of enough room, and then knows all.
			if len(b) > size-(len(m.stream)-m.seen) {
				m.seen = m.released
			}
			if err != nil || n != min(len(b), size-(len(m.stream)-m.seen)) {
				t.Fatalf("step %d: wrote %d of %d, %v, with %d free", step, n, len(b), err, free)
			}
			m.stream = append(m.stream, b[:n]...)
			next += byte(n)
		case 2:
			p.w.Publish()
			m.published = len(m.stream)
		case 3:
			if got, err := p.w.Free(); err != nil || got != free {
				t.Fatalf("step %d: %d free, %v, want %d", step, got, err, free)
			}
			m.seen = m.released
			n := r.IntN(size + 2)
			if ok, err := p.w.Room(n); err != nil || ok != (n <= free) {
				t.Fatalf("step %d: room for %d: %v, %v, with %d free", step, n, ok, err, free)
			}
		case 4:
			if got, err := p.r.Available(); err != nil || got != m.published-m.consumed {
				t.Fatalf("step %d: %d available, %v, want %d", step, got, err, m.published-m.consumed)
			}
			m.known = m.published
		case 5, 6:
			want := m.stream[m.consumed:m.known]
			if got := p.r.Known(); got != len(want) {
				t.Fatalf("step %d: knows of %d, want %d", step, got, len(want))
			}
			dst := make([]byte, r.IntN(size+2))
			want = want[:min(len(dst), len(want))]
			if r.IntN(3) == 0 {
				at := int(p.r.pos % uint64(size))
				if v := p.r.View(len(dst)); v != nil {
					if len(v) != len(dst) || len(want) < len(dst) || at+len(dst) > size {
						t.Fatalf("step %d: a view of %d at %d, with %d known", step, len(v), at, len(want))
					}
					copy(dst, v)
				} else if len(want) == len(dst) && at+len(dst) <= size {
					t.Fatalf("step %d: no view of %d at %d, with %d known", step, len(dst), at, len(want))
				} else {
					continue
				}
			} else if n := p.r.Read(dst); n != len(want) {
				t.Fatalf("step %d: read %d, want %d", step, n, len(want))
			}
			if !bytes.Equal(dst[:len(want)], want) {
				t.Fatalf("step %d: read %x, want %x", step, dst[:len(want)], want)
			}
			m.consumed += len(want)
		case 7:
			n := r.IntN(4)
			p.r.Discard(n)
			m.consumed += min(n, m.known-m.consumed)
		case 8:
			p.r.Release()
			m.released = m.consumed
		case 9: // others go on where these ends stopped
			w, err := ResumeWriter(p.buf, &p.tail, &p.head, p.w.pos, p.w.seen)
			if err != nil {
				t.Fatalf("step %d: %v", step, err)
			}
			p.w, p.r = w, NewReader(p.buf, &p.tail, &p.head, p.r.pos)
			m.known = m.consumed
		}
		if p.r.Consumed()-p.w.pos != uint64(m.consumed)-uint64(len(m.stream)) {
			t.Fatalf("step %d: consumed to %d, written to %d", step, p.r.Consumed(), p.w.pos)
		}
	}
}

func TestWordReadsWhatWasWritten(t *testing.T) {
	p := newBytePipe(16, math.MaxUint64-7)
	for i := range uint64(100) {
		word := []byte{byte(i), 2, 3, 4, 5, 6, 7, 8}
		if n, err := p.w.Write(word); n != 8 || err != nil {
			t.Fatal(n, err)
		}
		p.w.Publish()
		if n, err := p.r.Available(); n != 8 || err != nil {
			t.Fatal(n, err)
		}
		if got := p.r.Word(); got != 0x0807060504030200+i {
			t.Fatalf("word %d is %x", i, got)
		}
		p.r.Release()
	}
}

// Two goroutines, and messages that are mostly larger than the ring. The race detector sees this memory: that it is
// quiet means that every copy is ordered by tail and head.
func TestStreamBetweenGoroutines(t *testing.T) {
	for _, size := range []int{8, 64} {
		p := newBytePipe(size, math.MaxUint64-1000)
		var done sync.WaitGroup
		done.Go(func() {
			r := rand.New(rand.NewPCG(1, 1))
			next := byte(0)
			for i := range 2001 {
				b := make([]byte, r.IntN(4*size))
				if i == 2000 {
					b = []byte{^next} // the end
				} else {
					for i := range b {
						b[i] = next
						next++
					}
				}
				for len(b) > 0 {
					n, err := p.w.Write(b)
					if err != nil {
						t.Error(err)
						return
					}
					p.w.Publish()
					if b = b[n:]; n == 0 {
						yield()
					}
				}
			}
		})
		buf := make([]byte, size)
		for want, ended := byte(0), false; !ended; {
			if n, err := p.r.Available(); err != nil {
				t.Fatal(err)
			} else if n == 0 {
				yield()
			}
			for _, b := range buf[:p.r.Read(buf[:1+int(want)%size])] {
				if ended = b == ^want; !ended && b != want {
					t.Fatalf("got %d, want %d", b, want)
				}
				want++
			}
			p.r.Release()
		}
		done.Wait()
	}
}

func TestHeadAndTailOutOfRange(t *testing.T) {
	const size = 64
	for _, at := range starts(size) {
		p := newBytePipe(size, at)
		for range 3 { // written, released and known differ
			if _, err := p.w.Write(make([]byte, 20)); err != nil {
				t.Fatal(err)
			}
		}
		p.w.Publish()
		if _, err := p.r.Available(); err != nil {
			t.Fatal(err)
		}
		p.r.Discard(30)
		p.r.Release()
		if n, err := p.w.Free(); n != 34 || err != nil {
			t.Fatal(n, err)
		}
		for _, head := range []uint64{at + 29, at, at - 1, at + 61, at + 1<<32, at + 1<<63, math.MaxUint64 / 3} {
			p.head.Store(head)
			if n, err := p.w.Free(); !errors.Is(err, ErrCorrupt) || n != 0 {
				t.Errorf("from %d, a head of %d: %d free, %v", at, head, n, err)
			}
			if n, err := p.w.Write(make([]byte, 40)); !errors.Is(err, ErrCorrupt) || n != 0 {
				t.Errorf("from %d, a head of %d: wrote %d, %v", at, head, n, err)
			}
		}
		for _, tail := range []uint64{at + 59, at + 30, at + 29, at - 1, at + 95, at + 1<<32, at + 1<<63} {
			p.tail.Store(tail)
			if n, err := p.r.Available(); !errors.Is(err, ErrCorrupt) || n != 0 {
				t.Errorf("from %d, a tail of %d: %d available, %v", at, tail, n, err)
			}
		}
		p.tail.Store(at + 94) // the last that the ring can hold
		if n, err := p.r.Available(); n != size || err != nil {
			t.Errorf("from %d, a full ring: %d, %v", at, n, err)
		}
	}
}

func TestResumeWriterAtNonsense(t *testing.T) {
	p := newBytePipe(8, 0)
	for _, at := range []uint64{9, 1 << 63, math.MaxUint64} {
		if _, err := ResumeWriter(p.buf, &p.tail, &p.head, at, 0); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d bytes under way in a ring of 8: %v", at, err)
		}
	}
}
