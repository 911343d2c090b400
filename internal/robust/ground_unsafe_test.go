//go:build linux

package robust

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/proctest"
)

// A ground is what the processes of a test share: what a family needs, and something to hold.
type ground struct {
	*groundMemory
	file *os.File
}

type groundMemory struct {
	header abi.ArenaHeader
	bells  [abi.Bells]abi.Bell
	slots  [abi.MaxSlots]abi.Slot

	lock    atomic.Uint32 // of a Lock
	_       uint32
	waiting atomic.Uint64 // for it
	guards  [4]atomic.Uint32
	repairs [4]atomic.Uint32 // how often a guard was taken over
	words   [16]atomic.Uint64
}

// newGround makes memory that stays mapped: the kernel may look at it until this process ends.
func newGround(t *testing.T) *ground {
	t.Helper()
	file, err := osenv.Default().SharedMemory("ground", int64(unsafe.Sizeof(groundMemory{})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return openGround(file)
}

func openGround(file *os.File) *ground {
	b, err := osenv.Map(file, int(unsafe.Sizeof(groundMemory{})))
	if err != nil {
		panic(err)
	}
	return &ground{(*groundMemory)(unsafe.Pointer(unsafe.SliceData(b))), file}
}

// member is this process as one more of the family: each has a slot, bells, and waiters of its own.
func (g *ground) member() *Family {
	f, err := g.join()
	if err != nil {
		panic(err)
	}
	return f
}

func (g *ground) join() (*Family, error) {
	var f *Family
	f, err := Join(&g.header, &g.slots, &g.bells, func(dead uint32) { g.sweep(f, dead) })
	return f, err
}

// sweep does as package arena does: the heap, the guards, of which each may have something of everybody, the locks.
func (g *ground) sweep(f *Family, dead uint32) {
	heap := func() bool {
		if owner := abi.Owner(g.header.HeapLock.Load()); f.HasEnded(owner) && f.TakeOver(&g.header.HeapLock, owner) {
			f.Unguard(&g.header.HeapLock)
		}
		return true
	}
	heap()
	for i := range g.guards {
		if f.TakeOver(&g.guards[i], dead) {
			g.repairs[i].Add(1)
		} else if from, ok := f.GuardInSweep(&g.guards[i], heap); !ok {
			continue
		} else if from != 0 {
			g.repairs[i].Add(1)
		}
		At("test sweep: guarded")
		f.Unguard(&g.guards[i])
	}
	Bury(&g.lock, dead)
}

func (g *ground) lockOf(f *Family) Lock {
	return Lock{F: f, Word: &g.lock, Waiting: &g.waiting, Tag: Tag(1), Gate: new(Gate)}
}

// pretend fills a slot as the process of that identity would.
func (g *ground) pretend(slot uint32, id uint64) {
	g.slots[slot].Identity.Store(id)
	if g.header.SlotTop.Load() < slot {
		g.header.SlotTop.Store(slot)
	}
}

// whole checks that nothing is held, and that all slots but these are free.
func (g *ground) whole(t *testing.T, members ...*Family) {
	t.Helper()
	eventually(t, "sweeps in the background are over", func() bool { return g.header.SweepLock.Load() == 0 })
	alive := map[uint32]bool{}
	for _, f := range members {
		alive[f.Me] = true
	}
	for slot := range g.slots {
		if id := g.slots[slot].Identity.Load(); (id != 0) != alive[uint32(slot)] {
			t.Errorf("slot %d has the identity %#x", slot, id)
		}
	}
	for i := range g.guards {
		if w := g.guards[i].Load(); w != 0 {
			t.Errorf("guard %d is %#x", i, w)
		}
	}
	if w := g.header.HeapLock.Load(); w != 0 {
		t.Errorf("the heap's lock is %#x", w)
	}
}

// A proc is a process of this binary, on the ground.
type proc struct {
	t *testing.T
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (g *ground) start(t *testing.T, program string, args ...string) *proc {
	t.Helper()
	p := &proc{t: t, Cmd: exec.Command("/proc/self/exe", "-test.run=^$")}
	p.Env = append(os.Environ(), roleVar+"="+program, argsVar+"="+strings.Join(args, ","))
	p.ExtraFiles = []*os.File{g.file}
	p.in, p.out = proctest.Talk(t, p.Cmd)
	t.Cleanup(p.kill)
	return p
}

// hears waits for a line of the process.
func (p *proc) hears(want string) {
	p.t.Helper()
	if line, err := p.out.ReadString('\n'); strings.TrimSpace(line) != want {
		p.t.Fatalf("process %d says %q (%v), not %q", p.Process.Pid, line, err, want)
	}
}

func (p *proc) says(line string) {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		p.t.Fatal(err)
	}
}

// kill returns when all of the process is gone, and leaves it unreaped until the test ends.
func (p *proc) kill() {
	if p.ProcessState != nil {
		return
	}
	_ = p.Process.Kill()
	if _, err := osenv.WaitNoReap(p.Process.Pid, -1, true); err != nil {
		p.t.Error(err)
	}
}

// reap takes the killed process's status, so that its pid is free.
func (p *proc) reap() {
	p.kill()
	_ = p.Wait()
}

func (p *proc) identity(g *ground) (slot uint32, id uint64) {
	p.t.Helper()
	for slot := range g.slots {
		if id := g.slots[slot].Identity.Load(); pidOf(id) == p.Process.Pid {
			return uint32(slot), id
		}
	}
	p.t.Fatalf("process %d has no slot", p.Process.Pid)
	return 0, 0
}

// sweptBy has a member sweep the process, which was killed.
func (p *proc) sweptBy(g *ground, f *Family) {
	p.t.Helper()
	f.Sweep(p.identity(g))
}

const argsVar = "MP_ROBUST_ARGS"

// programs are what processes on a ground do.
var programs = map[string]func(g *ground){}

func programArgs() []string { return strings.Split(os.Getenv(argsVar), ",") }

// listen waits for a line from the test; at the end of the test there is none.
var listen = func() func() string {
	in := bufio.NewReader(os.Stdin)
	return func() string {
		line, err := in.ReadString('\n')
		if err != nil {
			os.Exit(0)
		}
		return strings.TrimSpace(line)
	}
}()

// stopAt makes this process say so, and stay there, when it comes to that step.
func stopAt(step string) {
	Step = func(name string) {
		if name == step {
			fmt.Println("at", step)
			for {
				listen()
			}
		}
	}
}

// eventually waits until cond holds; a minute is a hang.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	proctest.Eventually(t, what, cond)
}
