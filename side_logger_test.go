//go:build linux

package mp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
)

// sideLog logs in one of many ways.
var sideLog = mp.Func2("sideLog", func(ctx context.Context, how string, n int) (bool, error) {
	l := mp.Logger(ctx)
	switch how {
	case "kinds":
		l.Warn("kinds", sideKinds()...)
	case "groups":
		l.With("a", 1).WithGroup("g").With("b", 2).WithGroup("").WithGroup("h").Info("groups", "c", 3, slog.Group("i", "d", 4), slog.Group("empty"))
		l.WithGroup("none").Info("no attributes")
	case "default":
		slog.Info("slog", "n", n)
		slog.InfoContext(ctx, "with context")
		log.Print("log")
	case "enabled":
		l.Debug("too low")
		return l.Enabled(ctx, slog.LevelDebug), nil
	case "large":
		l.Info(strings.Repeat("m", 100_000), "first", strings.Repeat("v", 100_000), "second", 2)
		many := make([]any, 0, 20_000)
		for i := range cap(many) / 2 {
			many = append(many, "key", i)
		}
		l.WithGroup("g").With(many...).Info("many", many...)
	case "flood":
		for i := range n {
			l.Info("flood", "i", i)
		}
	case "for ever":
		for i := 0; ; i++ {
			l.Info("flood", "i", i)
		}
	case "killed":
		for i := range n {
			l.Info("flood", "i", i)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "crash":
		for i := range n {
			l.Info("flood", "i", i)
		}
		go panic("crash")
		select {}
	}
	return true, nil
})

var sideInit = mp.Func("sideInit", func(context.Context, int) (int, error) {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	return 0, nil
})

type sideLogValuer struct{}

func (sideLogValuer) LogValue() slog.Value { return slog.GroupValue(slog.Int("inner", 7)) }

type sidePanicError struct{}

func (sidePanicError) Error() string { panic("no text") }

func sideKinds() []any {
	when := time.Date(2026, 11, 26, 1, 2, 3, 4, time.FixedZone("", 3600))
	return []any{
		"string", "s\x00\n", "int", -1 << 63, "uint", uint64(1<<64 - 1), "float", 0.25, "bool", true, "false", false, "duration", time.Second,
		"when", when, "zero time", time.Time{}, "error", fmt.Errorf("wrapped: %w", errors.New("inner")), "valuer", sideLogValuer{}, "struct", struct{ A int }{1},
		"nil", nil, "bytes", []byte("bytes"), "stringer", syscall.SIGKILL, "panics", sidePanicError{},
	}
}

// sideJSON is a logger that writes to a buffer, without time and worker's pid.
func sideJSON(level slog.Leveler) (*slog.Logger, *sideBuffer) {
	out := new(sideBuffer)
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == "pid") {
			return slog.Attr{}
		}
		return a
	}})), out
}

type sideBuffer struct{ proctest.Buffer }

// lines are the lines that workers wrote.
func (b *sideBuffer) lines() []string {
	var lines []string
	for line := range strings.Lines(b.String()) {
		if !strings.Contains(line, `"msg":"mp: worker `) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// sideRun runs one way of sideLog in a pool of one worker, which it closes.
func sideRun(t *testing.T, c mp.PoolConfig, how string, n int) bool {
	t.Helper()
	c.Workers = 1
	pool, err := mp.NewPool(c)
	if err != nil {
		t.Fatal(err)
	}
	ok, err := sideLog.Call(ctx, pool, mp.Pack2(how, n))
	if err != nil {
		t.Error(err)
	}
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
	return ok
}

// W28. A record arrives as it would have been without the process between, with its worker in front.
func TestLoggerKinds(t *testing.T) {
	noLeaks(t)
	l, out := sideJSON(nil)
	sideRun(t, mp.PoolConfig{Logger: l}, "kinds", 0)
	got := out.lines()
	if len(got) != 1 {
		t.Fatalf("%d lines: %q", len(got), got)
	}
	var attrs map[string]any
	if err := json.Unmarshal([]byte(got[0]), &attrs); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"level": "WARN", "msg": "kinds", "worker": "0", "function": "sideLog", "string": "s\x00\n", "int": "-9.223372036854776e+18",
		"uint": "1.8446744073709552e+19", "float": "0.25", "bool": "true", "false": "false", "duration": "1e+09", "when": "2026-11-26T01:02:03.000000004+01:00",
		"zero time": "0001-01-01T00:00:00Z", "error": "wrapped: inner", "valuer": "map[inner:7]", "struct": "{A:1}", "nil": "<nil>", "bytes": "bytes",
		"stringer": "killed",
	} {
		if got := fmt.Sprint(attrs[key]); got != want {
			t.Errorf("%s is %q, not %q", key, got, want)
		}
	}
	if !strings.Contains(fmt.Sprint(attrs["panics"]), "no text") {
		t.Errorf("panics is %q", attrs["panics"])
	}
	if attrs["index"] != nil {
		t.Errorf("a call has the index %v", attrs["index"])
	}
}

func TestLoggerGroups(t *testing.T) {
	noLeaks(t)
	l, out := sideJSON(nil)
	sideRun(t, mp.PoolConfig{Logger: l}, "groups", 0)
	want := []string{
		`{"level":"INFO","msg":"groups","worker":0,"function":"sideLog","a":1,"g":{"b":2,"h":{"c":3,"i":{"d":4}}}}`,
		`{"level":"INFO","msg":"no attributes","worker":0,"function":"sideLog"}`,
	}
	if got := out.lines(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A record of an element of a map tells which.
func TestLoggerIndex(t *testing.T) {
	noLeaks(t)
	l, out := sideJSON(nil)
	pool := newPool(t, mp.PoolConfig{Workers: 1, Logger: l})
	if _, err := sideLog.Map(ctx, pool, []mp.Args2[string, int]{mp.Pack2("", 0), mp.Pack2("groups", 0)}); err != nil {
		t.Error(err)
	}
	_ = pool.Close()
	if got := out.lines(); len(got) != 2 || !strings.Contains(got[0], `"function":"sideLog","index":1,"a":1`) {
		t.Errorf("%q", got)
	}
}

// The place where a record was made is that of the program's source.
func TestLoggerSource(t *testing.T) {
	noLeaks(t)
	out := new(sideBuffer)
	l := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{AddSource: true}))
	sideRun(t, mp.PoolConfig{Logger: l}, "groups", 0)
	if lines := out.lines(); len(lines) == 0 || !strings.Contains(out.String(), "side_logger_test.go:") {
		t.Errorf("%q", lines)
	}
}

// What a program logs without a context goes to the parent, too, but not if it has set a logger of its own.
func TestLoggerDefault(t *testing.T) {
	noLeaks(t)
	l, out := sideJSON(nil)
	sideRun(t, mp.PoolConfig{Logger: l}, "default", 7)
	want := []string{
		`{"level":"INFO","msg":"slog","worker":0,"n":7}`,
		`{"level":"INFO","msg":"with context","worker":0,"function":"sideLog"}`,
		`{"level":"INFO","msg":"log","worker":0}`,
	}
	if got := out.lines(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	l, out = sideJSON(nil)
	stderr := new(sideBuffer)
	sideRun(t, mp.PoolConfig{Logger: l, Init: sideInit.With(0), Stderr: stderr}, "default", 7)
	if got := out.lines(); len(got) > 0 {
		t.Errorf("arrived, though the program has its own logger: %q", got)
	}
	if got := stderr.lines(); len(got) != 3 {
		t.Errorf("on stderr: %q", got)
	}
}

// Without a logger in the configuration records are text on stderr, as ever.
func TestLoggerNone(t *testing.T) {
	noLeaks(t)
	stderr := new(sideBuffer)
	sideRun(t, mp.PoolConfig{Stderr: stderr}, "default", 7)
	sideRun(t, mp.PoolConfig{Stderr: stderr}, "groups", 0)
	got := strings.Join(stderr.lines(), "\n")
	for _, want := range []string{"INFO slog n=7", " log\n", "INFO groups function=sideLog a=1 g.b=2 g.h.c=3"} {
		if !strings.Contains(got+"\n", want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
}

// T246, T247. What the parent's logger does not take is not even sent.
func TestLoggerLevel(t *testing.T) {
	noLeaks(t)
	for _, c := range []struct {
		level slog.Level
		want  bool
	}{{slog.LevelInfo, false}, {slog.LevelDebug, true}, {slog.LevelDebug - 4, true}, {1000, false}} {
		l, out := sideJSON(c.level)
		if got := sideRun(t, mp.PoolConfig{Logger: l, Stderr: new(sideBuffer)}, "enabled", 0); got != c.want {
			t.Errorf("%v: %v", c.level, got)
		}
		if got := len(out.lines()); (got == 1) != c.want {
			t.Errorf("%v: %d lines", c.level, got)
		}
	}
}

// What is too large for a frame is cut, and tells so.
func TestLoggerLarge(t *testing.T) {
	noLeaks(t)
	l, out := sideJSON(nil)
	sideRun(t, mp.PoolConfig{Logger: l}, "large", 0)
	got := out.lines()
	if len(got) != 2 {
		t.Fatalf("%d lines", len(got))
	}
	if n := strings.Count(got[0], "bytes more)"); n != 2 || !strings.Contains(got[0], `"second":2`) {
		t.Errorf("%d cuts: %s", n, got[0])
	}
	if !strings.Contains(got[1], `"!MISSING":1`) {
		t.Errorf("nothing is missing: %s", got[1])
	}
}
