package engine

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-multiproc/mp/internal/spawn"
)

// starve makes every start fail until it is told to stop.
func (f *farm) starve(errno syscall.Errno) (feed func()) {
	f.start = func(p *fake) error {
		close(p.killed) // it never was
		p.kills, p.lost = 1, true
		return fmt.Errorf("control socket: %w", errno)
	}
	return func() {
		synctest.Wait()
		f.start = nil
	}
}

var murdered = spawn.Exit{ExitStatus: exitStatus(-9, syscall.SIGKILL)}

// Where the system has nothing for a successor, those that are left go on with the work, and it is tried again, ever later, for as long as
// it takes.
func TestStarvedSeatWaits(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN, syscall.ENOMEM} {
		bubble(t, func(t *testing.T) {
			f := &farm{t: t}
			e := newEngine(t, f.config(2))
			victim, survivor := f.all[0], f.all[1]
			j, out := job("f")
			begun(t, e, j, 10)
			synctest.Wait()
			hurt := 0 // of its elements: the one that it has begun, if it got any
			if _, _, ok := victim.begin(); ok {
				hurt = 1
			}
			feed := f.starve(errno)
			victim.die(murdered)
			synctest.Wait()
			start := time.Now()
			for f.count() < 2+3*patience {
				<-time.After(time.Millisecond)
			}
			if d := time.Since(start); d < patience*maxBackOff {
				t.Errorf("%d starts within %v", f.count()-2, d)
			}
			for survivor.has() > 0 {
				survivor.run(t, survivor.has())
				synctest.Wait()
			}
			failed := 0
			for _, results := range out.got {
				if len(results) != 1 {
					t.Errorf("outcomes of one element: %+v", results)
				}
				if results[0].Failure != nil {
					failed++
				}
			}
			if out.settled() != 10 || failed != hurt || len(out.failures()) > 0 {
				t.Errorf("%d outcomes, %d of them failed, not %d; of the job: %v", out.settled(), failed, hurt, out.failures())
			}
			e.End(j)
			feed()
			if err := e.Ready(t.Context()); err != nil {
				t.Error(err)
			}
			shutdown(t, e, f)
		})
	}
}

// With nobody left the engine waits some seconds, and breaks with the reason; a worker that comes up in time has all that waited.
func TestStarvedEngine(t *testing.T) {
	for _, fed := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			f := &farm{t: t}
			e := newEngine(t, f.config(1))
			feed := f.starve(syscall.EMFILE)
			j, out := job("f")
			begun(t, e, j, 10)
			f.last().die(murdered)
			synctest.Wait()
			if fed {
				<-time.After(maxBackOff)
				feed()
				if err := e.Ready(t.Context()); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				for f.last().has() > 0 {
					f.last().run(t, f.last().has())
					synctest.Wait()
				}
				if out.settled() != 10 || len(out.failures()) > 0 {
					t.Errorf("%d outcomes, failures: %v", out.settled(), out.failures())
				}
				e.End(j)
				shutdown(t, e, f)
				return
			}
			err := e.Ready(t.Context())
			if !errors.Is(err, syscall.EMFILE) || f.count() != 1+patience {
				t.Errorf("%v after %d starts", err, f.count()-1)
			}
			if got := out.failures(); len(got) != 1 || got[0].Reason != Broken || !errors.Is(got[0].Err, syscall.EMFILE) {
				t.Errorf("%+v", got)
			}
			<-e.ended
		})
	}
	bubble(t, func(t *testing.T) { // but New does not wait
		f := &farm{t: t}
		f.starve(syscall.EMFILE)
		if _, err := New(t.Context(), f.config(1)); !errors.Is(err, syscall.EMFILE) || f.count() != 1 {
			t.Errorf("%v after %d starts", err, f.count())
		}
	})
}
