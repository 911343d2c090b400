//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
)

// sandboxSteps is what has run in this process, in its order.
var sandboxSteps string

var (
	sandboxStep = mp.Func("sandboxStep", func(_ context.Context, step string) (string, error) {
		sandboxSteps += step
		return sandboxSteps, nil
	})

	sandboxFails = mp.Func("sandboxFails", func(_ context.Context, how string) (int, error) {
		switch how {
		case "error":
			return 0, fmt.Errorf("no rights: %w", fs.ErrPermission)
		case "panic":
			panic("no rights")
		}
		os.Exit(3)
		return 0, nil
	})
)

// sandboxRefuses has a MarshalText that fails.
type sandboxRefuses struct{}

func (sandboxRefuses) MarshalText() ([]byte, error) { return nil, errors.New("no text") }
func (*sandboxRefuses) UnmarshalText([]byte) error  { return nil }

var sandboxTakes = mp.Func("sandboxTakes", func(context.Context, sandboxRefuses) (int, error) { return 0, nil })

// Sandbox runs after Init and before elements, in every worker, also in those that follow others.
func TestSandboxRunsAfterInit(t *testing.T) {
	for _, c := range []struct {
		config mp.PoolConfig
		want   string
	}{
		{mp.PoolConfig{Init: sandboxStep.With("i"), Sandbox: sandboxStep.With("s")}, "ise"},
		{mp.PoolConfig{Sandbox: sandboxStep.With("s")}, "se"},
		{mp.PoolConfig{Init: sandboxStep.With("i")}, "ie"},
	} {
		noLeaks(t)
		c.config.Workers, c.config.MaxTasks = 2, 1
		pool := newPool(t, c.config)
		for range 6 {
			got, err := sandboxStep.Call(ctx, pool, "e")
			if err != nil || got != c.want {
				t.Fatalf("%q, %v", got, err)
			}
		}
		if s := pool.Stats(); s.Restarts < 4 {
			t.Errorf("only %d restarts", s.Restarts)
		}
	}
}

// A broadcast that a new worker has missed runs in the sandbox.
func TestSandboxRunsBeforeBroadcasts(t *testing.T) {
	pool := newPool(t, mp.PoolConfig{Workers: 1, Init: sandboxStep.With("i"), Sandbox: sandboxStep.With("s")})
	if err := sandboxStep.Broadcast(ctx, pool, "b"); err != nil {
		t.Fatal(err)
	}
	if err := pool.Resize(ctx, 2); err != nil {
		t.Fatal(err)
	}
	for range 20 { // whichever worker it is
		got, err := sandboxStep.Call(ctx, pool, "")
		if err != nil || got != "isb" {
			t.Fatalf("%q, %v", got, err)
		}
	}
}

// A sandbox that cannot be made fails NewPool, which says why, and nothing is left.
func TestSandboxFails(t *testing.T) {
	noLeaks(t)
	for how, want := range map[string]string{"error": "no rights", "panic": "no rights", "exit": "with Init sandboxStep and Sandbox sandboxFails"} {
		_, err := mp.NewPool(mp.PoolConfig{Workers: 3, Init: sandboxStep.With("i"), Sandbox: sandboxFails.With(how)})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Sandbox") || !strings.Contains(err.Error(), "sandboxFails") {
			t.Errorf("%s: %v", how, err)
		}
		if errors.Is(err, fs.ErrPermission) != (how == "error") {
			t.Errorf("%s: %v", how, err)
		}
	}
	_, err := mp.NewPool(mp.PoolConfig{Sandbox: sandboxTakes.With(sandboxRefuses{})})
	if err == nil || !strings.HasPrefix(err.Error(), "mp: PoolConfig.Sandbox: ") || !strings.Contains(err.Error(), "no text") {
		t.Errorf("%v", err)
	}
}
