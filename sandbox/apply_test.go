//go:build linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp"
)

// fake is a kernel that does what it is told, and writes down what it was asked.
type fake struct {
	asked  []string
	config landlock.Config
	rules  []landlock.Rule
	loaded seccomp.Filter
}

func (f *fake) kernel(abi int, abiErr error, errata int) kernel {
	return kernel{
		arch:     "amd64",
		landlock: func() (int, error) { return abi, abiErr },
		errata:   func() (int, error) { return errata, nil },
		drop:     func() error { f.asked = append(f.asked, "drop"); return nil },
		restrict: func(c landlock.Config, rules ...landlock.Rule) error {
			f.asked, f.config, f.rules = append(f.asked, "restrict"), c, rules
			return nil
		},
		filter: func(s seccomp.Filter) error { f.asked, f.loaded = append(f.asked, "filter"), s; return nil },
	}
}

var everything = []string{"drop", "restrict", "filter"}

// What the kernel cannot do is an error, and nothing is done by halves.
func TestKernels(t *testing.T) {
	const mended = 2
	files, programs := Policy{ReadOnly: []string{"/"}}, Policy{Exec: []string{"/"}}
	for _, c := range []struct {
		name   string
		p      Policy
		abi    int
		err    error
		errata int
		ok     bool
		want   landlock.Config
	}{
		{"no Landlock", Policy{}, -1, unix.ENOSYS, 0, false, landlock.Config{}},
		{"not enabled", Policy{}, -1, unix.EOPNOTSUPP, 0, false, landlock.Config{}},
		{"the first", Policy{}, 1, nil, 0, true, landlock.V1},
		{"network", Policy{Network: true}, 7, nil, mended, true, landlock.Config{
			HandledAccessFS: landlock.V7.HandledAccessFS, Scoped: landlock.V7.Scoped,
		}},
		{"too old for files", files, 4, nil, 0, false, landlock.Config{}},
		{"old enough for files", files, 5, nil, 0, true, landlock.V5},
		{"too old to write", Policy{ReadWrite: []string{"/"}}, 4, nil, 0, false, landlock.Config{}},
		{"too old for programs", programs, 5, nil, 0, false, landlock.Config{}},
		{"with the bug", programs, 6, nil, 1, false, landlock.Config{}},
		{"with the bug, no programs", files, 6, nil, 1, true, landlock.V5},
		{"programs", programs, 6, nil, mended, true, landlock.V6},
		{"newer than the library", programs, 99, nil, mended, true, landlock.V11},
	} {
		var f fake
		err := apply(f.kernel(c.abi, c.err, c.errata), c.p)
		switch {
		case c.ok && (err != nil || !slices.Equal(f.asked, everything)):
			t.Errorf("%s: %v, %v", c.name, err, f.asked)
		case !c.ok && (!errors.Is(err, errors.ErrUnsupported) || len(f.asked) > 0):
			t.Errorf("%s: %v, %v", c.name, err, f.asked)
		case c.ok && f.config.String() != c.want.String():
			t.Errorf("%s: %v, not %v", c.name, f.config, c.want)
		}
	}
	var f fake
	k := f.kernel(7, nil, mended)
	k.arch = "riscv64"
	if err := apply(k, Policy{}); !errors.Is(err, errors.ErrUnsupported) || len(f.asked) > 0 {
		t.Errorf("riscv64: %v, %v", err, f.asked)
	}
}

// A step that fails fails all, and no other follows.
func TestStepsFail(t *testing.T) {
	for i, step := range everything {
		var f fake
		k := f.kernel(7, nil, 2)
		no := fmt.Errorf("no %s: %w", step, unix.E2BIG)
		switch step {
		case "drop":
			k.drop = func() error { return no }
		case "restrict":
			k.restrict = func(landlock.Config, ...landlock.Rule) error { return no }
		case "filter":
			k.filter = func(seccomp.Filter) error { return no }
		}
		if err := apply(k, Policy{}); !errors.Is(err, unix.E2BIG) || !slices.Equal(f.asked, everything[:i]) {
			t.Errorf("%s: %v, %v", step, err, f.asked)
		}
	}
}

// Each name on the lists exists, on one of the architectures at least, and filters can be made of them on both.
func TestNames(t *testing.T) {
	amd64, err := syscalls("amd64")
	if err != nil {
		t.Fatal(err)
	}
	arm64, err := syscalls("arm64")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Concat(always, reading, writing, executing, talking) {
		_, here := amd64[name]
		_, there := arm64[name]
		if !here && !there {
			t.Errorf("%s is no system call", name)
		}
	}
	for _, name := range []string{"prctl", "clone", "clone3", "kill", "tgkill", "fcntl", "ioctl", "socket", "socketpair", "prlimit64", "sendto", "setpriority", "sched_setaffinity"} {
		if _, ok := arm64[name]; !ok {
			t.Errorf("arm64 has no %s", name)
		}
	}
	if _, ok := arch.ARM.SyscallNames["read"]; !ok {
		t.Error("the tables are empty")
	}
}

// What a policy allows at the most is listed once more, by what must never be there.
func TestNeverAllowed(t *testing.T) {
	var f fake
	if err := apply(f.kernel(11, nil, 2), Policy{ReadOnly: []string{"/"}, ReadWrite: []string{"/"}, Exec: []string{"/"}, Network: true}); err != nil {
		t.Fatal(err)
	}
	allowed := f.loaded.Policy.Syscalls[0]
	for name := range strings.FieldsSeq(`ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp mount umount2 pivot_root chroot setns unshare
		bpf perf_event_open userfaultfd io_uring_setup io_uring_enter keyctl add_key request_key open_by_handle_at chmod fchmod fchmodat fchmodat2 chown
		fchown fchownat lchown utime utimes utimensat futimesat setxattr fsetxattr lsetxattr removexattr mknod mknodat setuid setgid
		init_module finit_module kexec_load reboot process_madvise move_pages migrate_pages clone3 socket prctl prlimit64 fanotify_init inotify_init1`) {
		if slices.Contains(allowed.Names, name) {
			t.Errorf("%s is allowed", name)
		}
	}
	if f.loaded.Policy.DefaultAction != seccomp.ActionErrno || !f.loaded.NoNewPrivs || f.loaded.Flag&seccomp.FilterFlagTSync == 0 {
		t.Errorf("%+v", f.loaded.Flag)
	}
}

// A path that does not exist fails NewPool, which says which one.
func TestMissingPath(t *testing.T) {
	name := filepath.Join(t.TempDir(), "none")
	for field, p := range map[string]Policy{"ReadOnly": {ReadOnly: []string{"/", name}}, "ReadWrite": {ReadWrite: []string{name}}, "Exec": {Exec: []string{name}}} {
		needs(t, p)
		_, err := mp.NewPool(mp.PoolConfig{Workers: 2, Sandbox: p.Task()})
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "Policy."+field+": ") || !strings.Contains(err.Error(), name) ||
			!strings.Contains(err.Error(), "Sandbox (mp/sandbox.apply)") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

var (
	applyMore = mp.Func("applyMore", func(_ context.Context, p Policy) (string, error) {
		if err := Apply(p); err != nil {
			return "", err
		}
		_, err := os.ReadFile("/etc/passwd")
		return fmt.Sprint(err), nil
	})

	// diverge puts one thread under a filter of its own, so that the kernel cannot put all under another.
	diverge = mp.Func("diverge", func(_ context.Context, p Policy) (int, error) {
		up, end := make(chan error), make(chan struct{})
		go func() {
			runtime.LockOSThread()
			up <- seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Policy: seccomp.Policy{
				DefaultAction: seccomp.ActionAllow,
				Syscalls:      []seccomp.SyscallGroup{{Names: []string{"swapon"}, Action: seccomp.ActionErrno}},
			}})
			<-end
		}()
		defer close(end)
		if err := <-up; err != nil {
			return 0, err
		}
		if err := Apply(p); err != nil {
			return 0, err
		}
		return 1, nil
	})
)

// A process has one policy, whatever the second would be.
func TestApplyTwice(t *testing.T) {
	for _, first := range []Policy{{}, {ReadOnly: []string{"/"}}} {
		pool := newPool(t, &first, mp.PoolConfig{})
		for _, second := range []Policy{{}, {ReadOnly: []string{"/etc"}}, {Network: true}} {
			if got, err := applyMore.Call(ctx, pool, second); err == nil || len(first.ReadOnly) > 0 && !strings.Contains(err.Error(), "a policy already") {
				t.Errorf("%v after %v: %s, %v", second, first, got, err)
			}
		}
	}
	pool := newPool(t, nil, mp.PoolConfig{})
	if got := call(t, applyMore, pool, Policy{}); !strings.Contains(got, "not permitted") {
		t.Errorf("after none: %s", got)
	}
}

// Where one thread cannot be put under the filter, it is an error.
func TestOneThreadLeftOut(t *testing.T) {
	pool := newPool(t, nil, mp.PoolConfig{})
	needs(t, Policy{})
	if _, err := diverge.Call(ctx, pool, Policy{}); err == nil || !strings.Contains(err.Error(), "seccomp") {
		t.Errorf("%v", err)
	}
}
