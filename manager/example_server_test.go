//go:build linux

package manager_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
)

// A server for other programs, on this machine and others: who has the key may come in, and make no more than is allowed.
func ExampleConfig() {
	mp.Main()
	ctx := context.Background()
	config := manager.Config{Address: "127.0.0.1:0", AuthKey: []byte("from a file that both can read"), MaxObjects: 1}
	m, err := manager.Start(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	_, err1 := manager.NewNamespace(m)
	_, err2 := manager.NewNamespace(m)
	fmt.Println(err1, errors.Is(err2, manager.ErrLimit), m.PID() != os.Getpid())
	_, err = manager.Connect(ctx, m.Address(), manager.Config{AuthKey: []byte("a guess")})
	fmt.Println(errors.Is(err, manager.ErrAuth))
	// Output:
	// <nil> true true
	// true
}

// What is published can be found by who connects, until it is taken away.
func ExamplePublish() {
	mp.Main()
	ctx := context.Background()
	m, err := manager.Start(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	settings, err := manager.NewNamespace(m)
	if err == nil {
		err = errors.Join(settings.Set(ctx, "language", "eo"), manager.Publish(ctx, m, "settings", settings))
	}
	fmt.Println(err)
	found, err := manager.Lookup[*manager.Namespace](ctx, m, "settings")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(found.Has(ctx, "language"))
	fmt.Println(settings.Delete(ctx, "language")) // it is the same one
	fmt.Println(found.Has(ctx, "language"))
	// Output:
	// <nil>
	// true <nil>
	// <nil>
	// false <nil>
}

func ExampleUnpublish() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	scores, err := manager.NewDict[string, int](m)
	if err == nil {
		err = manager.Publish(ctx, m, "scores", scores)
	}
	fmt.Println(err, manager.Unpublish(ctx, m, "scores"))
	_, err = manager.Lookup[*manager.Dict[string, int]](ctx, m, "scores")
	fmt.Println(errors.Is(err, manager.ErrNotFound))
	// Output:
	// <nil> <nil>
	// true
}

// A service that is a program of its own serves until it is told to end. Here both are one program.
func ExampleServe() {
	address := fmt.Sprintf("@mp-example-%d", os.Getpid()) // a Unix socket without a file
	serving, stop := context.WithCancel(context.Background())
	defer stop()
	served := make(chan error)
	go func() { served <- manager.Serve(serving, manager.Config{Address: address}) }()

	// In another program:
	ctx := context.Background()
	m, err := manager.Connect(ctx, address, manager.Config{})
	for errors.Is(err, syscall.ECONNREFUSED) { // until it listens
		runtime.Gosched()
		m, err = manager.Connect(ctx, address, manager.Config{})
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	motto, err := manager.NewValue(m, "be brief")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(motto.Load(ctx))

	stop()
	fmt.Println(<-served)
	_, err = motto.Load(ctx)
	fmt.Println(errors.Is(err, manager.ErrClosed), m.Stop(ctx))
	// Output:
	// be brief <nil>
	// <nil>
	// true <nil>
}

// What a server has, and what it has done.
func ExampleStats() {
	mp.Main()
	ctx := context.Background()
	m, err := manager.Start(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	_, err1 := manager.NewList(m, "a", "b")
	_, err2 := manager.NewList[int](m)
	var s manager.Stats
	s, err = m.Stats(ctx)
	fmt.Println(s.Clients, "client,", s.Objects, "objects:", s.ByKind, errors.Join(err, err1, err2))
	// Output: 1 client, 2 objects: map[List:2] <nil>
}
