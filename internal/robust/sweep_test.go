//go:build linux

package robust

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

// A process that sweeps is stopped. The end of a child is told nevertheless, and its sweep comes when it can.
func TestEndedWhileSweeperIsStopped(t *testing.T) {
	g := newGround(t)
	f := g.member()
	victim := g.start(t, "hold")
	victim.hears("held false <nil>")
	victim.kill()
	sweeper := g.start(t, "sweep", strconv.Itoa(victim.Process.Pid), "test sweep: guarded")
	sweeper.hears("at test sweep: guarded")
	f.Ended(victim.Process.Pid) // returns
	if _, id := victim.identity(g); id == 0 || g.lock.Load() == 0 {
		t.Error("it was swept by two at once")
	}
	f.Ended(victim.Process.Pid) // at once: another one is late
	sweeper.kill()
	eventually(t, "the victim and the sweeper are swept", func() bool { return len(f.Members()) == 1 })
	if g.lock.Load() != abi.LockDied {
		t.Errorf("the lock is %#x", g.lock.Load())
	}
	eventually(t, "the sweeps are over", func() bool { return g.header.SweepLock.Load() == 0 && f.late.Load() == 0 })
	g.whole(t, f)
}

// Memory in which somebody wrote who should not is no reason for the process that sweeps to end.
func TestSweepOfDamagedMemory(t *testing.T) {
	g := newGround(t)
	f, err := Join(&g.header, &g.slots, &g.bells, func(uint32) { g.slots[g.header.SlotTop.Load()].Alive.Store(0) })
	if err != nil {
		t.Fatal(err)
	}
	p := g.start(t, "member")
	p.hears("up")
	p.kill()
	g.header.SlotTop.Store(1 << 31)
	f.Ended(p.Process.Pid)
	if len(f.Members()) != 2 {
		t.Error("it was swept")
	}
	if owner := g.header.SweepLock.Load(); owner != 0 {
		t.Errorf("the sweep lock is %#x", owner)
	}
}

// Whoever dies while it sweeps is swept with its victim, whatever it was at.
func TestSweeperDies(t *testing.T) {
	for _, step := range []string{"sweep: begun", "test sweep: guarded", "sweep: swept", "sweep: cleared", "sweep: slot free"} {
		g := newGround(t)
		f := g.member()
		victim := g.start(t, "hold")
		victim.hears("held false <nil>")
		victim.kill()
		slot, id := victim.identity(g)
		sweeper := g.start(t, "sweep", strconv.Itoa(victim.Process.Pid), step)
		sweeper.hears("at " + step)
		sweeper.kill()
		f.Sweep(slot, id) // takes the sweep lock over, and sees to the dead sweeper
		eventually(t, "both are swept", func() bool { return len(f.Members()) == 1 })
		g.whole(t, f)
		if g.lock.Load() != abi.LockDied {
			t.Errorf("%s: the lock is %#x", step, g.lock.Load())
		}
	}
}

// Killed at any step of taking a slot, a process leaves one that is found and free again.
func TestJoinerDies(t *testing.T) {
	for _, step := range []string{"slot: counted", "slot: taken", "slot: has a parent", "slot: announced"} {
		g := newGround(t)
		f := g.member()
		p := g.start(t, "join", step)
		p.hears("at " + step)
		if marked := step == "slot: announced"; marked != (g.slots[f.Me+1].Alive.Load() != 0) {
			t.Errorf("%s: the alive word is %#x", step, g.slots[f.Me+1].Alive.Load())
		}
		p.kill()
		f.suspectAll(true)
		eventually(t, "it is swept", func() bool { return g.slots[f.Me+1].Identity.Load() == 0 })
		g.whole(t, f)
	}
}

// Every slot is taken; then one is free.
func TestTooMany(t *testing.T) {
	g := newGround(t)
	f := g.member()
	for slot := range g.slots {
		if slot > 0 && g.slots[slot].Identity.Load() == 0 {
			g.pretend(uint32(slot), f.identity)
		}
	}
	if _, err := g.join(); !errors.Is(err, ErrTooMany) {
		t.Fatal(err)
	}
	g.slots[abi.MaxSlots-1].Identity.Store(0)
	if last := g.member(); last.Me != abi.MaxSlots-1 {
		t.Errorf("it has slot %d", last.Me)
	}
	if _, err := g.join(); !errors.Is(err, ErrTooMany) {
		t.Error(err)
	}
}

// A slot is taken again when its process was swept, and not before, and nothing of the last owner sticks to the next.
func TestSlotsAreReused(t *testing.T) {
	g := newGround(t)
	f := g.member()
	for range 5 {
		p := g.start(t, "hold")
		p.hears(fmt.Sprintf("held %v <nil>", g.header.Sweeps.Load() > 0))
		p.kill()
		meanwhile := g.start(t, "member")
		meanwhile.hears("up")
		slot, _ := p.identity(g)
		if other, _ := meanwhile.identity(g); slot != f.Me+1 || other != f.Me+2 {
			t.Errorf("slots %d and %d", slot, other)
		}
		if !Dead(&g.slots[slot].Alive) {
			t.Error("the kernel did not mark it")
		}
		p.sweptBy(g, f)
		meanwhile.kill()
		f.Ended(meanwhile.Process.Pid)
		g.whole(t, f)
	}
}

// The pid of a process that has ended may be another's by now. Only the start time tells them apart.
func TestPidIsReused(t *testing.T) {
	g := newGround(t)
	f := g.member()
	p := g.start(t, "member")
	p.hears("up")
	_, id := p.identity(g)
	g.pretend(700, id-1)
	f.suspectAll(true)
	eventually(t, "the one that is no more is swept", func() bool { return g.slots[700].Identity.Load() == 0 })
	if f.suspectAll(true); len(f.Members()) != 2 {
		t.Errorf("these are left: %v", f.Members())
	}
	g.pretend(700, id-1)
	p.kill()
	f.Ended(p.Process.Pid)
	g.whole(t, f)
}

// A process is marked, and another waits for what it held. Nobody else looks after it.
func TestSuspect(t *testing.T) {
	g := newGround(t)
	f := g.member()
	p := g.start(t, "hold")
	p.hears("held false <nil>")
	slot, _ := p.identity(g)
	f.Suspect(slot) // it lives
	p.kill()
	if died, err := g.lockOf(f).Lock(context.Background()); !died || err != nil {
		t.Error(died, err)
	}
	eventually(t, "it is swept", func() bool { return len(f.Members()) == 1 })
}

// A process that dies has children, which die with it, and nobody has their pidfd.
func TestChildrenOfTheDead(t *testing.T) {
	g := newGround(t)
	f := g.member()
	parent, child := g.start(t, "member"), g.start(t, "member")
	parent.hears("up")
	child.hears("up")
	slot, _ := parent.identity(g)
	of, _ := child.identity(g)
	g.slots[of].Parent.Store(slot)
	child.kill()
	parent.kill()
	f.Ended(parent.Process.Pid)
	eventually(t, "the child is swept", func() bool { return len(f.Members()) == 1 })
}

// Somebody waits for a lock whose owner was killed, and nobody has the owner's pidfd. That the bell is rung all the time, for other
// objects, does not keep the process from looking.
func TestTickOfBusyBell(t *testing.T) {
	g := newGround(t)
	f := g.member()
	p := g.start(t, "hold")
	p.hears("held false <nil>")
	got := make(chan bool)
	go func() {
		died, _ := g.lockOf(f).Lock(context.Background())
		got <- died
	}()
	eventually(t, "it is the heir", func() bool { return abi.Heir(g.lock.Load()) == f.Me })
	p.kill()
	ring := time.NewTicker(time.Millisecond)
	defer ring.Stop()
	for {
		select {
		case <-ring.C:
			f.ring(f.Me, Tag(2))
		case died := <-got:
			if !died {
				t.Error("it was not told that the owner died")
			}
			return
		}
	}
}

func init() {
	// guard takes guards, and the heap's lock if it is told a number below 0, one after the other.
	programs["guard"] = func(g *ground) {
		f := g.member()
		for _, arg := range programArgs() {
			if i, _ := strconv.Atoi(arg); i < 0 {
				f.Guard(context.Background(), &g.header.HeapLock)
			} else {
				f.Guard(context.Background(), &g.guards[i])
			}
		}
		fmt.Println("up")
		listen()
	}
	// hold takes the lock, says so, and gives it back when it is told.
	programs["hold"] = func(g *ground) {
		l := g.lockOf(g.member())
		died, err := l.Lock(context.Background())
		fmt.Println("held", died, err)
		listen()
		fmt.Println("given back", l.Unlock(false))
		listen()
	}
	// join takes a slot, and stays at a step of that.
	programs["join"] = func(g *ground) {
		stopAt(programArgs()[0])
		g.member()
		listen()
	}
	// sweep sweeps whoever has a pid, and stays at a step of that.
	programs["sweep"] = func(g *ground) {
		f := g.member()
		stopAt(programArgs()[1])
		pid, _ := strconv.Atoi(programArgs()[0])
		f.Ended(pid)
		listen()
	}
	programs["member"] = func(g *ground) {
		g.member()
		fmt.Println("up")
		listen()
	}
}

// Two processes die, each with a guard of an object in which the other has a part. Whichever is swept first, both are.
func TestSweepMeetsGuardsOfOtherDead(t *testing.T) {
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		g := newGround(t)
		f := g.member()
		dead := [...]*proc{g.start(t, "guard", "0", "2"), g.start(t, "guard", "1", "3")}
		for _, p := range dead {
			p.hears("up")
		}
		for _, p := range dead {
			p.kill()
		}
		ids := [2]struct {
			slot uint32
			id   uint64
		}{}
		for i, p := range dead {
			ids[i].slot, ids[i].id = p.identity(g)
		}
		for _, i := range order {
			f.Sweep(ids[i].slot, ids[i].id)
		}
		g.whole(t, f)
		for i := range g.repairs {
			if n := g.repairs[i].Load(); n != 1 {
				t.Errorf("guard %d was taken over %d times", i, n)
			}
		}
	}
}

// The guard's owner lives, and waits for the heap, whose lock a dead process has.
func TestSweepMeetsGuardWhoseOwnerWaitsForDead(t *testing.T) {
	g := newGround(t)
	f := g.member()
	holder := g.start(t, "guard", "-1")
	holder.hears("up")
	other := g.start(t, "guard", "1")
	other.hears("up")
	living := g.start(t, "guard", "0", "-1")
	eventually(t, "the guard is held", func() bool { return g.guards[0].Load() != 0 })
	holder.kill()
	other.kill()
	done := make(chan struct{})
	slot, id := other.identity(g)
	go func() { f.Sweep(slot, id); close(done) }()
	living.hears("up") // it has got the heap's lock: so it goes on, and gives back what it has
	living.kill()
	<-done
	f.Ended(holder.Process.Pid)
	f.Ended(living.Process.Pid)
	g.whole(t, f)
}
