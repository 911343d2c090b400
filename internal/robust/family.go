package robust

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/race"
)

// A Family is this process among those that map the same arena. Its methods are safe for concurrent use.
type Family struct {
	header *abi.ArenaHeader
	slots  *[abi.MaxSlots]abi.Slot
	bells  *[abi.Bells]abi.Bell
	sweep  func(slot uint32) // gives back what the process held; whoever calls it holds the sweep lock

	// Me is this process's slot.
	Me       uint32
	identity uint64

	waiting waiting

	sweeping  sync.Mutex   // the sweep lock among the goroutines of this process
	late      atomic.Int32 // sweeps of children that took too long
	mu        sync.Mutex
	suspected map[uint64]bool // guarded by mu: identities that a goroutine looks after
}

// Step is called before each step of a protocol that a kill could cut in two, if a test has set it, and never changes
// otherwise.
var Step func(name string)

// At is a place between two steps.
func At(name string) {
	if Step != nil {
		Step(name)
	}
}

// ErrTooMany reports a family in which every slot is taken.
var ErrTooMany = fmt.Errorf("mp: more than %d processes share memory", abi.MaxSlots-1)

func identity(pid int, start uint32) uint64 { return uint64(pid)<<32 | uint64(start) }

func pidOf(identity uint64) int { return int(identity >> 32) }

// Join makes this process a member: it takes a slot, in one step, and from then on the kernel marks its death.
func Join(header *abi.ArenaHeader, slots *[abi.MaxSlots]abi.Slot, bells *[abi.Bells]abi.Bell, sweep func(uint32)) (*Family, error) {
	start, _, err := osenv.ProcessStart(os.Getpid())
	if err != nil {
		return nil, err
	}
	f := &Family{
		header: header, slots: slots, bells: bells, sweep: sweep,
		identity: identity(os.Getpid(), start), suspected: make(map[uint64]bool),
	}
	if !f.claim() {
		return nil, ErrTooMany
	}
	f.waiting.init(f)
	return f, nil
}

// claim takes a free slot. The slot is this process's with the first store to it; what is not written yet then says nothing.
func (f *Family) claim() bool {
	for slot := uint32(1); slot < abi.MaxSlots; slot++ {
		s := &f.slots[slot]
		if s.Identity.Load() != 0 {
			continue
		}
		for top := f.header.SlotTop.Load(); top < slot; top = f.header.SlotTop.Load() {
			f.header.SlotTop.CompareAndSwap(top, slot) // before: who is killed after the next step has to be found
		}
		At("slot: counted")
		if !s.Identity.CompareAndSwap(0, f.identity) { // SYNC POINT slot: pairs with the last store of a sweep
			continue
		}
		At("slot: taken")
		f.Me = slot
		s.Parent.Store(f.slotOf(os.Getppid()))
		At("slot: has a parent")
		Announce(&s.Alive)
		At("slot: announced")
		return true
	}
	return false
}

// slotOf is the slot of a living process, 0 if it has none.
func (f *Family) slotOf(pid int) uint32 {
	for slot := uint32(1); slot <= f.Top(); slot++ {
		if pidOf(f.slots[slot].Identity.Load()) == pid {
			return slot
		}
	}
	return 0
}

// Top is the highest slot that was ever used.
func (f *Family) Top() uint32 { return min(f.header.SlotTop.Load(), abi.MaxSlots-1) }

// PID is the process in a slot, 0 if it is free.
func (f *Family) PID(slot uint32) int { return pidOf(f.slots[slot%abi.MaxSlots].Identity.Load()) }

// Suspect has somebody look after a slot's process if the kernel has marked its death. It does not wait.
func (f *Family) Suspect(slot uint32) {
	s := &f.slots[slot%abi.MaxSlots]
	if id := s.Identity.Load(); id != 0 && Dead(&s.Alive) {
		f.follow(slot, id)
	}
}

// suspectAll is Suspect for all. A process that the kernel cannot mark, for it has no such lists or died while it took its
// slot, is found by asking for it: that takes some system calls, so it is done only now and then.
func (f *Family) suspectAll(thorough bool) {
	for slot := uint32(1); slot <= f.Top(); slot++ {
		s := &f.slots[slot]
		id := s.Identity.Load()
		if id == 0 || id == f.identity {
			continue
		}
		if Dead(&s.Alive) || thorough && osenv.Ended(pidOf(id), uint32(id)) {
			f.follow(slot, id)
		}
	}
}

// follow sweeps a slot as soon as its process has really ended. The mark comes first: other threads of the victim may still run
// for some microseconds, and what they hold must not be given to two.
func (f *Family) follow(slot uint32, id uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.suspected[id] {
		return
	}
	f.suspected[id] = true
	go func() {
		pause := 50 * time.Microsecond
		for !osenv.Ended(pidOf(id), uint32(id)) {
			if f.slots[slot].Identity.Load() != id {
				break // somebody else has swept it
			}
			time.Sleep(pause)
			pause = min(2*pause, 20*time.Millisecond)
		}
		f.Sweep(slot, id)
		f.mu.Lock()
		delete(f.suspected, id)
		f.mu.Unlock()
	}()
}

// Ended tells of a child of this process that has ended, all threads of it. It sweeps, unless that takes long because another
// process that sweeps, or has a guard, is stopped, or because the memory is damaged: then it goes on in the background, for nobody
// else's fate depends on this memory.
func (f *Family) Ended(pid int) {
	if f.slotOf(pid) == 0 {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for slot := uint32(1); slot <= f.Top(); slot++ { // one that had this pid before may not be swept yet
			if id := f.slots[slot].Identity.Load(); pidOf(id) == pid {
				f.Sweep(slot, id)
			}
		}
	}()
	if f.late.Load() > 0 {
		return // it waits for the sweep that is late
	}
	const limit = time.Second
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		f.late.Add(1)
		go func() {
			<-done
			f.late.Add(-1)
		}()
	}
}

// Sweep takes what a process that has ended held, and frees its slot. It does nothing if that was done. Where it meets what
// no member of the family would have written, it gives up.
func (f *Family) Sweep(slot uint32, id uint64) {
	f.sweeping.Lock()
	defer f.sweeping.Unlock()
	s := &f.slots[slot]
	f.lockSweep()
	defer f.unlockSweep()
	defer func() {
		_ = recover() // of damaged memory: it is no reason for this process to end
	}()
	if s.Identity.Load() != id {
		return
	}
	At("sweep: begun")
	f.sweep(slot)
	At("sweep: swept")
	f.header.Sweeps.Add(1)
	s.Alive.Store(0)
	s.Parent.Store(0)
	At("sweep: cleared")
	s.Identity.Store(0) // SYNC POINT slot: pairs with the claim
	At("sweep: slot free")
	f.ringAll()
	f.suspectChildren(slot)
}

// suspectChildren looks after the children of a process that has ended: they end too, and nobody has their pidfd.
func (f *Family) suspectChildren(parent uint32) {
	for slot := uint32(1); slot <= f.Top(); slot++ {
		if s := &f.slots[slot]; s.Parent.Load() == parent {
			if id := s.Identity.Load(); id != 0 && id != f.identity {
				f.follow(slot, id)
			}
		}
	}
}

// lockSweep takes the lock that makes sweeps one at a time: so no sweep can outlast another of the same slot, and hit the process
// that has the slot next. It is taken over from an owner that has ended. His own slot is still to be swept then, and that which he was
// sweeping, of which perhaps no mark and no parent tells any more. The word is an identity and not a slot, which another process may
// have by the time that it is taken over.
func (f *Family) lockSweep() {
	lock := &f.header.SweepLock
	const patience = time.Millisecond // to ask for a process takes system calls
	for pause := time.Duration(0); ; pause = min(2*pause+10*time.Microsecond, 10*time.Millisecond) {
		owner := lock.Load()
		switch {
		case owner == 0 && lock.CompareAndSwap(0, f.identity):
			return
		case owner != 0 && pause > patience && osenv.Ended(pidOf(owner), uint32(owner)) && lock.CompareAndSwap(owner, f.identity):
			f.suspectAll(true)
			return
		}
		time.Sleep(pause)
	}
}

func (f *Family) unlockSweep() { f.header.SweepLock.CompareAndSwap(f.identity, 0) }

// Members tells which processes have a slot.
func (f *Family) Members() map[uint32]int {
	members := make(map[uint32]int)
	for slot := uint32(1); slot <= f.Top(); slot++ {
		if pid := f.PID(slot); pid != 0 {
			members[slot] = pid
		}
	}
	return members
}

// Guard takes a lock that is held for some instructions only, by whoever changes an object of several words. It reports
// false if the object is freed, or ctx ends while a process that is stopped has it. A sweep takes it over from a process that
// died, and repairs the object, so who gets it finds it whole.
func (f *Family) Guard(ctx context.Context, word *atomic.Uint32) bool {
	for i := 0; ; i++ {
		if word.CompareAndSwap(0, f.Me) {
			return true
		}
		w := word.Load()
		if w&abi.LockFreed != 0 || i > spinning && ctx.Err() != nil {
			return false
		}
		f.backOff(i, abi.Owner(w))
	}
}

// GuardInSweep is Guard for a sweep. It takes the guard over from any process that has ended, and returns that one's slot: the sweep of
// that process waits for this one. It gives up when idle, which it calls while it waits, reports false.
func (f *Family) GuardInSweep(word *atomic.Uint32, idle func() bool) (from uint32, ok bool) {
	for i := 0; ; i++ {
		if word.CompareAndSwap(0, f.Me) {
			return 0, true
		}
		w := word.Load()
		if w&abi.LockFreed != 0 || !idle() {
			return 0, false
		}
		owner := abi.Owner(w)
		if f.HasEnded(owner) && f.TakeOver(word, owner) {
			f.follow(owner, f.slots[owner].Identity.Load())
			return owner, true
		}
		f.backOff(i, 0)
	}
}

// HasEnded reports whether the process in a slot has ended. Under the sweep lock nobody else comes into the slot then.
func (f *Family) HasEnded(slot uint32) bool {
	id := f.slots[slot].Identity.Load()
	return id != 0 && id != f.identity && osenv.Ended(pidOf(id), uint32(id))
}

// Unguard gives it back.
func (f *Family) Unguard(word *atomic.Uint32) {
	word.Store(0)
	race.Fence() // what it guarded is looked at by who rings bells next
}

// TakeOver makes the guard this process's if it is that of a process that has ended. Only for sweeps.
func (f *Family) TakeOver(word *atomic.Uint32, dead uint32) bool {
	w := word.Load() // who came with an old handle may have left something beside the owner
	return w&abi.LockFreed == 0 && abi.Owner(w) == dead && word.CompareAndSwap(w, f.Me)
}

const (
	pauses   = 30
	yields   = 200
	spinning = pauses + yields // rounds in which it is not looked who the owner is
)

// backOff waits for a moment, longer each time: the owner is running, or waits for a CPU, or is stopped, or dead.
func (f *Family) backOff(i int, owner uint32) {
	switch {
	case i < pauses:
		osenv.Pause(4)
	case i < spinning:
		osenv.Yield()
		gosched()
	default:
		f.Suspect(owner)
		time.Sleep(min(time.Duration(i-spinning)*10*time.Microsecond, time.Millisecond))
	}
}
