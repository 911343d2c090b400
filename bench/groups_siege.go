package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/pipe"
	"github.com/go-multiproc/mp/shared"
)

var siegeGroup = group{
	name:  "siege",
	about: "a client of a manager over TCP, while others hold silent connections, try wrong keys and send nonsense",
	open: func(r *runner) (*bench, error) {
		n, silent := r.n(5_000), r.n(10_000)
		m, err := manager.Start(manager.Config{Address: "127.0.0.1:0", AuthKey: siegeKey})
		if err != nil {
			return nil, err
		}
		return &bench{sides: []side{
			{"peace", func() (figures, error) { return besieged("peace", m, n, 0) }},
			{"siege", func() (figures, error) { return besieged("siege", m, n, silent) }},
		}, close: func() { _ = m.Stop(ctx) }}, nil
	},
	lines: []line{
		{what: "Dict.Get over TCP under siege, p50, vs in peace", ours: "siege", rival: "peace", unit: seconds, sense: overhead},
		{what: "... p99", ours: "siege p99", rival: "peace p99", unit: seconds, sense: overhead},
		{what: "Connect under siege, p50, vs in peace", ours: "siege connect", rival: "peace connect", unit: seconds, sense: overhead},
		{what: "... p99", ours: "siege connect p99", rival: "peace connect p99", unit: seconds, sense: overhead},
	},
}

var siegeKey = []byte("known to friends")

// visit is a friend in a process of its own, that uses a dict and connects anew from time to time.
type visit struct {
	Name, Address string
	N             int
}

var visitManager = mp.Func("visitManager", func(ctx context.Context, v visit) (figures, error) {
	m, err := manager.Connect(ctx, v.Address, manager.Config{AuthKey: siegeKey})
	if err != nil {
		return nil, err
	}
	defer m.Stop(ctx)
	d, err := manager.NewDict[string, int](m)
	if err == nil {
		err = d.Set(ctx, "key", 1)
	}
	if err != nil {
		return nil, err
	}
	var gets, connects latencies
	for i := range v.N {
		begin := time.Now()
		if _, err := d.Get(ctx, "key"); err != nil {
			return nil, err
		}
		gets.since(begin)
		if i%50 != 0 {
			continue
		}
		begin = time.Now()
		c, err := pipe.Dial(ctx, "tcp", v.Address, pipe.Config{AuthKey: siegeKey})
		if err != nil {
			return nil, err
		}
		if _, err := c.RecvBytes(ctx); err != nil { // the greeting
			return nil, err
		}
		connects.since(begin)
		_ = c.Close()
	}
	f := gets.figures(v.Name)
	for name, v := range connects.figures(v.Name + " connect") {
		f[name] = v
	}
	return f, nil
})

// besieged measures a friend while so many silent connections are there, and as many CPUs as there are try the gates.
func besieged(name string, m *manager.Manager, n, silent int) (f figures, err error) {
	if silent > 0 {
		begun, err := shared.NewEvent()
		if err != nil {
			return nil, err
		}
		defer free(begun)
		siege, err := besiege.Start(ctx, mp.Pack3(m.Address(), silent, begun))
		if err != nil {
			return nil, err
		}
		defer siege.Close()
		if err := begun.Wait(ctx); err != nil {
			return nil, err
		}
	}
	err = inProcess(visitManager, visit{name, m.Address(), n}, &f)(ctx)
	return f, err
}

// besiege is the enemy, in a process of its own, until it is killed. Silent connections that the server drops it makes anew.
var besiege = mp.Func3("besiege", func(ctx context.Context, address string, silent int, begun *shared.Event) (struct{}, error) {
	var held []net.Conn
	hold := func() error {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		if held = append(held, c); len(held) > silent {
			_ = held[0].Close()
			held = held[1:]
		}
		return nil
	}
	attacks := []func() error{
		hold,
		func() error { // a wrong key
			c, err := pipe.Dial(ctx, "tcp", address, pipe.Config{AuthKey: []byte("a guess")})
			if err == nil {
				_ = c.Close()
				return errors.New("a guess was right")
			}
			return nil
		},
		func() error { // nonsense
			c, err := net.Dial("tcp", address)
			if err != nil {
				return err
			}
			nonsense := make([]byte, 4096)
			_, _ = rand.Read(nonsense) // never fails
			_, _ = c.Write(nonsense)   // it may have been shown the door
			return c.Close()
		},
	}
	for range silent {
		if err := hold(); err != nil {
			return struct{}{}, err
		}
	}
	if err := begun.Set(); err != nil {
		return struct{}{}, err
	}
	for i := 0; ctx.Err() == nil; i++ {
		if err := attacks[i%len(attacks)](); err != nil {
			time.Sleep(time.Millisecond) // out of ports, or descriptors
		}
	}
	return struct{}{}, nil
})
