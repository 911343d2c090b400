//go:build linux

package manager_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/shared"
)

// A storm is locks, and what they guard: who is inside, by the name of the lock, 0 for nobody.
type storm struct {
	Locks  locks
	Inside *manager.Dict[string, int]
	Over   *manager.Event
	Seed   uint64
}

// sail does all that there is to do with the locks until the storm is over.
var sail = mp.Func("manager_test.sail", func(ctx context.Context, s storm) (int, error) {
	rng := rand.New(rand.NewPCG(s.Seed, 0))
	moves := []func(ctx context.Context) error{s.lock, s.do, s.write, s.read, s.permit, s.await, s.signal, s.meet}
	for n := 0; ; n++ {
		if over, err := s.Over.IsSet(ctx); over || err != nil {
			return n, err
		}
		limited, cancel := context.WithTimeout(ctx, time.Duration(rng.IntN(3000))*time.Microsecond)
		err := moves[rng.IntN(len(moves))](limited)
		cancel()
		if err = inTime(err); err != nil {
			return n, err
		}
	}
})

// inTime is the error of a call but that of its context.
func inTime(err error) error {
	if err == context.DeadlineExceeded { //nolint:errorlint // one that is joined with another is one
		return nil
	}
	return err
}

// inside is what is done under a lock: nobody else is there, unless somebody died there.
func (s storm) inside(name string, told error) error {
	me, calm := os.Getpid(), context.Background() // what is begun here is finished, unless by a kill
	was, err := s.Inside.SetDefault(calm, name, 0)
	if err != nil {
		return err
	}
	if was != 0 && !errors.Is(told, shared.ErrOwnerDied) {
		return fmt.Errorf("%s: %d is inside", name, was)
	}
	if err := s.Inside.Set(calm, name, me); err != nil {
		return err
	}
	if was, err = s.Inside.Get(calm, name); err != nil || was != me {
		return fmt.Errorf("%s: %d came inside, %w", name, was, err)
	}
	return s.Inside.Set(calm, name, 0)
}

// held reports whether the error of a call that takes a lock leaves it held.
func held(err error) bool { return err == nil || errors.Is(err, shared.ErrOwnerDied) }

func (s storm) lock(ctx context.Context) error {
	err := s.Locks.Mutex.Lock(ctx)
	if !held(err) {
		return err
	}
	return errors.Join(s.inside("mutex", err), inTime(s.Locks.Mutex.Unlock(ctx)))
}

// do leaves to lock what somebody died with.
func (s storm) do(ctx context.Context) error {
	err := s.Locks.Mutex.Do(ctx, func() error { return s.inside("mutex", nil) })
	if errors.Is(err, shared.ErrOwnerDied) {
		return nil
	}
	return err
}

func (s storm) write(ctx context.Context) error {
	err := s.Locks.RWMutex.Lock(ctx)
	if !held(err) {
		return err
	}
	return errors.Join(s.inside("rwmutex", err), inTime(s.Locks.RWMutex.Unlock(ctx)))
}

func (s storm) read(ctx context.Context) error {
	told := s.Locks.RWMutex.RLock(ctx)
	if !held(told) {
		return told
	}
	writer, err := s.Inside.SetDefault(context.Background(), "rwmutex", 0)
	if err == nil && told == nil && writer != 0 {
		err = fmt.Errorf("rwmutex: %d writes while it is read", writer)
	}
	return errors.Join(err, inTime(s.Locks.RWMutex.RUnlock(ctx)))
}

func (s storm) permit(ctx context.Context) error {
	if err := s.Locks.Bounded.Acquire(ctx); err != nil {
		return err
	}
	return s.Locks.Bounded.Release(ctx)
}

// await has the mutex when it returns, woken or not.
func (s storm) await(ctx context.Context) error {
	err := s.Locks.Mutex.Lock(ctx)
	if !held(err) {
		return err
	}
	err = s.inside("mutex", err)
	if err == nil && ctx.Err() == nil {
		told := s.Locks.Cond.Wait(ctx)
		err = s.inside("mutex", told)
	}
	return errors.Join(err, inTime(s.Locks.Mutex.Unlock(ctx)))
}

func (s storm) signal(ctx context.Context) error {
	if err := errors.Join(inTime(s.Locks.Cond.Signal(ctx, 1)), inTime(s.Locks.Event.Clear(ctx))); err != nil {
		return err
	}
	other, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _ = s.Locks.Event.Set(other) }()
	return s.Locks.Event.Wait(ctx)
}

func (s storm) meet(ctx context.Context) error {
	_, err := s.Locks.Barrier.Wait(ctx)
	if errors.Is(err, shared.ErrBroken) || errors.Is(err, context.DeadlineExceeded) {
		err = s.Locks.Barrier.Reset(ctx)
	}
	if errors.Is(err, shared.ErrBroken) {
		return nil
	}
	return err
}

// kills is how many processes are killed: MP_CHAOS=1000 is the long form.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("MP_CHAOS")); err == nil {
		return n
	}
	if testing.Short() {
		return 10
	}
	return 40
}

// W34, H25: processes use locks in each way, and are killed at random moments. What each lock promises holds, nobody hangs, and
// nothing is left of who is gone.
func TestLocksInAStorm(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	m := start(t)
	s := storm{Locks: newLocks(m), Inside: must(manager.NewDict[string, int](m)), Over: must(manager.NewEvent(m))}
	ships := make([]*mp.Process[int], 4)
	launch := func(i int) {
		s.Seed = rng.Uint64()
		ships[i] = must(sail.Start(ctx, s))
		t.Cleanup(func() { _ = ships[i].Close() })
	}
	for i := range ships {
		launch(i)
	}
	for range kills() {
		before := must(m.Stats(ctx)).Calls
		some := before + int64(rng.IntN(300))
		eventually(t, "they work", func() bool { return must(m.Stats(ctx)).Calls > some })
		i := rng.IntN(len(ships))
		if err := ships[i].Kill(); err != nil {
			t.Fatal(err)
		}
		if _, err := ships[i].Wait(ctx); !killed(err) {
			t.Fatal(err)
		}
		launch(i)
	}
	if err := s.Over.Set(ctx); err != nil {
		t.Fatal(err)
	}
	moves := 0
	for _, p := range ships {
		n, err := p.Wait(ctx)
		if err != nil {
			t.Error(err)
		}
		moves += n
	}
	t.Logf("%d moves since the last were launched", moves)
	eventually(t, "they are gone", func() bool { return must(m.Stats(ctx)).Clients == 1 })
	if st := must(m.Stats(ctx)); st.Waiting != 0 {
		t.Errorf("%d calls wait", st.Waiting)
	}
	for _, lock := range []func(context.Context) error{s.Locks.Mutex.Lock, s.Locks.RWMutex.Lock} {
		if err := lock(ctx); !held(err) {
			t.Error(err)
		}
	}
	if n := must(s.Locks.Bounded.Value(ctx)); n != 2 {
		t.Errorf("%d of 2 permits are free", n)
	}
}

func killed(err error) bool {
	var w *mp.WorkerError
	return errors.As(err, &w) && w.Signal == syscall.SIGKILL
}
