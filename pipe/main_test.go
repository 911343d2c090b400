package pipe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
)

func TestMain(m *testing.M) {
	if os.Getenv("MP_PIPE_NO_MAIN") == "" {
		mp.Main()
	}
	if role := os.Getenv("MP_PIPE_ROLE"); role != "" {
		os.Exit(roles[role]())
	}
	os.Exit(proctest.Guard(9*time.Minute, func() int {
		// What the first start makes for good is no leak of a test.
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

// roles are programs that tests run as processes that are no workers.
var roles = map[string]func() int{}

var ctx = context.Background()

// short is how long tests wait for what does not come.
const short = 20 * time.Millisecond

// ended is a context that has ended.
func ended() context.Context {
	c, cancel := context.WithCancel(ctx)
	cancel()
	return c
}

// eventually waits until cond holds; a minute is a hang.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	proctest.Eventually(t, what, cond)
}

// noLeaks checks at the end of the test that it has left nothing behind.
func noLeaks(t testing.TB) {
	t.Helper()
	proctest.NoLeaks(t, proctest.Goroutines, proctest.Descriptors, proctest.Mappings("mp-pipe"), func(s proctest.Stock) {
		s.Add("children", len(mp.ActiveChildren()))
	})
}

// pair is a connection that goes with the test.
func pair(t testing.TB) (a, b *Conn) {
	t.Helper()
	a, b, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ok(t, errors.Join(a.Close(), b.Close())) })
	return a, b
}

// ok fails the test on an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants checks that an error is the one that was to come.
func wants(t testing.TB, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: %v, not %v", what, err, target)
	}
}

// lasts checks that a wait for what does not come ends with its context, not before, and with the context's error; and at once if
// that has ended already.
func lasts(t *testing.T, wait func(context.Context) error) {
	t.Helper()
	begun := time.Now()
	limited, cancel := context.WithTimeout(ctx, short)
	defer cancel()
	err := wait(limited)
	if took := time.Since(begun); !errors.Is(err, context.DeadlineExceeded) || took < short {
		t.Errorf("after %v of %v: %v", took, short, err)
	}
	wants(t, "with a context that has ended", wait(ended()), context.Canceled)
}

// pattern is n bytes that tell where they are.
var pattern, isPattern = proctest.Pattern, proctest.IsPattern
