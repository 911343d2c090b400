package mp

import (
	"os"
	"slices"
	"sync"
	"time"

	"github.com/go-multiproc/mp/internal/spawn"
)

// ProcessInfo tells which process this is, or is a child of this one.
type ProcessInfo struct {
	Name    string
	PID     int
	Parent  int // pid
	Worker  int // index in its pool, -1 outside one
	Depth   int // 0 for the program itself, 1 for its workers, ...
	Started time.Time
}

var current = struct {
	sync.Mutex
	info ProcessInfo
}{info: ProcessInfo{Name: "main", PID: os.Getpid(), Parent: os.Getppid(), Worker: -1, Depth: spawn.Depth(), Started: time.Now()}}

// Current tells which process this is.
func Current() ProcessInfo {
	current.Lock()
	defer current.Unlock()
	return current.info
}

func setCurrent(c spawn.Config) {
	current.Lock()
	defer current.Unlock()
	current.info.Name, current.info.Worker, current.info.Parent = c.Name, c.Worker, c.Parent
}

var children = struct {
	sync.Mutex
	active map[*spawn.Child]ProcessInfo
}{active: make(map[*spawn.Child]ProcessInfo)}

// ActiveChildren tells which processes this one has started that have not ended, by pid.
func ActiveChildren() []ProcessInfo {
	children.Lock()
	defer children.Unlock()
	infos := make([]ProcessInfo, 0, len(children.active))
	for c, info := range children.active {
		select {
		case <-c.Done(): // it is about to be taken out
		default:
			infos = append(infos, info)
		}
	}
	slices.SortFunc(infos, func(a, b ProcessInfo) int { return a.PID - b.PID })
	return infos
}

func trackChild(c *spawn.Child, s spawn.Spec) {
	children.Lock()
	children.active[c] = ProcessInfo{
		Name: s.Name, PID: c.PID, Parent: os.Getpid(), Worker: s.Worker, Depth: spawn.Depth() + 1, Started: time.Now(),
	}
	children.Unlock()
	go func() {
		<-c.Done()
		children.Lock()
		delete(children.active, c)
		children.Unlock()
	}()
}
