//go:build linux

package sandbox

import (
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp"
)

// newTarget makes what the attempts need.
func newTarget(t *testing.T) target {
	t.Helper()
	dir := t.TempDir()
	x := target{Dir: dir, File: filepath.Join(dir, "file"), Socket: fmt.Sprintf("@mp-sandbox-%d-%s", os.Getpid(), filepath.Base(dir)), Parent: os.Getpid()}
	if err := os.WriteFile(x.File, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": x.Socket} {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			x.Port = a.Port
		}
	}
	x.Victim = victim(t).Process.Pid
	return x
}

// makeAttempts makes them all, each outside of a sandbox first, where it must succeed, and then in one, where it must only if
// it is among those that the policy allows.
func makeAttempts(t *testing.T, p Policy, x target, allowed map[string]bool) {
	t.Helper()
	outside := newPool(t, nil, mp.PoolConfig{Init: hire.With(0)})
	inside := newPool(t, &p, mp.PoolConfig{Init: hire.With(0)})
	for name := range allowed {
		if attempts[name] == nil {
			t.Errorf("%q is no attempt", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(attempts)) {
		control := call(t, attempt, outside, try{name, x})
		switch {
		case control.Absent:
			t.Logf("%s: this kernel has none", name)
			continue
		case control.Denied && os.Getuid() != 0:
			t.Logf("%s: only for the superuser", name)
		case !control.Done:
			t.Errorf("%s, outside: %v", name, control)
		}
		got := call(t, attempt, inside, try{name, x})
		switch {
		case allowed[name] && !got.Done:
			t.Errorf("%s, allowed: %v", name, got)
		case !allowed[name] && !got.Denied:
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := call(t, attempt, inside, try{"read file", x}); got.Done {
		t.Error("the last attempt succeeded")
	}
}

// The zero policy allows none of it, on no thread.
func TestZeroPolicyDeniesAll(t *testing.T) {
	makeAttempts(t, Policy{}, newTarget(t), nil)
}

func set(names ...string) map[string]bool {
	all := make(map[string]bool)
	for _, name := range names {
		all[name] = true
	}
	return all
}

// keys of several tables of attempts.
func keys(tables ...map[string]func(target) error) map[string]bool {
	all := make(map[string]bool)
	for _, table := range tables {
		for name := range table {
			all[name] = true
		}
	}
	return all
}

// What a policy names does not open anything else; but names can be looked up.
func TestReadOnlyDeniesTheRest(t *testing.T) {
	makeAttempts(t, Policy{ReadOnly: []string{t.TempDir()}}, newTarget(t), keys(lookups))
}

// Nor does a directory that may be written to.
func TestReadWriteDeniesTheRest(t *testing.T) {
	makeAttempts(t, Policy{ReadWrite: []string{t.TempDir()}}, newTarget(t), keys(lookups))
}

// In the directory itself all can be done, but what is tied to no path.
func TestReadWriteAllows(t *testing.T) {
	x := newTarget(t)
	allowed := keys(lookups, writes)
	for _, name := range []string{"fifo", "mode", "owner", "times", "attribute"} {
		delete(allowed, name)
	}
	makeAttempts(t, Policy{ReadWrite: []string{x.Dir}}, x, allowed)
}

// All of /proc does not help to get at another process: Landlock guards these by who asks.
func TestProcIsGuarded(t *testing.T) {
	allowed := keys(lookups)
	allowed["memory of its own"] = true
	allowed["descriptors of the parent"] = true // their numbers; not what they are
	makeAttempts(t, Policy{ReadWrite: []string{"/proc"}}, newTarget(t), allowed)
}

// Network is for the Internet protocols alone.
func TestNetworkAllows(t *testing.T) {
	makeAttempts(t, Policy{Network: true}, newTarget(t), set("tcp", "tcp6", "udp", "dial tcp", "listen tcp"))
}

// Exec starts what it names, and nothing else.
func TestExecAllows(t *testing.T) {
	allowed := keys(lookups)
	// The owner of a pipe is set, and gets nothing: see TestSignalsThatKill. To signal all that may be signalled, nobody, is no error.
	for _, name := range []string{"exec", "execve", "execveat", "signal by a pipe", "signal to all"} {
		allowed[name] = true
	}
	makeAttempts(t, Policy{Exec: loaded(t, "/bin/true")}, newTarget(t), allowed)
}

// loaded is a program with its loader and libraries.
func loaded(t *testing.T, program string) []string {
	t.Helper()
	all := []string{program}
	for _, dir := range []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache"} {
		if _, err := os.Stat(dir); err == nil {
			all = append(all, dir)
		}
	}
	return all
}

// A signal that ends a process ends it outside, and not from the sandbox.
func TestSignalsThatKill(t *testing.T) {
	outside := newPool(t, nil, mp.PoolConfig{})
	for name, f := range map[string]*mp.Function[int, outcome]{"kill": killing, "SIGIO": poking} {
		for _, p := range []*Policy{nil, {}, {ReadOnly: []string{"/etc"}}, {Exec: []string{"/bin/true"}}} {
			c := victim(t)
			if p == nil {
				if got := call(t, f, outside, c.Process.Pid); !got.Done {
					t.Fatalf("%s outside: %v", name, got)
				}
				if err := c.Wait(); err == nil {
					t.Errorf("%s outside: it lived on", name)
				}
				continue
			}
			got := call(t, f, newPool(t, p, mp.PoolConfig{}), c.Process.Pid)
			if name == "kill" && !got.Denied {
				t.Errorf("%s, %+v: %v", name, *p, got)
			}
			if err := unix.Kill(c.Process.Pid, 0); err != nil || zombie(t, c) {
				t.Errorf("%s, %+v: it is gone: %v", name, *p, err)
			}
		}
	}
}

// zombie reports whether a process has ended and was not waited for.
func zombie(t *testing.T, c *exec.Cmd) bool {
	t.Helper()
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, c.Process.Pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	return info.Signo != 0
}
