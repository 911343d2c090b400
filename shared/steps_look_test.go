//go:build linux

package shared_test

import (
	"slices"
	"strconv"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/proctest"
	"github.com/go-multiproc/mp/shared"
)

// cells are the cells of a kit.
func (k kit) cells() (cells []*abi.Cell) {
	add := func(there bool, cell func() *abi.Cell) {
		if there {
			cells = append(cells, cell())
		}
	}
	add(k.Mutex != nil, func() *abi.Cell { return k.Mutex.Cell() })
	add(k.RMutex != nil, func() *abi.Cell { return k.RMutex.Cell() })
	add(k.RWMutex != nil, func() *abi.Cell { return k.RWMutex.Cell() })
	add(k.Sem != nil, func() *abi.Cell { return k.Sem.Cell() })
	add(k.Cond != nil, func() *abi.Cell { return k.Cond.Cell() })
	add(k.Event != nil, func() *abi.Cell { return k.Event.Cell() })
	add(k.Barrier != nil, func() *abi.Cell { return k.Barrier.Cell() })
	add(k.Group != nil, func() *abi.Cell { return k.Group.Cell() })
	add(k.Value != nil, func() *abi.Cell { return k.Value.Cell() })
	add(k.Array != nil, func() *abi.Cell { return k.Array.Cell() })
	add(k.Queue != nil, func() *abi.Cell { return k.Queue.Cell() })
	add(k.Queue != nil, func() *abi.Cell { return k.Queue.End() })
	return cells
}

// waits reports whether a process is told when something changes.
func waits(k kit, slot uint32) bool {
	bit := uint64(1) << (slot % abi.Bells)
	for _, c := range k.cells() {
		if (c.Waiting.Load()|c.Waiting2.Load())&bit != 0 {
			return true
		}
	}
	if q := k.Queue; q != nil {
		return (q.Cell().E.Load()|q.Cell().Seq.Load()|q.End().E.Load())&bit != 0
	}
	return false
}

// guards are the slots of those who have a guard: who needs that does not wait, but looks again and again.
func guards(k kit) (slots []uint32) {
	for _, c := range k.cells() {
		slots = append(slots, c.Guard.Load())
		if k.isGuard(c) {
			slots = append(slots, c.Lock.Load())
		}
	}
	return append(slots, shared.Memory().Header.HeapLock.Load())
}

// guarded reports whether a process has a guard, or keeps others from sweeping.
func guarded(k kit, slot uint32) bool {
	sweeper := shared.Memory().Header.SweepLock.Load() >> 32
	return slot != 0 && (slices.Contains(guards(k), slot) || int(sweeper) == shared.Memory().F.PID(slot))
}

// guardedBut reports whether a process that is none of these has a guard.
func guardedBut(k kit, slots []uint32) bool {
	return slices.ContainsFunc(guards(k), func(slot uint32) bool {
		return slot != 0 && slot < abi.MaxSlots && slot != shared.Memory().F.Me && !slices.Contains(slots, slot)
	})
}

// isGuard reports whether the Lock of a cell is one.
func (k kit) isGuard(c *abi.Cell) bool {
	return k.RWMutex != nil && c == k.RWMutex.Cell() || k.Sem != nil && c == k.Sem.Cell() || k.Cond != nil && c == k.Cond.Cell() ||
		k.Event != nil && c == k.Event.Cell() || k.Barrier != nil && c == k.Barrier.Cell() || k.Group != nil && c == k.Group.Cell()
}

// owns reports whether a process has a lock.
func owns(c *abi.Cell, slot uint32) bool { return abi.Owner(c.Lock.Load()) == slot }

// deadMembers reports whether there are dead processes that were not swept.
func deadMembers() bool {
	for _, pid := range shared.Memory().F.Members() {
		if proctest.Ended(pid) {
			return true
		}
	}
	return false
}

// parentOf is the pid of a process's parent.
func parentOf(pid int) (int, error) {
	fields, err := proctest.Stat(strconv.Itoa(pid))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(fields[1])
}
