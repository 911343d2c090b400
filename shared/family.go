package shared

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/arena"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/probe"
	"github.com/go-multiproc/mp/internal/robust"
	"github.com/go-multiproc/mp/internal/spawn"
)

// family is this process's part in its family's memory. The root of a family makes it, at its first start of a process or at
// the first use, whichever comes first; a worker inherits it, and maps it at the first use.
type family struct {
	mu     sync.Mutex
	joined atomic.Pointer[arena.Arena]
	file   *os.File // guarded by mu: inherited and not joined

	members memberships
}

var own family

// errNoArena is why a worker that is not trusted has no shared memory.
var errNoArena error = noArenaError{}

type noArenaError struct{}

func (noArenaError) Error() string {
	return "this process is not trusted with shared memory: it was started with NoArena, or by one that was"
}

// Unwrap makes it an ErrDetached as well.
func (noArenaError) Unwrap() error { return ErrDetached }

func init() {
	spawn.SetFamily(&own)
	spawn.WhenIdle(own.members.end)
	spawn.BeforeConfine(func() {
		if mp.IsWorker() { // to become a member takes a look at /proc; why it is none, the first use tells
			_, _ = own.join()
		}
	})
	probe.Memory = own.holds
	robust.Prepare() // in a worker that was done before
}

// join returns the arena, and makes this process a member.
func (f *family) join() (*arena.Arena, error) {
	if a := f.joined.Load(); a != nil {
		return a, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if a := f.joined.Load(); a != nil {
		return a, nil
	}
	a, err := f.open()
	if err != nil { // there may be more room, or fewer members, the next time
		return nil, fmt.Errorf("mp/shared: %w", err)
	}
	f.joined.Store(a)
	return a, nil
}

func (f *family) open() (*arena.Arena, error) {
	switch {
	case f.file != nil:
		return arena.Open(f.file)
	case spawn.NoArena():
		return nil, errNoArena
	case mp.IsWorker():
		return nil, errors.New("the process that started this one had no shared memory")
	}
	return arena.Create(osenv.Default())
}

// create is join for what makes an object: in a worker not before mp.Main.
func create(what string) (*arena.Arena, error) {
	spawn.RequireMain("shared." + what)
	return own.join()
}

// File implements spawn.Family.
func (f *family) File() *os.File {
	f.mu.Lock()
	inherited := f.file
	f.mu.Unlock()
	if inherited != nil {
		return inherited
	}
	a, err := f.join()
	if err != nil {
		return nil // the child gets along without, as long as it wants nothing of it
	}
	return a.File()
}

// Inherit implements spawn.Family.
func (f *family) Inherit(file *os.File) {
	f.mu.Lock()
	f.file = file
	f.mu.Unlock()
}

// Ended implements spawn.Family.
func (f *family) Ended(pid int) {
	// Also where this process makes no use of it: its children may have.
	if a, err := f.inherited(); err == nil && a != nil {
		a.F.Ended(pid)
	}
}

// A MemoryStats is how a family uses its shared memory.
type MemoryStats struct {
	Size    int64 // of the address space that is set aside
	Used    int64 // bytes given out, in blocks of powers of two; untouched pages count, and cost nothing
	Objects int64
	Allocs  int64 // objects made so far, with those that others are made of
	Frees   int64
	Sweeps  int64       // processes that ended and were cleaned up after
	PIDs    map[int]int // who uses it: pids by slot, which is how a process is called in this memory
}

// Stats tells how this process's family uses its shared memory. The figures need not be of the same moment.
func Stats() (MemoryStats, error) {
	a, err := create("Stats")
	if err != nil {
		return MemoryStats{}, err
	}
	s := a.Stats()
	m := MemoryStats{s.Size, s.Used, s.Objects, s.Allocs, s.Frees, s.Sweeps, make(map[int]int)}
	for slot, pid := range s.Processes {
		m.PIDs[int(slot)] = pid
	}
	return m, nil
}

// holds is what the family's memory holds: nothing where this process has no part in it.
func (f *family) holds() (objects, bytes int64) {
	a := f.joined.Load()
	if a == nil {
		return 0, 0
	}
	s := a.Stats()
	return s.Objects, s.Used
}
