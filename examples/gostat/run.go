package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/go-multiproc/mp"
)

// find lists the Go files below dir, whatever they are, and the directories that cannot be read as failures.
func find(dir string) (files []string, failures []failure, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == dir:
			return err
		case err != nil:
			failures = append(failures, failure{name, err})
		case !d.IsDir() && strings.HasSuffix(name, ".go"):
			files = append(files, name)
		}
		return nil
	})
	return files, failures, err
}

func newPool(o options) (*mp.Pool, error) {
	return mp.NewPool(mp.PoolConfig{
		Workers:     o.workers,
		Init:        limitStack.With(o.stack),
		MemoryLimit: o.memory,
		Stderr:      io.Discard, // the reports of crashes; their first lines are in the errors
	})
}

// parseAll parses the files wherever x runs things, and takes the results as they come.
func parseAll(ctx context.Context, x mp.Executor, files []string, o options) *totals {
	var t totals
	for i, r := range parseFile.Results(ctx, x, slices.Values(files), mp.Timeout(o.timeout)) {
		t.add(files[i], r)
	}
	return &t
}

// compare parses the files again, in the workers and on as many goroutines, and prints the times. All files are in the
// system's cache now, so both have the same to do.
func compare(ctx context.Context, w io.Writer, pool *mp.Pool, files []string, o options) error {
	workers := len(pool.Workers())
	if err := pool.Ready(ctx); err != nil { // replacements for workers that died
		return err
	}
	inProcess := mp.InProcess(workers)
	timed := func(x mp.Executor) (time.Duration, error) {
		runtime.GC() // what came before is not to be paid for here
		start := time.Now()
		t := parseAll(ctx, x, files, o)
		took := time.Since(start)
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if len(t.failures) > 0 {
			return 0, fmt.Errorf("parsing again: %s: %w", t.failures[0].file, t.failures[0].err)
		}
		return took, nil
	}
	inWorkers, err := timed(pool)
	if err != nil {
		return err
	}
	onGoroutines, err := timed(inProcess)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nThe %d files that did no harm, once more:\n  %d workers      %v\n  %d goroutines   %v\n  ratio          %.2f\n",
		len(files), workers, round(inWorkers), workers, round(onGoroutines), inWorkers.Seconds()/onGoroutines.Seconds())
	return err
}

func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}
