package shared_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type contest struct {
	Mutex     *shared.Mutex
	RWMutex   *shared.RWMutex
	Semaphore *shared.Semaphore
	How       string
	Turns     int                  // 0: until Over
	Taken     *shared.Value[int64] // by anybody
	Over      *shared.Event
	Hold      time.Duration
}

func (c contest) lock(ctx context.Context) error {
	switch c.How {
	case "mutex":
		return c.Mutex.Lock(ctx)
	case "write":
		return c.RWMutex.Lock(ctx)
	case "read":
		return c.RWMutex.RLock(ctx)
	}
	return c.Semaphore.Acquire(ctx)
}

func (c contest) unlock() error {
	switch c.How {
	case "mutex":
		return c.Mutex.Unlock()
	case "write":
		return c.RWMutex.Unlock()
	case "read":
		return c.RWMutex.RUnlock()
	}
	return c.Semaphore.Release()
}

// compete takes it again and again, and returns how often others took it, at most, while it waited.
var compete = mp.Func("compete", func(ctx context.Context, c contest) (longest int64, err error) {
	for turn := 0; c.Turns == 0 && !c.Over.IsSet() || turn < c.Turns; turn++ {
		before := c.Taken.Load()
		if err := c.lock(ctx); err != nil {
			return 0, err
		}
		longest = max(longest, shared.Add(c.Taken, 1)-before-1)
		for end := time.Now().Add(c.Hold); time.Now().Before(end); {
		}
		if err := c.unlock(); err != nil {
			return 0, err
		}
	}
	return longest, nil
})

// H23: nobody starves. While others take it without a pause, each gets its turns: whoever waits is overtaken for a while, and then
// the next. What is overtaken is counted, for time says nothing on a machine that has other things to do.
func TestNobodyStarves(t *testing.T) {
	const most = 200_000                        // a second or so
	for name, how := range map[string][]string{ // the first is the one that is to get its turns
		"mutex": {"mutex", "mutex", "mutex"}, "semaphore": {"semaphore", "semaphore", "semaphore"},
		"a writer among readers": {"write", "read", "read"}, "a reader among writers": {"read", "write", "write"},
		"writers": {"write", "write", "write"},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, where venue) {
				c := contest{
					Mutex: fresh(shared.NewMutex())(t), RWMutex: fresh(shared.NewRWMutex())(t), Semaphore: fresh(shared.NewBoundedSemaphore(1))(t),
					Taken: fresh(shared.NewValue(int64(0)))(t), Over: fresh(shared.NewEvent())(t), Hold: 5 * time.Microsecond,
				}
				over := make(chan []int64)
				var others []contest
				for _, c.How = range how[1:] {
					others = append(others, c)
				}
				go func() { over <- everywhere(t, where, compete, others...) }()
				eventually(t, "others are at it", func() bool { return c.Taken.Load() > 100 })
				c.How, c.Turns = how[0], 100
				longest := everywhere(t, where, compete, c)[0]
				ok(t, c.Over.Set())
				t.Logf("overtaken %d times at most, %d in all; the others %d", longest, c.Taken.Load(), <-over)
				if longest > most {
					t.Errorf("overtaken %d times", longest)
				}
			})
		})
	}
}
