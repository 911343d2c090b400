//go:build linux

package endure

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/mptest"
)

// ownMounts gives the program mounts of its own, as root does at once and others where they may be root of a user namespace.
func ownMounts(cmd *exec.Cmd) {
	cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
}

// mountable skips the test where a program can't have mounts of its own.
func mountable(t *testing.T) {
	t.Helper()
	if os.Getenv(envInside) != "" {
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	ownMounts(cmd)
	if err := cmd.Run(); err != nil {
		t.Skipf("mounts of its own: %v", err)
	}
}

// mount lays an empty file system over a directory.
func mount(t *testing.T, dir, options string) {
	t.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("a file system over %s: %v", dir, err)
	}
}

// fill leaves no room in a directory.
func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "full"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// Files are for blocks alone, whose names others are to find: with /tmp and /dev/shm full, and no temporary directory, all else works.
func TestFullDisks(t *testing.T) {
	mountable(t)
	if !inside(t, surrounding{change: func(cmd *exec.Cmd) { ownMounts(cmd); cmd.Env = append(cmd.Env, "TMPDIR=/nowhere/at/all") }}) {
		return
	}
	for _, dir := range []string{"/tmp", "/dev/shm"} {
		mount(t, dir, "size=64k")
		fill(t, dir)
	}
	mptest.NoLeaks(t)
	workBut(t, "full", lack{errnos: []syscall.Errno{syscall.ENOSPC}}, "a block")
}

// Where there is no /dev/shm there are no blocks, and what it would have been in is told.
func TestNoSharedMemoryDirectory(t *testing.T) {
	mountable(t)
	if !inside(t, surrounding{change: ownMounts}) {
		return
	}
	mount(t, "/dev", "size=1m")
	if err := unix.Mknod("/dev/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
		t.Skip("a device: ", err) // in a user namespace
	}
	workBut(t, "no /dev/shm", lack{errnos: []syscall.Errno{syscall.ENOENT}}, "a block")
}

// Without /proc, in which a program finds its own executable, no process can be started, and the error says what is missing.
func TestNoProc(t *testing.T) {
	mountable(t)
	if !inside(t, surrounding{change: ownMounts}) {
		return
	}
	for _, before := range []string{"before the first process", "after it"} {
		mount(t, "/proc", "size=1m")
		if failed := attempt(t, before, lack{words: []string{"/proc/"}}); failed < 3 {
			t.Errorf("%d failed", failed)
		}
		if err := unix.Unmount("/proc", 0); err != nil {
			t.Fatal(err)
		}
		work(t, "/proc is back")
		if before != "after it" {
			mptest.NoLeaks(t) // of what follows: it starts processes, which the first time must not
		}
	}
}

// A directory in which nobody can write is as good as any.
func TestReadOnlyDirectory(t *testing.T) {
	mountable(t)
	if !inside(t, surrounding{change: ownMounts}) {
		return
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_RDONLY, ""); err != nil {
		t.Skip(err)
	}
	defer func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }()
	t.Chdir(dir)
	if err := os.WriteFile("file", nil, 0o600); !errors.Is(err, syscall.EROFS) {
		t.Fatal(err)
	}
	mptest.NoLeaks(t)
	work(t, "read-only")
	t.Chdir("/")
}

// So is one that is no more.
func TestRemovedDirectory(t *testing.T) {
	if !inside(t, surrounding{}) {
		return
	}
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	mptest.NoLeaks(t)
	work(t, "removed")
}

// Standard input, output and errors may all be closed: nothing of the library takes their places.
func TestNoStandardFiles(t *testing.T) {
	const to = "MP_ENDURE_REPORT" // a file, for there is nothing to write to
	if os.Getenv(envInside) == "" {
		report := filepath.Join(t.TempDir(), "report")
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh", "-c", `exec "$0" "$@" <&- >&- 2>&-`, exe, "-test.run=^"+t.Name()+"$", "-test.timeout=2m")
		cmd.Env = append(os.Environ(), envInside+"="+t.Name(), to+"="+report)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		err = cmd.Run()
		said, rerr := os.ReadFile(report)
		if err != nil || rerr != nil || string(said) != "done\n" {
			t.Errorf("%v, %v: %s", err, rerr, said)
		}
		return
	}
	said := "done\n"
	for _, thing := range things {
		if err := thing.do(); err != nil {
			said += thing.name + ": " + err.Error() + "\n"
		}
	}
	if err := os.WriteFile(os.Getenv(to), []byte(said), 0o600); err != nil {
		os.Exit(3)
	}
}

// The file of a program that runs may be removed, or another put in its place: workers are still of the program that runs.
func TestExecutableIsGone(t *testing.T) {
	if os.Getenv(envInside) != "" {
		mptest.NoLeaks(t)
		work(t, os.Getenv("MP_ENDURE_HOW"))
		exe := os.Args[0]
		if err := os.Remove(exe); err != nil {
			t.Fatal(err)
		}
		if os.Getenv("MP_ENDURE_HOW") == "replaced" {
			if err := os.WriteFile(exe, []byte("#!/bin/false\n"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		work(t, os.Getenv("MP_ENDURE_HOW"))
		return
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"removed", "replaced"} {
		exe := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(exe, self, 0o700); err != nil {
			t.Fatal(err)
		}
		inside(t, surrounding{how: how, exe: exe})
		left, err := os.ReadFile(exe)
		if gone := errors.Is(err, fs.ErrNotExist); gone != (how == "removed") || !gone && !strings.HasPrefix(string(left), "#!") {
			t.Errorf("%s: it is not: %v", how, err)
		}
	}
}
