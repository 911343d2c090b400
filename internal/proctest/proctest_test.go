//go:build linux

package proctest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A recorder is a test that may fail, and whose cleanups run when they are told to.
type recorder struct {
	testing.TB
	cleanup func()
	said    string
}

func (r *recorder) Helper()                      {}
func (r *recorder) Failed() bool                 { return false }
func (r *recorder) Cleanup(f func())             { r.cleanup = f }
func (r *recorder) Errorf(form string, v ...any) { r.said = fmt.Sprintf(form, v...) }

// Each kind of leak is found and named, and is no leak once it is over.
func TestNoLeaksNames(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		want string
		leak func(t *testing.T) (mend func())
	}{
		{Goroutines, "goroutines: ", func(*testing.T) func() {
			stop, done := make(chan int), make(chan int)
			go func() { <-stop; close(done) }()
			return func() { close(stop); <-done }
		}},
		{Descriptors, "/proc/version", func(t *testing.T) func() {
			f, err := os.Open("/proc/version")
			if err != nil {
				t.Fatal(err)
			}
			return func() { f.Close() }
		}},
		{Mappings("mp-leak"), "/memfd:mp-leak", func(t *testing.T) func() {
			fd, err := unix.MemfdCreate("mp-leak", unix.MFD_CLOEXEC)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			if err := unix.Ftruncate(fd, 4096); err != nil {
				t.Fatal(err)
			}
			b, err := unix.Mmap(fd, 0, 4096, unix.PROT_READ, unix.MAP_SHARED)
			if err != nil {
				t.Fatal(err)
			}
			return func() { _ = unix.Munmap(b) }
		}},
		{SharedFiles, "proctest", func(t *testing.T) func() {
			f, err := os.CreateTemp("/dev/shm", "proctest")
			if err != nil {
				t.Fatal(err)
			}
			return func() { f.Close(); os.Remove(f.Name()) }
		}},
		{Children, "sleep", func(t *testing.T) func() {
			cmd := exec.Command("sleep", "1000")
			cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			return func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
		}},
		{func(s Stock) { s.Add("own", int(time.Now().UnixNano()), "a name") }, "own: ", func(*testing.T) func() { return func() {} }},
	} {
		r := &recorder{TB: t}
		noLeaks(r, 0, []Kind{c.kind})
		mend := c.leak(t)
		r.cleanup()
		mend()
		if !strings.Contains(r.said, c.want) || !strings.Contains(r.said, " before, ") {
			t.Errorf("%q is not in %q", c.want, r.said)
		}
	}
}

// What comes back in time, and less than there was, is no leak.
func TestNoLeaksFindsNothing(t *testing.T) {
	n := 5
	count := func(s Stock) { s.Add("things", n); n-- }
	r := &recorder{TB: t}
	noLeaks(r, time.Minute, []Kind{count, Descriptors, Children})
	n = 7
	r.cleanup()
	if r.said != "" || n > 5 {
		t.Errorf("%d: %s", n, r.said)
	}
}

func TestStopped(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	if Stopped(pid) || Ended(pid) {
		t.Error("it runs")
	}
	if err := cmd.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "it is stopped", func() bool { return Stopped(pid) })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "it has ended", func() bool { return Ended(pid) })
	if _, err := Stat(fmt.Sprint(pid)); err != nil {
		t.Errorf("unreaped it is to be seen: %v", err)
	}
	_ = cmd.Wait()
	if Stopped(pid) || !Ended(pid) {
		t.Error("it is gone")
	}
}
