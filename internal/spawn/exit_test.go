//go:build linux

package spawn

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/proctest"
)

// T009: how a worker ended is told as it was.
func TestExit(t *testing.T) {
	noLeaks(t)
	for _, c := range []struct {
		role   string
		code   int
		signal syscall.Signal
		crash  string
		stderr string
	}{
		{"exit 3", 3, 0, "", ""},
		{"sigterm", -15, syscall.SIGTERM, "", ""},
		{"panic", 2, 0, "panic: in a goroutine", "goroutine"},
		{"early panic", 2, 0, "panic: too early", "goroutine 1"},
		{"flood", -9, syscall.SIGKILL, "", ""},
	} {
		_, e := printed(t, c.role)
		if e.Code != c.code || e.Signal != c.signal || e.OOM || (c.crash == "") != (e.Crash == "") ||
			!strings.Contains(e.Crash, c.crash) || !strings.Contains(e.Stderr, c.stderr) {
			t.Errorf("%s: %+v", c.role, e)
		}
	}
}

// W33: a worker above its limit is killed for it, and a kill by the parent is never taken for that.
func TestMemoryLimit(t *testing.T) {
	noLeaks(t)
	s, _ := testSpec("memory")
	s.MemoryLimit = 100 << 20
	c := begin(t, s)
	<-c.Done()
	// The kernel counts pages for each CPU, and adds them up exactly only now and then: its two figures differ a little.
	if e := c.Exit(); !e.OOM || e.Signal != syscall.SIGKILL || e.MaxRSS < s.MemoryLimit*9/10 {
		t.Errorf("%+v", e)
	}
	s, _ = testSpec("")
	c = begin(t, s)
	c.oomBefore = -1 // as if the kernel had killed something meanwhile
	c.Kill()
	<-c.Done()
	if c.Exit().OOM {
		t.Error("killed by its parent, and yet out of memory")
	}
	c = begin(t, s)
	c.oomBefore = -1
	if err := syscall.Kill(c.PID, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	for err := error(nil); err == nil; {
		_, err = c.Recv()
	}
	c.Kill() // as who reads the socket does; it is dying already
	<-c.Done()
	if oomFile() != "" && !c.Exit().OOM {
		t.Error("killed by nobody here, while the kernel was killing for memory, and yet not out of memory")
	}
}

// A worker that is stopped is killed like any other.
func TestKillStopped(t *testing.T) {
	noLeaks(t)
	s, _ := testSpec("stop")
	c := begin(t, s)
	await(t, func() bool { return proctest.Stopped(c.PID) })
	c.Kill()
	<-c.Done()
	if e := c.Exit(); e.Signal != syscall.SIGKILL {
		t.Errorf("%+v", e)
	}
}

// Somebody else in the program reaps children that are not his: the worker's end is known, its status lost.
func TestReapedByOthers(t *testing.T) {
	noLeaks(t)
	s, _ := testSpec("")
	c := begin(t, s)
	c.mu.Lock() // keeps the watcher from reaping first
	if err := syscall.Kill(c.PID, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	if _, err := unix.Wait4(c.PID, nil, 0, nil); err != nil {
		t.Error(err)
	}
	c.mu.Unlock()
	<-c.Done()
	if e := c.Exit(); e.Code != -1 {
		t.Errorf("%+v", e)
	}
}

// What a worker finds when it comes up.
func TestSurroundings(t *testing.T) {
	noLeaks(t)
	line := func(role string, change func(*Spec)) string {
		t.Helper()
		s, out := testSpec(role)
		if change != nil {
			change(&s)
		}
		c := begin(t, s)
		<-c.Done()
		return strings.ReplaceAll(out.String(), "> ", "")
	}
	if got := line("stdin", nil); got != "0 <nil>\n" {
		t.Errorf("stdin: %q", got)
	}
	if got := line("sigint", nil); got != "deaf\n <nil>\n signal: interrupt\ninterrupt\n" {
		t.Errorf("SIGINT: %q", got)
	}
	if got := line("affinity", func(s *Spec) { s.CPUs = []int{0} }); got != "Cpus_allowed_list:\t0\n" {
		t.Errorf("affinity: %q", got)
	}
	t.Setenv("GOMAXPROCS", "")
	t.Setenv("GOMEMLIMIT", "")
	const mb = 1 << 20
	for _, c := range []struct {
		limit int64
		env   string
		want  string
	}{
		{100 * mb, "", "94371840 1 52428800\n"},
		{100 * mb, "GOMEMLIMIT=50MiB", "52428800 1 52428800\n"},
		{100 * mb, "GOMEMLIMIT=500MiB", "94371840 1 52428800\n"},
		{0, "GOMEMLIMIT=500MiB", "524288000 1 268435456\n"},
		{0, "GOMAXPROCS=3", "9223372036854775807 3 268435456\n"}, // the environment is the user's last word
	} {
		got := line("limits", func(s *Spec) { s.MemoryLimit, s.MaxProcs, s.Env = c.limit, 1, append(s.Env, c.env) })
		if got != c.want {
			t.Errorf("limit %d, %s: %q", c.limit, c.env, got)
		}
	}
}

// The environment of a child is the parent's and its own, each name once, and one marker.
func TestChildEnv(t *testing.T) {
	t.Setenv("GOCOVERDIR", "/cover")
	t.Setenv("MP_SPAWN_A", "1")
	t.Setenv("GO_MP_WORKER", "forged.1")
	env := childEnv([]string{"MP_SPAWN_A=2", "GO_MP_WORKER=forged.2", "MP_SPAWN_B=1", "MP_SPAWN_B=2", "=C:", "novalue"}, marker{token: "token", depth: 3})
	count := func(kv string) (n int) {
		for _, e := range env {
			if e == kv || kv[len(kv)-1] == '=' && strings.HasPrefix(e, kv) {
				n++
			}
		}
		return n
	}
	for kv, want := range map[string]int{
		"GOCOVERDIR=/cover": 1, "MP_SPAWN_A=": 1, "MP_SPAWN_A=2": 1, "MP_SPAWN_B=": 1, "MP_SPAWN_B=2": 1,
		"GO_MP_WORKER=": 1, "GO_MP_WORKER=token.3": 1, "=C:": 1, "novalue": 1,
	} {
		if n := count(kv); n != want {
			t.Errorf("%d of %q, not %d", n, kv, want)
		}
	}
}

// OOM kills are counted where they are told most exactly.
func TestOOMFiles(t *testing.T) {
	got := oomFiles("9:name=systemd:/\n4:memory:/a/b\n1:cpu,cpuacct:/\n0::/c\n")
	want := "/sys/fs/cgroup/memory/a/b/memory.oom_control /sys/fs/cgroup/c/memory.events /proc/vmstat"
	if strings.Join(got, " ") != want {
		t.Errorf("%q", got)
	}
	file := filepath.Join(t.TempDir(), "memory.events")
	for text, want := range map[string]int64{"low 0\noom 5\noom_kill 7\noom_group_kill 9\n": 7, "oom_kill x\n": -1, "": -1, "oom_kill 3": 3} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if n, ok := readOOMKills(file); ok != (want >= 0) || ok && n != want {
			t.Errorf("%q: %d, %v", text, n, ok)
		}
	}
}
