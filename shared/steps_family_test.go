//go:build linux

package shared_test

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp/shared"
)

// scenes are all there are.
var scenes = slices.Concat(lockScenes(), signalScenes(), valueScenes(), queueScenes(), familyScenes())

func init() {
	ops["come up"] = func(context.Context, kit) func() { return func() {} }
	ops["sweep by one who waits"] = func(ctx context.Context, k kit) func() {
		k.Op = "lock"
		v, err := newVictim(ctx, k, place{}, false, true)
		must(err)
		v.toItsPlace()
		parent, err := parentOf(v.pid)
		must(err)
		must(syscall.Kill(parent, syscall.SIGSTOP))
		return func() {
			must(syscall.Kill(v.pid, syscall.SIGKILL))
			_ = k.Mutex.Lock(ctx) // whoever it is that sweeps
		}
	}
}

// sweeps makes an op of a victim that has children with something in their hands, kills them, and cleans up after them. Others go on
// where it stops.
func sweeps(children ...grip) func(context.Context, kit) func() {
	return func(ctx context.Context, k kit) func() {
		var all []*victim
		for _, c := range children {
			k.Op = c.op
			child, err := newVictim(ctx, k, c.at, false, false)
			must(err)
			child.toItsPlace()
			all = append(all, child)
		}
		if k.Cond != nil { // it is given a wake-up that it does not take
			k.Cond.Cell().A.Store(uint64(slotOf(all[0].pid)) - 1)
			must(k.Cond.Signal(1))
		}
		return func() {
			for i, child := range all {
				if i > 0 { // whoever sweeps the one before waits for what this one has
					for shared.Memory().Header.SweepLock.Load() == 0 {
						runtime.Gosched()
					}
				}
				must(child.kill())
			}
			for _, child := range all {
				<-child.done
			}
		}
	}
}

// A grip is what a process has in its hands when it dies: it was at a place of an op.
type grip struct {
	op string
	at place
}

// A sweepScene is what happens to objects of which the dead have something.
type sweepScene struct {
	name string
	op   string
	at   place
	acts []string // what bystanders do
	set  func(*play)
	note map[string]uint64
}

// sweepSteps are those that a bystander may take first.
var sweepSteps = map[string][]string{
	"mutex":     {"sweep: begun", "sweep: swept", "sweep: cleared", "sweep: slot free"},
	"rwmutex":   {"bury rwmutex: record cleared", "bury rwmutex: told"},
	"semaphore": {"bury semaphore: record cleared"},
	"barrier":   {"bury barrier: broken"},
	"cond":      {"bury cond: handed on"},
	"heap":      {"sweep: heap taken over"},
}

func familyScenes() []scene {
	list := []scene{{name: "slot: take", early: true, only: "slot: ", set: func(p *play) { p.kit.Op = "come up" }}}
	written := map[string]uint64{"written": 1}
	list = append(list, scene{name: "sweep: by one who waits", few: true, only: "sweep: ", steps: []string{
		"sweep: begun", "sweep: swept", "sweep: cleared", "sweep: slot free",
	}, set: func(p *play) {
		p.mutex()
		p.toldOnce(p.kit.Mutex)
		p.kit.Op, p.frozen = "sweep by one who waits", func(r *result) { r.note["held"] = 1 }
	}})
	for _, s := range []sweepScene{
		{"mutex", "lock", place{}, []string{"lock", "lock"}, func(p *play) { p.mutex(); p.toldOnce(p.kit.Mutex) }, map[string]uint64{"held": 1}},
		{"rwmutex", "write", place{}, []string{"read", "write"}, func(p *play) { p.rwmutex("", nil, nil) }, written},
		{"rwmutex, read", "read", place{}, []string{"write", "read"}, func(p *play) { p.rwmutex("", nil, nil) }, nil},
		{"rwmutex, half", "write no more", place{"rwmutex: turn given", 1}, []string{"write", "read"}, func(p *play) { p.rwmutex("", nil, nil) }, written},
		{"semaphore", "acquire", place{}, []string{"acquire", "acquire"}, func(p *play) { p.bounded("", nil, nil) }, nil},
		{"semaphore, half", "acquire", place{"semaphore: counted", 1}, []string{"acquire", "acquire"}, func(p *play) { p.bounded("", nil, nil) }, nil},
		{"two", "acquire", place{}, []string{"acquire", "acquire"}, func(p *play) { p.bounded("", nil, nil) }, nil},
		{"barrier", "barrier wait", place{"guard: given back", 1}, []string{"barrier wait", "barrier wait"}, func(p *play) { p.barrier("", 4, nil) }, map[string]uint64{"party": 1}},
		{"value", "value store", place{"value: written", 1}, []string{"value store", "value store"}, func(p *play) { p.value("", nil, nil) }, nil},
		{"cond", "cond wait", place{"wait: announced", 1}, nil, (*play).sweptCond, nil},
		{"queue, put", "put", place{"put: segment linked", 1}, []string{"put", "get"}, func(p *play) { p.queue("", items(2)) }, nil},
		{"queue, get", "get", place{"get: taken", 1}, []string{"put", "get"}, func(p *play) { p.queue("", items(3)); p.lose = 1 }, nil},
		{"queue, take", "take", place{}, []string{"get", "put"}, func(p *play) { p.queue("", items(3)) }, nil},
		{"heap", "array new", place{"allocate: given out", 1}, []string{"array new", "array new"}, func(p *play) { p.check = p.fresh }, nil},
		{"building", "array new", place{"publish: built", 1}, []string{"array new", "array new"}, func(p *play) { p.check = p.fresh }, nil},
		{"ending", "queue free", place{"end: ending", 1}, []string{"array new"}, func(p *play) { p.queue("", items(3)); p.check = p.fresh }, nil},
	} {
		op := "sweep: " + s.name
		ops[op] = sweeps(grip{s.op, s.at})
		if s.name == "two" { // the second has the guard of what the first has a part in
			ops[op] = sweeps(grip{s.op, s.at}, grip{"acquire", place{"guard: taken", 1}})
		}
		list = append(list, scene{name: op, steps: sweepSteps[s.name], set: func(p *play) {
			s.set(p)
			p.kit.Op, p.before, p.after = op, s.acts, nil
			p.frozen = func(r *result) { maps.Copy(r.note, s.note) }
		}})
	}
	return list
}

// sweptCond: the child of the victim was given a wake-up, and others wait.
func (p *play) sweptCond() {
	p.condWait()
	p.on, p.first = nil, []string{"cond wait", "cond wait"}
	check := p.check
	p.check = func(r *result) {
		r.note["given"] = 1
		check(r)
	}
}

// A process that dies when it has taken memory that nobody had before, and told nobody, loses no memory.
func TestKilledAllocationLosesNoMemory(t *testing.T) {
	noLeaks(t)
	a := shared.Memory()
	h := a.Header
	size := h.Size / 64
	start := h.Size / 32
	if h.HeapTop.Load() > start+size {
		t.Skip("another test has had as much")
	}
	for range 3 {
		v, err := newVictim(ctx, kit{Op: "array new", N: int(size)}, place{"allocate: memory taken", 1}, false, false)
		if err != nil {
			t.Fatal(err)
		}
		v.toItsPlace()
		end(t, v, byItself)
		v.close()
	}
	c, err := a.NewDirty(0, size)
	if err != nil {
		t.Fatal(err)
	}
	if off := c.Offset.Load(); off > start+size { // what others have is in front of that
		t.Errorf("the first free block of %d bytes is at %d, and not at %d", size, off, start+size)
	}
	a.Free(c)
}

// Whom a reset has dismissed from a barrier may die.
func TestDismissedMayDie(t *testing.T) {
	noLeaks(t)
	b, err := shared.NewBarrier(2)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Free()
	v, err := newVictim(ctx, kit{Op: "barrier wait", Barrier: b}, place{}, false, false)
	if err != nil {
		t.Fatal(err)
	}
	for word := ""; word != "stop"; word, _ = v.next() {
		if word == "ready" {
			v.command()
			if _, err := b.Wait(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.Reset(); err != nil {
		t.Fatal(err)
	}
	end(t, v, byParent)
	v.close()
	if b.Broken() {
		t.Errorf("%v", b)
	}
}
