//go:build linux

package mp_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
)

// seeingEvents collects events.
type seeingEvents struct {
	mu  sync.Mutex
	all []mp.Event
}

func (s *seeingEvents) observe(e mp.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, e)
}

// of is the events of a kind.
func (s *seeingEvents) of(kind string) []mp.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.all), func(e mp.Event) bool { return e.Kind != kind })
}

// once checks that each of n elements has finished once, after it was started, and returns how, by element.
func (s *seeingEvents) once(t *testing.T, n int) map[int]mp.Event {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	started, finished := make(map[int]int), make(map[int]mp.Event)
	for _, e := range s.all {
		switch e.Kind {
		case mp.EventStart:
			started[e.Index]++
			if e.Worker < 0 || e.PID == 0 {
				t.Errorf("%+v", e)
			}
		case mp.EventFinish:
			if _, again := finished[e.Index]; again || (started[e.Index] == 0 && !errors.Is(e.Err, errSeeing)) {
				t.Errorf("again %v, or started %d times: %+v", again, started[e.Index], e)
			}
			finished[e.Index] = e
		}
	}
	if len(finished) != n {
		t.Errorf("%d of %d have finished: %v", len(finished), n, slices.Sorted(maps.Keys(finished)))
	}
	return finished
}

var errSeeing = errors.New("this one does not want to travel")

// seeingStay is an argument that may not want to travel.
type seeingStay struct{ How string }

func (s seeingStay) MarshalBinary() ([]byte, error) {
	if s.How == "stay" {
		return nil, errSeeing
	}
	return []byte(s.How), nil
}

func (s *seeingStay) UnmarshalBinary(b []byte) error {
	s.How = string(b)
	return nil
}

// seeingAct does what it is told.
var seeingAct = mp.Func("test.seeing.act", func(ctx context.Context, s seeingStay) (int, error) {
	switch s.How {
	case "die":
		return crash.Call(ctx, mp.InProcess(1), "kill")
	case "hang":
		select {}
	case "linger":
		<-ctx.Done()
		return 0, ctx.Err()
	case "panic":
		panic("as told")
	case "error":
		return 0, errors.New("as told")
	}
	return 0, nil
})

// W28: whatever becomes of an element, its map's observer and the pool's are told of its start and, once, of its end.
func TestSeeingEveryEnd(t *testing.T) {
	noLeaks(t)
	var pooled, mapped, again seeingEvents
	pool := newPool(t, mp.PoolConfig{Workers: 2, Observer: pooled.observe, Grace: 20 * time.Millisecond, Stderr: io.Discard})
	hows := []string{"", "die", "hang", "linger", "panic", "error", "stay", "", ""}
	in := make([]seeingStay, len(hows))
	for i, how := range hows {
		in[i].How = how
	}
	for range seeingAct.Results(ctx, pool, slices.Values(in), mp.Timeout(200*time.Millisecond), mp.Observe(mapped.observe), mp.Observe(again.observe)) {
	}
	if !slices.Equal(mapped.all, again.all) {
		t.Error("two observers of one map were told different things")
	}
	if first, last := mapped.all[0].Kind, mapped.all[len(mapped.all)-1].Kind; first != mp.EventMapStarted || last != mp.EventMapEnded {
		t.Errorf("the first event is %q, the last %q", first, last)
	}
	for name, s := range map[string]*seeingEvents{"pool": &pooled, "map": &mapped} {
		finished := s.once(t, len(hows))
		for i, how := range hows {
			e := finished[i]
			var died *mp.WorkerError
			var late *mp.TimeoutError
			var panicked *mp.PanicError
			ok := map[string]bool{
				"":       e.Err == nil,
				"die":    errors.As(e.Err, &died) && died.Index == i,
				"hang":   errors.As(e.Err, &late) && late.Killed && late.Index == i && e.Duration >= 200*time.Millisecond,
				"linger": errors.As(e.Err, &late) && late.Index == i && e.Duration >= 200*time.Millisecond,
				"panic":  errors.As(e.Err, &panicked),
				"error":  e.Err != nil && e.Err.Error() == "as told",
				"stay":   errors.Is(e.Err, errSeeing),
			}[how]
			if !ok || e.Function != "test.seeing.act" || (how != "stay" && e.PID == 0) || e.Duration < 0 {
				t.Errorf("%s: %q: %+v", name, how, e)
			}
		}
		started, ended := s.of(mp.EventMapStarted), s.of(mp.EventMapEnded)
		if len(started) != 1 || len(ended) != 1 || started[0].Total != -1 || started[0].Index != -1 || ended[0].Err != nil || ended[0].Duration <= 0 {
			t.Errorf("%s: the map started %+v and ended %+v", name, started, ended)
		}
	}
	if err := pool.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
	reasons := make(map[string]int)
	for _, e := range pooled.of(mp.EventWorkerEnded) {
		reasons[e.Reason]++
		if e.Duration <= 0 || e.Index != -1 {
			t.Errorf("%+v", e)
		}
	}
	if reasons["death"] != 1 || reasons["timeout"] < 1 || reasons["close"] != 2 || len(pooled.of(mp.EventWorkerStarted)) != 2+reasons["death"]+reasons["timeout"] {
		t.Errorf("workers ended: %v; %d started", reasons, len(pooled.of(mp.EventWorkerStarted)))
	}
}

// What is told of a map is told before it returns: its elements, and its own error.
func TestSeeingMaps(t *testing.T) {
	inProcess := mp.InProcess(2)
	mustMap(t, square, inProcess, make([]int, 2)) // its goroutines stay
	noLeaks(t)
	for name, x := range map[string]mp.Executor{"pool": newPool(t, mp.PoolConfig{Workers: 2}), "in process": inProcess} {
		var good, bad, empty, cancelled seeingEvents
		if _, err := square.Map(ctx, x, make([]int, 500), mp.Observe(good.observe)); err != nil {
			t.Fatal(err)
		}
		good.once(t, 500)
		if e := good.of(mp.EventMapStarted); len(e) != 1 || e[0].Total != 500 || e[0].Function != "square" {
			t.Errorf("%s: %+v", name, e)
		}
		_, err := odd.Map(ctx, x, []int{0, 2, 3}, mp.Observe(bad.observe))
		if e := bad.of(mp.EventMapEnded); err == nil || len(e) != 1 || !errors.Is(e[0].Err, err) {
			t.Errorf("%s: %v, told %+v", name, err, e)
		}
		if _, err := square.Map(ctx, x, nil, mp.Observe(empty.observe)); err != nil || len(empty.all) != 2 || empty.all[0].Total != 0 {
			t.Errorf("%s: %v, told %+v", name, err, empty.all)
		}
		short, cancel := context.WithCancel(ctx)
		_, err = wait.Map(short, x, make([]int, 3), mp.Observe(func(e mp.Event) {
			if cancelled.observe(e); e.Kind == mp.EventStart {
				cancel()
			}
		}))
		if e := cancelled.of(mp.EventMapEnded); !errors.Is(err, context.Canceled) || len(e) != 1 || !errors.Is(e[0].Err, context.Canceled) {
			t.Errorf("%s: %v, told %+v", name, err, e)
		}
		var left seeingEvents
		for range square.Results(ctx, x, upTo(1000), mp.Observe(left.observe)) {
			break
		}
		if e := left.of(mp.EventMapEnded); len(e) != 1 || e[0].Err != nil {
			t.Errorf("%s: a loop that was left: %+v", name, e)
		}
	}
}

// The end of a call is told before its caller knows it; that of one that was cancelled is not.
func TestSeeingCalls(t *testing.T) {
	noLeaks(t)
	var s seeingEvents
	pool := newPool(t, mp.PoolConfig{Workers: 1, Observer: s.observe})
	for i := range 100 {
		if _, err := odd.Call(ctx, pool, i); (err != nil) != (i%2 == 1) {
			t.Fatal(err)
		}
		e := s.of(mp.EventFinish)
		if len(e) != i+1 || (e[i].Err != nil) != (i%2 == 1) || e[i].Index != 0 {
			t.Fatalf("after %d calls: %+v", i+1, e)
		}
	}
	fut := wait.Go(ctx, pool, 1)
	eventually(t, "it has started", func() bool { return len(s.of(mp.EventStart)) == 101 })
	fut.Cancel()
	if _, err := square.Call(ctx, pool, 1); err != nil {
		t.Fatal(err)
	}
	if n := len(s.of(mp.EventFinish)); n != 101 {
		t.Errorf("%d have finished", n)
	}
}

// Each attempt but the last is told, with its number and why it failed.
func TestSeeingRetries(t *testing.T) {
	noLeaks(t)
	var pooled, mapped seeingEvents
	pool := newPool(t, mp.PoolConfig{Workers: 1, Observer: pooled.observe, Stderr: io.Discard})
	_, err := seeingAct.Map(ctx, pool, []seeingStay{{""}, {"die"}}, mp.Retries(2), mp.Observe(mapped.observe))
	var died *mp.WorkerError
	if !errors.As(err, &died) || died.Attempts != 3 {
		t.Fatal(err)
	}
	for _, s := range []*seeingEvents{&pooled, &mapped} {
		s.once(t, 2)
		retries := s.of(mp.EventRetry)
		if len(retries) != 2 {
			t.Fatalf("%+v", retries)
		}
		for n, e := range retries {
			if e.Index != 1 || e.Attempt != n+1 || !errors.As(e.Err, &died) || e.PID != died.PID {
				t.Errorf("%+v", e)
			}
		}
	}
	if n := pool.Stats().Retried; n != 2 {
		t.Errorf("retried %d", n)
	}
}

// A callback that panics is told to the observer and the logger, and not printed.
func TestObserverIsToldOfCallbacks(t *testing.T) {
	noLeaks(t)
	told := make(chan mp.Event, 1)
	var logged proctest.Buffer
	pool := newPool(t, mp.PoolConfig{Workers: 1, Logger: slog.New(slog.NewTextHandler(&logged, nil)), Observer: func(e mp.Event) {
		if e.Kind == mp.EventCallback {
			told <- e
		}
	}})
	defer pool.Close()
	f := square.Go(ctx, pool, 2)
	f.Then(func(int, error) { panic("a callback that panics") })
	e := <-told
	if e.Err == nil || !strings.Contains(e.Err.Error(), "a callback that panics") || !strings.Contains(e.Err.Error(), "seeing_observe_test.go") ||
		e.Function != "square" || e.Index != -1 || e.Worker != -1 {
		t.Errorf("%+v", e)
	}
	if text := logged.String(); !strings.Contains(text, "a callback that panics") || !strings.Contains(text, "level=ERROR") {
		t.Errorf("logged: %s", text)
	}
	if v, err := f.Wait(ctx); v != 4 || err != nil {
		t.Error(v, err)
	}
}
