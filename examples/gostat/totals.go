package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-multiproc/mp"
)

// totals is what is known after some files.
type totals struct {
	files    []fileOf
	failures []failure
	lines    int
	funcs    int
	longest  fileOf
}

type fileOf struct {
	file string
	stat fileStat
}

type failure struct {
	file string
	err  error
}

func (t *totals) add(file string, r mp.Result[fileStat]) {
	if r.Err != nil {
		t.failures = append(t.failures, failure{file, r.Err})
		return
	}
	f := fileOf{file, r.Value}
	t.files = append(t.files, f)
	t.lines += f.stat.Lines
	t.funcs += f.stat.Functions
	if f.stat.Longest.Lines > t.longest.stat.Longest.Lines {
		t.longest = f
	}
}

// harmless is the files whose parsing ended in order.
func (t *totals) harmless() []string {
	files := make([]string, len(t.files))
	for i, f := range t.files {
		files[i] = f.file
	}
	return files
}

// print tells it all. A writer that fails has no one to be told.
func (t *totals) print(w io.Writer, o options, took time.Duration) {
	short := func(file string) string {
		if rel, err := filepath.Rel(o.dir, file); err == nil {
			return rel
		}
		return file
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	say("%s, parsed in %v:", o.dir, round(took))
	say("  files        %d", len(t.files))
	say("  lines        %d", t.lines)
	say("  functions    %d", t.funcs)
	if f := t.longest.stat.Longest; f.Lines > 0 {
		say("  longest      %s with %d lines, at %s:%d", f.Name, f.Lines, short(t.longest.file), f.Line)
	}
	say("  failures     %d", len(t.failures))

	slices.SortFunc(t.files, func(a, b fileOf) int { return cmp.Compare(b.stat.Took, a.stat.Took) })
	say("\nSlowest files:")
	for _, f := range t.files[:min(len(t.files), o.top, 5)] {
		say("  %8v   %s", round(f.stat.Took), short(f.file))
	}

	slices.SortFunc(t.failures, func(a, b failure) int {
		return cmp.Or(cmp.Compare(severity(b.err), severity(a.err)), cmp.Compare(a.file, b.file))
	})
	if len(t.failures) > 0 {
		say("\nFailures:")
	}
	for _, f := range t.failures[:min(len(t.failures), o.top)] {
		say("  %s: %s", short(f.file), reason(f.err, o))
	}
	if more := len(t.failures) - o.top; more > 0 {
		say("  ... and %d more", more)
	}
}

// severity puts those first that cost a worker.
func severity(err error) int {
	var dead *mp.WorkerError
	var late *mp.TimeoutError
	if errors.As(err, &dead) || errors.As(err, &late) {
		return 1
	}
	return 0
}

// reason is one line on what a file did.
func reason(err error, o options) string {
	var (
		dead   *mp.WorkerError
		late   *mp.TimeoutError
		remote *mp.RemoteError
		text   = err.Error()
	)
	switch {
	case errors.As(err, &late):
		text = fmt.Sprintf("it took longer than %v", late.Timeout)
	case errors.As(err, &dead) && dead.OOM:
		text = fmt.Sprintf("it needed more than %d MiB of memory", o.memory>>20)
	case errors.As(err, &dead) && strings.Contains(dead.Crash, "stack overflow"):
		text = fmt.Sprintf("it needed more than %d MiB of stack", o.stack>>20)
	case errors.As(err, &remote):
		text = remote.Text
	}
	text, _, _ = strings.Cut(text, "\n")
	return text
}
