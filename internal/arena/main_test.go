//go:build linux

package arena

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/proctest"
)

const (
	roleVar = "MP_ARENA_ROLE" // makes this binary a process of the family whose arena is descriptor 3, if there is one
	argsVar = "MP_ARENA_ARGS"
)

// roles are what processes of these tests do.
var roles = map[string]func(args []string){}

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		roles[role](strings.Split(os.Getenv(argsVar), ","))
		os.Exit(0)
	}
	os.Exit(proctest.Guard(9*time.Minute, m.Run))
}

// Kinds of these tests.
const (
	plainKind uint8 = 200 + iota
	guardedKind
	wholeKind // has parts
	partKind
)

func init() {
	Kinds[plainKind] = Kind{}
	Kinds[guardedKind] = Kind{
		Guarded: true,
		Holds:   func(*Arena, *abi.Cell, uint32) bool { return true },
		Bury:    func(_ *Arena, c *abi.Cell, _ uint64, _ uint32) { c.A.Add(1) },
	}
	Kinds[wholeKind] = Kind{End: func(a *Arena, c *abi.Cell) {
		a.Parts(a.Ref(c), func(part *abi.Cell, meta uint64) { a.Remove(part, meta) })
	}}
	Kinds[partKind] = Kind{Part: true}
}

// newArena makes the smallest arena. It stays mapped: the kernel may look at this process's slot until it ends.
func newArena(t testing.TB) *Arena {
	t.Helper()
	a, err := create(osenv.Default(), abi.MinArena)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// inherited is the arena of a role's process.
func inherited() *Arena {
	a, err := Open(os.NewFile(3, "arena"))
	if err != nil {
		panic(err)
	}
	return a
}

func say(what ...any) { fmt.Println(what...) }

// listen waits for a line from the test; when there is none any more, the process ends.
var listen = func() func() {
	in := bufio.NewReader(os.Stdin)
	return func() {
		if _, err := in.ReadString('\n'); err != nil {
			os.Exit(0)
		}
	}
}()

// A proc is a process of this binary.
type proc struct {
	t testing.TB
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(t testing.TB, a *Arena, role string, args ...string) *proc {
	t.Helper()
	p := &proc{t: t, Cmd: exec.Command("/proc/self/exe", "-test.run=^$")}
	p.Env = append(os.Environ(), roleVar+"="+role, argsVar+"="+strings.Join(args, ","))
	if a != nil {
		p.ExtraFiles = []*os.File{a.File()}
	}
	p.in, p.out = proctest.Talk(t, p.Cmd)
	t.Cleanup(p.kill)
	return p
}

// line is the next line that the process says, "" if it says no more.
func (p *proc) line() string {
	line, _ := p.out.ReadString('\n')
	return strings.TrimSpace(line)
}

func (p *proc) hears(want string) {
	p.t.Helper()
	if line := p.line(); line != want {
		p.t.Fatalf("process %d says %q, not %q", p.Process.Pid, line, want)
	}
}

func (p *proc) says(line string) {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		p.t.Fatal(err)
	}
}

// kill returns when all of the process is gone; it is reaped.
func (p *proc) kill() {
	if p.ProcessState == nil {
		_ = p.Process.Kill()
		_ = p.Wait()
	}
}

// eventually waits until cond holds; a minute is a hang.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	proctest.Eventually(t, what, cond)
}

// A summary is what rebuild makes, and what is kept up to date otherwise.
type summary struct {
	tree          []byte
	free          map[uint32]bool
	used, objects uint64
}

func (a *Arena) summary() summary {
	s := summary{tree: slices.Clone(a.tree.nodes), free: map[uint32]bool{}, used: a.Header.Used.Load(), objects: a.Header.Objects.Load()}
	for n := uint32(a.Header.FreeCell.Load()); n != 0 && !s.free[n]; n = uint32(a.cell(n).Next.Load()) {
		s.free[n] = true
	}
	return s
}

// consistent checks that blocks do not overlap, and that all summaries are what the cells say.
func consistent(t testing.TB, a *Arena) {
	t.Helper()
	a.lockHeap()
	defer a.unlockHeap()
	type block struct{ off, end uint64 }
	var blocks []block
	for n := uint32(1); n < uint32(a.Header.CellTop.Load()); n++ {
		c := a.cell(n)
		if abi.State(c.Meta.Load()) == abi.CellFree || c.Size.Load() == 0 {
			continue
		}
		off, size := c.Offset.Load(), uint64(abi.Granule)<<c.Order.Load()
		if off%size != 0 || off < prefix(a.size()) || off+size > a.Header.HeapTop.Load() || c.Size.Load() > size || size > abi.Granule && c.Size.Load() <= size/2 {
			t.Errorf("cell %d: %d bytes in a block of %d at %#x", n, c.Size.Load(), size, off)
		}
		blocks = append(blocks, block{off, off + size})
	}
	slices.SortFunc(blocks, func(x, y block) int { return int(int64(x.off) - int64(y.off)) })
	for i := 1; i < len(blocks); i++ {
		if blocks[i-1].end > blocks[i].off {
			t.Errorf("a block at %#x goes to %#x, and another begins at %#x", blocks[i-1].off, blocks[i-1].end, blocks[i].off)
		}
	}
	now := a.summary()
	a.tree.clear(prefix(a.size()), a.size())
	a.rebuild()
	should := a.summary()
	if now.used != should.used || now.objects != should.objects {
		t.Errorf("%d bytes and %d objects are in use, and were counted as %d and %d", should.used, should.objects, now.used, now.objects)
	}
	if len(now.free) != len(should.free) {
		t.Errorf("%d cells are free, and %d are on the list", len(should.free), len(now.free))
	}
	if i := slices.Compare(now.tree, should.tree); i != 0 {
		for node := range now.tree {
			if now.tree[node] != should.tree[node] {
				t.Fatalf("node %d of the tree is %d, not %d", node, now.tree[node], should.tree[node])
			}
		}
	}
}

// empty checks that everything came back.
func empty(t testing.TB, a *Arena) {
	t.Helper()
	consistent(t, a)
	if s := a.Stats(); s.Used != 0 || s.Objects != 0 {
		t.Errorf("left behind: %+v", s)
	}
}
