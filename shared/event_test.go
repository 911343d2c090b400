package shared_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

type signalling struct {
	Event *shared.Event
	Count *shared.Value[int64] // who is about to wait
}

var awaitEvent = mp.Func("awaitEvent", func(ctx context.Context, s signalling) (bool, error) {
	shared.Add(s.Count, 1)
	return s.Event.IsSet(), s.Event.Wait(ctx)
})

var setEvent = mp.Func("setEvent", func(ctx context.Context, s signalling) (bool, error) { return s.Event.IsSet(), s.Event.Set() })

// T058: it is not set, then it is, for everybody, until it is cleared.
func TestEvent(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		s := signalling{fresh(shared.NewEvent())(t), fresh(shared.NewValue(int64(0)))(t)}
		if s.Event.IsSet() {
			t.Error("a new event is set")
		}
		lasts(t, s.Event.Wait)
		var wg sync.WaitGroup
		wg.Go(func() { everywhere(t, where, awaitEvent, s, s, s) })
		eventually(t, "three are about to wait", func() bool { return s.Count.Load() == 3 })
		everywhere(t, where, setEvent, s)
		wg.Wait()
		for range 2 {
			if !s.Event.IsSet() {
				t.Error("it is not set any more")
			}
			ok(t, s.Event.Wait(ctx))
			ok(t, s.Event.Set()) // again, which changes nothing
		}
		ok(t, s.Event.Clear())
		ok(t, s.Event.Clear())
		if s.Event.IsSet() || everywhere(t, where, setEvent, s)[0] || !everywhere(t, where, setEvent, s)[0] {
			t.Error("set after Clear, or not set after Set")
		}
	})
}

// T059: it tells whether it is set.
func TestEventString(t *testing.T) {
	noLeaks(t)
	e := fresh(shared.NewEvent())(t)
	if !strings.HasPrefix(e.String(), "Event#") || !strings.HasSuffix(e.String(), "(not set)") {
		t.Error(e)
	}
	ok(t, e.Set())
	if !strings.HasSuffix(e.String(), "(set)") {
		t.Error(e)
	}
}

var awaitEvents = mp.Func("awaitEvents", func(ctx context.Context, s []signalling) (int, error) {
	for i := range s {
		shared.Add(s[i].Count, 1)
		if err := s[i].Event.Wait(ctx); err != nil {
			return i, err
		}
	}
	return len(s), nil
})

// T058: who waits is let go by Set, also when Clear follows at once; each of many events in turn.
func TestEventSetAndClear(t *testing.T) {
	onBoth(t, func(t *testing.T, where venue) {
		events := make([]signalling, 50)
		for i := range events {
			events[i] = signalling{fresh(shared.NewEvent())(t), fresh(shared.NewValue(int64(0)))(t)}
		}
		var wg sync.WaitGroup
		wg.Go(func() { everywhere(t, where, awaitEvents, events, events, events) })
		for _, s := range events {
			for s.Count.Load() < 3 {
				_ = s.Event.Set()
				_ = s.Event.Clear()
			}
			ok(t, s.Event.Set()) // for those who were about to wait
		}
		wg.Wait()
	})
}

// W05: a waiter that dies is nobody's business.
func TestEventOfTheDead(t *testing.T) {
	noLeaks(t)
	s := signalling{fresh(shared.NewEvent())(t), fresh(shared.NewValue(int64(0)))(t)}
	doomed, survivor := start(t, awaitEvent, s), start(t, awaitEvent, s)
	eventually(t, "both are about to wait", func() bool { return s.Count.Load() == 2 })
	ok(t, doomed.Kill())
	ok(t, s.Event.Set())
	resultOf(t, survivor)
	setter := start(t, setEvent, s)
	ok(t, s.Event.Clear())
	_ = setter.Kill() // wherever it is
	<-setter.Done()
	ok(t, s.Event.Set())
	ok(t, s.Event.Wait(ctx))
}

// T178: as something that pipe.Wait waits for it is ready when it is set, and from when it is freed.
func TestEventAwaitReady(t *testing.T) {
	noLeaks(t)
	ended, end := context.WithCancel(ctx)
	end()
	e := fresh(shared.NewEvent())(t)
	lasts(t, e.AwaitReady)
	if err := e.AwaitReady(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("not set: %v", err)
	}
	for _, change := range []func() error{e.Set, e.Free} { // in this order: Clear comes between
		ok(t, e.Clear())
		got := make(chan error)
		for range 3 {
			go func() { got <- e.AwaitReady(ctx) }()
		}
		ok(t, change())
		for range 3 {
			ok(t, <-got)
		}
		ok(t, e.AwaitReady(ended))
	}
	if err := new(shared.Event).AwaitReady(ended); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("a zero handle: %v", err)
	}
}
