//go:build linux

package manager_test

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
)

// A tally is not safe for concurrent use, so its class is exclusive: its methods run one at a time.
type tally struct{ votes map[string]int }

func (t *tally) Vote(_ context.Context, name string) (int, error) {
	t.votes[name]++
	return t.votes[name], nil
}

var tallies = manager.Class("example.tally", func(context.Context, struct{}) (*tally, error) {
	return &tally{make(map[string]int)}, nil
}, manager.Exclusive())

var vote = manager.Method(tallies, "vote", (*tally).Vote)

// goVoting runs in workers: the object comes to them as an argument.
var goVoting = mp.Func2("example.goVoting", func(ctx context.Context, t *manager.Object[*tally], name string) (int, error) {
	return vote.Call(ctx, t, name)
})

func ExampleObject() {
	mp.Main()
	ctx := context.Background()
	m, err := manager.Start(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	election, err := tallies.New(ctx, m, struct{}{})
	if err != nil {
		fmt.Println(err)
		return
	}
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	ballots := []mp.Args2[*manager.Object[*tally], string]{mp.Pack2(election, "ada"), mp.Pack2(election, "bob"), mp.Pack2(election, "ada")}
	if _, err := goVoting.Map(ctx, pool, ballots); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(vote.Call(ctx, election, "ada"))
	// Output: 3 <nil>
}

func ExampleExclusive() {
	mp.Main()
	ctx := context.Background()
	m, err := manager.Start(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	election, err := tallies.New(ctx, m, struct{}{})
	if err != nil {
		fmt.Println(err)
		return
	}
	votes := make(chan error)
	for range 100 { // at once, for a map that must not be written to at once
		go func() {
			_, err := vote.Call(ctx, election, "ada")
			votes <- err
		}()
	}
	for range 100 {
		if err := <-votes; err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(vote.Call(ctx, election, "ada"))
	// Output: 101 <nil>
}
