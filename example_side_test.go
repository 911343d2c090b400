//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/go-multiproc/mp"
)

var talk = mp.Func("example.talk", func(ctx context.Context, name string) (int, error) {
	mp.Logger(ctx).Info("hello", "name", name)
	return len(name), nil
})

var load = mp.Func("example.load", func(ctx context.Context, _ string) (int, error) {
	mp.ReportProgress(ctx, 0.25)
	<-ctx.Done() // the rest takes long
	return 0, ctx.Err()
})

var lost = mp.Func("example.lost", func(context.Context, int) (int, error) { select {} })

func ExampleLogger() {
	mp.Main()
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "time" || a.Key == "pid" { // others in each run
			return slog.Attr{}
		}
		return a
	}}))
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, Logger: slog.New(quiet{logger.Handler()})})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = talk.Map(context.Background(), pool, []string{"Ada", "Grace"})
	fmt.Println(err)
	_ = pool.Close()
	// Unordered output:
	// level=INFO msg=hello worker=0 function=example.talk index=0 name=Ada
	// level=INFO msg=hello worker=0 function=example.talk index=1 name=Grace
	// <nil>
}

// quiet leaves out what the pool itself tells.
type quiet struct{ slog.Handler }

func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "mp: ") {
		return nil
	}
	return q.Handler.Handle(ctx, r)
}

func ExampleReportProgress() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	ctx, enough := context.WithCancel(context.Background())
	_, err = load.Map(ctx, pool, []string{"a"}, mp.Observe(func(e mp.Event) {
		if e.Kind == "fraction" {
			fmt.Println(e.Function, e.Index, e.Fraction)
			enough()
		}
	}))
	fmt.Println(err)
	// Output:
	// example.load 0 0.25
	// context canceled
}

func ExampleTimeoutError() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	_, err = lost.Call(context.Background(), pool, 0, mp.Timeout(10*time.Millisecond))
	if late, ok := errors.AsType[*mp.TimeoutError](err); ok {
		fmt.Println(late) // and late.Stack tells where it was
	}
	// Output: mp: example.lost: it ran longer than 10ms and was killed
}

func ExamplePool_Stacks() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // a worker that is stopped does not answer
	defer cancel()
	dump, err := pool.Stacks(ctx, 1)
	fmt.Println(strings.HasPrefix(dump, "goroutine "), err)
	// Output: true <nil>
}
