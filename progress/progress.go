// Package progress shows how far a map is: a bar on a terminal, a line now and then elsewhere, and one line at the end.
//
//	results, err := resize.Map(ctx, pool, images, progress.Bar(os.Stderr, progress.Name("images")))
//
// A bar tells the elements that have ended and those that there are, the rate, the time that is left, and how many have failed. What
// elements say of themselves by mp.ReportProgress counts as a part of them. Maps at the same time, also such as one element of a loop starts, have
// a bar each, one below the other, and what workers print meanwhile goes above all of them; so do lines of the program itself if it
// writes them to Above. A bar goes when its map ends, however it ends, and with the last one everything that drew them.
//
// What the pool has to do for a bar is to count. The bars are drawn ten times a second by goroutines of their own, and a terminal that takes
// no output holds up the beginning and the end of a map only.
//
// The bars themselves are drawn by github.com/vbauerster/mpb, for it is made for several at a time that come and go, is
// maintained, and needs little else; schollz/progressbar knows one at a time, and cheggaaa/pb would bring colours for terminals.
package progress

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp"
)

// An Option is one for Bar: Name, Every.
type Option interface{ apply(*bar) }

// Name is what the bar is called. Without it that is the name of the function.
type Name string

func (o Name) apply(b *bar) { b.name = string(o) }

// Every is how often a line is written where there is no terminal. Defaults to 5 seconds; 0 leaves the line at the end.
type Every time.Duration

func (o Every) apply(b *bar) { b.every = max(0, time.Duration(o)) }

// Bar shows on w how far the map is that it is an option of. If several maps have it at the same time, it shows what they do together.
// Options for the same w share its screen. What w is written to must not be written to by others meanwhile, if that is a terminal: see
// Above. A writer that fails shows nothing more.
func Bar(w io.Writer, opts ...Option) mp.MapOption {
	b := &bar{w: w, every: 5 * time.Second}
	for _, o := range opts {
		o.apply(b)
	}
	return mp.Observe(b.observe)
}

// A bar is the option; a run is what it shows from the start of a map until no map has it any more.
type bar struct {
	w     io.Writer
	name  string
	every time.Duration

	current atomic.Pointer[run] // stored with mu
	mu      sync.Mutex
	maps    int // guarded by mu: that have it now
}

func (b *bar) observe(e mp.Event) {
	switch r := b.current.Load(); {
	case e.Kind == mp.EventMapStarted:
		b.begin(e)
	case e.Kind == mp.EventMapEnded:
		b.end(e)
	case r == nil: // told late
	case e.Kind == mp.EventFinish:
		r.finish(e)
	case e.Kind == mp.EventFraction:
		r.fraction(e)
	}
}

func (b *bar) begin(e mp.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.current.Load()
	if b.maps++; b.maps == 1 {
		r = newRun(b, e)
	}
	r.expect(e.Total)
	if b.maps == 1 {
		r.screen = enter(b.w)
		r.screen.add(r)
		b.current.Store(r)
	}
}

func (b *bar) end(e mp.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.current.Load()
	if r.err == nil {
		r.err = e.Err
	}
	if b.maps--; b.maps == 0 {
		b.current.Store(nil)
		r.screen.remove(r)
		r.screen.leave()
	}
}
