package pipe

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
)

// A wire is one direction of a connection that is memory of this process: every chance that a carrier may take, it takes.
type wire struct {
	mu       sync.Mutex
	size     int
	staged   []byte // written
	shown    []byte // and published
	consumed int    // and read, but not released
	files    []*os.File
	bell     bell
	closedW  bool // nobody writes any more
	closedR  bool // or reads
	dice     *rand.Rand
}

// fake is one end of two wires.
type fake struct {
	out, in *wire
	why     verdict
	trickle bool // available tells of a part only, as a socket does
}

func fakePair(size int, dice *rand.Rand, trickle bool) (a, b *fake) {
	x, y := &wire{size: size, dice: dice}, &wire{size: size, dice: dice}
	return &fake{out: x, in: y, trickle: trickle}, &fake{out: y, in: x, trickle: trickle}
}

func (w *wire) used() int { return len(w.staged) + len(w.shown) + w.consumed }

func (f *fake) size() int { return f.out.size }

func (f *fake) room(int) (int, error) {
	f.out.mu.Lock()
	defer f.out.mu.Unlock()
	if f.out.closedR {
		return 0, io.ErrClosedPipe
	}
	return f.out.size - f.out.used(), nil
}

func (f *fake) write(b []byte) {
	f.out.mu.Lock()
	defer f.out.mu.Unlock()
	f.out.staged = append(f.out.staged, b...)
	if f.out.used() > f.out.size {
		panic("more was written than there was room for")
	}
}

func (f *fake) publish() {
	f.out.mu.Lock()
	f.out.shown = append(f.out.shown, f.out.staged...)
	f.out.staged = f.out.staged[:0]
	f.out.mu.Unlock()
	f.out.bell.ring()
}

func (f *fake) available() (int, error) {
	f.in.mu.Lock()
	defer f.in.mu.Unlock()
	n := len(f.in.shown)
	switch {
	case n == 0 && f.in.closedW:
		return 0, io.EOF
	case n > 1 && f.trickle:
		return 1 + f.in.dice.IntN(n), nil
	}
	return n, nil
}

func (f *fake) read(dst []byte) int {
	f.in.mu.Lock()
	defer f.in.mu.Unlock()
	n := copy(dst, f.in.shown)
	f.in.shown = slices.Delete(f.in.shown, 0, n)
	f.in.consumed += n
	return n
}

func (f *fake) release() {
	f.in.mu.Lock()
	f.in.consumed = 0
	f.in.mu.Unlock()
	f.in.bell.ring()
}

func (f *fake) awaitRoom(ctx context.Context, n int) error {
	return f.await(ctx, f.out, func() bool { return f.out.size-f.out.used() >= n || f.out.closedR })
}

func (f *fake) awaitBytes(ctx context.Context) error {
	return f.await(ctx, f.in, func() bool { return len(f.in.shown) > 0 || f.in.closedW })
}

func (f *fake) await(ctx context.Context, w *wire, ready func() bool) error {
	for {
		next := w.bell.listen()
		w.mu.Lock()
		done := ready()
		w.mu.Unlock()
		if err := f.why.get(); err != nil || done {
			return err
		}
		select {
		case <-next:
		case <-ctx.Done():
			if err := ctx.Err(); err != nil {
				return err
			}
			return context.Canceled // of an impatient one
		}
	}
}

func (f *fake) sendFile(_ context.Context, file *os.File) error {
	f.out.mu.Lock()
	defer f.out.mu.Unlock()
	f.out.files = append(f.out.files, file)
	return nil
}

func (f *fake) takeFile() (*os.File, error) {
	f.in.mu.Lock()
	defer f.in.mu.Unlock()
	if len(f.in.files) == 0 {
		return nil, corrupt("no file")
	}
	file := f.in.files[0]
	f.in.files = f.in.files[1:]
	return file, nil
}

func (f *fake) interrupt(why error) {
	f.why.set(why)
	f.in.bell.ring()
	f.out.bell.ring()
}

func (f *fake) close() error {
	f.in.mu.Lock()
	f.in.closedR = true
	f.in.mu.Unlock()
	f.out.mu.Lock()
	f.out.closedW = true
	f.out.mu.Unlock()
	f.in.bell.ring()
	f.out.bell.ring()
	return nil
}

// impatient is a context that has not ended, but will have as soon as somebody has to wait.
type impatient struct{ context.Context }

func newImpatient() context.Context { return &impatient{ended()} }

func (c *impatient) Err() error { return nil }

// wasImpatient tells that somebody had to wait.
func wasImpatient(err error) bool { return errors.Is(err, context.Canceled) }
