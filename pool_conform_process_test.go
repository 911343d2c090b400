//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// T001, T005: the program itself is a process like its workers, without a parent of this kind.
func TestCurrentInTheProgram(t *testing.T) {
	c := mp.Current()
	if c.PID != os.Getpid() || c.Parent != os.Getppid() || c.Depth != 0 || c.Worker != -1 || c.Name != "main" || c.Started.IsZero() || mp.IsWorker() {
		t.Errorf("%+v", c)
	}
}

// mixed is an argument of several kinds.
type mixed struct {
	Int   int
	Text  string
	List  []any
	Named map[string]*mixed
}

func init() {
	mp.RegisterType[[2]string]("mp_test.pair")
}

var same = mp.Func("same", func(_ context.Context, m mixed) (mixed, error) { return m, nil })

// T003: numbers, text, lists, tuples and what contains them arrive as they were sent, and so come back.
func TestProcessArguments(t *testing.T) {
	noLeaks(t)
	want := mixed{
		-5, "text \x00 Ωδ", []any{1, "one", [2]string{"a", "b"}, nil},
		map[string]*mixed{"": nil, "inner": {Int: 7, List: []any{}}},
	}
	p, err := same.Start(ctx, want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Wait(ctx); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

// T009, T010, T017: not to wait leaves a process alone; once it has ended it can be waited for, asked and closed as often as one likes.
func TestProcessAfterItsEnd(t *testing.T) {
	noLeaks(t)
	p, err := wait.Start(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := p.Wait(expired()); !errors.Is(err, context.Canceled) || !p.Alive() || p.ExitCode() != -1 {
			t.Errorf("%v, exit code %d", err, p.ExitCode())
		}
	}
	if err := p.Kill(); err != nil {
		t.Error(err)
	}
	for range 2 {
		var we *mp.WorkerError
		if _, err := p.Wait(ctx); !errors.As(err, &we) || we.Signal != syscall.SIGKILL {
			t.Errorf("waited for again: %v", err)
		}
		for what, err := range map[string]error{"Kill": p.Kill(), "Terminate": p.Terminate(), "Interrupt": p.Interrupt()} {
			if !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if p.Close() != nil || p.Alive() || p.ExitCode() != -9 || p.Name() == "" || p.PID() == 0 {
			t.Errorf("%q with pid %d, exit code %d", p.Name(), p.PID(), p.ExitCode())
		}
	}
}

// T014: the list of children is the caller's own.
func TestActiveChildrenIsACopy(t *testing.T) {
	noLeaks(t)
	newPool(t, mp.PoolConfig{Workers: 2})
	list := mp.ActiveChildren()
	if len(list) != 2 {
		t.Fatal(list)
	}
	clear(list)
	if again := mp.ActiveChildren(); len(again) != 2 || again[0].PID == 0 {
		t.Errorf("%+v", again)
	}
}

// exitWith ends its process with a code.
var exitWith = mp.Func("exitWith", func(_ context.Context, code int) (int, error) { os.Exit(code); return 0, nil })

// T029, H14: exit codes are those of the system, of which eight bits are left.
func TestExitCodes(t *testing.T) {
	noLeaks(t)
	for code, want := range map[int]int{0: 0, 1: 1, 8: 8, 255: 255, 300: 44, -1: 255} {
		p, err := exitWith.Start(ctx, code)
		if err != nil {
			t.Fatal(err)
		}
		var we *mp.WorkerError
		if _, err := p.Wait(ctx); !errors.As(err, &we) || we.ExitCode != want || we.Signal != nil || p.ExitCode() != want {
			t.Errorf("exit(%d): %v, exit code %d", code, err, p.ExitCode())
		}
	}
}

// recur notes where it is and starts two processes that do the same, one after the other, down to a depth of two.
var recur *mp.Function[mp.Args2[*shared.Queue[string], string], int]

func init() {
	recur = mp.Func2("recur", func(ctx context.Context, q *shared.Queue[string], here string) (int, error) {
		if err := q.Put(ctx, here); err != nil || len(here) == 2 {
			return 1, err
		}
		n := 1
		for _, next := range []string{"0", "1"} {
			p, err := recur.Start(ctx, mp.Pack2(q, here+next))
			if err != nil {
				return 0, err
			}
			below, err := p.Wait(ctx)
			if err != nil {
				return 0, err
			}
			n += below
		}
		return n, nil
	})
}

// T015, T191, T202, T354: a child hands what it was given on to children of its own; what they send arrives in the order of the calls.
func TestChildrenOfChildren(t *testing.T) {
	noLeaks(t)
	q, err := shared.NewQueue[string](shared.QueueConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = q.Free() }()
	p, err := recur.Start(ctx, mp.Pack2(q, ""))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := p.Wait(ctx); n != 7 || err != nil {
		t.Fatal(n, err)
	}
	for _, want := range []string{"", "0", "00", "01", "1", "10", "11"} {
		if got, err := q.TryGet(); got != want || err != nil {
			t.Errorf("%q, %v instead of %q", got, err, want)
		}
	}
}

// closeStdio closes what the process could print to, prints, and succeeds.
var closeStdio = mp.Func("closeStdio", func(context.Context, struct{}) (int, error) {
	for _, fd := range []int{1, 2} {
		if err := syscall.Close(fd); err != nil {
			return 0, err
		}
	}
	fmt.Println("nobody hears this")
	fmt.Fprintln(os.Stderr, "nor this")
	return 5, nil
})

// T022, H03: a process without its stdout and stderr does its work, and ends well.
func TestProcessWithoutOutput(t *testing.T) {
	noLeaks(t)
	p, err := closeStdio.Start(ctx, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := p.Wait(ctx); v != 5 || err != nil || p.ExitCode() != 0 {
		t.Errorf("%d, %v, exit code %d", v, err, p.ExitCode())
	}
}

// T021: a program without stdin, stdout and stderr has processes and pools that work.
func TestProgramWithoutOutput(t *testing.T) {
	cmd := role("without stdio")
	cmd.Stderr = nil
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
}

func init() {
	roles["without stdio"] = func() int {
		for fd := range 3 {
			if syscall.Close(fd) != nil {
				return 10 + fd
			}
		}
		p, err := square.Start(ctx, 3)
		if err != nil {
			return 3
		}
		if v, err := p.Wait(ctx); v != 9 || err != nil || p.ExitCode() != 0 {
			return 4
		}
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
		if err != nil {
			return 5
		}
		if out, err := say.Map(ctx, pool, []string{"a", "bc"}); err != nil || !slices.Equal(out, []int{1, 2}) {
			return 6
		}
		if pool.Close() != nil {
			return 7
		}
		return 0
	}
}

// T023, W18: SIGINT, as the terminal sends it to all, ends no worker, busy or idle.
func TestWorkersSurviveInterrupt(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	path, feed := fifo(t)
	fut := read.Go(ctx, pool, path)
	before := poolPIDs(pool)
	for pid := range before {
		if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
			t.Error(err)
		}
	}
	feed()
	if _, err := fut.Wait(ctx); err != nil {
		t.Error(err)
	}
	mustMap(t, square, pool, make([]int, 100))
	if after := poolPIDs(pool); !maps.Equal(before, after) {
		t.Errorf("workers were %v, and are %v", before, after)
	}
}

// poolPIDs are the pids of a pool's workers.
func poolPIDs(pool *mp.Pool) map[int]bool {
	set := make(map[int]bool)
	for _, w := range pool.Workers() {
		set[w.PID] = true
	}
	return set
}

const argumentsProgram = `// A program whose workers tell how they were called, and what they are.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/go-multiproc/mp"
)

var called = mp.Func("called", func(context.Context, struct{}) (string, error) {
	exe, err := os.Readlink("/proc/self/exe")
	return fmt.Sprintf("%d arguments of %s, which is %s", len(os.Args), os.Args[0], exe), err
})

func main() {
	mp.Main()
	p, err := called.Start(context.Background(), struct{}{})
	if err != nil {
		panic(err)
	}
	fmt.Println(p.Wait(context.Background()))
}
`

// T002, T205, T209, T210: a worker has the program's arguments, however many, and is the same executable.
func TestWorkersSeeTheArguments(t *testing.T) {
	dir := buildModule(t, map[string]string{"main.go": argumentsProgram})
	program := filepath.Join(dir, "program")
	build(t, dir, "build", "-o", program, ".")
	cmd := exec.Command(program, slices.Repeat([]string{"argument"}, 5000)...)
	cmd.Args[0] = "me"
	want := "5001 arguments of me, which is " + program + " <nil>\n"
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
		t.Errorf("%s, %v", out, err)
	}
}

// cpuCount is CPUCount in a worker.
var cpuCount = mp.Func("cpuCount", func(context.Context, struct{}) (int, error) { return mp.CPUCount(), nil })

// T013, W40: CPUCount is at least 1, and no more than the process may use.
func TestCPUCountHeedsAffinity(t *testing.T) {
	noLeaks(t)
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	if n := mp.CPUCount(); n < 1 || n > set.Count() {
		t.Errorf("%d CPUs of %d", n, set.Count())
	}
	cpu := 0
	for !set.IsSet(cpu) {
		cpu++
	}
	pool := newPool(t, mp.PoolConfig{Workers: 1, CPUs: [][]int{{cpu}}})
	if n, err := cpuCount.Call(ctx, pool, struct{}{}); n != 1 || err != nil {
		t.Errorf("on one CPU: %d, %v", n, err)
	}
}
