package mptest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// NoLeaks fails the test at its end if it has left something of this process behind: a child process, an open descriptor, a
// goroutine, a mapping or a shared object of this module, a file in /dev/shm. Call it first, so that it looks last: what the test's
// other cleanups end is no leak. What is only just ending is waited for, up to ten seconds.
//
// It looks at the whole process, so the test must not run in parallel with others. A test that has failed is not looked at.
// Like every test that has processes, one with NoLeaks needs Main; tests that are InProcess only do without.
func NoLeaks(t testing.TB) {
	t.Helper()
	noLeaks(t, leakPatience)
}

// leakPatience is how long what is ending may take. A machine that is busy with other tests takes its time.
const leakPatience = 10 * time.Second

func noLeaks(t testing.TB, patience time.Duration) {
	t.Helper()
	settle()
	before := takeStock()
	t.Cleanup(func() {
		t.Helper()
		if t.Failed() {
			return
		}
		if left := before.await(patience); len(left) > 0 {
			t.Errorf("mptest: the test leaves behind:\n%s", strings.Join(left, "\n"))
		}
	})
}

// settle makes what this module makes once, at the first start of a process, and keeps: the thread that starts processes, the
// family's memory.
var settle = sync.OnceFunc(func() {
	if pool, err := mp.NewPool(mp.PoolConfig{Workers: 1}); err == nil { // else there are no processes that could be left
		_ = pool.Close()
	}
})

// A stock is what a process holds.
type stock map[string]holding

type holding struct {
	n      int64
	what   string      // one of them, for a reader
	others func() bool // if set, whether it is somebody else's after all
}

func (s stock) add(key, what string) { s[key] = holding{n: s[key].n + 1, what: what} }

// more is what there is now that was not there before, as lines for a reader.
func (s stock) more(now stock) []string {
	var lines []string
	for key, h := range now {
		switch n := h.n - s[key].n; {
		case n <= 0 || h.others != nil && h.others():
		case n == 1:
			lines = append(lines, h.what)
		default:
			lines = append(lines, fmt.Sprintf("%s (%d of them)", h.what, n))
		}
	}
	slices.Sort(lines)
	return lines
}

// await waits until there is no more than before, and returns what there still is.
func (s stock) await(patience time.Duration) []string {
	deadline := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		left := s.more(takeStock())
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		time.Sleep(pause)
	}
}

func takeStock() stock {
	s := make(stock)
	s.goroutines()
	s.objects()
	s.system()
	return s
}
