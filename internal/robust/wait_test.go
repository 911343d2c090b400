//go:build linux

package robust

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
)

func threads(t *testing.T) int {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(tasks)
}

// sleeping is how many goroutines wait.
func (w *waiting) sleeping() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.asleep)
}

// A thousand waiters for hundreds of objects cost one thread that sleeps in the kernel, and each hears of its own object.
func TestThousandWaiters(t *testing.T) {
	g := newGround(t)
	f := g.member()
	const waiters, objects = 1000, 300
	var bells, there [objects]atomic.Uint64
	var heard [objects]atomic.Int32
	before := threads(t)
	var all sync.WaitGroup
	for i := range waiters {
		object := i % objects
		all.Go(func() {
			err := f.Wait(context.Background(), &bells[object], Tag(uint32(object)), func() bool { return there[object].Load() == 1 })
			if err != nil {
				t.Error(err)
			}
			heard[object].Add(1)
		})
	}
	eventually(t, "all wait", func() bool { return f.waiting.sleeping() == waiters })
	if now := threads(t); now > before+20 {
		t.Errorf("%d threads, and %d before", now, before)
	} else {
		t.Logf("%d threads, and %d before", now, before)
	}
	other := g.member() // wakes as another process does
	for _, object := range rand.Perm(objects) {
		there[object].Store(1)
		other.WakeAll(&bells[object], Tag(uint32(object)))
	}
	all.Wait()
	for object := range heard {
		if n, want := int(heard[object].Load()), (waiters-object+objects-1)/objects; n != want {
			t.Errorf("%d heard of object %d, not %d", n, object, want)
		}
	}
	if n := f.waiting.sleeping(); n != 0 || f.waiting.leading {
		t.Errorf("%d still wait, somebody leads: %v", n, f.waiting.leading)
	}
}

// Whoever leads may give up: another leads then, and nobody is left out.
func TestLeaderGivesUp(t *testing.T) {
	g := newGround(t)
	f, other := g.member(), g.member()
	const rounds = 300
	for round := range rounds {
		const n = 8
		var bells, there atomic.Uint64
		var cancels [n]context.CancelFunc
		errs := make(chan error, n)
		for i := range n {
			ctx, cancel := context.WithCancel(context.Background())
			cancels[i] = cancel
			go func() { errs <- f.Wait(ctx, &bells, Tag(uint32(i)), func() bool { return there.Load() == 1 }) }()
		}
		eventually(t, "all wait", func() bool { return f.waiting.sleeping() == n })
		quit := rand.Perm(n)[:n/2]
		for _, i := range quit {
			go cancels[i]()
		}
		for range quit {
			if err := <-errs; !errors.Is(err, context.Canceled) {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		there.Store(1)
		other.WakeAll(&bells, ^uint64(0))
		for range n - len(quit) {
			if err := <-errs; err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		for _, cancel := range cancels {
			cancel()
		}
	}
	if t.Logf("%d ticks", f.waiting.ticks.Load()); f.waiting.ticks.Load() > rounds/4 {
		t.Error("who leads was not told what came before")
	}
	if n := f.waiting.sleeping(); n != 0 || f.waiting.leading {
		t.Errorf("%d still wait, somebody leads: %v", n, f.waiting.leading)
	}
}

// What is there need not be waited for, and a context that has ended counts for less.
func TestWaitForWhatIsThere(t *testing.T) {
	g := newGround(t)
	f := g.member()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := f.Wait(ended, &g.waiting, 1, func() bool { return true }); err != nil {
		t.Error(err)
	}
	if err := f.Wait(ended, &g.waiting, 1, func() bool { return false }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func (g *ground) rings() (rung [abi.Bells]uint32) {
	for i := range g.bells {
		rung[i] = g.bells[i].Seq.Load()
	}
	return rung
}

// WakeOne wakes one process; WakeAll all of them; both take the bells that they ring.
func TestWake(t *testing.T) {
	g := newGround(t)
	f := g.member()
	for _, set := range []uint64{0, 1, 1 << 63, 1<<1 | 1<<5 | 1<<9, ^uint64(0)} {
		var bells atomic.Uint64
		bells.Store(set)
		before := g.rings()
		for left := bits.OnesCount64(set); left > 0; left-- {
			f.WakeOne(&bells, Tag(7))
			if n := bits.OnesCount64(bells.Load()); n != left-1 {
				t.Fatalf("%#x: %d bells are left, not %d", set, n, left-1)
			}
		}
		f.WakeOne(&bells, Tag(7)) // nobody is left
		for i, seq := range g.rings() {
			if rung := seq - before[i]; uint64(rung) != set>>i&1 {
				t.Errorf("%#x: bell %d was rung %d times", set, i, rung)
			}
		}
		bells.Store(set)
		before = g.rings()
		f.WakeAll(&bells, Tag(7))
		if bells.Load() != 0 {
			t.Errorf("%#x are left of %#x", bells.Load(), set)
		}
		for i, seq := range g.rings() {
			if rung := seq - before[i]; uint64(rung) != set>>i&1 {
				t.Errorf("%#x: bell %d was rung %d times for all", set, i, rung)
			}
		}
	}
	// Whoever comes back at once does not keep others out.
	var bells atomic.Uint64
	const three = 1<<3 | 1<<20 | 1<<40
	before := g.rings()
	for range 300 {
		bells.Store(three)
		f.WakeOne(&bells, 1)
	}
	for _, bell := range []int{3, 20, 40} {
		if n := g.rings()[bell] - before[bell]; n == 0 {
			t.Errorf("bell %d was never rung", bell)
		}
	}
}

func TestTags(t *testing.T) {
	seen := uint64(0)
	for n := range uint32(1000) {
		tag := Tag(n)
		if bits.OnesCount64(tag) != 1 {
			t.Fatalf("the tag of %d is %#x", n, tag)
		}
		seen |= tag
	}
	if seen != ^uint64(0) {
		t.Errorf("only %#x are used", seen)
	}
}

// Who leaves takes its bell away; if another process may have the same, that is told.
func TestLeave(t *testing.T) {
	g := newGround(t)
	f := g.member()
	g.waiting.Store(^uint64(0))
	before := g.rings()
	f.Leave(&g.waiting)
	if g.waiting.Load() != ^f.waiting.bit || g.rings() != before {
		t.Errorf("%#x are left", g.waiting.Load())
	}
	g.header.SlotTop.Store(abi.Bells)
	f.Leave(&g.waiting)
	if g.rings()[f.Me] != before[f.Me]+1 {
		t.Error("who has the same bell was not told")
	}
}

// Members in slots 64 apart have one bell. What one of them takes off it, or off an object, the other does not miss.
func TestSharedBells(t *testing.T) {
	g := newGround(t)
	pair := []*Family{g.member()}
	for slot := uint32(2); slot <= abi.Bells; slot++ {
		g.pretend(slot, pair[0].identity)
	}
	pair = append(pair, g.member())
	if pair[0].waiting.bell != pair[1].waiting.bell {
		t.Fatalf("slots %d and %d have bells of their own", pair[0].Me, pair[1].Me)
	}
	const turns = 5000
	var all sync.WaitGroup
	var count atomic.Int64 // not for its atomicity: the detector does not know the lock
	for i := range 4 {
		l := g.lockOf(pair[i%2])
		all.Go(func() {
			for range turns {
				if _, err := l.Lock(context.Background()); err != nil {
					t.Error(err)
				}
				count.Store(count.Load() + 1)
				if err := l.Unlock(false); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	ticks := pair[0].waiting.ticks.Load() + pair[1].waiting.ticks.Load()
	if n := count.Load(); n != 4*turns {
		t.Errorf("%d turns", n)
	}
	t.Logf("%d ticks", ticks)
}

func init() {
	// turns adds to a word that the lock guards, so many times.
	programs["turns"] = func(g *ground) {
		l := g.lockOf(g.member())
		fmt.Println("up")
		listen()
		for range 200 {
			if died, err := l.Lock(context.Background()); died || err != nil {
				fmt.Println(died, err)
			}
			n := g.words[0].Load()
			g.words[1].Add(1) // takes a moment
			g.words[0].Store(n + 1)
			if err := l.Unlock(false); err != nil {
				fmt.Println(err)
			}
		}
		fmt.Println("done")
		listen()
	}
}

// More processes than bells take turns.
func TestMoreProcessesThanBells(t *testing.T) {
	if testing.Short() {
		t.Skip("seventy processes")
	}
	g := newGround(t)
	f := g.member()
	const n = 70
	var all [n]*proc
	for i := range all {
		all[i] = g.start(t, "turns")
	}
	for _, p := range all {
		p.hears("up")
	}
	for _, p := range all {
		p.says("go")
	}
	for _, p := range all {
		p.hears("done")
	}
	if got := g.words[0].Load(); got != n*200 {
		t.Errorf("%d turns", got)
	}
	for _, p := range all {
		p.kill()
		f.Ended(p.Process.Pid)
	}
	g.whole(t, f)
}
