//go:build rivals

package main

import (
	"context"
	"os"
	"syscall"

	"github.com/go-multiproc/mp"
)

// A service is what the processes of all rivals serve: the functions that workers of ours run, by the ways of net/rpc and gRPC.
type service interface {
	Noop(x int) (int, error)
	Burn(steps int) (uint64, error)
	Return(v small) (small, error)
	Echo(b []byte) ([]byte, error)
	Die(x int) (int, error)
}

// served is the service in the process that serves it.
type served struct{}

func (served) Noop(x int) (int, error)        { return noop(ctx, x) }
func (served) Burn(steps int) (uint64, error) { return burn(ctx, steps) }
func (served) Return(v small) (small, error)  { return v, nil }
func (served) Echo(b []byte) ([]byte, error)  { return b, nil }
func (served) Die(x int) (int, error)         { return die(ctx, x) }

// What workers of ours run and no other group wants.
var (
	returnMP = mp.Func("return", func(_ context.Context, v small) (small, error) { return v, nil })

	dieMP = mp.Func("die", die)
)

// die kills its process if x is negative, at once and for good, as the kernel does when memory has run out.
//
//go:noinline
func die(_ context.Context, x int) (int, error) {
	if x >= 0 {
		return x, nil
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		return 0, err
	}
	select {}
}

// A remote is a process of a rival with the service that it serves.
type remote struct {
	service
	// lost tells of an error of a call whether it came from the connection or from the function.
	lost func(error) bool
	// close ends the process and waits for it.
	close func() error
}

// rpcRivals start a process of a rival.
var rpcRivals = map[string]func() (*remote, error){
	pluginNetRPC: openPluginNetRPC,
	pluginGRPC:   openPluginGRPC,
	plainNetRPC:  openNetRPC,
	plainGRPC:    openGRPC,
}

// openRemotes starts n processes of a rival.
func openRemotes(rival string, n int) ([]*remote, error) {
	var all []*remote
	for range n {
		r, err := rpcRivals[rival]()
		if err != nil {
			closeRemotes(all)
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// closeRemotes ends them. That one ended badly says nothing about the figures.
func closeRemotes(all []*remote) {
	for _, r := range all {
		_ = r.close()
	}
}
