//go:build linux

package robust

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

// What becomes of a lock's word when a process is taken out of it.
func TestBury(t *testing.T) {
	const dead, other = 7, 9
	for _, c := range []struct{ before, after uint32 }{
		{0, 0},
		{other, other},
		{dead, abi.LockDied},
		{dead | abi.LockDied, abi.LockDied},
		{abi.LockDied, abi.LockDied},
		{abi.HeirBits(dead), 0},
		{abi.HeirBits(other), abi.HeirBits(other)},
		{other | abi.HeirBits(dead), other},
		{dead | abi.HeirBits(other), abi.LockDied | abi.HeirBits(other)},
		{dead | abi.HeirBits(dead), abi.LockDied},
		{abi.LockFreed, abi.LockFreed},
		{abi.LockFreed | dead, abi.LockFreed | dead},
	} {
		var word atomic.Uint32
		word.Store(c.before)
		for range 2 { // again from the start changes nothing
			if Bury(&word, dead); word.Load() != c.after {
				t.Errorf("%#x became %#x, not %#x", c.before, word.Load(), c.after)
			}
		}
	}
}

func TestLockStates(t *testing.T) {
	g := newGround(t)
	f, other := g.member(), g.member()
	mine, theirs := g.lockOf(f), g.lockOf(other)
	if taken, died := mine.Try(); !taken || died {
		t.Error(taken, died)
	}
	if taken, _ := theirs.Try(); taken {
		t.Error("two have it")
	}
	if taken, _ := mine.Try(); taken {
		t.Error("it was taken twice by one")
	}
	if err := theirs.Unlock(false); !errors.Is(err, ErrNotOwner) {
		t.Error(err)
	}
	if err := mine.Unlock(true); err != nil {
		t.Error(err)
	}
	if err := mine.Unlock(false); !errors.Is(err, ErrNotOwner) {
		t.Error(err)
	}
	if taken, died := theirs.Try(); !taken || !died {
		t.Error("it was not told", taken, died)
	}
	if err := theirs.Unlock(false); err != nil || g.lock.Load() != 0 {
		t.Errorf("%v, %#x: it is told once", err, g.lock.Load())
	}
	g.lock.Store(abi.LockFreed)
	if taken, _ := mine.Try(); taken {
		t.Error("what is freed was taken")
	}
	if err := mine.Unlock(false); !errors.Is(err, ErrFreed) {
		t.Error(err)
	}
	if _, err := mine.Lock(context.Background()); !errors.Is(err, ErrFreed) {
		t.Error(err)
	}
}

// TryFor gets what others hold for moments, and gives up on what they keep, and on what is freed.
func TestTryFor(t *testing.T) {
	g := newGround(t)
	f, other := g.member(), g.member()
	l := g.lockOf(f)
	g.lock.Store(other.Me)
	if l.TryFor(0) {
		t.Error("two have it")
	}
	done := make(chan bool)
	go func() { done <- l.TryFor(time.Hour) }()
	if err := g.lockOf(other).Unlock(false); err != nil {
		t.Error(err)
	}
	if !<-done || g.lock.Load() != f.Me {
		t.Errorf("the lock is %#x", g.lock.Load())
	}
	g.lock.Store(other.Me)
	go func() { done <- l.TryFor(time.Hour) }()
	g.lock.Store(abi.LockFreed)
	if <-done {
		t.Error("what is freed was taken")
	}
}

// A lock is freed while somebody waits for it, or becomes another object's, which somebody has.
func TestLockIsFreedMeanwhile(t *testing.T) {
	for _, how := range []string{"freed", "another's", "another's with an heir"} {
		g := newGround(t)
		f, other := g.member(), g.member()
		l := g.lockOf(f)
		l.Meta, l.Is = &g.words[5], 1
		g.words[5].Store(1)
		g.lock.Store(other.Me)
		errs := make(chan error)
		go func() {
			_, err := l.Lock(context.Background())
			errs <- err
		}()
		eventually(t, "it waits", func() bool { return f.waiting.sleeping() == 1 })
		var after uint32
		switch how {
		case "freed":
			after = abi.LockFreed
		case "another's with an heir":
			after = other.Me | abi.HeirBits(f.Me+100)
		default:
			after = other.Me
		}
		g.words[5].Store(2)
		g.lock.Store(after)
		other.WakeAll(&g.waiting, ^uint64(0))
		if err := <-errs; !errors.Is(err, ErrFreed) {
			t.Errorf("%s: %v", how, err)
		}
		if w := g.lock.Load(); w != after {
			t.Errorf("%s: the word was %#x and is %#x", how, after, w)
		}
		if taken, _ := l.Try(); taken {
			t.Errorf("%s: it was taken", how)
		}
	}
}

// A waiter that waited long is the heir: nobody takes the lock before it, and it can give that up.
func TestHeir(t *testing.T) {
	g := newGround(t)
	f, holder, crowd := g.member(), g.member(), g.member()
	for _, gives := range []bool{false, true} {
		g.lock.Store(holder.Me)
		ctx, cancel := context.WithCancel(context.Background())
		errs := make(chan error)
		go func() {
			_, err := g.lockOf(f).Lock(ctx)
			errs <- err
		}()
		eventually(t, "it is the heir", func() bool {
			f.waiting.ring()
			return abi.Heir(g.lock.Load()) == f.Me
		})
		if gives {
			cancel()
			if err := <-errs; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if w := g.lock.Load(); w != holder.Me {
				t.Errorf("the lock is %#x", w)
			}
			continue
		}
		g.lock.Store(abi.HeirBits(f.Me)) // given back; it has not heard yet
		if taken, _ := g.lockOf(crowd).Try(); taken {
			t.Error("it was overtaken")
		}
		if taken, _ := g.lockOf(f).Try(); taken {
			t.Error("it was overtaken by its own process")
		}
		holder.WakeHeir(f.Me, Tag(1))
		if err := <-errs; err != nil || g.lock.Load() != f.Me {
			t.Errorf("%v, the lock is %#x", err, g.lock.Load())
		}
		cancel()
	}
}

func init() {
	// barge takes the lock as often as it can, and counts.
	programs["barge"] = func(g *ground) {
		f := g.member()
		fmt.Println("up")
		for g.words[0].Load() == 0 {
			l := g.lockOf(f)
			if _, err := l.Lock(context.Background()); err != nil {
				fmt.Println(err)
			}
			g.words[1].Add(1)
			if err := l.Unlock(false); err != nil {
				fmt.Println(err)
			}
		}
		listen()
	}
}

// A crowd takes the lock again and again. How long a waiter is overtaken is bounded: as its heir it is next.
func TestNobodyStarves(t *testing.T) {
	g := newGround(t)
	f := g.member()
	crowd := []*proc{g.start(t, "barge"), g.start(t, "barge"), g.start(t, "barge")}
	for _, p := range crowd {
		p.hears("up")
	}
	var asHeir uint64
	heir := 0
	Step = func(name string) {
		if name == "lock: heir" && abi.Heir(g.lock.Load()) == f.Me {
			asHeir = g.words[1].Load()
			heir++
		}
	}
	defer func() { Step = nil }()
	var most, behind uint64
	for range 200 {
		l := g.lockOf(f)
		asHeir = 0
		before := g.words[1].Load()
		if _, err := l.Lock(context.Background()); err != nil {
			t.Fatal(err)
		}
		now := g.words[1].Load()
		most = max(most, now-before)
		if asHeir > 0 {
			behind = max(behind, now-asHeir)
		}
		if err := l.Unlock(false); err != nil {
			t.Fatal(err)
		}
	}
	g.words[0].Store(1)
	for _, p := range crowd {
		p.reap()
	}
	t.Logf("overtaken at most %d times; heir %d times, and then at most %d times", most, heir, behind)
	if behind > 1 { // by who has it at that moment
		t.Errorf("an heir was overtaken %d times", behind)
	}
}

// A waiter that gives up in the moment in which it is woken has another woken in its place. If it had not, each time would cost a
// tick.
func TestCancelledWaiterPassesOn(t *testing.T) {
	g := newGround(t)
	holder, quitter, stayer := g.member(), g.member(), g.member()
	const rounds = 300
	lost := 0
	for range rounds {
		h := g.lockOf(holder)
		if _, err := h.Lock(context.Background()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var all sync.WaitGroup
		quits := func(ctx context.Context, f *Family) {
			l := g.lockOf(f)
			if _, err := l.Lock(ctx); err == nil {
				if err := l.Unlock(false); err != nil {
					t.Error(err)
				}
			}
		}
		all.Go(func() { quits(ctx, quitter) })
		all.Go(func() { quits(context.Background(), stayer) })
		eventually(t, "both wait", func() bool { return quitter.waiting.sleeping() == 1 && stayer.waiting.sleeping() == 1 })
		before := stayer.waiting.ticks.Load()
		all.Go(cancel)
		if err := h.Unlock(false); err != nil {
			t.Error(err)
		}
		all.Wait()
		lost += int(stayer.waiting.ticks.Load() - before)
	}
	t.Logf("%d ticks in %d rounds", lost, rounds)
	if lost > rounds/4 {
		t.Errorf("%d of %d wake-ups were lost", lost, rounds)
	}
}

// The owner is killed while others wait, and while it is the heir.
func TestOwnerAndHeirDie(t *testing.T) {
	g := newGround(t)
	f := g.member()
	p := g.start(t, "hold")
	p.hears("held false <nil>")
	heir := g.start(t, "hold")
	eventually(t, "it is the heir", func() bool {
		f.ringAll()
		return abi.Heir(g.lock.Load()) != 0
	})
	heir.kill()
	p.says("unlock")
	p.hears("given back <nil>")
	if w := g.lock.Load(); abi.Heir(w) == 0 || abi.Owner(w) != 0 {
		t.Errorf("the lock is %#x", w)
	}
	heir.sweptBy(g, f)
	if died, err := g.lockOf(f).Lock(context.Background()); died || err != nil {
		t.Error(died, err)
	}
	waiter := g.start(t, "hold")
	eventually(t, "it waits", func() bool { return g.waiting.Load() != 0 })
	Bury(&g.lock, f.Me) // as if this one were dead
	f.ringAll()
	waiter.hears("held true <nil>")
}
