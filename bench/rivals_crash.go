//go:build rivals

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"

	"github.com/go-multiproc/mp"
)

// A loss is what the caller of a map has after one of its elements has killed the process that ran it.
type loss struct {
	Right, Failed, None int
	After               string // what is left to work with
}

// doomed is elements of which the one in the middle kills.
func doomed(n int) []int {
	in := numbers(n)
	in[n/2] = -1
	return in
}

// count takes one outcome down.
func (l *loss) count(in, out int, err error) {
	switch {
	case err != nil:
		l.Failed++
	case out == in:
		l.Right++
	default:
		l.None++ // a wrong result is none; nobody was seen to give one
	}
}

// oursCrash is Results, which gives every outcome, and how many workers there are when the pool says that it is ready.
func oursCrash(n int) (loss, error) {
	var l loss
	pool, err := newPool(workers)
	if err != nil {
		return l, err
	}
	defer pool.Close()
	in := doomed(n)
	for i, r := range dieMP.Results(ctx, pool, slices.Values(in)) {
		l.count(in[i], r.Value, r.Err)
		var died *mp.WorkerError
		if r.Err != nil && (!errors.As(r.Err, &died) || died.Signal != syscall.SIGKILL) {
			return l, r.Err
		}
	}
	l.None = n - l.Right - l.Failed
	if err := pool.Ready(ctx); err != nil {
		return l, err
	}
	if _, err := noopMP.Call(ctx, pool, 1); err != nil {
		return l, err
	}
	l.After = fmt.Sprintf("%d workers", len(pool.Workers()))
	return l, nil
}

// remoteCrash is a rival's two processes, with so many callers for each, and how many of them answer still.
func remoteCrash(rival string, callers, n int) (loss, error) {
	var l loss
	remotes, err := openRemotes(rival, workers)
	if err != nil {
		return l, err
	}
	defer closeRemotes(remotes)
	in := doomed(n)
	out, errs := overRemotes(remotes, callers, service.Die, in)
	for i, v := range out {
		l.count(in[i], v, errs[i])
	}
	left := 0
	for _, r := range remotes {
		if v, err := r.Noop(1); v == 1 && err == nil {
			left++
		}
	}
	l.After = fmt.Sprintf("%d of %d processes", left, workers)
	return l, nil
}

// pooledCrash is a program that maps by a goroutine pool. If it comes to its end, it prints how many results it has.
func pooledCrash(name string, n int) (loss, error) {
	var l loss
	cmd := exec.Command(own(), rolePooled, name, strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	here, there, err := tie(cmd)
	if err != nil {
		return l, err
	}
	defer here.Close()
	out := new(bytes.Buffer)
	cmd.Stdout = out
	err = cmd.Run()
	there.Close()
	if state, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !state.Signaled() || state.Signal() != syscall.SIGKILL {
		return l, fmt.Errorf("the program with a pool was not killed, but ended with %w", err)
	}
	if out.Len() > 0 {
		return l, fmt.Errorf("a program that was killed printed %q", out)
	}
	return loss{None: n, After: "the program is dead"}, nil
}

// dieInPool is that program.
func dieInPool(name, elements string) error {
	atParentsEnd(func() { os.Exit(1) })
	n, err := strconv.Atoi(elements)
	if err != nil {
		return err
	}
	out, err := poolRivals[int, int]()[name](die, doomed(n))
	fmt.Println(len(out), err)
	return nil
}
