//go:build linux

package mp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
)

// sideGate is a handler that counts the records of a flood, and lets none pass before it is opened.
type sideGate struct {
	slog.Handler
	open    chan struct{}
	arrived *atomic.Int64
	dropped *atomic.Int64
}

func newSideGate() sideGate {
	return sideGate{slog.DiscardHandler, make(chan struct{}), new(atomic.Int64), new(atomic.Int64)}
}

func (g sideGate) Enabled(context.Context, slog.Level) bool { return true }
func (g sideGate) WithAttrs([]slog.Attr) slog.Handler       { return g }
func (g sideGate) Handle(_ context.Context, r slog.Record) error {
	var n int64
	switch {
	case r.Message == "flood":
		<-g.open
		g.arrived.Add(1)
	case strings.HasPrefix(r.Message, "mp: worker "):
	default:
		if _, err := fmt.Sscanf(r.Message, "mp: %d log records", &n); err != nil {
			panic(r.Message)
		}
		g.dropped.Add(n)
	}
	return nil
}

// A flood of records before a logger that stands still neither holds the function up for ever, nor fills the parent's memory, nor
// stops others; and in the end it is known how many were lost.
func TestLoggerFlood(t *testing.T) {
	noLeaks(t)
	g := newSideGate()
	pool := newPool(t, mp.PoolConfig{Workers: 2, Logger: slog.New(g)})
	n := 1_000_000
	if testing.Short() {
		n = 100_000
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	flood := sideLog.Go(ctx, pool, mp.Pack2("flood", n))
	if _, err := square.Map(ctx, pool, make([]int, 1000)); err != nil {
		t.Error(err)
	}
	if _, err := flood.Wait(ctx); err != nil {
		t.Error(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the parent's memory has grown by %d bytes", grown)
	}
	if g.arrived.Load() > 0 {
		t.Error("the gate is open")
	}
	close(g.open)
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
	if got := g.arrived.Load() + g.dropped.Load(); got != int64(n) || g.arrived.Load() == 0 || g.dropped.Load() == 0 {
		t.Errorf("%d arrived, %d dropped, of %d", g.arrived.Load(), g.dropped.Load(), n)
	}
}

// A logger that is fast enough gets everything, also from a worker that ends by force, and before its end is known.
func TestLoggerEnds(t *testing.T) {
	noLeaks(t)
	for _, how := range []string{"flood", "killed", "crash"} {
		g := newSideGate()
		close(g.open)
		pool := newPool(t, mp.PoolConfig{Workers: 1, Logger: slog.New(g), Stderr: new(sideBuffer)})
		const n = 200 // what a socket holds
		_, err := sideLog.Call(ctx, pool, mp.Pack2(how, n))
		var died *mp.WorkerError
		if errors.As(err, &died) != (how != "flood") {
			t.Errorf("%s: %v", how, err)
		}
		if how == "flood" {
			_ = pool.Close()
		}
		if got := g.arrived.Load(); got != n {
			t.Errorf("%s: %d of %d records came before the end", how, got, n)
		}
	}
}

// A logger in a process of its own, and with InProcess, is slog.Default().
func TestLoggerElsewhere(t *testing.T) {
	l, out := sideJSON(nil)
	old := slog.Default()
	slog.SetDefault(l)
	defer slog.SetDefault(old)
	if _, err := sideLog.Call(ctx, mp.InProcess(1), mp.Pack2("groups", 0)); err != nil {
		t.Error(err)
	}
	mp.Logger(ctx).Info("outside")
	want := []string{
		`{"level":"INFO","msg":"groups","function":"sideLog","a":1,"g":{"b":2,"h":{"c":3,"i":{"d":4}}}}`,
		`{"level":"INFO","msg":"no attributes","function":"sideLog"}`,
		`{"level":"INFO","msg":"outside"}`,
	}
	if got := out.lines(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// sideSequence checks that the numbers of a flood come in order, and that what is missing was told.
type sideSequence struct {
	slog.Handler
	t    *testing.T
	next *atomic.Int64 // of the worker that runs
	seen chan int64
}

func (s sideSequence) Enabled(context.Context, slog.Level) bool { return true }
func (s sideSequence) WithAttrs([]slog.Attr) slog.Handler       { return s }
func (s sideSequence) Handle(_ context.Context, r slog.Record) error {
	var n int64
	switch {
	case r.Message == "flood":
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "i" && a.Value.Int64() != s.next.Load() {
				s.t.Errorf("record %v came, not %d", a.Value, s.next.Load())
				s.next.Store(a.Value.Int64())
			}
			return true
		})
		n = s.next.Add(1)
		select {
		case s.seen <- n:
		default:
		}
	case strings.HasPrefix(r.Message, "mp: worker "):
	default:
		if _, err := fmt.Sscanf(r.Message, "mp: %d log records", &n); err != nil {
			s.t.Error(r.Message)
		}
		s.next.Add(n)
	}
	return nil
}

// A worker that is killed in the midst of its records leaves no half of one, and none out.
func TestLoggerKilledAnywhere(t *testing.T) {
	noLeaks(t)
	s := sideSequence{slog.DiscardHandler, t, new(atomic.Int64), make(chan int64)}
	pool := newPool(t, mp.PoolConfig{Workers: 1, Logger: slog.New(s)})
	rounds := 100
	if testing.Short() {
		rounds = 20
	}
	for range rounds {
		s.next.Store(0)
		call := sideLog.Go(ctx, pool, mp.Pack2("for ever", 0))
		for want := rand.Int64N(2000); <-s.seen < want; {
		}
		if err := syscall.Kill(pool.Workers()[0].PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		var died *mp.WorkerError
		if _, err := call.Wait(ctx); !errors.As(err, &died) {
			t.Fatal(err)
		}
	}
}

// What a worker starts gets no end of the channel.
func TestSideNotInherited(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1})
	if out, err := shell.Call(ctx, pool, "ls -l /proc/self/fd"); err != nil || strings.Contains(out, "socket:") {
		t.Errorf("%v: %s", err, out)
	}
}

// A logger that never returns holds up the end of its worker for some seconds, and no more.
func TestLoggerStandsStill(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 5 s")
	}
	noLeaks(t)
	g := newSideGate()
	pool := newPool(t, mp.PoolConfig{Workers: 1, Logger: slog.New(g)})
	var died *mp.WorkerError
	if _, err := sideLog.Call(ctx, pool, mp.Pack2("killed", 10)); !errors.As(err, &died) {
		t.Error(err)
	}
	if out, err := square.Call(ctx, pool, 3); out != 9 || err != nil {
		t.Error(out, err)
	}
	close(g.open)
	eventually(t, "the rest has arrived", func() bool { return g.arrived.Load() == 10 })
}

// A program that is stopped, with a logger that nobody serves, holds its workers' functions up for a moment only.
func TestLoggerOfStoppedParent(t *testing.T) {
	noLeaks(t)
	cmd := role("logs")
	_, out := proctest.Talk(t, cmd)
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("it did not come up")
	}
	stop(t, cmd.Process.Pid)
	var pid int
	if _, err := fmt.Sscan(lines.Text(), &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGUSR1); err != nil { // the worker: now it may begin
		t.Fatal(err)
	}
	eventually(t, "the function has logged all", func() bool {
		_, err := os.Stat(sideLogged(pid))
		return err == nil
	})
	_ = os.Remove(sideLogged(pid))
	resume(t, cmd.Process.Pid)
	for lines.Scan() {
		t.Log(lines.Text())
		if lines.Text() == "done" {
			_ = cmd.Wait()
			return
		}
	}
	t.Errorf("it ended early: %v", cmd.Wait())
}

// sideLogged is the file that tells that a worker has logged all.
func sideLogged(pid int) string { return fmt.Sprintf("%s/mp-side-logged-%d", os.TempDir(), pid) }

// sideAfterSignal waits for a signal, logs a hundred thousand records, and tells by a file.
var sideAfterSignal = mp.Func("sideAfterSignal", func(ctx context.Context, n int) (int, error) {
	begin := make(chan os.Signal, 1)
	signal.Notify(begin, syscall.SIGUSR1)
	slog.Warn("ready")
	<-begin
	l := mp.Logger(ctx)
	for i := range n {
		l.Info("flood", "i", i)
	}
	return n, os.WriteFile(sideLogged(os.Getpid()), nil, 0o600)
})

// sideReady prints the pid of the worker that is ready.
type sideReady struct{ sideGate }

func (h sideReady) WithAttrs(attrs []slog.Attr) slog.Handler { return h }
func (h sideReady) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "ready" {
		fmt.Println(mp.ActiveChildren()[0].PID)
		return nil
	}
	return h.sideGate.Handle(ctx, r)
}

func init() {
	roles["logs"] = func() int {
		g := newSideGate()
		close(g.open)
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, Logger: slog.New(sideReady{g})})
		if err != nil {
			fmt.Println(err)
			return 1
		}
		const n = 100_000
		if _, err := sideAfterSignal.Call(ctx, pool, n); err != nil {
			fmt.Println(err)
		}
		_ = pool.Close()
		if got := g.arrived.Load() + g.dropped.Load(); got != n {
			fmt.Println(g.arrived.Load(), g.dropped.Load())
		}
		fmt.Println("done")
		return 0
	}
}
