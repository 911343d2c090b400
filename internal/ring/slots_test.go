package ring

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
)

func yield() { runtime.Gosched() }

// slotPipe is a ring of slots with both its ends.
type slotPipe struct {
	mem        Memory
	tail, head atomic.Uint64
	w          *SlotWriter
	r          *SlotReader
}

func newSlotPipe(slots int) *slotPipe {
	p := &slotPipe{mem: make(Memory, slots*abi.SlotSize)}
	p.w, p.r = NewSlotWriter(p.mem, &p.tail, &p.head), NewSlotReader(p.mem, &p.tail, &p.head)
	return p
}

// startAt moves a fresh ring on to slot n, a multiple of its slots.
func (p *slotPipe) startAt(n uint64) {
	p.tail.Store(n)
	p.head.Store(n)
	p.w.pos, p.w.shown, p.w.seen = n, n, n
	p.r.pos, p.r.seen = n, n
}

// slotModel is a slot that was put and not yet given back.
type slotModel struct {
	number       uint64
	batch        Batch
	begun, limit int
}

func TestSlotsAgainstAModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, slots := range []int{8, 16, 256} {
		// Laps have 32 bits in the cursor.
		for _, at := range []uint64{0, uint64(slots) * 3, uint64(slots) * (1<<32 - 2)} {
			p := newSlotPipe(slots)
			p.startAt(at)
			slotModelRun(t, rand.New(rand.NewPCG(seed, at)), p, 100_000/3)
		}
	}
}

func randomBatch(r *rand.Rand) Batch {
	b := Batch{
		Kind: uint8(r.Uint32()), Flags: uint8(r.Uint32()), Func: r.Uint32(), Timeout: int64(r.Uint64()), Index: int64(r.Uint64()),
		Count: 1 + r.IntN(5), Size: uint64(r.IntN(abi.SlotInline + 1)),
	}
	switch r.IntN(10) {
	case 0:
		b.Count = abi.MaxBatch
	case 1:
		b.Count = 0
	case 2:
		b.Size = r.Uint64() | 1<<40
	}
	if b.Flags&abi.FlagSeeded != 0 {
		b.Seed = r.Uint64()
	}
	if b.Size <= uint64(abi.Inline(b.Flags)) {
		b.Inline = make([]byte, b.Size)
		for i := range b.Inline {
			b.Inline[i] = byte(r.Uint32())
		}
	}
	return b
}

func slotModelRun(t *testing.T, r *rand.Rand, p *slotPipe, steps int) {
	t.Helper()
	slots := p.w.Size()
	var live []*slotModel // put and not done
	shown, next := 0, 0   // of these: published; next() of the reader was called, 0 or 1
	var past []*slotModel
	for step := range steps {
		switch r.IntN(9) {
		case 0, 1:
			free, err := p.w.Free()
			// The writer may not know of all, but it must not know of more.
			if err != nil || free > slots-len(live) || free < min(1, slots-len(live)-headEvery) {
				t.Fatalf("step %d: %d free, %v, with %d of %d used", step, free, err, len(live), slots)
			}
			if len(live) == 0 && free < slots/2 {
				t.Fatalf("step %d: all %d slots are done, and only %d free", step, slots, free)
			}
			if free > 0 {
				b := randomBatch(r)
				live = append(live, &slotModel{p.w.Put(b), b, 0, b.Count})
			}
		case 2:
			if p.w.Publish() != (shown < len(live)) {
				t.Fatalf("step %d: wrong about whether there was anything to publish", step)
			}
			shown = len(live)
		case 3:
			if next == 0 && p.r.Ready() {
				if shown == 0 {
					t.Fatalf("step %d: ready, but nothing is published", step)
				}
				got, want := p.r.Next(), live[0].batch
				if !bytes.Equal(got.Inline, want.Inline) {
					t.Fatalf("step %d: inline %x, want %x", step, got.Inline, want.Inline)
				}
				got.Inline, want.Inline = nil, nil
				if got.Count != want.Count || got.Size != want.Size || got.Timeout != want.Timeout || got.Func != want.Func || got.Kind != want.Kind || got.Flags != want.Flags {
					t.Fatalf("step %d: %+v, want %+v", step, got, want)
				}
				next = 1
			} else if next == 0 && shown > 0 {
				t.Fatalf("step %d: not ready with %d published", step, shown)
			}
		case 4, 5:
			if next == 1 {
				m := live[0]
				if p.r.Begin() != (m.begun < m.limit) {
					t.Fatalf("step %d: slot %+v", step, *m)
				}
				m.begun = min(m.begun+1, m.limit)
			}
		case 6:
			if next == 1 && live[0].begun == live[0].limit {
				p.r.Done()
				past = append(past, live[0])
				past = past[max(0, len(past)-3*slots):]
				live, shown, next = live[1:], shown-1, 0
			}
		case 7:
			if len(live) > 0 {
				m := live[r.IntN(len(live))]
				if begun := p.w.TakeBack(m.number, m.batch.Count); begun != m.begun {
					t.Fatalf("step %d: took back from %+v all but %d", step, *m, begun)
				}
				m.limit = m.begun
			}
		case 8:
			for _, m := range live {
				if begun := p.w.Begun(m.number, m.batch.Count); begun != m.begun {
					t.Fatalf("step %d: %d of %+v have begun", step, begun, *m)
				}
			}
			// A slot that was given back is as it was, or used again and then wholly begun.
			if len(past) > 0 {
				m := past[r.IntN(len(past))]
				if begun := p.w.Begun(m.number, m.batch.Count); begun != m.begun && begun != m.batch.Count {
					t.Fatalf("step %d: %d of the past %+v have begun", step, begun, *m)
				}
				if begun := p.w.TakeBack(m.number, m.batch.Count); begun != m.begun && begun != m.batch.Count {
					t.Fatalf("step %d: took back from the past %+v all but %d", step, *m, begun)
				}
			}
		}
	}
}

// Every element goes one way only: the worker begins it, or the parent takes it back. The race detector sees this memory;
// TakeBack and Put are the parent's, under one lock as in the engine.
func TestEachElementGoesOneWay(t *testing.T) {
	for _, procs := range []int{1, 2} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		for _, slots := range []int{8, 64} {
			oneWay(t, slots)
		}
	}
}

func oneWay(t *testing.T, slots int) {
	t.Helper()
	const batches = 20_000
	p := newSlotPipe(slots)
	r := rand.New(rand.NewPCG(1, uint64(slots)))
	counts := make([]int, batches)
	for i := range counts {
		counts[i] = 1 + r.IntN(6)
	}
	begun := make([]int, batches) // by the worker
	kept := make([]int, batches)  // as the parent believes
	for i := range kept {
		kept[i] = counts[i]
	}
	var mu sync.Mutex // the parent's
	numbers := make([]uint64, batches)
	put := 0
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { // the worker
		for i := range batches {
			for !p.r.Ready() {
				yield()
			}
			if b := p.r.Next(); int(b.Func) != i || b.Count != counts[i] {
				t.Errorf("batch %d is %+v", i, b)
				return
			}
			for p.r.Begin() {
				begun[i]++
				if i%7 == 0 {
					yield()
				}
			}
			p.r.Done()
		}
	})
	all.Go(func() { // another goroutine of the parent
		r := rand.New(rand.NewPCG(2, 2))
		for {
			select {
			case <-stop:
				return
			default:
			}
			mu.Lock()
			if put > 0 {
				i := max(0, put-1-r.IntN(2*slots)) // some of them were used again since
				n := p.w.TakeBack(numbers[i], kept[i])
				kept[i] = min(kept[i], n)
			}
			mu.Unlock()
			yield()
		}
	})
	for put < batches {
		mu.Lock()
		free, err := p.w.Free()
		if err != nil {
			t.Error(err)
		}
		for ; free > 0 && put < batches; free-- {
			numbers[put] = p.w.Put(Batch{Func: uint32(put), Count: counts[put]})
			put++
		}
		p.w.Publish()
		mu.Unlock()
		yield()
	}
	for p.head.Load() != batches {
		yield()
	}
	close(stop)
	all.Wait()
	moved := 0
	for i := range batches {
		if begun[i] != kept[i] {
			t.Fatalf("batch %d of %d: the worker began %d, the parent took back all but %d", i, counts[i], begun[i], kept[i])
		}
		moved += counts[i] - kept[i]
	}
	t.Logf("GOMAXPROCS %d, %d slots: %d elements taken back", runtime.GOMAXPROCS(0), slots, moved)
	if moved == 0 {
		t.Error("nothing was ever taken back")
	}
}
