//go:build rivals

package main

import (
	"errors"
	"net"
	"net/rpc"
)

// netRPCService has the methods in the shape that net/rpc wants.
type netRPCService struct{ s service }

// Noop gives a number back.
func (n *netRPCService) Noop(x int, out *int) (err error) {
	*out, err = n.s.Noop(x)
	return err
}

// Burn takes so many steps of work.
func (n *netRPCService) Burn(steps int, out *uint64) (err error) {
	*out, err = n.s.Burn(steps)
	return err
}

// Return gives a small struct back.
func (n *netRPCService) Return(v Small, out *Small) error {
	r, err := n.s.Return(small(v))
	*out = Small(r)
	return err
}

// Echo gives bytes back.
func (n *netRPCService) Echo(b []byte, out *[]byte) (err error) {
	*out, err = n.s.Echo(b)
	return err
}

// Die kills the process if the number is negative.
func (n *netRPCService) Die(x int, out *int) (err error) {
	*out, err = n.s.Die(x)
	return err
}

// Small is small with a name that net/rpc accepts.
type Small small

// netRPCClient is the service at the other end of a connection. The name of the service is go-plugin's choice.
type netRPCClient struct{ c *rpc.Client }

const netRPCName = "Plugin."

func (n netRPCClient) Noop(x int) (out int, err error) {
	err = n.c.Call(netRPCName+"Noop", x, &out)
	return out, err
}

func (n netRPCClient) Burn(steps int) (out uint64, err error) {
	err = n.c.Call(netRPCName+"Burn", steps, &out)
	return out, err
}

func (n netRPCClient) Return(v small) (small, error) {
	var out Small
	err := n.c.Call(netRPCName+"Return", Small(v), &out)
	return small(out), err
}

func (n netRPCClient) Echo(b []byte) (out []byte, err error) {
	err = n.c.Call(netRPCName+"Echo", b, &out)
	return out, err
}

func (n netRPCClient) Die(x int) (out int, err error) {
	err = n.c.Call(netRPCName+"Die", x, &out)
	return out, err
}

// netRPCLost: what a function returned comes as a ServerError, all else is the connection's.
func netRPCLost(err error) bool {
	var function rpc.ServerError
	return err != nil && !errors.As(err, &function)
}

func serveNetRPC(l net.Listener) error {
	server := rpc.NewServer()
	if err := server.RegisterName(netRPCName[:len(netRPCName)-1], &netRPCService{served{}}); err != nil {
		return err
	}
	for { // as Server.Accept, which would print that the listener was closed
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go server.ServeConn(conn)
	}
}

// openNetRPC is net/rpc as its documentation has it: gob over a connection with a buffer for what is written, a goroutine for each call.
func openNetRPC() (*remote, error) {
	c, err := startChild(roleNetRPC)
	if err != nil {
		return nil, err
	}
	client, err := rpc.Dial("unix", c.socket)
	if err != nil {
		return nil, errors.Join(err, c.end())
	}
	return &remote{
		service: netRPCClient{client},
		lost:    netRPCLost,
		close:   func() error { return errors.Join(client.Close(), c.end()) },
	}, nil
}
