//go:build linux

package endure

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/mptest"
	"github.com/go-multiproc/mp/shared"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// Memory that processes share is files without names, which RLIMIT_FSIZE limits, by a signal that would end the program.
func TestSmallFiles(t *testing.T) {
	if !inside(t, surrounding{}) {
		return
	}
	large := lack{errnos: []syscall.Errno{syscall.EFBIG}}
	sizes := []uint64{0, kib, 64 * kib, mib, 4 * mib, 16 * mib, gib / 2, gib, 16 * gib}
	var cold, failed int
	for _, n := range sizes {
		restore := setSoft(t, unix.RLIMIT_FSIZE, n)
		cold += attempt(t, fmt.Sprintf("files of %d bytes", n), large)
		restore()
	}
	work(t, "afterwards")
	mptest.NoLeaks(t)
	for _, n := range sizes {
		restore := setSoft(t, unix.RLIMIT_FSIZE, n)
		failed += attempt(t, fmt.Sprintf("files of %d bytes, again", n), large)
		restore()
	}
	work(t, "in the end")
	if cold == 0 || failed == 0 {
		t.Errorf("%d failed, and %d the second time", cold, failed)
	}
}

// Under ulimit -v a family's memory is as large as there is addresses for, and where there are too few, that is said. Go itself
// takes some hundred MiB of them, and ends programs that find no more.
func TestFewAddresses(t *testing.T) {
	if raceDetector() {
		t.Skip("the race detector takes more addresses than any limit leaves")
	}
	none := lack{errnos: []syscall.Errno{syscall.ENOMEM, syscall.EAGAIN}, words: []string{
		"fatal error: runtime: cannot allocate memory", "fatal error: runtime: out of memory", "out of memory",
		"failed to reserve page summary memory", "fatal error: newosproc", "pthread_create failed",
	}}
	if inside(t, surrounding{}) {
		failed := attempt(t, os.Getenv("MP_ENDURE_HOW"), none)
		s, err := shared.Stats()
		t.Logf("%s: %d failed, %d MiB shared (%v)", os.Getenv("MP_ENDURE_HOW"), failed, s.Size/mib, err)
		if err == nil {
			mptest.NoLeaks(t)
			attempt(t, os.Getenv("MP_ENDURE_HOW")+", again", none)
		}
		return
	}
	for _, n := range []uint64{300 * mib, 600 * mib, 700 * mib, 800 * mib, 900 * mib, gib, 3 * gib / 2, 2 * gib, 3 * gib, 5 * gib, 70 * gib} {
		inside(t, surrounding{limits: fmt.Sprintf("as=%d", n), how: fmt.Sprintf("%d MiB of addresses", n/mib), dies: func(out string) string {
			for _, w := range none.words {
				if strings.Contains(out, w) {
					return fmt.Sprintf("with %d MiB of addresses Go says %q", n/mib, w)
				}
			}
			return ""
		}})
	}
}

func raceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// threads counts those of this user, whoever's they are.
func threads() (n uint64) {
	tasks, _ := filepath.Glob("/proc/[0-9]*/task/*")
	for _, task := range tasks {
		var s syscall.Stat_t
		if syscall.Stat(task, &s) == nil && int(s.Uid) == os.Getuid() {
			n++
		}
	}
	return n
}

// Where this user may have few threads, a process that cannot be started says so, and one that starts and finds no thread is an error
// that quotes what Go says of it.
func TestFewThreads(t *testing.T) {
	const user = 54322 // nobody's; the limit is no limit for root
	words := []string{"fatal error: newosproc", "pthread_create failed", "failed to create new OS thread"}
	few := lack{errnos: []syscall.Errno{syscall.EAGAIN}, words: words}
	if !inside(t, surrounding{
		change: func(cmd *exec.Cmd) {
			if os.Getuid() == 0 {
				cmd.SysProcAttr.Credential = &syscall.Credential{Uid: user, Gid: user}
			}
		},
		dies: func(out string) string {
			if strings.Contains(out, "the threads of this program:") {
				return "" // never
			}
			for _, w := range words {
				if strings.Contains(out, w) {
					return "the program itself found no thread"
				}
			}
			return ""
		},
	}) {
		return
	}
	work(t, "before")
	mptest.NoLeaks(t)
	failed := 0
	for room, enough := uint64(0), 0; enough < 3 && room < 64; room++ {
		restore := setSoft(t, unix.RLIMIT_NPROC, threads()+room)
		n := attempt(t, fmt.Sprintf("room for %d", room), few)
		restore()
		if failed += n; n == 0 {
			enough++
		}
	}
	work(t, "afterwards")
	if failed == 0 {
		t.Error("none failed")
	}
}
