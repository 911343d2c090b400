// Command gostat reads every Go file below a directory and prints totals: files, lines, functions, the longest function,
// the files that took longest, and those that failed.
//
//	go run ./examples/gostat                 # the Go installation's own source
//	go run ./examples/gostat -hostile DIR    # files that nobody has looked at
//
// It parses in worker processes, with a limit on time, memory and stack for each file. So whatever a file does to
// the parser, it costs one line among the failures and nothing else. Without -hostile it then parses again, in the workers and on
// goroutines, to compare the times; on goroutines only what did no harm to a worker.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-multiproc/mp"
)

// options is what the command line says.
type options struct {
	dir     string
	workers int
	timeout time.Duration
	memory  int64 // bytes
	stack   int   // bytes
	top     int
	hostile bool
}

func main() {
	mp.Main() // in a worker it does not return
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := gostat(ctx, os.Stdout, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "gostat:", err)
		os.Exit(1)
	}
}

func gostat(ctx context.Context, w io.Writer, args []string) error {
	o, err := parseOptions(ctx, w, args)
	if err != nil {
		return err
	}
	files, failures, err := find(o.dir)
	if err != nil {
		return err
	}
	pool, err := newPool(o)
	if err != nil {
		return err
	}
	defer pool.Close()

	start := time.Now()
	t := parseAll(ctx, pool, files, o)
	took := time.Since(start)
	if err := ctx.Err(); err != nil {
		return err
	}
	t.failures = append(failures, t.failures...)
	t.print(w, o, took)
	if o.hostile {
		return nil
	}
	return compare(ctx, w, pool, t.harmless(), o)
}

func parseOptions(ctx context.Context, w io.Writer, args []string) (options, error) {
	var o options
	var memory, stack int
	f := flag.NewFlagSet("gostat", flag.ContinueOnError)
	f.SetOutput(w)
	f.Usage = func() {
		_, _ = fmt.Fprintln(w, "usage: gostat [flags] [directory]   (without one: the Go installation's own source)")
		f.PrintDefaults()
	}
	f.IntVar(&o.workers, "workers", 0, "worker `processes`; 0 is one for each CPU")
	f.DurationVar(&o.timeout, "timeout", 10*time.Second, "`time` limit for a file")
	f.IntVar(&memory, "memory", 512, "memory limit for a worker, in `MiB`")
	f.IntVar(&stack, "stack", 32, "stack limit for a worker, in `MiB`")
	f.IntVar(&o.top, "top", 10, "print so `many` failures and slow files at the most")
	f.BoolVar(&o.hostile, "hostile", false, "do not parse anything in this process")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.memory, o.stack = int64(memory)<<20, stack<<20
	switch f.NArg() {
	case 0:
		root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
		if err != nil {
			return o, fmt.Errorf("finding the Go installation; name a directory: %w", err)
		}
		o.dir = filepath.Join(strings.TrimSpace(string(root)), "src")
	case 1:
		o.dir = f.Arg(0)
	default:
		return o, fmt.Errorf("one directory, please, not %d", f.NArg())
	}
	return o, nil
}
