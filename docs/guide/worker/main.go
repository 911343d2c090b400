//go:build linux

// Command worker shows what a worker has of its program, beside what main has.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"

	"github.com/go-multiproc/mp"
)

var (
	name    = flag.String("name", "nobody", "a flag")
	byInit  = "not set" // set by package initialization
	before  = "not set" // set by main before mp.Main
	after   = "not set" // set by main after it
	once    sync.Once
	counter int
)

func init() { byInit = "set" }

var look = mp.Func("look", func(context.Context, struct{}) ([]string, error) { return see(), nil })

func see() []string {
	once.Do(func() { counter++ })
	stdin, _ := io.ReadAll(io.LimitReader(os.Stdin, 3))
	dir, _ := os.Getwd()
	return []string{
		byInit, before, after, *name, fmt.Sprint(os.Args[1:]), os.Getenv("GUIDE_LEVEL"), dir, fmt.Sprintf("%q", stdin),
		fmt.Sprint(signal.Ignored(os.Interrupt)), fmt.Sprint(syscall.Getpgrp() == os.Getpid()),
		fmt.Sprint(runtime.GOMAXPROCS(0)), fmt.Sprint(debug.SetMemoryLimit(-1) < 128<<20), fmt.Sprint(counter), fmt.Sprint(mp.Current().Depth),
	}
}

func main() {
	before = "set"
	mp.Main() // a worker stays in it
	after = "set"
	flag.Parse()
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	pool, err := mp.NewPool(mp.PoolConfig{
		Workers: 1, MaxProcs: 1, MemoryLimit: 128 << 20, Env: []string{"GUIDE_LEVEL=worker"}, Dir: "/",
	})
	if err != nil {
		return err
	}
	defer pool.Close()
	worker, err := look.Call(ctx, pool, struct{}{})
	if err != nil {
		return err
	}
	here := see()
	for i, what := range []string{
		"set by init", "set before mp.Main", "set after mp.Main", "flag -name", "os.Args[1:]", "GUIDE_LEVEL", "directory", "stdin",
		"ignores SIGINT", "leads its group", "GOMAXPROCS", "GOMEMLIMIT < 128M", "sync.Once ran", "depth",
	} {
		fmt.Printf("%-18s  %-16s  %s\n", what, here[i], worker[i])
	}
	return nil
}
