//go:build linux

package mptest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// Each kind of leak is found, and named; when the same goes in time it is none.
func TestNoLeaksFinds(t *testing.T) {
	NoLeaks(t)
	for _, c := range []struct {
		name, want string
		leak       func(*testing.T) (undo func())
	}{
		{"goroutine", "TestNoLeaksFinds", func(*testing.T) func() {
			c := make(chan struct{})
			go func() { <-c }()
			return func() { close(c) }
		}},
		{"descriptor", "descriptor", func(t *testing.T) func() {
			t.Helper()
			f, err := os.Open(os.DevNull)
			must(t, err)
			return func() { must(t, f.Close()) }
		}},
		{"process", "(cat)", func(t *testing.T) func() {
			t.Helper()
			cmd := exec.Command("cat")
			in, err := cmd.StdinPipe()
			must(t, err)
			must(t, cmd.Start())
			return func() { must(t, in.Close()); must(t, cmd.Wait()) }
		}},
		{"pool", "mapping of mp-channel", func(t *testing.T) func() {
			t.Helper()
			pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
			must(t, err)
			return func() { must(t, pool.Close()) }
		}},
		{"shared object", "shared object", func(t *testing.T) func() {
			t.Helper()
			m, err := shared.NewMutex()
			must(t, err)
			return func() { must(t, m.Free()) }
		}},
		{"file", "/dev/shm/mptest_leak", func(t *testing.T) func() {
			t.Helper()
			name := fmt.Sprintf("/dev/shm/mptest_leak%d", os.Getpid())
			must(t, os.WriteFile(name, nil, 0o600))
			return func() { must(t, os.Remove(name)) }
		}},
		{"block", "file /dev/shm/", func(t *testing.T) func() {
			t.Helper()
			b, err := shared.CreateBlock("", 1)
			must(t, err)
			return func() { must(t, b.Unlink()); must(t, b.Close()) }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			NoLeaks(t)
			r := new(recorder)
			undo := func() {}
			got := r.during(func() {
				noLeaks(r, 0)
				undo = c.leak(t)
			})
			if !strings.Contains(got, c.want) {
				t.Errorf("%q does not tell of %q", got, c.want)
			}
			undo()
		})
	}
}

// What the test's own cleanups end, and what is only just ending, is no leak; and a failed test has other troubles.
func TestNoLeaksFindsNothing(t *testing.T) {
	t.Run("in time", func(t *testing.T) {
		NoLeaks(t)
		Faulty(t)
		InProcess(t)
		m, err := shared.NewMutex()
		must(t, err)
		t.Cleanup(func() { must(t, m.Free()) })
		cmd := exec.Command("sleep", "0.05")
		must(t, cmd.Start())
		go func() { _ = cmd.Wait() }()
	})
	t.Run("failed", func(t *testing.T) {
		r := new(recorder)
		c := make(chan struct{})
		defer close(c)
		if got := r.during(func() {
			noLeaks(r, 0)
			go func() { <-c }()
			r.Error("failed")
		}); got != "failed" {
			t.Errorf("%q", got)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
