package robust

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
)

// A Family is this process among those that map the same arena. Its methods are safe for concurrent use.
type Family struct {
	*member
	sweeper bool // it is what Sweeper returns
}

// A member is what Families of one process have in common.
type member struct {
	header *abi.ArenaHeader
	slots  *[abi.MaxSlots]abi.Slot
	bells  *[abi.Bells]abi.Bell
	sweep  func(slot uint32) // gives back what the process held; whoever calls it holds the sweep lock

	// Me is this process's slot.
	Me       uint32
	identity uint64

	waiting waiting

	sweeping  sync.Mutex // the sweep lock among the goroutines of this process
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
	f := &Family{member: &member{
		header: header, slots: slots, bells: bells, sweep: sweep,
		identity: identity(os.Getpid(), start), suspected: make(map[uint64]bool),
	}}
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
			f.header.SlotTop.CompareAndSwap(top, slot) // before it is taken: nobody looks for the dead above it
		}
		At("slot: counted")
		if !s.Identity.CompareAndSwap(0, f.identity) {
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
	for slot := uint32(1); slot <= f.header.SlotTop.Load(); slot++ {
		if pidOf(f.slots[slot].Identity.Load()) == pid {
			return slot
		}
	}
	return 0
}

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
	for slot := uint32(1); slot <= f.header.SlotTop.Load(); slot++ {
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

// Ended tells of a child of this process that has ended, all threads of it.
func (f *Family) Ended(pid int) {
	slot := f.slotOf(pid)
	if slot == 0 {
		return
	}
	if id := f.slots[slot].Identity.Load(); pidOf(id) == pid {
		f.Sweep(slot, id)
	}
}

// Sweep takes what a process that has ended held, and frees its slot. It does nothing if that was done.
func (f *Family) Sweep(slot uint32, id uint64) {
	f.sweeping.Lock()
	defer f.sweeping.Unlock()
	s := &f.slots[slot]
	f.lockSweep()
	defer f.unlockSweep()
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
	for slot := uint32(1); slot <= f.header.SlotTop.Load(); slot++ {
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
	for slot := uint32(1); slot <= f.header.SlotTop.Load(); slot++ {
		if pid := f.PID(slot); pid != 0 {
			members[slot] = pid
		}
	}
	return members
}

// Guard takes a lock that is held for some instructions only, by whoever changes an object of several words. It reports
// false if the object is freed. A sweep takes it over from a process that died, and repairs the object, so who gets it finds it
// whole.
func (f *Family) Guard(word *atomic.Uint32) bool {
	for i := 0; ; i++ {
		if word.CompareAndSwap(0, f.Me) {
			return true
		}
		owner := word.Load()
		if owner&abi.LockFreed != 0 {
			return false
		}
		f.backOff(i, abi.Owner(owner))
	}
}

// Sweeper is this process as one that sweeps. Others that meet a guard of a process that has ended wait for its sweep; a sweep
// that meets one is what that sweep would wait for.
func (f *Family) Sweeper() *Family { return &Family{member: f.member, sweeper: true} }

// unblock gives back what a process held that has ended with a guard which this sweep waits for, or with the heap's, for which the
// guard's living owner may wait. It may be a process that is being swept already: a sweep can begin again, and each
// that is begun here frees a guard. Their slots are freed by sweeps of their own.
func (f *Family) unblock(owner uint32) {
	for _, slot := range [...]uint32{owner, abi.Owner(f.header.HeapLock.Load())} {
		if id := f.slots[slot].Identity.Load(); id != 0 && id != f.identity && osenv.Ended(pidOf(id), uint32(id)) {
			At("sweep: one within another")
			f.sweep(slot)
			f.follow(slot, id)
		}
	}
}

// Unguard gives it back.
func (f *Family) Unguard(word *atomic.Uint32) { word.Store(0) }

// TakeOver makes the guard this process's if it is that of a process that has ended. Only for sweeps.
func (f *Family) TakeOver(word *atomic.Uint32, dead uint32) bool {
	return word.CompareAndSwap(dead, f.Me)
}

// backOff waits for a moment, longer each time: the owner is running, or waits for a CPU, or is stopped, or dead.
func (f *Family) backOff(i int, owner uint32) {
	const pauses, yields = 30, 200
	switch {
	case i < pauses:
		osenv.Pause(4)
	case i < pauses+yields:
		osenv.Yield()
		gosched()
	default:
		if f.sweeper {
			f.unblock(owner)
		} else {
			f.Suspect(owner)
		}
		time.Sleep(min(time.Duration(i-pauses-yields)*10*time.Microsecond, time.Millisecond))
	}
}
