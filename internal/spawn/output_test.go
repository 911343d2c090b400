//go:build linux

package spawn

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/proctest"
)

// printed is all that a worker in a role writes, by lines without their prefix, once its end is known.
func printed(t *testing.T, role string, more ...string) ([]string, Exit) {
	t.Helper()
	s, out := testSpec(role)
	s.Env = append(s.Env, more...)
	c, err := Start(osenv.Default(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for err == nil {
		_, err = c.Recv()
	}
	<-c.Done()
	text := out.String()
	if text != "" && !strings.HasSuffix(text, "\n") {
		t.Errorf("it ends in mid-line: %q", text[max(0, len(text)-100):])
	}
	var lines []string
	for line := range strings.Lines(text) {
		line, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "> ")
		if !ok {
			t.Errorf("a line without its prefix: %.100q", line)
		}
		lines = append(lines, line)
	}
	return lines, c.Exit()
}

// What a worker writes comes in whole lines with their prefix, also what it wrote last, whatever it was.
func TestOutput(t *testing.T) {
	noLeaks(t)
	if got, _ := printed(t, "partial"); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("%q", got)
	}
	if got, _ := printed(t, "binary"); !slices.Equal(got, []string{string(allBytes)}) {
		t.Errorf("%q", got)
	}
	// A line longer than anything kept comes in pieces, and what follows it on a line of its own.
	got, _ := printed(t, "long")
	if n := len(got); n < 2 || got[n-1] != "after" || strings.Join(got[:n-1], "") != strings.Repeat("0123456789", 20_000) {
		t.Errorf("%d lines, the last %.100q", n, got[n-1])
	}
	got, exit := printed(t, "flood")
	if n := len(got); n != 10_001 || got[n-1] != "the last words" || exit.Signal != syscall.SIGKILL {
		t.Errorf("%d lines, the last %.100q; %+v", n, got[n-1], exit)
	}
	if !strings.HasSuffix(exit.Stderr, "") || exit.Crash != "" {
		t.Errorf("%+v", exit)
	}
}

// A process that a worker left behind may hold its output open for ever: nobody waits for it.
func TestOutputHeldOpen(t *testing.T) {
	noLeaks(t)
	got, exit := printed(t, "abandon")
	var left int
	if len(got) != 1 || exit.Code != 0 {
		t.Fatalf("%q, %+v", got, exit)
	}
	if _, err := fmt.Sscanf(got[0], "left %d", &left); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(left, syscall.SIGKILL); err != nil { // it lives, for it left the group; it is the test's to end
		t.Error(err)
	}
}

// stuck is a writer that takes nothing until it is released.
type stuck struct {
	release chan struct{}
	proctest.Buffer
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.release
	return s.Buffer.Write(p)
}

// A writer that blocks holds up the end of a worker for so long and no longer, and gets everything in the end.
func TestOutputThatNobodyTakes(t *testing.T) {
	noLeaks(t)
	old := flushLimit
	flushLimit = time.Millisecond
	defer func() { flushLimit = old }()
	s, _ := testSpec("partial")
	w := &stuck{release: make(chan struct{})}
	s.Stdout = NewOutput(w)
	c := begin(t, s)
	<-c.Done()
	close(w.release)
	await(t, func() bool { return w.String() == "> one\n> two\n" })
}

// A writer that fails hurts nobody.
func TestOutputThatFails(t *testing.T) {
	noLeaks(t)
	s, _ := testSpec("long")
	s.Stdout = NewOutput(writerFunc(func([]byte) (int, error) { return 0, errors.New("full") }))
	c := begin(t, s)
	<-c.Done()
	if e := c.Exit(); e.Code != 0 {
		t.Errorf("%+v", e)
	}
}

// The lines do not depend on how they come in pieces, even where they are cut for their length.
func TestSplit(t *testing.T) {
	for _, c := range []struct{ in, out []string }{
		{[]string{"a\nb\n"}, []string{"a", "b"}},
		{[]string{"a", "b", "\n", "\n", "c\n"}, []string{"ab", "", "c"}},
		{[]string{strings.Repeat("x", maxLine), "\n", "\n", "y\n"}, []string{strings.Repeat("x", maxLine), "", "y"}},
		{[]string{strings.Repeat("x", maxLine), "z\ny\n"}, []string{strings.Repeat("x", maxLine), "z", "y"}},
		{[]string{strings.Repeat("x", maxLine-1), "\n"}, []string{strings.Repeat("x", maxLine-1)}},
	} {
		var out proctest.Buffer
		l := lines{out: NewOutput(&out), prefix: "> "}
		var rest []byte
		for _, piece := range c.in {
			rest = l.split(append(rest, piece...))
		}
		want := ""
		for _, line := range c.out {
			want += "> " + line + "\n"
		}
		if out.String() != want || len(rest) > 0 {
			t.Errorf("%d lines, not %d; rest %q", strings.Count(out.String(), "\n"), len(c.out), rest)
		}
	}
}

// Of many lines the last are kept for the error, and of a long one its end.
func TestTail(t *testing.T) {
	l := lines{out: NewOutput(writerFunc(func(p []byte) (int, error) { return len(p), nil }))}
	for i := range 100 {
		l.line(fmt.Appendf(nil, "line %d", i))
	}
	l.line([]byte("fatal error: all is lost"))
	if got := l.last(); strings.Count(got, "\n") != tailLines-1 || !strings.HasPrefix(got, "line 81\n") || l.reason() != "fatal error: all is lost" {
		t.Errorf("%q, %q", got, l.reason())
	}
	l.line([]byte(strings.Repeat("x", maxLine) + "the end"))
	if got := l.last(); len(got) != tailBytes || !strings.HasSuffix(got, "the end") {
		t.Errorf("%d bytes, %q", len(got), got[len(got)-10:])
	}
}

// T019, T187: workers get the descriptors they were given and no others, all of them the same number. What this program holds
// without close-on-exec they inherit, as they do from os/exec: it is how a program passes descriptors on by hand.
func TestDescriptors(t *testing.T) {
	noLeaks(t)
	private, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer private.Close()
	const n = 8
	files := func() []string {
		var all []string
		var children []*Child
		var outs []*proctest.Buffer
		for range n {
			s, out := testSpec("files")
			c, err := Start(osenv.Default(), s)
			if err != nil {
				t.Fatal(err)
			}
			children, outs = append(children, c), append(outs, out)
		}
		for i, c := range children {
			<-c.Done()
			c.Close()
			all = append(all, outs[i].String())
		}
		return all
	}
	count := func(lists []string, what string) int {
		t.Helper()
		want := strings.Count(lists[0], what)
		for _, list := range lists {
			if got := strings.Count(list, what); got != want {
				t.Errorf("%d of %q and %d: %s\n%s", want, what, got, lists[0], list)
			}
		}
		return want
	}
	lists := files()
	for what, want := range map[string]int{
		"socket:": 2, "mp-channel": 0, "mp-crash": 1, "> 0 /dev/null": 1, "> 1 pipe:": 1, "> 2 pipe:": 1, "eventpoll": 1,
	} {
		if got := count(lists, what); got != want {
			t.Errorf("%d of %q, not %d: %s", got, what, want, lists[0])
		}
	}
	inherited := count(lists, "\n")                              // with what this process itself was given, by whoever runs the tests
	fd, err := syscall.Open(osenv.SelfPath, syscall.O_RDONLY, 0) // without close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	lists = files()
	if err := syscall.Close(fd); err != nil {
		t.Error(err)
	}
	if got := count(lists, "\n"); got != inherited+1 || count(lists, ".test\n") != 1 {
		t.Errorf("%d descriptors, not %d: %s", got, inherited+1, lists[0])
	}
}
