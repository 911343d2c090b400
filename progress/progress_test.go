//go:build linux

package progress_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
	"github.com/go-multiproc/mp/progress"
)

// A step is what an element does: it says something, reports how far it is, and waits until a file is there.
type step struct {
	Say  string
	Half bool
	Wait string
	Fail bool
}

var stepping = mp.Func("progress.step", func(ctx context.Context, s step) (int, error) {
	if s.Say != "" {
		fmt.Fprintln(os.Stderr, s.Say)
	}
	if s.Half {
		mp.ReportProgress(ctx, 0.5)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for s.Wait != "" {
		if _, err := os.Stat(s.Wait); err == nil {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	if s.Fail {
		return 0, errors.New("as told")
	}
	return 0, nil
})

func release(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Error(err)
	}
}

// run maps over steps in the background, and tells the error.
func run(c context.Context, x mp.Executor, in []step, opts ...mp.MapOption) chan error {
	done := make(chan error, 1)
	go func() {
		_, err := stepping.Map(c, x, in, opts...)
		done <- err
	}()
	return done
}

// drain goes through all results, failures too.
func drain(x mp.Executor, in []step, opts ...mp.MapOption) chan error {
	done := make(chan error, 1)
	go func() {
		for range stepping.Results(ctx, x, slices.Values(in), opts...) {
		}
		done <- nil
	}()
	return done
}

func wait(t *testing.T, done chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		t.Fatal("the map does not end")
		return nil
	}
}

// A bar tells how many have ended and how far those are that run, and goes for one line at the end.
func TestBarOnATerminal(t *testing.T) {
	tty := openTTY(t, 100)
	pool := newPool(t, mp.PoolConfig{Workers: 1})
	noGoroutines(t)
	file := t.TempDir() + "/go"
	bar := progress.Bar(tty.File, progress.Name("steps"))
	for range 2 { // an option can be used again
		done := run(ctx, pool, []step{{}, {}, {}, {Half: true, Wait: file}}, bar)
		eventually(t, "three and a half of four are done", func() bool { return tty.was("steps ", "[====", "3/4", "88%", "/s", " left") })
		release(t, file)
		if err := wait(t, done); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "two lines are left", func() bool {
		s := tty.screen()
		return strings.Count(s, "\n") == 1 && strings.Count(s, "steps: 4 done in ") == 2 && !strings.Contains(s, "%")
	})
}

// Of a stream, whose length is not known, the number is shown; it may have failures.
func TestBarOfAStream(t *testing.T) {
	tty := openTTY(t, 80)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	noGoroutines(t)
	file := t.TempDir() + "/go"
	done := drain(pool, []step{{}, {Fail: true}, {}, {Wait: file}}, progress.Bar(tty.File))
	eventually(t, "three are done", func() bool { return tty.was("progress.step ", "3 done", "1 failed") })
	release(t, file)
	_ = wait(t, done)
	eventually(t, "the end is told", func() bool {
		return strings.HasPrefix(tty.screen(), "progress.step: 4 done in ") && strings.HasSuffix(tty.screen(), ", 1 failed")
	})
}

// W28: bars of several maps are below each other, what workers print is above them, and nothing is left of them in between.
func TestBarsTogether(t *testing.T) {
	tty := openTTY(t, 100)
	stderr := os.Stderr
	os.Stderr = tty.File // where the pool passes on what workers print
	defer func() { os.Stderr = stderr }()
	pool := newPool(t, mp.PoolConfig{Workers: 3})
	noGoroutines(t)
	file := t.TempDir() + "/go"
	names := []string{"first", "second", "third"}
	var done []chan error
	for i, name := range names {
		done = append(done, run(ctx, pool, []step{{Wait: fmt.Sprint(file, i), Say: "hello from " + name}}, progress.Bar(tty.File, progress.Name(name))))
	}
	shown := func(names ...string) func() bool {
		return func() bool {
			s := tty.screen()
			for _, n := range names {
				if !strings.Contains(s, "\n"+n+" ") && !strings.HasPrefix(s, n+" ") {
					return false
				}
			}
			return true
		}
	}
	eventually(t, "all bars are shown", shown(names...))
	above := progress.Above(tty.File)
	fmt.Fprint(above, "a line that comes ")
	fmt.Fprintln(above, "in two parts")
	release(t, file+"1")
	if err := wait(t, done[1]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second has gone", func() bool {
		return shown("first", "third")() && !shown("second")() && strings.Contains(tty.screen(), "second: 1 done")
	})
	release(t, file+"0")
	release(t, file+"2")
	for _, d := range []chan error{done[0], done[2]} {
		if err := wait(t, d); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Fprintln(above, "the last line")
	want := []string{"first: 1 done", "hello from first", "hello from second", "hello from third", "second: 1 done", "third: 1 done", "the last line", "a line that comes in two parts"}
	eventually(t, "each line is there once and nothing else", func() bool {
		lines := strings.Split(tty.screen(), "\n")
		for _, w := range want {
			if n := strings.Count(tty.screen(), w); n != 1 {
				return false
			}
		}
		return len(lines) == len(want)
	})
}

// However a map ends, its bar goes, and the last line says how.
func TestBarOfMapsThatFail(t *testing.T) {
	tty := openTTY(t, 100)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	noGoroutines(t)
	bar := progress.Bar(tty.File, progress.Name("steps"))
	if _, err := stepping.Map(ctx, pool, []step{{}, {Fail: true}}, bar); err == nil {
		t.Fatal("it went well")
	}
	eventually(t, "the failure is told", func() bool {
		return strings.Contains(tty.screen(), "1 failed: ") && strings.HasSuffix(tty.screen(), "as told")
	})
	c, cancel := context.WithCancel(ctx)
	done := run(c, pool, []step{{}, {Wait: "never"}, {Wait: "never"}}, bar)
	eventually(t, "one is done", func() bool { return tty.was("steps ", "1/3") })
	cancel()
	if err := wait(t, done); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	eventually(t, "two lines are left", func() bool {
		s := tty.screen()
		return strings.Count(s, "\n") == 1 && strings.Contains(s, "\nsteps: 1 of 3 done in ") && strings.HasSuffix(s, ": context canceled")
	})
	for range stepping.Results(ctx, pool, slices.Values([]step{{}, {Wait: "never"}}), bar) {
		break
	}
	eventually(t, "three lines are left", func() bool { return strings.Count(tty.screen(), "\n") == 2 })
}

// One option for two maps at the same time is one bar for both.
func TestOneBarForTwo(t *testing.T) {
	tty := openTTY(t, 100)
	noGoroutines(t)
	pool := newPool(t, mp.PoolConfig{Workers: 3})
	file := t.TempDir() + "/go"
	bar := progress.Bar(tty.File, progress.Name("both"))
	a, b := run(ctx, pool, []step{{}, {Wait: file}}, bar), run(ctx, pool, []step{{}, {}, {Wait: file}}, bar)
	eventually(t, "both count", func() bool { return tty.was("both ", "3/5") })
	release(t, file)
	if err := errors.Join(wait(t, a), wait(t, b)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "there is one line", func() bool {
		return strings.HasPrefix(tty.screen(), "both: 5 done in ") && !strings.Contains(tty.screen(), "\n")
	})
}

// Where there is no terminal there are lines, now and then, and nothing moves.
func TestLines(t *testing.T) {
	noGoroutines(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1})
	file := t.TempDir() + "/go"
	var often, never proctest.Buffer
	done := run(ctx, pool, []step{{}, {}, {Wait: file}}, progress.Bar(&often, progress.Every(time.Millisecond)), progress.Bar(&never, progress.Every(0)))
	eventually(t, "two are done", func() bool { return strings.Contains(often.String(), "progress.step: 2/3  67% ") })
	if never.String() != "" {
		t.Errorf("%q", never.String())
	}
	release(t, file)
	if err := wait(t, done); err != nil {
		t.Fatal(err)
	}
	for _, w := range []*proctest.Buffer{&often, &never} {
		lines := strings.Split(strings.TrimSuffix(w.String(), "\n"), "\n")
		if last := lines[len(lines)-1]; !strings.HasPrefix(last, "progress.step: 3 done in ") || strings.ContainsAny(w.String(), "\x1b\r[") {
			t.Errorf("%q", w.String())
		}
	}
	if n := strings.Count(never.String(), "\n"); n != 1 {
		t.Errorf("%d lines", n)
	}
}

// A writer that takes nothing, or is no key of a map, does no harm.
func TestBadWriters(t *testing.T) {
	noGoroutines(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1})
	tty := openTTY(t, 80)
	closed, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, w := range map[string]io.Writer{"read only": mustOpen(t, tty.Name()), "closed": closed, "no key": writers{io.Discard}} {
		if _, err := stepping.Map(ctx, pool, make([]step, 10), progress.Bar(w)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := stepping.Map(ctx, pool, nil, progress.Bar(w)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// writers cannot be compared.
type writers []io.Writer

func (w writers) Write(p []byte) (int, error) { return w[0].Write(p) }

// mustOpen opens a file to be read, not written.
func mustOpen(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func ExampleBar() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	var told strings.Builder // os.Stderr, if somebody is to watch
	if _, err := stepping.Map(context.Background(), pool, make([]step, 100), progress.Bar(&told, progress.Name("steps"))); err != nil {
		fmt.Println(err)
		return
	}
	before, _, _ := strings.Cut(told.String(), " in ")
	fmt.Println(before)
	// Output: steps: 100 done
}
