//go:build linux

package mp_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// A schedStep writes its name down when it begins, and, if it is to hold, ends when it is let go.
type schedStep struct {
	Dir, Name string
	Hold      bool
}

// schedAt is where a step ran.
type schedAt struct{ Worker, PID int }

var schedRun = mp.Func("schedRun", func(ctx context.Context, s schedStep) (schedAt, error) {
	at := schedAt{mp.Current().Worker, os.Getpid()}
	f, err := os.OpenFile(filepath.Join(s.Dir, "order"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return at, err
	}
	_, err = fmt.Fprintln(f, s.Name)
	_ = f.Close()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for s.Hold && err == nil {
		if _, gone := os.Stat(filepath.Join(s.Dir, "go "+s.Name)); gone == nil {
			return at, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return at, err
})

// A schedPlay is steps on an executor.
type schedPlay struct {
	t   *testing.T
	x   mp.Executor
	dir string
}

func newSchedPlay(t *testing.T, x mp.Executor) *schedPlay { return &schedPlay{t, x, t.TempDir()} }

func (p *schedPlay) step(name string) schedStep { return schedStep{p.dir, name, false} }

// start starts a step that is over when it could begin.
func (p *schedPlay) start(name string, opts ...mp.CallOption) *mp.Future[schedAt] {
	return schedRun.Go(ctx, p.x, p.step(name), opts...)
}

// hold starts a step that goes on until it is let go, and waits until it has begun.
func (p *schedPlay) hold(name string, opts ...mp.CallOption) *mp.Future[schedAt] {
	p.t.Helper()
	f := schedRun.Go(ctx, p.x, schedStep{p.dir, name, true}, opts...)
	p.await(name)
	return f
}

// await waits until a step has begun.
func (p *schedPlay) await(name string) {
	p.t.Helper()
	eventually(p.t, name+" begins", func() bool { return slices.Contains(p.order(), name) })
}

// letGo ends a step that holds.
func (p *schedPlay) letGo(name string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, "go "+name), nil, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// order is the steps that have begun.
func (p *schedPlay) order() []string {
	b, _ := os.ReadFile(filepath.Join(p.dir, "order"))
	return strings.Fields(string(b))
}

// end waits for the ends of steps.
func (p *schedPlay) end(futures ...*mp.Future[schedAt]) (at []schedAt) {
	p.t.Helper()
	for _, f := range futures {
		a, err := f.Wait(ctx)
		if err != nil {
			p.t.Fatal(err)
		}
		at = append(at, a)
	}
	return at
}

func (p *schedPlay) expect(want string) {
	p.t.Helper()
	if got := strings.Join(p.order(), " "); got != want {
		p.t.Errorf("they began in the order %s, want %s", got, want)
	}
}
