package mp

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"

	"github.com/go-multiproc/mp/internal/link"
	"github.com/go-multiproc/mp/internal/side"
)

// forwarding makes a handler that sends records to the parent's logger; nil where they do not go there.
var forwarding func(origin func(context.Context) []slog.Attr) slog.Handler

// Logger returns the logger for a function with this context. What it logs goes to PoolConfig.Logger, with the level, time,
// message, attributes, groups and place that it has, and with worker, pid, function and, in a map, index. Without a logger in
// the pool's configuration, in a process of Start and with InProcess it is slog.Default(), with function and index.
//
// In a worker of a pool with a logger, slog.Default() and package log go there, too, unless the program sets others.
//
// An attribute that is of no kind of package slog arrives as its text. A text of more than 4 KiB is cut, and attributes for which
// a record of 16 KiB has no room are counted in an attribute "!MISSING".
//
// A record costs a system call, and one that the parent's logger does not take a comparison; which it takes is asked once, when
// the worker starts. All records of a worker arrive, in their order, before its end is reported, also if it crashes. But if the
// parent's logger is too slow for them, the worker waits for it half of its time at most, and a quarter of a second for one that
// stands still. What then finds no room is dropped, and the parent's logger is told how many records those were.
func Logger(ctx context.Context) *slog.Logger {
	attrs := aboutElement(ctx)
	if forwarding != nil {
		return slog.New(forwarding(func(context.Context) []slog.Attr { return attrs }))
	}
	return slog.New(slog.Default().Handler().WithAttrs(attrs))
}

// aboutElement is what a record tells of the element in whose function it was made.
func aboutElement(ctx context.Context) []slog.Attr {
	e, ok := link.AboutElement(ctx)
	if !ok {
		return nil
	}
	s, ok := e.Handler.(*snapshot)
	if !ok {
		return nil
	}
	attrs := []slog.Attr{slog.String("function", s.functions[e.Function].name)}
	if e.Index >= 0 {
		attrs = append(attrs, slog.Int64("index", e.Index))
	}
	return attrs
}

// forwardLogs makes the loggers of this worker send to its parent, if that has a logger, but for those that the program has set.
func forwardLogs(w *side.Worker) {
	handler := w.Handler(aboutElement)
	if handler == nil {
		return
	}
	forwarding = w.Handler
	if fmt.Sprintf("%T", slog.Default().Handler()) != "*slog.defaultHandler" {
		return
	}
	output, flags := log.Writer(), log.Flags()
	slog.SetDefault(slog.New(handler)) // and package log's output with it
	if output != io.Writer(os.Stderr) {
		log.SetOutput(output)
		log.SetFlags(flags)
	}
}
