//go:build linux

package side

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
)

// hearing is a handler that keeps the messages.
type hearing struct {
	slog.Handler
	mu   sync.Mutex
	said []string
	gate chan struct{} // if set, each record waits for it to be closed
}

func (h *hearing) Enabled(context.Context, slog.Level) bool { return true }

func (h *hearing) Handle(_ context.Context, r slog.Record) error {
	if h.gate != nil {
		<-h.gate
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said = append(h.said, r.Message)
	return nil
}

// heard is what was said so far.
func (h *hearing) heard() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.said...)
}

// couple makes the two halves of a channel, in this process.
func couple(t *testing.T, sink Sink) (*Parent, *Worker) {
	t.Helper()
	k := osenv.Default()
	mine, theirs, err := k.Packets()
	if err != nil {
		t.Fatal(err)
	}
	p := NewParent(mine, k.Socketpair)
	p.Listen(sink)
	w := NewWorker(theirs, true, slog.LevelInfo)
	t.Cleanup(func() {
		theirs.Close()
		p.Finish(nil)
		p.Close()
	})
	return p, w
}

func say(w *Worker, text string) { slog.New(w.Handler(nobody)).Info(text) }

// A worker that sends what it should not is heard no more, which the parent tells; but it can still be asked.
func TestMalformed(t *testing.T) {
	for what, frame := range map[string][]byte{
		"unknown": {'?'}, "cut record": {abi.SideRecord, 1, 2}, "cut number": {abi.SideDropped, 1}, "long": make([]byte, abi.MaxSide+1),
		"long fraction": append([]byte{abi.SideFraction}, make([]byte, 17)...),
		"deep":          append(appendHead(nil, &slog.Record{}), bytes.Repeat([]byte{abi.AttrGroup, 0, 0, 0, 0}, abi.MaxAttrDepth+1)...),
		"end of none":   append(appendHead(nil, &slog.Record{}), abi.AttrEnd),
		"endless text":  append(appendHead(nil, &slog.Record{}), abi.AttrString, 0xff, 0xff, 0xff, 0xff),
	} {
		var h hearing
		p, w := couple(t, Sink{Handler: &h})
		say(w, "before")
		if err := trySend(w.file, frame); err != nil {
			t.Fatal(err)
		}
		<-p.done
		if err := trySend(w.file, frame); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("%s: the worker can still write: %v", what, err)
		}
		say(w, "after")
		if got := h.heard(); len(got) != 2 || got[0] != "before" || !strings.Contains(got[1], "malformed") {
			t.Errorf("%s: %q", what, got)
		}
		go w.Serve()
		if got, err := p.Ask(context.Background(), "test.echo", []byte("hello"), 10); string(got) != "hello" || err != nil {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
}

// What a worker said before it ended is heard, also if it ended with a question that it had not read.
func TestHeardAfterEnd(t *testing.T) {
	h := &hearing{gate: make(chan struct{})}
	p, w := couple(t, Sink{Handler: h})
	const n = 50
	for i := range n {
		say(w, fmt.Sprint(i))
	}
	ctx, cancel := context.WithCancel(context.Background())
	asked := make(chan error)
	go func() {
		_, err := p.Ask(ctx, "test.echo", nil, 10)
		asked <- err
	}()
	for { // until the question is in the worker's socket
		buf := make([]byte, 1)
		var got int
		err := attempt(w.file, func(fd int) (err error) {
			got, _, err = syscall.Recvfrom(fd, buf, syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			return err
		})
		if err == nil && got == 1 {
			break
		}
	}
	w.file.Close()
	if err := <-asked; !errors.Is(err, ErrGone) {
		t.Error(err)
	}
	cancel()
	limit := make(chan time.Time, 1)
	limit <- time.Time{}
	p.Finish(limit) // the handler stands still, so the limit ends it
	close(h.gate)
	p.Finish(nil)
	if got := h.heard(); len(got) != n || got[n-1] != fmt.Sprint(n-1) {
		t.Errorf("%d heard: %q", len(got), got)
	}
}

// Finish waits for nobody who holds the worker's end and goes on.
func TestEndHeldByOthers(t *testing.T) {
	var h hearing
	p, w := couple(t, Sink{Handler: &h})
	say(w, "last")
	p.Finish(nil)
	if got := h.heard(); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

var large = bytes.Repeat([]byte("large"), 1<<18)

func init() {
	Answer("test.large", func(context.Context, []byte) ([]byte, error) { return large, nil })
	Answer("test.echo", func(_ context.Context, arg []byte) ([]byte, error) { return arg, nil })
	Answer("test.panic", func(context.Context, []byte) ([]byte, error) { panic("here") })
	Answer("test.wait", func(ctx context.Context, _ []byte) ([]byte, error) {
		waited <- struct{}{}
		<-ctx.Done()
		waited <- struct{}{}
		return nil, ctx.Err()
	})
}

var waited = make(chan struct{})

func TestAsk(t *testing.T) {
	p, w := couple(t, Sink{})
	go w.Serve()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if got, err := p.Ask(ctx, "test.echo", []byte("small"), 5); string(got) != "small" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	all.Wait()
	if _, err := p.Ask(ctx, "test.echo", []byte("small"), 4); err == nil || !strings.Contains(err.Error(), "5 bytes, of at most 4") {
		t.Error(err)
	}
	for name, want := range map[string]string{"test.nobody": "nobody here answers", "test.panic": "panic: here"} {
		if _, err := p.Ask(ctx, name, nil, 1<<20); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.Ask(ctx, "test.echo", large, 1<<30); err == nil {
		t.Error("a question that is no packet was sent")
	}
	if got, err := p.Ask(ctx, "test.large", nil, len(large)); !bytes.Equal(got, large) || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	asked := make(chan error)
	go func() {
		_, err := p.Ask(ctx, "test.wait", nil, 1)
		asked <- err
	}()
	<-waited
	cancel()
	if err := <-asked; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-waited // the answerer has been told that nobody waits
}

// An answer that is cut off by the worker's end is an error, with what there is of it.
func TestAnswerCutOff(t *testing.T) {
	p, w := couple(t, Sink{})
	go func() {
		_, answer, err := recvAsk(w.file)
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = answer.Write([]byte{abi.SideAnswered, 10, 0, 0, 0, 0, 0, 0, 0, 'h', 'a', 'l', 'f'})
		answer.Close()
	}()
	if got, err := p.Ask(context.Background(), "any", nil, 100); string(got) != "half" || !errors.Is(err, ErrGone) {
		t.Errorf("%q, %v", got, err)
	}
}

// Of fractions that come too fast, the latest is heard when it is time.
func TestFractionsLimited(t *testing.T) {
	heard := make(chan float64, 10_000)
	_, w := couple(t, Sink{Fraction: func(_ uint64, f float64) { heard <- f }})
	for range 10_000 {
		w.Fraction(1, 0.5)
	}
	for trySend(w.file, fractionFrame(1, 2)) != nil { // while there is no room
		runtime.Gosched()
	}
	n := 1
	for f := <-heard; f != 1; f = <-heard {
		n++
	}
	if n > 1000 {
		t.Errorf("%d fractions", n)
	}
}

// A limiter passes on the first at once, then the latest of those that came meanwhile.
func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var sent []string
		l := Limiter{Every: time.Second, Send: func(number uint64, f float64) {
			sent = append(sent, fmt.Sprint(number, f, time.Since(start)))
		}}
		for i := range 35 {
			l.Report(uint64(i), 0.5)
			<-time.After(90 * time.Millisecond)
		}
		<-time.After(time.Minute)
		l.Report(99, 1)
		synctest.Wait()
		if got := fmt.Sprint(sent); got != "[0 0.5 0s 11 0.5 1s 22 0.5 2s 33 0.5 3s 34 0.5 4s 99 1 1m3.15s]" {
			t.Error(got)
		}
	})
}

// The parent's socket can be closed at any time.
func TestAskClosed(t *testing.T) {
	p, _ := couple(t, Sink{})
	p.Finish(nil)
	p.Close()
	if _, err := p.Ask(context.Background(), "test.echo", nil, 10); !errors.Is(err, ErrGone) || errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}
