package mp_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
)

// TestMain makes this binary a worker, a role of a test that needs a whole program, or the tests.
func TestMain(m *testing.M) {
	if os.Getenv("MP_TEST_NO_MAIN") == "" {
		mp.Main()
	}
	if role := os.Getenv("MP_TEST_ROLE"); role != "" {
		os.Exit(roles[role]())
	}
	os.Exit(proctest.Guard(9*time.Minute+chaosTime()+enduranceTime(), func() int {
		// What the first start makes for good, the thread that starts processes, is no leak of a test.
		if p, err := mp.NewPool(mp.PoolConfig{Workers: 1}); err == nil {
			_ = p.Close()
		}
		code := m.Run()
		if left := mp.ActiveChildren(); len(left) > 0 && code == 0 {
			fmt.Fprintln(os.Stderr, "children are left:", left)
			code = 1
		}
		return code
	}))
}

// chaosTime is how much longer than others the chaos tests are to take: MP_CHAOS_TIME, or a second for each of MP_CHAOS.
func chaosTime() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("MP_CHAOS_TIME")); err == nil {
		return d
	}
	d, _ := time.ParseDuration(os.Getenv("MP_CHAOS") + "s") // 0 if it is not set
	return d
}

// enduring is a number that a long form of a test is given in the environment, or that of its short form.
func enduring(name string, short int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return short
}

// enduranceTime is how much longer than others the endurance tests may take, on a slow machine, before they are taken for stuck.
func enduranceTime() time.Duration {
	return time.Duration(enduring("MP_SOAK", 0)/10_000+enduring("MP_POOLS", 0)) * time.Second
}

// roles are programs that tests run as processes of their own.
var roles = map[string]func() int{}

// eventually waits until cond holds; a minute is a hang.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	proctest.Eventually(t, what, cond, children)
}

// situation is what a failure that comes once in a thousand runs has to tell.
func situation() string { return children() + proctest.Stacks() }

// children is where the processes that this one started are.
func children() string {
	var b strings.Builder
	for _, c := range mp.ActiveChildren() {
		fmt.Fprintf(&b, "%+v\n", c)
		for _, f := range []string{"status", "wchan", "stack"} {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", c.PID, f))
			fmt.Fprintf(&b, "%s: %s (%v)\n", f, text, err)
		}
	}
	return b.String()
}

// noLeaks checks at the end of the test that it has left nothing behind.
func noLeaks(t *testing.T) {
	t.Helper()
	proctest.NoLeaks(t, holds...)
}

// holds are the kinds of things that a test can leak.
var holds = []proctest.Kind{
	proctest.Goroutines, proctest.Descriptors, proctest.Mappings("mp-channel"), proctest.SharedFiles,
	func(s proctest.Stock) {
		var names []string
		for _, c := range mp.ActiveChildren() {
			names = append(names, fmt.Sprint(c))
		}
		s.Add("children", len(names), names...)
	},
}

// holdings is how many of each this process holds.
func holdings() map[string]int { return proctest.Take(holds...).Counts() }

func newPool(t *testing.T, c mp.PoolConfig) *mp.Pool {
	t.Helper()
	pool, err := mp.NewPool(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool
}

var ctx = context.Background()

// expired is a context that has ended.
func expired() context.Context {
	c, cancel := context.WithCancel(ctx)
	cancel()
	return c
}

func upTo(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// pattern is n bytes that tell where they are.
var pattern, isPattern = proctest.Pattern, proctest.IsPattern
