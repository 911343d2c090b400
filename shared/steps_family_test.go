//go:build linux

package shared_test

import (
	"context"
	"maps"
	"slices"
)

// scenes are all there are.
var scenes = slices.Concat(lockScenes(), signalScenes(), valueScenes(), queueScenes(), familyScenes())

func init() { ops["come up"] = func(context.Context, kit) func() { return func() {} } }

// sweeps makes an op of a victim that has a child with something in its hands, kills it, and cleans up after it. Others go on where
// it stops.
func sweeps(op string, at place) func(context.Context, kit) func() {
	return func(ctx context.Context, k kit) func() {
		k.Op = op
		child, err := newVictim(ctx, k, at, false, false)
		must(err)
		for word := ""; word != "stop"; word, _ = child.next() {
			if word == "ready" {
				child.command()
			}
		}
		if k.Cond != nil { // it is given a wake-up that it does not take
			k.Cond.Cell().A.Store(uint64(slotOf(child.pid)) - 1)
			must(k.Cond.Signal(1))
		}
		return func() {
			must(child.kill())
			<-child.done
		}
	}
}

// A sweepScene is what a process has in its hands when it dies.
type sweepScene struct {
	name string
	op   string
	at   place
	acts []string // what bystanders do
	set  func(*play)
	note map[string]uint64
}

func familyScenes() []scene {
	list := []scene{{name: "slot: take", early: true, few: true, only: "slot: ", set: func(p *play) { p.kit.Op = "come up" }}}
	written := map[string]uint64{"written": 1}
	for _, s := range []sweepScene{
		{"mutex", "lock", place{}, []string{"lock", "lock"}, func(p *play) { p.mutex(); p.toldOnce(p.kit.Mutex) }, map[string]uint64{"held": 1}},
		{"rwmutex", "write", place{}, []string{"read", "write"}, func(p *play) { p.rwmutex("", nil, nil) }, written},
		{"rwmutex, read", "read", place{}, []string{"write", "read"}, func(p *play) { p.rwmutex("", nil, nil) }, nil},
		{"rwmutex, half", "write no more", place{"rwmutex: turn given", 1}, []string{"write", "read"}, func(p *play) { p.rwmutex("", nil, nil) }, written},
		{"semaphore", "acquire", place{}, []string{"acquire", "acquire"}, func(p *play) { p.bounded("", nil, nil) }, nil},
		{"semaphore, half", "acquire", place{"semaphore: counted", 1}, []string{"acquire", "acquire"}, func(p *play) { p.bounded("", nil, nil) }, nil},
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
		ops[op] = sweeps(s.op, s.at)
		list = append(list, scene{name: op, set: func(p *play) {
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
