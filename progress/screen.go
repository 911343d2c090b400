package progress

import (
	"io"
	"reflect"
	"sync"
	"time"
)

// A screen is where the runs of one writer are shown: as bars if it is a terminal, else in lines.
type screen struct {
	w     io.Writer
	users int // guarded by screens

	mu     sync.Mutex // held while runs come and go, and by who writes
	runs   []*run
	bars   *bars         // nil if there are none now
	closed chan struct{} // of the goroutine that writes lines; nil if there is none
	gone   chan struct{} // closed when it has ended
}

// screens are those of writers that are used now.
var screens struct {
	sync.Mutex
	of map[io.Writer]*screen
}

// enter finds the screen of a writer; leave must follow.
func enter(w io.Writer) *screen {
	if !reflect.ValueOf(w).Comparable() {
		return &screen{w: w} // shared with nobody: whose is it?
	}
	screens.Lock()
	defer screens.Unlock()
	s := screens.of[w]
	if s == nil {
		if screens.of == nil {
			screens.of = make(map[io.Writer]*screen)
		}
		s = &screen{w: w}
		screens.of[w] = s
	}
	s.users++
	return s
}

func (s *screen) leave() {
	screens.Lock()
	defer screens.Unlock()
	if s.users--; s.users == 0 {
		delete(screens.of, s.w)
	}
}

// add shows a run from now on.
func (s *screen) add(r *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs = append(s.runs, r)
	if f := terminal(s.w); f != nil {
		if s.bars == nil {
			s.bars = newBars(f)
		}
		s.bars.add(r)
		return
	}
	if r.every > 0 && s.closed == nil {
		s.closed, s.gone = make(chan struct{}), make(chan struct{})
		go s.lines(s.closed, s.gone)
	}
}

// remove shows a run no more, but for its summary; with the last one everything ends.
func (s *screen) remove(r *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, x := range s.runs {
		if x == r {
			s.runs = append(s.runs[:i], s.runs[i+1:]...)
			break
		}
	}
	m := r.now()
	summary := []byte(m.summary(r.err) + "\n")
	if s.bars != nil {
		if s.bars.remove(r, summary, len(s.runs) == 0); len(s.runs) == 0 {
			s.bars = nil
		}
		return
	}
	if len(s.runs) == 0 && s.closed != nil {
		gone := s.gone
		close(s.closed)
		s.closed = nil
		s.mu.Unlock()
		<-gone
		s.mu.Lock()
	}
	s.print(summary)
}

// print writes where there are no bars. Call it with mu. Nobody can be told that it went wrong.
func (s *screen) print(b []byte) { _, _ = s.w.Write(b) }

// tick is how often lines looks whether one is due.
const tick = 100 * time.Millisecond

// lines writes a line for each run now and then.
func (s *screen) lines(closed, gone chan struct{}) {
	defer close(gone)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-closed:
			return
		case <-ticker.C:
		}
		s.mu.Lock()
		for _, r := range s.runs {
			if m, due := r.due(); due {
				s.print([]byte(m.name + ": " + m.status() + "\n"))
			}
		}
		s.mu.Unlock()
	}
}
