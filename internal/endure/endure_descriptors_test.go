//go:build linux

package endure

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/mptest"
)

var descriptors = lack{[]syscall.Errno{syscall.EMFILE}, nil}

// With every number of descriptors from 4 to 64, what works, works, and what does not says so, leaves nothing, and works once there are
// more: first in a process that has not used the library before, then in one that has.
func TestFewDescriptors(t *testing.T) {
	const most = 64
	if !inside(t, surrounding{limits: fmt.Sprintf("nofile=%d", most)}) {
		return
	}
	sweep := func(attempt func(n uint64)) {
		for n := uint64(4); n <= most; n++ {
			attempt(n)
		}
	}
	var cold, failed int
	sweep(func(n uint64) {
		restore := setSoft(t, unix.RLIMIT_NOFILE, n)
		defer restore()
		cold += attempt(t, fmt.Sprintf("%d descriptors", n), descriptors)
	})
	work(t, "afterwards")
	mptest.NoLeaks(t)
	sweep(func(n uint64) {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			mptest.NoLeaks(t)
			restore := setSoft(t, unix.RLIMIT_NOFILE, n)
			defer restore()
			failed += attempt(t, "again", descriptors)
		})
	})
	work(t, "in the end")
	if cold == 0 || failed == 0 {
		t.Errorf("%d failed, and %d the second time", cold, failed)
	}
}

// A whole family in which nobody can have more than so many descriptors, workers neither, as under ulimit -n.
func TestFamilyOfFewDescriptors(t *testing.T) {
	if inside(t, surrounding{}) {
		attempt(t, "a family", descriptors)
		return
	}
	for n := 7; n <= 40; n += 3 {
		inside(t, surrounding{limits: fmt.Sprintf("nofile=%d", n), dies: func(out string) string {
			if strings.Contains(out, "runtime: netpollinit failed") { // Go's own poller needs two
				return "Go did not begin"
			}
			return ""
		}})
	}
}
