//go:build linux

package mp_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// Equal keys run on one worker, many keys on all.
func TestSchedKeys(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 4})
	p := newSchedPlay(t, pool)
	used := make(map[int]bool)
	for i := range 64 {
		key := mp.Key(fmt.Sprint("customer-", i))
		first := p.end(p.start("x", key))[0]
		again, err := schedRun.Map(ctx, pool, []schedStep{p.step("y"), p.step("y"), p.step("y")}, key)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range append(again, p.end(p.start("z", key), p.start("z", key))...) {
			if at != first {
				t.Errorf("%s ran at %+v and at %+v", key, first, at)
			}
		}
		used[first.Worker] = true
	}
	if len(used) != 4 {
		t.Errorf("64 keys use the workers %v", used)
	}
}

// Calls with a key wait for their worker while another has nothing to do, and come before others there.
func TestSchedKeyWaitsForItsWorker(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	p := newSchedPlay(t, pool)
	a := p.hold("a", mp.Key("k"))
	next := p.start("next", mp.Key("k"))
	other := p.end(p.start("other"), p.start("other"))
	b := p.hold("b")
	shared := []*mp.Future[schedAt]{p.start("s1"), p.start("s2"), p.start("s3"), p.start("s4")}
	last := p.start("last", mp.Key("k"))
	p.letGo("a")
	at := p.end(a, next, last)
	if at[0] != at[1] || at[0] != at[2] || other[0].Worker == at[0].Worker || other[1].Worker == at[0].Worker {
		t.Errorf("those with the key ran at %v, others at %v", at, other)
	}
	for _, s := range p.end(shared...) { // the key's worker serves others when it has nothing else
		if s.Worker != at[0].Worker {
			t.Errorf("a shared call ran at %v, where another holds", s)
		}
	}
	p.letGo("b")
	p.end(b)
}

// The worker of a key is killed: what ran fails, what had not begun is for its successor, which has the same index.
func TestSchedKeyKill(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	rounds := 10
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		p := newSchedPlay(t, pool)
		key := mp.Key(fmt.Sprint(round))
		home := p.end(p.start("home", key))[0]
		a := p.hold("a", key)
		var rest []*mp.Future[schedAt]
		for i := range 5 {
			rest = append(rest, p.start(fmt.Sprint("rest", i), key))
		}
		if err := syscall.Kill(home.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_, err := a.Wait(ctx)
		if we, ok := err.(*mp.WorkerError); !ok || we.PID != home.PID { //nolint:errorlint // it is this very error
			t.Errorf("what ran: %v", err)
		}
		for _, at := range p.end(rest...) {
			if at.Worker != home.Worker || at.PID == home.PID {
				t.Errorf("a successor at %+v, the first was at %+v", at, home)
			}
		}
		if o := p.order(); len(o) != 7 {
			t.Errorf("they began in the order %v", o)
		}
	}
}

// With keys, too, all is done on goroutines as on processes.
func TestSchedKeyInProcess(t *testing.T) {
	p := newSchedPlay(t, mp.InProcess(3))
	a := p.hold("a", mp.Key("k"))
	rest := []*mp.Future[schedAt]{p.start("b", mp.Key("k")), p.start("c", mp.Key("k"))}
	p.end(p.start("other"), p.start("other"), p.start("other"))
	for _, s := range p.order() {
		if s == "b" || s == "c" {
			t.Error("one key ran on two workers")
		}
	}
	p.letGo("a")
	if at := p.end(append(rest, a)...); at[0].PID != os.Getpid() {
		t.Error(at)
	}
}

// Resize moves the keys of workers that go, also what waits there, and no others.
func TestSchedKeyResize(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 3})
	p := newSchedPlay(t, pool)
	homes := func() (list []schedAt) {
		var all []*mp.Future[schedAt]
		for i := range 30 {
			all = append(all, p.start("x", mp.Key(fmt.Sprint(i))))
		}
		return p.end(all...)
	}
	before := homes()
	var holds []*mp.Future[schedAt] // on the worker that goes, with something behind it that has not begun
	for i, at := range before {
		if at.Worker == 2 {
			key := mp.Key(fmt.Sprint(i))
			holds = append(holds, p.hold("hold", key), p.start("a", key), p.start("b", key), p.start("c", key))
			break
		}
	}
	resized := make(chan error)
	go func() { resized <- pool.Resize(ctx, 2) }()
	for _, at := range p.end(holds[1:]...) {
		if at.Worker == 2 {
			t.Errorf("something began on a worker that goes: %+v", at)
		}
	}
	p.letGo("hold")
	p.end(holds[0])
	if err := <-resized; err != nil {
		t.Error(err)
	}
	for i, at := range homes() {
		if before[i].Worker != 2 && at != before[i] || at.Worker == 2 {
			t.Errorf("key %d went from %+v to %+v", i, before[i], at)
		}
	}
	if err := pool.Resize(ctx, 3); err != nil {
		t.Error(err)
	}
	for i, at := range homes() {
		if at.Worker != before[i].Worker {
			t.Errorf("key %d went from %+v to %+v", i, before[i], at)
		}
	}
}

// A key whose worker was ended for want of work gets it back.
func TestSchedKeyOfIdleWorker(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 4, MinWorkers: 1, IdleTimeout: 2 * time.Millisecond})
	p := newSchedPlay(t, pool)
	first := make(map[int]int)
	for i := range 24 {
		key := i % 8
		at := p.end(p.start("x", mp.Key(fmt.Sprint(key))))[0]
		if w, ok := first[key]; ok && w != at.Worker {
			t.Errorf("key %d ran on worker %d, and on %d", key, w, at.Worker)
		}
		first[key] = at.Worker
	}
}
