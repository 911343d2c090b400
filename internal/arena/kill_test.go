//go:build linux

package arena

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/robust"
)

// dieAt kills this process at step number n from here on.
func dieAt(n string) {
	left, _ := strconv.Atoi(n)
	robust.Step = func(name string) {
		if left == 0 {
			say("at", name)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		left--
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// build makes an object, with parts, of this kind.
func build(a *Arena, kind uint8, size uint64) *abi.Cell {
	whole := must(a.New(kind, size))
	if kind == wholeKind {
		for range 2 {
			part := must(a.NewDirty(partKind, 100))
			part.Parent.Store(a.Ref(whole))
			a.Publish(part)
		}
	}
	a.Publish(whole)
	return whole
}

// destroy frees it, as package shared does.
func destroy(a *Arena, c *abi.Cell) {
	kind := &Kinds[abi.Kind(c.Meta.Load())]
	if kind.Guarded && !a.F.Guard(context.Background(), &c.Lock) {
		return
	}
	if a.End(c, c.Meta.Load()) {
		if kind.End != nil {
			kind.End(a, c)
		}
		a.Free(c)
	}
}

func init() {
	// life makes objects and frees them, and is killed at a step of that.
	roles["life"] = func(args []string) {
		a := inherited()
		dieAt(args[0])
		for _, kind := range []uint8{plainKind, guardedKind, wholeKind} {
			var cells []*abi.Cell
			for _, size := range []uint64{0, 100, 70 << 10} {
				cells = append(cells, build(a, kind, size))
			}
			for _, c := range cells {
				destroy(a, c)
			}
		}
		a.release(0)
		say("survived")
	}
	// sweep sweeps whoever has a pid, and is killed at a step of that.
	roles["sweep"] = func(args []string) {
		a := inherited()
		pid, _ := strconv.Atoi(args[0])
		dieAt(args[1])
		a.F.Ended(pid)
		say("survived")
	}
	// hold leaves behind, in each state, objects that nobody else finishes, and is killed with a lock.
	roles["hold"] = func(args []string) {
		a := inherited()
		must(a.New(plainKind, 1000))
		part := must(a.New(partKind, 1000))
		whole := must(a.New(wholeKind, 1000))
		part.Parent.Store(a.Ref(whole))
		a.Publish(part)
		ending := build(a, wholeKind, 300)
		a.End(ending, ending.Meta.Load())
		guarded := build(a, guardedKind, 10)
		a.F.Guard(context.Background(), &guarded.Lock)
		a.End(guarded, guarded.Meta.Load())
		a.lockHeap()
		if off, ok := a.tree.find(3); ok {
			a.take(off, 3)
		}
		a.Header.FreeCell.Store(0)
		a.Header.Used.Store(77)
		say("up")
		listen()
	}
}

// everyLife runs a role that is killed at its first step, its second, and so on, until it survives.
func everyStep(t *testing.T, run func(n string) *proc, after func(step string)) {
	t.Helper()
	names := map[string]int{}
	for n := 0; ; n++ {
		p := run(strconv.Itoa(n))
		line := p.line()
		_ = p.Wait()
		if line == "survived" {
			t.Logf("killed at %d steps of %d kinds", n, len(names))
			return
		}
		if line == "" {
			t.Fatalf("step %d: it ended by itself: %v", n, p.ProcessState)
		}
		names[line]++
		after(fmt.Sprintf("step %d, %s", n, line))
		if t.Failed() {
			t.Fatalf("killed at step %d, %s", n, line)
		}
	}
}

// Killed at any step of an object's life, a process leaves a whole heap: what it was making is gone, what it had made is there.
func TestKilledAtEachStep(t *testing.T) {
	a := newArena(t)
	live := build(a, guardedKind, 5000)
	before := a.Stats()
	var victim *proc
	everyStep(t, func(n string) *proc {
		victim = start(t, a, "life", n)
		return victim
	}, func(string) {
		a.F.Ended(victim.Process.Pid)
		for n := uint32(1); n < a.top(); n++ { // what it had published is nobody's
			if c := a.cell(n); c != live && abi.State(c.Meta.Load()) == abi.CellLive && !Kinds[abi.Kind(c.Meta.Load())].Part {
				destroy(a, c)
			}
		}
		for n := uint32(1); n < a.top(); n++ { // parts of what it was building
			if c := a.cell(n); abi.State(c.Meta.Load()) == abi.CellLive && c != live {
				t.Errorf("cell %d, of kind %d, is left", n, abi.Kind(c.Meta.Load()))
			}
		}
		consistent(t, a)
		if s := a.Stats(); s.Objects != before.Objects || s.Used != before.Used || len(s.Processes) != 1 {
			t.Errorf("%+v before, %+v now", before, s)
		}
		if live.Lock.Load() != 0 || abi.State(live.Meta.Load()) != abi.CellLive {
			t.Errorf("the live object: %#x, %#x", live.Lock.Load(), live.Meta.Load())
		}
	})
}

// Killed at any step of a sweep, a process leaves what others sweep.
func TestSweeperKilledAtEachStep(t *testing.T) {
	a := newArena(t)
	live := build(a, guardedKind, 5000)
	var victim, sweeper *proc
	everyStep(t, func(n string) *proc {
		victim = start(t, a, "hold")
		victim.hears("up")
		victim.kill()
		sweeper = start(t, a, "sweep", strconv.Itoa(victim.Process.Pid), n)
		return sweeper
	}, func(string) {
		for _, p := range []*proc{sweeper, victim} { // in this order a sweep meets guards of the other
			a.F.Ended(p.Process.Pid)
		}
		eventually(t, "all are swept", func() bool { return len(a.Stats().Processes) == 1 && a.Header.SweepLock.Load() == 0 })
		consistent(t, a)
		if s := a.Stats(); s.Objects != 1 {
			t.Errorf("%+v", s)
		}
		if live.Lock.Load() != 0 || abi.State(live.Meta.Load()) != abi.CellLive {
			t.Errorf("the live object: %#x, %#x", live.Lock.Load(), live.Meta.Load())
		}
	})
	a.F.Ended(victim.Process.Pid)
	a.F.Ended(sweeper.Process.Pid)
	destroy(a, live)
	empty(t, a)
}
