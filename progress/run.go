package progress

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp"
)

// A run is what is known of the maps of a bar. The pool counts, the screen reads.
type run struct {
	name   string
	every  time.Duration
	start  time.Time
	screen *screen
	line   time.Time // guarded by the screen's mu: when the last line was written
	err    error     // guarded by the bar's mu: with which the first map ended that did

	total        atomic.Int64
	endless      atomic.Bool // the total is not known
	done, failed atomic.Int64
	partial      atomic.Bool // parts has, or had, something

	mu    sync.Mutex
	parts map[int]float64 // guarded by mu: of running elements
	pace  pace            // guarded by mu
}

func newRun(b *bar, e mp.Event) *run {
	r := &run{name: b.name, every: b.every, start: time.Now(), parts: make(map[int]float64)}
	if r.name == "" {
		r.name = e.Function
	}
	r.pace.last, r.line = r.start, r.start
	return r
}

func (r *run) expect(total int) {
	if total < 0 {
		r.endless.Store(true)
	} else {
		r.total.Add(int64(total))
	}
}

func (r *run) finish(e mp.Event) {
	r.done.Add(1)
	if e.Err != nil {
		r.failed.Add(1)
	}
	if r.partial.Load() {
		r.mu.Lock()
		delete(r.parts, e.Index)
		r.mu.Unlock()
	}
}

func (r *run) fraction(e mp.Event) {
	r.partial.Store(true)
	r.mu.Lock()
	r.parts[e.Index] = min(max(e.Fraction, 0), 1)
	r.mu.Unlock()
}

// A moment is what a run has to show.
type moment struct {
	name                string
	endless             bool
	total, done, failed int64
	parts               float64 // of running elements, together
	rate                float64 // elements a second, lately
	elapsed             time.Duration
}

// now looks at the run; whoever draws it does so again and again.
func (r *run) now() moment {
	m := moment{
		name: r.name, endless: r.endless.Load(), failed: r.failed.Load(), done: r.done.Load(), total: r.total.Load(),
		elapsed: time.Since(r.start),
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.parts {
		m.parts += f
	}
	m.rate = r.pace.of(r.start, m.units(), time.Now())
	return m
}

// due reports whether it is time for another line, and what it is to say. Call it with the screen's mu.
func (r *run) due() (m moment, due bool) {
	if r.every == 0 || time.Since(r.line) < r.every {
		return m, false
	}
	r.line = time.Now()
	return r.now(), true
}

// units is how many elements have been done, parts of them included.
func (m *moment) units() float64 { return float64(m.done) + m.parts }

// part is how much of it all has been done, 0 to 1.
func (m *moment) part() float64 {
	if m.total <= 0 {
		return 1
	}
	return min(m.units()/float64(m.total), 1)
}

// left is the time until the end at this pace; ok is false if it cannot be told.
func (m *moment) left() (d time.Duration, ok bool) {
	if m.endless || m.rate <= 0 {
		return 0, false
	}
	s := (float64(m.total) - m.units()) / m.rate
	if s > maxLeft.Seconds() {
		return 0, false
	}
	return max(0, time.Duration(s*float64(time.Second))), true
}

// maxLeft is the longest time that is worth telling.
const maxLeft = 1000 * time.Hour

// A pace is the rate of late: old times are forgotten by and by.
type pace struct {
	last  time.Time
	units float64 // then
	rate  float64
}

// memory is after how long a change of the rate is believed for the most part.
const memory = 5 * time.Second

// of takes one more look into the rate.
func (p *pace) of(start time.Time, units float64, now time.Time) float64 {
	dt := now.Sub(p.last).Seconds()
	if dt < 0.05 {
		return p.rate
	}
	// In the beginning the rate is the mean since the start, for there is nothing older.
	weight := max(1-math.Exp(-dt/memory.Seconds()), dt/now.Sub(start).Seconds())
	p.rate += (max(0, units-p.units)/dt - p.rate) * weight
	p.last, p.units = now, units
	return p.rate
}
