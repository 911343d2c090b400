//go:build linux

package robust

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

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
				f.Guard(&g.header.HeapLock)
			} else {
				f.Guard(&g.guards[i])
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
	eventually(t, "all are swept", func() bool { return len(f.Members()) == 1 })
	g.whole(t, f)
}
