//go:build linux

package shared_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/proctest"
	"github.com/go-multiproc/mp/shared"
)

// A stage is where all cases run: the bystanders, processes that survive them.
type stage struct {
	ctx        context.Context // of what bystanders do
	bystanders []*mp.Pool
	slots      []uint32
	pids       []int
	seen       map[string]bool
}

// acts are what bystanders do.
var acts = map[string]func(context.Context, kit) (string, error){
	"who": func(context.Context, kit) (string, error) { return "", nil },
}

var bystand = mp.Func("bystand", func(ctx context.Context, k kit) (string, error) {
	atomic.StoreUint32(&k.Came.Slice()[k.Who], uint32(os.Getpid()))
	return acts[k.Op](ctx, k)
})

// newStage starts the bystanders. It also waits for something that does not come: who waits looks after the dead.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{seen: make(map[string]bool)}
	var cancel context.CancelFunc
	s.ctx, cancel = context.WithCancel(ctx)
	came, err := shared.NewArray[uint32](2)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = pool.Close() })
		s.bystanders = append(s.bystanders, pool)
		if _, err := bystand.Call(ctx, pool, kit{Op: "who", Came: came, Who: i}); err != nil {
			t.Fatal(err)
		}
		s.pids = append(s.pids, int(came.At(i)))
		s.slots = append(s.slots, slotOf(s.pids[i]))
	}
	never, err := shared.NewEvent()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = never.Wait(s.ctx) })
	t.Cleanup(func() { cancel(); wg.Wait(); _ = never.Free(); _ = came.Free() })
	return s
}

// slotOf is the slot of a process, 0 if it has none.
func slotOf(pid int) uint32 {
	for slot, p := range shared.Memory().F.Members() {
		if p == pid {
			return slot
		}
	}
	return 0
}

// send has the next bystander do something, and waits until it waits, or has done it.
func (s *stage) send(t *testing.T, k kit, act string, r *result) {
	t.Helper()
	i := len(r.answers)
	k.Op, k.Who = act, i
	a := &answer{act: act, done: make(chan struct{})}
	r.answers = append(r.answers, a)
	go func() {
		a.text, a.err = bystand.Call(s.ctx, s.bystanders[i], k)
		close(a.done)
	}()
	eventually(t, "a bystander waits: "+act, func() bool {
		select {
		case <-a.done:
			return true
		default:
		}
		if atomic.LoadUint32(&k.Came.Slice()[i]) == 0 {
			return false
		}
		return waits(k, s.slots[i]) || guardedBut(k, s.slots)
	})
}

// run runs one case.
func (s *stage) run(t *testing.T, sc scene, at place, way int) *result {
	t.Helper()
	s.seen[sc.name] = true
	before, fds := shared.Cells(), len(proctest.OpenFiles())
	p := &play{T: t, members: len(shared.Memory().F.Members()), others: s.slots, on: make(map[string]func())}
	defer func() {
		if t.Failed() {
			t.Logf("%s: %s, %s", sc.name, at, wayNames[way])
		}
	}()
	came, err := shared.NewArray[uint32](2)
	if err != nil {
		t.Fatal(err)
	}
	p.kit.Came = came
	p.free = append(p.free, came.Free)
	sc.set(p)
	r := &result{T: t, at: at, note: make(map[string]uint64)}
	for _, act := range p.first {
		s.send(t, p.kit, act, r)
	}
	v, err := newVictim(ctx, p.kit, at, sc.early, way == abandoned)
	if err != nil {
		t.Fatal(err)
	}
	s.follow(p, r, v)
	r.pid, r.slot = v.pid, slotOf(v.pid)
	if p.frozen != nil {
		p.frozen(r)
	}
	if p.meanwhile != nil {
		done := make(chan struct{})
		p.bg.Go(func() { p.meanwhile(r); close(done) })
		if !guarded(p.kit, r.slot) {
			<-done
		}
	}
	for _, act := range p.after {
		s.send(t, p.kit, act, r)
	}
	if p.asleep != nil {
		s.halt(t, p.kit)
	}
	resume := end(t, v, way)
	if p.asleep != nil {
		p.asleep(r)
		s.signal(syscall.SIGCONT)
	}
	p.bg.Wait()
	if p.check != nil {
		p.check(r)
	}
	resume()
	s.tidy(p, r, before)
	v.close()
	eventually(t, "no descriptor is left", func() bool { return len(proctest.OpenFiles()) <= fds })
	return r
}

// halt stops the bystanders, none of them with a guard.
func (s *stage) halt(t *testing.T, k kit) {
	t.Helper()
	eventually(t, "the bystanders are stopped", func() bool {
		s.signal(syscall.SIGSTOP)
		for i, pid := range s.pids {
			stopped(t, pid)
			if slices.Contains(guards(k), s.slots[i]) {
				s.signal(syscall.SIGCONT)
				return false
			}
		}
		return true
	})
}

func (s *stage) signal(sig syscall.Signal) {
	for _, pid := range s.pids {
		_ = syscall.Kill(pid, sig)
	}
}

// stopped waits until a child is.
func stopped(t *testing.T, pid int) {
	t.Helper()
	var status unix.Siginfo
	if err := unix.Waitid(unix.P_PID, pid, &status, unix.WSTOPPED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
}

// follow goes with the victim to its place.
func (s *stage) follow(p *play, r *result, v *victim) {
	passed := make(map[string]bool)
	for {
		word, step := v.next()
		switch word {
		case "ready":
			for _, act := range p.before {
				s.send(p.T, p.kit, act, r)
			}
			v.command()
		case "at":
			r.steps = append(r.steps, step)
			if step == r.at.step && r.passed(step) == r.at.nth {
				r.stopped = true
				continue
			}
			key := step
			if passed[key] {
				key += "#2"
			}
			if do := p.on[key]; do != nil && !passed[key] {
				do()
			}
			passed[key] = true
		case "stop":
			return
		case "gone":
			p.Fatalf("the victim is gone before its time, after %q", r.steps)
		}
	}
}

// end ends the victim. What it returns ends its parent, if that was stopped.
func end(t *testing.T, v *victim, way int) (resume func()) {
	t.Helper()
	switch way {
	case byParent:
		_ = v.kill()
		<-v.done
	case byItself:
		v.command()
		<-v.done
	case abandoned:
		middle, err := parentOf(v.pid)
		if err != nil {
			t.Fatal(err)
		}
		_ = syscall.Kill(middle, syscall.SIGSTOP)
		stopped(t, middle)
		_ = syscall.Kill(v.pid, syscall.SIGKILL)
		return func() { _ = v.kill(); <-v.done }
	}
	return func() {}
}

// tidy frees everything, and looks whether anything is left of the victim.
func (s *stage) tidy(p *play, r *result, before map[uint32]uint64) {
	p.Helper()
	eventually(p.T, "the victim is swept", func() bool { return len(shared.Memory().F.Members()) <= p.members })
	for i := range r.answers {
		r.answer(i)
	}
	if r.slot != 0 {
		eventually(p.T, "nothing names the victim's slot", func() bool { return len(shared.Traces(r.slot)) == 0 })
	}
	for _, free := range p.free {
		if err := free(); err != nil && !errors.Is(err, shared.ErrClosed) {
			p.Errorf("Free: %v", err)
		}
	}
	left := 0
	for n, meta := range shared.Cells() {
		if before[n] != meta && abi.State(meta) == abi.CellLive {
			left++
			shared.FreeCell(n, meta)
		}
	}
	want := 0
	if p.leak != nil {
		want = p.leak(r)
	}
	if left != want {
		p.Errorf("%d objects are left, not %d", left, want)
	}
	eventually(p.T, "the arena is what it was", func() bool { return len(shared.Cells()) <= len(before) })
	eventually(p.T, "the summaries of the cells fit them", func() bool { return shared.Untidy() == nil })
}
