//go:build linux

package shared_test

import (
	"errors"
	"sync"
	"testing"
)

// A play is one case of a scene: what is there, who does what, and what holds in the end.
type play struct {
	*testing.T
	kit     kit
	members int            // processes that there were before
	others  []uint32       // slots of the bystanders
	bg      sync.WaitGroup // of what this process does beside; it ends when the victim has
	free    []func() error
	first   []string // what bystanders do before the victim begins to prepare
	// before is what they do when it has prepared, after when it stands at its place. Those before it goes on must wait then.
	before, after []string
	// on is what this process does when the victim passes a step, once. With #2 it is the second passage.
	on map[string]func()
	// frozen looks at the objects when the victim stands still. meanwhile does something then; it may wait for what the victim
	// has, and is waited for only if that is no guard.
	frozen, meanwhile func(*result)
	// asleep is called when the victim is gone, and before any bystander knows of that: they are stopped.
	asleep func(*result)
	// check is called when the victim is gone. All bystanders must have come to their end when it returns.
	check func(*result)
	// leak is how many objects, of no use to anybody, the victim may have left.
	leak func(*result) int

	// Of queues: what this process took before the check, what it put on the way, whether the queue is closed, and how many items
	// the child of a sweeper has got.
	took   []string
	late   bool
	closed bool
	lose   int
}

// A result is what became of the victim, and of the others.
type result struct {
	*testing.T
	at      place
	stopped bool // at its place, and not after all
	steps   []string
	pid     int // of the victim
	slot    uint32
	answers []*answer
	note    map[string]uint64
}

// An answer is what a bystander says in the end.
type answer struct {
	act  string
	done chan struct{}
	text string
	err  error
}

// passed is how often the victim passed a step, the last one with it.
func (r *result) passed(step string) (n int) {
	for _, s := range r.steps {
		if s == step {
			n++
		}
	}
	return n
}

// answer waits for a bystander.
func (r *result) answer(i int) *answer {
	r.Helper()
	a := r.answers[i]
	eventually(r.T, "the answer of a bystander: "+r.at.String(), func() bool {
		select {
		case <-a.done:
			return true
		default:
			return false
		}
	})
	return a
}

// answered is how many bystanders have ended.
func (r *result) answered() (n int) {
	for _, a := range r.answers {
		select {
		case <-a.done:
			n++
		default:
		}
	}
	return n
}

// all waits for all bystanders, who must have ended without an error but for these, and counts those with one of them.
func (r *result) all(but ...error) (n int) {
	r.Helper()
	for i := range r.answers {
		a := r.answer(i)
		known := false
		for _, e := range but {
			known = known || errors.Is(a.err, e)
		}
		if known {
			n++
		} else if a.err != nil {
			r.Errorf("a bystander: %v", a.err)
		}
	}
	return n
}
