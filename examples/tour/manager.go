package main

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
)

const (
	writers = 5
	entries = 10 // by each writer
)

// A notebook is what the writers have in common: proxies of objects in the manager's process.
type notebook struct {
	Squares *manager.Dict[int, int]
	Done    *manager.List[string]
	Total   *manager.Object[*account]
}

// An account is a class of one's own: it lives in the manager's process, and others call its methods.
type account struct {
	mu       sync.Mutex
	balance  int
	deposits int
}

func (a *account) deposit(_ context.Context, amount int) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.balance += amount
	a.deposits++
	return a.balance, nil
}

func (a *account) report(context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return fmt.Sprintf("%d deposits, %d in all", a.deposits, a.balance), nil
}

var (
	accounts = manager.Class("tour.account", func(_ context.Context, start int) (*account, error) { return &account{balance: start}, nil })
	deposit  = manager.Method(accounts, "deposit", (*account).deposit)
	report   = manager.Method0(accounts, "report", (*account).report)

	// increment is what Compute calls, in the manager's process.
	increment = mp.Func("tour.increment", func(_ context.Context, n int) (int, error) { return n + 1, nil })

	// write is what each process does with the notebook.
	write = mp.Func2("tour.write", func(ctx context.Context, n notebook, writer int) (struct{}, error) {
		for i := range entries {
			x := writer*entries + i
			if err := n.Squares.Set(ctx, x, x*x); err != nil {
				return struct{}{}, err
			}
			if _, err := n.Squares.Compute(ctx, -1, increment); err != nil {
				return struct{}{}, err
			}
			if _, err := deposit.Call(ctx, n.Total, x); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, n.Done.Append(ctx, fmt.Sprintf("writer %d", writer))
	})
)

func managers(ctx context.Context, p *page) error {
	p.say("A manager is a process that holds objects for others. %d processes write into one dict, append to one list, and", writers)
	p.say("pay into one account, a class of this program. All work at once; a count in the dict loses none of their increments.\n")
	m, err := manager.Start(manager.Config{})
	if err != nil {
		return err
	}
	defer func() { _ = m.Stop(context.WithoutCancel(ctx)) }()
	n, err := newNotebook(ctx, m)
	if err != nil {
		return err
	}
	args := make([]mp.Args2[notebook, int], writers)
	for i := range args {
		args[i] = mp.Pack2(n, i)
	}
	team, err := startAll(ctx, write, args...)
	if err != nil {
		return err
	}
	defer team.close()
	if _, err := team.wait(ctx); err != nil {
		return err
	}
	return n.check(ctx, p)
}

func newNotebook(ctx context.Context, m *manager.Manager) (n notebook, err error) {
	if n.Squares, err = manager.NewDict[int, int](m); err != nil {
		return n, err
	}
	if n.Done, err = manager.NewList[string](m); err != nil {
		return n, err
	}
	n.Total, err = accounts.New(ctx, m, 0)
	return n, err
}

// check says what is in the notebook, or what is wrong with it.
func (n notebook) check(ctx context.Context, p *page) error {
	const all = writers * entries
	squares, err := n.Squares.Copy(ctx)
	if err != nil {
		return err
	}
	sum := 0
	for x, square := range squares {
		if x >= 0 && square != x*x {
			return fmt.Errorf("the square of %d is %d", x, square)
		}
		sum += max(x, 0)
	}
	if len(squares) != all+1 || squares[-1] != all {
		return fmt.Errorf("the dict has %d entries and counts %d, want %d and %d", len(squares), squares[-1], all+1, all)
	}
	p.say("  dict      %d squares, counted %d times", len(squares)-1, squares[-1])
	done, err := n.Done.Slice(ctx, 0, writers)
	if err != nil {
		return err
	}
	slices.Sort(done)
	if len(done) != writers {
		return fmt.Errorf("the list has %v", done)
	}
	p.say("  list      %v", done)
	said, err := report.Call(ctx, n.Total)
	if err != nil {
		return err
	}
	if want := fmt.Sprintf("%d deposits, %d in all", all, sum); said != want {
		return fmt.Errorf("the account has %s, want %s", said, want)
	}
	p.say("  account   %s", said)
	p.say("\nEach call is one message there and one back. A process that dies gives back what it held: locks, permits, references.")
	return nil
}
