package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

const (
	money = 100 // in all accounts together
	moved = 30
)

// transfer moves money from the first account to the second, under the lock that belongs to them, and stops between the two
// writes until it is killed.
var transfer = mp.Func2("tour.transfer", func(ctx context.Context, accounts *shared.Array[int], taken *shared.Event) (int, error) {
	if err := accounts.Mutex().Lock(ctx); err != nil {
		return 0, err
	}
	accounts.Slice()[0] -= moved
	if err := taken.Set(); err != nil {
		return 0, err
	}
	<-ctx.Done()
	return 0, ctx.Err()
})

// inherit kills the owner of a lock, and is the next who has it.
func inherit(ctx context.Context, p *page) error {
	accounts, err := shared.ArrayOf([]int{money, 0})
	if err != nil {
		return err
	}
	defer free(accounts)
	taken, err := shared.NewEvent()
	if err != nil {
		return err
	}
	defer free(taken)
	owner, err := transfer.Start(ctx, mp.Pack2(accounts, taken))
	if err != nil {
		return err
	}
	defer end(owner)
	if err := taken.Wait(ctx); err != nil {
		return err
	}
	p.say("  owner     %v", accounts.Mutex())
	start := time.Now()
	if err := kill(ctx, owner); err != nil {
		return err
	}

	err = accounts.Mutex().Lock(ctx)
	took := time.Since(start)
	if !errors.Is(err, shared.ErrOwnerDied) {
		return fmt.Errorf("the lock of a dead owner: %w, want ErrOwnerDied", err)
	}
	p.say("  next      %v", err)
	p.say("  after     %s, from the kill until the next had the lock", ms(took))
	left := accounts.Slice()
	p.say("  found     %d + %d, which should be %d", left[0], left[1], money)
	if left[0] != money-moved || left[1] != 0 {
		return fmt.Errorf("the accounts are %v, want %v", left, []int{money - moved, 0})
	}
	left[1] = money - left[0] // only who knows what the lock is for can repair it
	p.say("  repaired  %d + %d", left[0], left[1])
	if err := accounts.Mutex().Unlock(); err != nil {
		return err
	}
	if err := accounts.Mutex().Do(ctx, func() error { return nil }); err != nil {
		return fmt.Errorf("the lock after its repair: %w", err)
	}
	p.say("  go on     who locks it now is told nothing")
	return nil
}

// kill kills a process, and waits until it is dead.
func kill(ctx context.Context, victim *mp.Process[int]) error {
	if err := victim.Kill(); err != nil {
		return err
	}
	_, err := victim.Wait(ctx)
	var dead *mp.WorkerError
	if !errors.As(err, &dead) || dead.Signal != syscall.SIGKILL {
		return fmt.Errorf("a process that was killed ended with %w", err)
	}
	return nil
}
