package mp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/go-multiproc/mp/internal/engine"
)

// ErrInterrupted reports what a pool did not finish because it was interrupted. errors.Is finds context.Canceled in it, too.
var ErrInterrupted = engine.ErrInterrupted

// Interrupt ends the pool in order, and soon, as the first of PoolConfig.Signals does. The contexts of elements that run are
// cancelled; what such an element returns within Grace is its outcome, after it its worker is killed, and the outcome is
// ErrInterrupted. So is, at once, that of everything else that was accepted, and one that returns its context's error is ErrInterrupted as well. Then
// every worker runs Exit and ends; those that need more than StartTimeout for that are killed. New calls fail with ErrClosed. Interrupt does not wait for
// any of this: Close does.
func (p *Pool) Interrupt() { p.backend.Engine.Interrupt() }

// signalled is the signals of a pool, from before its start until its end. The zero value is none.
type signalled struct {
	c       chan os.Signal
	started chan *engine.Engine
	done    chan struct{} // closed when the signals are the program's again
}

// catch makes the pool's signals its own. Those that come before it has started cancel the start.
func catch(signals []os.Signal, cancel context.CancelCauseFunc) *signalled {
	if len(signals) == 0 { // to signal.Notify that means all
		return new(signalled)
	}
	s := &signalled{make(chan os.Signal, 2), make(chan *engine.Engine), make(chan struct{})}
	signal.Notify(s.c, signals...)
	go s.run(cancel)
	return s
}

// follow makes the signals end the engine; nil if it has not started.
func (s *signalled) follow(e *engine.Engine) {
	if s.done != nil {
		s.started <- e
	}
}

func (s *signalled) run(cancel context.CancelCauseFunc) {
	defer close(s.done)
	defer signal.Stop(s.c)
	var e *engine.Engine
	for early, starting := false, true; starting; {
		select {
		case <-s.c:
			cancel(ErrInterrupted)
			early = true
		case e = <-s.started:
			if starting = false; e == nil {
				return
			}
			if early {
				e.Interrupt()
			}
		}
	}
	for {
		select {
		case <-s.c:
			if !e.Interrupt() {
				e.Kill()
			}
		case <-e.Ended():
			return
		}
	}
}

// wait waits until the signals are the program's again.
func (s *signalled) wait() {
	if s.done != nil {
		<-s.done
	}
}

// interruptedError is the error of an element that an interrupt kept from succeeding.
func interruptedError(r engine.Result, function string, index int) error {
	if r.Status == 0 { // it has not run, or was killed
		return ErrInterrupted
	}
	r.Failure = nil
	err := remoteError(r, function, index)
	if errors.Is(err, context.Canceled) && !errors.Is(err, ErrInterrupted) {
		return fmt.Errorf("%w: %w", ErrInterrupted, err)
	}
	return err
}
