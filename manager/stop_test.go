//go:build linux

package manager_test

import (
	"context"
	"errors"
	"testing"

	"github.com/go-multiproc/mp/manager"
)

// Who has waited long enough for a server to stop ends it, also for others who wait for that.
func TestStopOfAStoppedServer(t *testing.T) {
	m := must(manager.Start(manager.Config{}))
	d := must(manager.NewDict[string, int](m))
	freeze(t, m.PID())
	call := make(chan error)
	go func() { call <- d.Set(ctx, "a", 1) }()
	patient := make(chan error)
	go func() { patient <- m.Stop(ctx) }()
	if err := <-call; !errors.Is(err, manager.ErrClosed) { // that Stop has begun
		t.Error(err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := m.Stop(ended); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := <-patient; err != nil {
		t.Error(err)
	}
}
