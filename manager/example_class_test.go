//go:build linux

package manager_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
)

// A bank is a class of one's own. Its objects live in the server.
type bank struct {
	mu      sync.Mutex
	balance map[string]int
}

var errOverdrawn = errors.New("overdrawn")

func init() { mp.RegisterError("example.errOverdrawn", errOverdrawn) }

// pay moves money between two accounts. Methods are called by many at once.
func (b *bank) pay(_ context.Context, from, to string, amount int) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.balance[from] < amount {
		return 0, errOverdrawn
	}
	b.balance[from] -= amount
	b.balance[to] += amount
	return b.balance[from], nil
}

var banks = manager.Class("example.bank", func(_ context.Context, owners []string) (*bank, error) {
	b := &bank{balance: make(map[string]int)}
	for _, o := range owners {
		b.balance[o] = 100
	}
	return b, nil
})

var pay = manager.Method3(banks, "pay", (*bank).pay)

var payFromWorker = mp.Func("example.payFromWorker", func(ctx context.Context, b *manager.Object[*bank]) (int, error) {
	return pay.Call(ctx, b, "ada", "bob", 60)
})

// Two processes pay from one account. The second does not get what is not there.
func ExampleClass() {
	mp.Main()
	ctx := context.Background()
	m, err := manager.Start(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	b, err := banks.New(ctx, m, []string{"ada", "bob"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		p, err := payFromWorker.Start(ctx, b)
		if err != nil {
			fmt.Println(err)
			return
		}
		left, err := p.Wait(ctx)
		fmt.Println(left, errors.Is(err, errOverdrawn))
	}
	// Output:
	// 40 false
	// 0 true
}
