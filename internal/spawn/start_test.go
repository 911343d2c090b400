//go:build linux

package spawn

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/proctest"
	"github.com/go-multiproc/mp/internal/ring"
)

// failing is a kernel whose function of this name fails at its nth call.
func failing(name string, nth int) *osenv.Kernel {
	k, calls := osenv.Default(), 0
	fail := func(fn string) bool {
		if fn == name {
			calls++
		}
		return fn == name && calls == nth
	}
	kernel := *k
	k.Start = func(path string, argv []string, attr *syscall.ProcAttr) (int, int, error) {
		if fail("Start") {
			return 0, -1, errInjected
		}
		return kernel.Start(path, argv, attr)
	}
	k.Socketpair = func() (*os.File, *os.File, error) {
		if fail("Socketpair") {
			return nil, nil, errInjected
		}
		if fail("no socket") {
			return kernel.Pipe()
		}
		return kernel.Socketpair()
	}
	k.Packets = func() (*os.File, *os.File, error) {
		if fail("Packets") {
			return nil, nil, errInjected
		}
		return kernel.Packets()
	}
	k.Pipe = func() (*os.File, *os.File, error) {
		if fail("Pipe") {
			return nil, nil, errInjected
		}
		return kernel.Pipe()
	}
	k.SharedMemory = func(n string, size int64) (*os.File, error) {
		if fail("SharedMemory") {
			return nil, errInjected
		}
		if fail("no memory") {
			return os.Open(os.DevNull)
		}
		return kernel.SharedMemory(n, size)
	}
	k.Scratch = func(n string) (*os.File, error) {
		if fail("Scratch") {
			return nil, errInjected
		}
		return kernel.Scratch(n)
	}
	k.Null = func() (*os.File, error) {
		if fail("Null") {
			return nil, errInjected
		}
		return kernel.Null()
	}
	k.ArmLifeline = func(r, w *os.File, pgid int) error {
		if fail("ArmLifeline") {
			return errInjected
		}
		return kernel.ArmLifeline(r, w, pgid)
	}
	return k
}

// Whichever step of a start fails, the error names it, and nothing is left of the others.
func TestStartFails(t *testing.T) {
	noLeaks(t)
	for _, c := range []struct {
		function string
		nth      int
		step     string
		err      error
	}{
		{"Socketpair", 1, "control socket", errInjected},
		{"SharedMemory", 1, "channel", errInjected},
		{"no memory", 1, "channel: mmap", syscall.EACCES},
		{"Scratch", 1, "crash report", errInjected},
		{"Packets", 1, "side channel", errInjected},
		{"Pipe", 1, "lifeline", errInjected},
		{"Pipe", 2, "output", errInjected},
		{"Pipe", 3, "output", errInjected},
		{"Null", 1, "stdin", errInjected},
		{"no socket", 1, "descriptors: sendmsg", syscall.ENOTSOCK},
		{"Start", 1, "process: exec /proc/self/exe", errInjected},
		{"ArmLifeline", 1, "lifeline", errInjected}, // the process exists by then
	} {
		s, _ := testSpec("")
		_, err := Start(failing(c.function, c.nth), s)
		if !errors.Is(err, c.err) || !strings.HasPrefix(err.Error(), "mp: cannot start worker w: "+c.step+": ") {
			t.Errorf("%s, call %d: %v", c.function, c.nth, err)
		}
	}
	for what, change := range map[string]func(*Spec){
		"channel: channel layout": func(s *Spec) { s.Layout = ring.Layout{Slots: 7, In: 8, Out: 8} },
		"process: stat /nowhere":  func(s *Spec) { s.Dir = "/nowhere" },
		"process: chdir /dev/nul": func(s *Spec) { s.Dir = os.DevNull },
		"process: exec":           func(s *Spec) { s.Env = []string{"A=\x00"} },
	} {
		s, _ := testSpec("")
		change(&s)
		if _, err := Start(osenv.Default(), s); err == nil || !strings.HasPrefix(err.Error(), "mp: cannot start worker w: "+what) {
			t.Errorf("%v, want %s", err, what)
		}
	}
}

// A worker comes up, knows what it is, and ends well when its parent has enough.
func TestStartAndEnd(t *testing.T) {
	noLeaks(t)
	s, out := testSpec("")
	c := begin(t, s)
	if c.Suspect() {
		t.Error("suspect while it runs")
	}
	if err := c.control.Close(); err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	if e := c.Exit(); e.Code != 0 || e.Signal != 0 || e.OOM || e.Crash != "" || e.Stderr != "" || e.MaxRSS == 0 || out.String() != "" {
		t.Errorf("%+v, output %q", e, out.String())
	}
	if !c.Suspect() {
		t.Error("not suspect after its end")
	}
	if err := c.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	if c.RSS() != 0 {
		t.Error("a process that is gone has memory")
	}
}

// What never reaches Main says so after a while, whatever it is doing instead.
func TestNeverMain(t *testing.T) {
	noLeaks(t)
	for _, role := range []string{"never main", "never main, busy"} {
		s, _ := testSpec(role)
		s.Env = append(s.Env, limitVar+"=50ms")
		if err := firstError(t, osenv.Default(), s); !errors.Is(err, ErrNotMain) || !strings.Contains(err.Error(), "not called within 50ms") {
			t.Errorf("%s: %v", role, err)
		}
	}
}

// A worker of another build, which only a strange program can start, is found out by its file.
func TestBuildDiffers(t *testing.T) {
	noLeaks(t)
	b, err := os.ReadFile(osenv.SelfPath)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, append(b, 0), 0o700); err != nil {
		t.Fatal(err)
	}
	k := osenv.Default()
	start := k.Start
	k.Start = func(_ string, argv []string, attr *syscall.ProcAttr) (int, int, error) {
		return start(other, argv, attr)
	}
	s, _ := testSpec("")
	if err := firstError(t, k, s); !strings.Contains(err.Error(), "another build: go") || strings.Count(err.Error(), " bytes of ") != 2 {
		t.Error(err)
	}
}

// A registry that differs is told line by line.
func TestRegistryDiffers(t *testing.T) {
	noLeaks(t)
	s, _ := testSpec("")
	s.Registry = []string{"a\t2", "c\t3"}
	err := firstError(t, osenv.Default(), s)
	for _, want := range []string{`"a" has another signature`, `"b" is registered in the worker only`, `"c" is registered in the parent only`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell %s", err, want)
		}
	}
}

// What a worker cannot do that was asked of it, the parent hears.
func TestCannotServe(t *testing.T) {
	noLeaks(t)
	s, _ := testSpec("")
	s.CPUs = []int{1000}
	if err := firstError(t, osenv.Default(), s); !strings.Contains(err.Error(), "cannot serve: CPUs [1000]: sched_setaffinity: invalid argument") {
		t.Error(err)
	}
}

// Kill ends a worker at any moment of its start, and Done follows.
func TestKillDuringStart(t *testing.T) {
	noLeaks(t)
	for i := range 40 {
		s, _ := testSpec("")
		c, err := Start(osenv.Default(), s)
		if err != nil {
			t.Fatal(err)
		}
		for range i % 4 { // as far as this frame
			if _, err := c.Recv(); err != nil {
				t.Fatal(err)
			}
		}
		if i%8 < 4 {
			go c.Kill()
		}
		c.Kill()
		<-c.Done()
		for err == nil {
			_, err = c.Recv()
		}
		if e := c.Exit(); e.Signal != syscall.SIGKILL || e.Code != -9 || e.OOM || !IsEnd(err) || c.StartError() != nil {
			t.Errorf("%+v, %v, %v", e, err, c.StartError())
		}
		c.Close()
	}
}

// A worker that has gone over to another group is killed all the same.
func TestKillOutsideItsGroup(t *testing.T) {
	noLeaks(t)
	s, out := testSpec("setpgid")
	c := begin(t, s)
	await(t, func() bool { return out.String() == "> moved\n" })
	c.Kill()
	<-c.Done()
	if e := c.Exit(); e.Signal != syscall.SIGKILL {
		t.Errorf("%+v", e)
	}
}

// await waits until cond holds.
func await(t *testing.T, cond func() bool) {
	t.Helper()
	proctest.Eventually(t, "what is awaited here", cond)
}

// A worker that becomes another program is no worker any more, and is seen to be dying.
func TestExecIsAnEnd(t *testing.T) {
	noLeaks(t)
	s, _ := testSpec("exec")
	c := begin(t, s)
	if _, err := c.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if !c.Suspect() {
		t.Error("not suspect")
	}
}
