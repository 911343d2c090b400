//go:build rivals

package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"
)

// Roles of the rivals.
const (
	roleNetRPC = "@netrpc" // serves net/rpc on the Unix socket it is told
	roleGRPC   = "@grpc"   // serves gRPC on it
	rolePlugin = "@plugin" // is a plugin of go-plugin, with the protocol it is told
	rolePooled = "@pooled" // maps by the goroutine pool it is told so many elements, of which one kills it
)

func init() {
	rivalRoles[roleGroup] = func(args []string) error { return measureGroup(args[0]) }
	rivalRoles[roleNetRPC] = func(args []string) error { return serve(args[0], serveNetRPC) }
	rivalRoles[roleGRPC] = func(args []string) error { return serve(args[0], serveGRPC) }
	rivalRoles[rolePlugin] = func(args []string) error { servePlugin(args[0]); return nil }
	rivalRoles[rolePooled] = func(args []string) error { return dieInPool(args[0], args[1]) }
}

// serve listens on a socket, says that it does, and serves until the lifeline ends.
func serve(socket string, run func(net.Listener) error) error {
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	atParentsEnd(func() { _ = l.Close() }) // which removes the socket
	fmt.Println("ready")
	if err := run(l); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// A child is a process that serves on a Unix socket.
type child struct {
	cmd    *exec.Cmd
	here   *os.File
	socket string
}

var children atomic.Int64

// oneProc is the CPUs of each of two workers' processes, as of each of ours. All rivals are as fast with it or faster.
const oneProc = "GOMAXPROCS=1"

// startChild returns when the process listens.
func startChild(role string) (*child, error) {
	dir, err := scratchDir()
	if err != nil {
		return nil, err
	}
	c := &child{socket: filepath.Join(dir, fmt.Sprintf("%s-%d", role[1:], children.Add(1)))}
	c.cmd = exec.Command(own(), role, c.socket)
	c.cmd.Stderr, c.cmd.Env = os.Stderr, append(os.Environ(), oneProc)
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	here, there, err := tie(c.cmd)
	if err != nil {
		return nil, err
	}
	defer there.Close()
	c.here = here
	if err := c.cmd.Start(); err != nil {
		here.Close()
		return nil, err
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return nil, errors.Join(fmt.Errorf("%s is not ready: %w", role, err), c.end())
	}
	return c, nil
}

// patience is how long a child has to end in order before it is killed.
const patience = 10 * time.Second

// end ends the process and waits for it.
func (c *child) end() error {
	c.here.Close()
	stop := time.AfterFunc(patience, func() { _ = c.cmd.Process.Kill() })
	defer stop.Stop()
	return c.cmd.Wait()
}
