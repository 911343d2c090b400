//go:build linux

package block

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// newPeerApart starts a puppet that sees a directory of its own, of this many bytes.
func newPeerApart(t *testing.T, size int) *peer {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	attr := &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	cmd.SysProcAttr = attr
	p, err := startPeer(t, cmd)
	if err != nil {
		t.Skip("this user can have no mounts of its own: ", err)
	}
	if a := p.ask(command{Op: "mount", Name: dir, Data: fmt.Sprint("size=", size)}); a.Err != "" {
		p.kill()
		t.Skip("this user can have no mounts of its own: ", a.Err)
	}
	return p
}

// Memory that is missing is an error of Create, which then leaves nothing.
func TestNoMemory(t *testing.T) {
	noLeaks(t)
	const all = 1 << 20
	p := newPeerApart(t, all)
	p.mustDo(command{Op: "create", Name: "most", Size: all - 8192})
	p.mustDo(command{Op: "create", Name: "rest", Size: 8192})
	p.must("close", "rest")
	for name, size := range map[string]int{"more": 8193, "far more": 1 << 30} {
		a := p.ask(command{Op: "create", Name: name, Size: size})
		if want := fmt.Sprintf("mp: cannot create block %q: %d bytes, but /dev/shm/ has 8192 left: no space left on device", name, size); a.Err != want {
			t.Error(a.Err)
		}
	}
	// It goes to others after Create has looked.
	p.mustDo(command{Op: "fill up", Size: 4096})
	a := p.ask(command{Op: "create", Name: "late", Size: 8192})
	if want := `mp: cannot create block "late": 8192 bytes, after 0: fallocate: no space left on device`; a.Err != want {
		t.Error(a.Err)
	}
	if a := p.must("list", ""); a.Data != "filler\nmost\n" {
		t.Errorf("%q", a.Data)
	}
	if a := p.must("left", ""); a.Data != "4096" {
		t.Errorf("%s bytes left", a.Data)
	}
}

// A file system without a limit has enough.
func TestNoLimit(t *testing.T) {
	noLeaks(t)
	p := newPeerApart(t, 0)
	p.must("create", "a")
	p.must("close", "a")
	if a := p.must("list", ""); a.Data != "" {
		t.Errorf("%q", a.Data)
	}
}

// Without /proc there is another way for those who may.
func TestNoProc(t *testing.T) {
	noLeaks(t)
	p := newPeerApart(t, 1<<20)
	if a := p.ask(command{Op: "mount", Name: "/proc"}); a.Err != "" {
		t.Skip(a.Err)
	}
	a := p.ask(command{Op: "create", Name: "a", Size: 1})
	if strings.Contains(a.Err, "linkat: no such file") && os.Geteuid() != 0 {
		t.Skip("this user may not, before Linux 6.10")
	}
	if a.Err != "" {
		t.Fatal(a.Err)
	}
	p.must("close", "a")
	if a := p.must("list", ""); a.Data != "" {
		t.Errorf("%q", a.Data)
	}
}

// A limit on the size of files is an error, and not the end of the program by SIGXFSZ.
func TestFileSizeLimit(t *testing.T) {
	noLeaks(t)
	p := newPeer(t)
	p.mustDo(command{Op: "fsize", Size: 10_000})
	if a := p.ask(command{Op: "create", Name: newName(), Size: 10_001}); !strings.HasSuffix(a.Err, "10001 bytes, but files are limited to 10000: file too large") {
		t.Error(a.Err)
	}
	name := newName()
	p.mustDo(command{Op: "create", Name: name, Size: 10_000})
	p.must("close", name)
}

// A creator that has no descriptor left removes its name all the same.
func TestNoDescriptors(t *testing.T) {
	noLeaks(t)
	p, name := newPeer(t), newName()
	p.must("create", name)
	p.mustDo(command{Op: "files", Size: 3})
	if a := p.ask(command{Op: "create", Name: newName(), Size: 1}); !strings.Contains(a.Err, "too many open files") {
		t.Error(a.Err)
	}
	p.must("close", name)
	if exists(name) {
		t.Error("it is still there")
	}
}

// It all works without privileges, also in a program that gave them up, and users do not sweep for each other.
func TestUnprivileged(t *testing.T) {
	noLeaks(t)
	if os.Geteuid() != 0 {
		t.Skip("all the other tests are that already")
	}
	for _, way := range []string{"", "no nameless files"} {
		mine, root := newPeer(t), newName()
		mine.must("create", root)
		nobody, next := newPeer(t), newPeer(t)
		for _, p := range []*peer{nobody, next} {
			p.mustDo(command{Op: "setuid", Size: 65534})
			if way != "" {
				p.must(way, "")
			}
		}
		name := newName()
		nobody.must("create", name)
		next.must("open", name)
		next.must("keep", name)
		nobody.must("close", name)
		next.must("unlink", name)
		nobody.must("create", name)
		if a := nobody.ask(command{Op: "open", Name: root}); !strings.Contains(a.Err, "permission denied") {
			t.Error(a.Err)
		}
		nobody.kill()
		mine.kill()
		Sweep()
		if exists(root) || !exists(name) {
			t.Errorf("root's sweep left %q", ours(t))
		}
		next.must("sweep", "")
		if exists(name) {
			t.Error("its user's sweep left it")
		}
	}
}

// Signals that interrupt the kernel while it reserves memory do not keep Create from its end.
func TestSignals(t *testing.T) {
	noLeaks(t)
	calls := 0
	fallocate = func(fd int, mode uint32, off, n int64) error {
		if calls++; calls%3 != 0 {
			return unix.EINTR
		}
		return unix.Fallocate(fd, mode, off, n)
	}
	defer func() { fallocate = unix.Fallocate }()
	const size = 3*reserveAtOnce + 1
	b := newBlock(t, newName(), size)
	if len(b.Bytes()) != size || calls != 12 {
		t.Errorf("%d bytes after %d calls", len(b.Bytes()), calls)
	}
	b.Bytes()[size-1] = 1
}
