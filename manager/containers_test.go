package manager_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
)

// containerServer is a server whose objects go as soon as nothing refers to them.
func containerServer(t *testing.T, maxBytes int64) *manager.Manager {
	t.Helper()
	m := must(manager.InProcess(manager.Config{Lease: time.Millisecond, MaxBytes: maxBytes}))
	t.Cleanup(func() {
		if err := m.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return m
}

// emptied waits until nothing is left in a server, of which the test has no proxies any more.
func emptied(t *testing.T, m *manager.Manager) {
	t.Helper()
	var st manager.Stats
	defer func() {
		if t.Failed() {
			t.Logf("%+v", st)
		}
	}()
	eventually(t, "the server is empty", func() bool {
		runtime.GC()
		st = must(m.Stats(ctx))
		return st.Objects == 0 && st.Bytes == 0
	})
}

// random are random numbers; the log says how to have them again.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// steps is how many operations a test against a model makes.
func steps() int {
	if testing.Short() {
		return 10_000
	}
	return 100_000
}

// word is one of some hundred strings, of all lengths up to 60.
func word(rng *rand.Rand) string {
	return strings.Repeat(string(rune('a'+rng.IntN(3))), rng.IntN(60))
}

// valueCost is what the server counts for a string, beside the 64 bytes for any value.
func valueCost(s string) int64 { return int64(len(s)) + 1 }

// limited reports whether an operation met the server's limit, and fails the test if it failed otherwise than it should.
func limited(t *testing.T, what string, err, want error) bool {
	t.Helper()
	if errors.Is(err, manager.ErrLimit) {
		return true
	}
	if !errors.Is(err, want) {
		t.Fatalf("%s: %v, not %v", what, err, want)
	}
	return false
}

// is fails the test if an error is not the one that was to come.
func is(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, not %v", what, err, want)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var errRefused = errors.New("refused")

func init() { mp.RegisterError("manager_test.errRefused", errRefused) }

// brief is a context that ends soon.
func brief() (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 20*time.Millisecond)
}
