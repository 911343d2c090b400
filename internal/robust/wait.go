package robust

import (
	"context"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
)

// tick is how long a process sleeps at most before it looks by itself whether somebody died and whether what it waits for
// has come. Wake-ups do not depend on it but where their sender was killed and nobody has swept it, or the process that was
// woken in place of another is stopped.
const tick = 100 * time.Millisecond

// thoroughTicks is how many ticks lie between two looks for processes that the kernel cannot mark.
const thoroughTicks = 10

func gosched() { runtime.Gosched() }

// waiting is who waits in this process. One of them, the leader, sleeps in the kernel, on the process's bell, for all: the
// others wait for a channel, and cost no thread.
type waiting struct {
	f    *Family
	bell *abi.Bell
	bit  uint64
	// single tells that there is one P: what is awaited may need it. With more, Gosched would wake an idle one each time.
	single bool

	mu      sync.Mutex
	asleep  []*sleeper   // guarded by mu: all, the leader too
	leading bool         // guarded by mu: if it is false, nobody is parked
	seen    uint32       // leader: rings up to this one were passed on
	ticks   atomic.Int64 // written by the leader
	looked  time.Time    // leader: when the last tick was
}

// A sleeper is a goroutine that waits.
type sleeper struct {
	tag    uint64
	wake   chan struct{} // buffered, 1: look again, or lead; written to under mu
	parked bool          // guarded by mu: it waits for wake, or is about to, and was not woken
	leads  bool          // guarded by mu: it was parked, and now leads
}

var sleepers = sync.Pool{New: func() any { return &sleeper{wake: make(chan struct{}, 1)} }}

func (w *waiting) init(f *Family) {
	w.f = f
	w.bell = &f.bells[f.Me%abi.Bells]
	w.bit = 1 << (f.Me % abi.Bells)
	w.seen = w.bell.Seq.Load()
	w.looked = time.Now()
	w.single = runtime.GOMAXPROCS(0) == 1
}

// Tag condenses the number of an object to one bit.
func Tag(cell uint32) uint64 { return 1 << (cell * 0x9e3779b1 >> 26) }

// Wait waits until ready reports true, which it may be asked at any time, or ctx ends: then it returns ctx's error. Whoever
// changes what ready looks at calls WakeOne or WakeAll with the same bells afterwards.
//
// The bit in bells is set before ready looks, and a waker looks at bells after its change, so one of the two sees the other.
func (f *Family) Wait(ctx context.Context, bells *atomic.Uint64, tag uint64, ready func() bool) error {
	w := &f.waiting
	s := sleepers.Get().(*sleeper)
	s.tag = tag
	w.mu.Lock()
	w.asleep = append(w.asleep, s)
	w.mu.Unlock()
	var err error
	for {
		bells.Or(w.bit) // SYNC POINT bells: pairs with the look of WakeOne and WakeAll
		At("wait: announced")
		if ready() {
			break
		}
		if err = ctx.Err(); err != nil {
			break
		}
		w.sleep(ctx, s)
	}
	w.leave(s)
	return err
}

// leave takes a sleeper off the list.
func (w *waiting) leave(s *sleeper) {
	w.mu.Lock()
	i := slices.Index(w.asleep, s)
	w.asleep = slices.Delete(w.asleep, i, i+1)
	w.mu.Unlock()
	select {
	case <-s.wake:
	default:
	}
	sleepers.Put(s)
}

// nudge wakes a sleeper; guarded by mu.
func (s *sleeper) nudge() {
	s.parked = false // so nobody makes it the leader before it has looked
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// sleep returns when there is a reason to look again.
func (w *waiting) sleep(ctx context.Context, s *sleeper) {
	w.mu.Lock()
	select {
	case <-s.wake: // it was nudged since it looked
		w.mu.Unlock()
		return
	default:
	}
	if w.leading {
		s.parked = true
		w.mu.Unlock()
		select {
		case <-s.wake:
		case <-ctx.Done():
		}
		w.mu.Lock()
		s.parked = false
		if !s.leads {
			w.mu.Unlock()
			return
		}
		s.leads = false
	}
	w.leading = true
	w.mu.Unlock()
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, w.ring)
		defer stop()
	}
	for meant := false; !meant && ctx.Err() == nil; {
		meant = w.lead(s)
	}
	w.mu.Lock()
	w.handOver()
	w.mu.Unlock()
}

// handOver makes another the leader: one who is parked, and was not told to look, so that nothing keeps him from leading at once. If
// there is none, whoever wants to sleep next leads. Guarded by mu.
func (w *waiting) handOver() {
	w.leading = false
	for _, other := range w.asleep {
		if other.parked {
			w.leading, other.leads = true, true
			other.nudge()
			return
		}
	}
}

// ring makes the leader look.
func (w *waiting) ring() {
	w.bell.Which.Or(^uint64(0))
	w.bell.Seq.Add(1)
	osenv.FutexWakeAll(&w.bell.Seq)
}

// lead sleeps until the bell is rung, and tells those who may be meant. It reports whether the leader itself is.
func (w *waiting) lead(s *sleeper) bool {
	if w.single {
		runtime.Gosched() // the sleep holds the only P until the runtime's monitor takes it: first whoever else wants to run
	}
	if w.bell.Seq.Load() == w.seen {
		osenv.FutexWait(&w.bell.Seq, w.seen, tick)
	}
	which := ^uint64(0)
	if seq := w.bell.Seq.Load(); seq != w.seen { // SYNC POINT seq: pairs with the ring's addition
		w.seen = seq
		// After seq: a ring whose tag was taken with an earlier one has nothing more to tell. Where two processes have one
		// bell, what one takes the other would miss.
		if tags := w.bell.Which.Swap(0); w.f.header.SlotTop.Load() < abi.Bells {
			which = tags
		}
	}
	if now := time.Now(); now.Sub(w.looked) >= tick { // also if rings of other objects kept it awake
		w.looked, which = now, ^uint64(0)
		w.f.suspectAll(w.ticks.Add(1)%thoroughTicks == 0)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, other := range w.asleep {
		if other != s && other.tag&which != 0 {
			other.nudge()
		}
	}
	return s.tag&which != 0
}

// WakeAll wakes everybody who waits with these bells.
func (f *Family) WakeAll(bells *atomic.Uint64, tag uint64) {
	if bells.Load() == 0 { // SYNC POINT bells: after the change
		return
	}
	At("wake: all")
	for set := bells.Swap(0); set != 0; set &= set - 1 {
		At("wake: bells taken")
		f.ring(uint32(bits.TrailingZeros64(set)), tag)
	}
}

// WakeOne wakes the waiters of one process, whichever it is: so who comes back at once does not keep others out for long.
func (f *Family) WakeOne(bells *atomic.Uint64, tag uint64) {
	for set := bells.Load(); set != 0; set = bells.Load() { // SYNC POINT bells: after the change
		some := set
		for range rand.IntN(bits.OnesCount64(set)) {
			some &= some - 1
		}
		bell := bits.TrailingZeros64(some)
		At("wake: one")
		if bells.CompareAndSwap(set, set&^(1<<bell)) {
			At("wake: bell taken")
			f.ring(uint32(bell), tag)
			return
		}
	}
}

// WakeHeir wakes the process in a slot, whether it waits or not.
func (f *Family) WakeHeir(slot uint32, tag uint64) { f.ring(slot%abi.Bells, tag) }

func (f *Family) ring(bell uint32, tag uint64) {
	b := &f.bells[bell]
	b.Which.Or(tag)
	b.Seq.Add(1) // SYNC POINT seq: after Which
	osenv.FutexWakeAll(&b.Seq)
}

// ringAll makes every process look at all it waits for: a wake-up that somebody owed, or got and did not use, died with him.
func (f *Family) ringAll() {
	for bell := range uint32(abi.Bells) {
		if bell <= f.header.SlotTop.Load() {
			f.ring(bell, ^uint64(0))
		}
	}
}

// Leave takes this process's bit away when the last of its waiters leaves. A wake-up may have been meant for
// it meanwhile: if what is waited for is there, the caller passes it on.
func (f *Family) Leave(bells *atomic.Uint64) {
	bells.And(^f.waiting.bit)
	if f.header.SlotTop.Load() >= abi.Bells {
		f.waiting.ring() // another process may have the same bell: it sets the bit again
	}
}

// Unbell takes the bell of a process that has ended out of masks: a wake-up that goes to it wakes nobody. Only for sweeps, which end with
// ringing all bells.
func (f *Family) Unbell(dead uint32, masks ...*atomic.Uint64) {
	if f.Top() >= abi.Bells {
		return // it may be another's as well
	}
	for _, bells := range masks {
		if bit := uint64(1) << dead; bells.Load()&bit != 0 {
			bells.And(^bit)
		}
	}
}
