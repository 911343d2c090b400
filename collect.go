package mp

import (
	"iter"
	"runtime"
	"slices"
)

// run yields every outcome; it is the collector.
func (s *stream[In, Out]) run(in iter.Seq[In], yield func(int, Result[Out]) bool) {
	defer func() {
		close(s.left)
		s.b.Engine.End(&s.job)
		s.end(s.early)
	}()
	go s.feed(in)
	for {
		batch, more := s.collect()
		for _, e := range batch {
			if !yield(int(e.index), e.result) {
				return
			}
		}
		if !more {
			break
		}
	}
	s.mu.Lock() // if the stream ended early, in may panic just now
	panics, v := s.panics, s.panicV
	s.mu.Unlock()
	if panics {
		if v == nil { // runtime.Goexit, as in t.FailNow: it ends the loop's goroutine, as with iter.Pull
			runtime.Goexit()
		}
		panic(v)
	}
}

// collect waits for outcomes and takes those there are. more is false when no others will come.
func (s *stream[In, Out]) collect() (batch []indexed[Out], more bool) {
	for {
		s.mu.Lock()
		if s.ordered {
			batch = s.order.take()
		} else {
			batch, s.ready = s.ready, nil
		}
		for _, e := range batch {
			s.bytes -= e.bytes
		}
		s.taken += int64(len(batch))
		end := (s.eof || s.cut) && s.taken == s.pulled
		aborted := s.aborted
		held := s.most >= 0
		n := int64(0)
		if s.waiting = len(batch) == 0; s.waiting {
			n = s.flush() // the feeder may be waiting for its input, with some in hand
		}
		s.mu.Unlock()
		s.add(n)
		if held {
			s.hold()
		}
		switch {
		case len(batch) > 0:
			poke(s.room)
			return batch, !end
		case end:
			return nil, false
		case aborted != nil:
			return s.remains(aborted), false
		}
		done := nested(s.ctx, s.b)
		select {
		case <-s.arrived:
			done()
		case <-s.ctx.Done():
			done()
			return s.remains(s.ctx.Err()), false
		}
	}
}

// remains ends the stream early: every input that was pulled and has no outcome gets err.
func (s *stream[In, Out]) remains(err error) []indexed[Out] {
	s.early = err
	s.b.Engine.End(&s.job) // after it nothing is delivered but what is being delivered now
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.drop()
	var rest []indexed[Out]
	if s.ordered {
		for i := s.taken; i < s.pulled; i++ {
			e, ok := s.order.pop()
			if !ok {
				e = indexed[Out]{index: i, result: Result[Out]{Err: &ElementError{Index: int(i), Err: err}}}
			}
			rest = append(rest, e)
		}
	} else {
		rest, s.ready = s.ready, nil
		for _, i := range s.inputs.all() {
			rest = append(rest, indexed[Out]{index: i, result: Result[Out]{Err: &ElementError{Index: int(i), Err: err}}})
		}
	}
	s.taken = s.pulled
	return rest
}

// window holds the outcomes of a Stream that came before their turn.
type window[Out any] struct {
	first int64 // the next to be taken
	slots []slot[Out]
}

type slot[Out any] struct {
	full bool
	e    indexed[Out]
}

func (w *window[Out]) put(e indexed[Out]) {
	at := int(e.index - w.first)
	for len(w.slots) <= at {
		w.slots = append(w.slots, slot[Out]{})
	}
	w.slots[at] = slot[Out]{true, e}
}

// take takes all whose turn it is.
func (w *window[Out]) take() []indexed[Out] {
	n := 0
	for n < len(w.slots) && w.slots[n].full {
		n++
	}
	if n == 0 {
		return nil
	}
	out := make([]indexed[Out], n)
	for i := range out {
		out[i] = w.slots[i].e
	}
	w.slots = append(w.slots[:0], w.slots[n:]...)
	clear(w.slots[len(w.slots):min(cap(w.slots), len(w.slots)+n)])
	w.first += int64(n)
	return out
}

// pop takes the next, which may not be there.
func (w *window[Out]) pop() (e indexed[Out], ok bool) {
	w.first++
	if len(w.slots) == 0 {
		return e, false
	}
	s := w.slots[0]
	w.slots = w.slots[1:]
	return s.e, s.full
}

// store holds inputs that have no outcome, in chunks, so that one that takes long does not keep all after it.
type store[In any] struct {
	chunks map[int64]*chunk[In]
	last   *chunk[In] // looked up last
	lastN  int64
}

const chunkSize = 64

type chunk[In any] struct {
	values [chunkSize]In
	held   [chunkSize]bool
	n      int
}

func (s *store[In]) chunk(i int64) *chunk[In] {
	n := i / chunkSize
	if s.last == nil || s.lastN != n {
		s.last, s.lastN = s.chunks[n], n
	}
	return s.last
}

func (s *store[In]) put(i int64, v In) {
	c := s.chunk(i)
	if c == nil {
		if s.chunks == nil {
			s.chunks = make(map[int64]*chunk[In])
		}
		c = new(chunk[In])
		s.chunks[i/chunkSize], s.last = c, c
	}
	c.values[i%chunkSize], c.held[i%chunkSize] = v, true
	c.n++
}

// at is where input i lies until it is dropped; nil then.
func (s *store[In]) at(i int64) *In {
	c := s.chunk(i)
	if c == nil || !c.held[i%chunkSize] {
		return nil
	}
	return &c.values[i%chunkSize]
}

func (s *store[In]) drop(i int64) {
	c := s.chunk(i)
	var zero In
	c.values[i%chunkSize], c.held[i%chunkSize] = zero, false
	if c.n--; c.n == 0 {
		delete(s.chunks, i/chunkSize)
		s.last = nil
	}
}

// all is the inputs that are held, in their order.
func (s *store[In]) all() []int64 {
	var held []int64
	for n, c := range s.chunks {
		for k, ok := range c.held {
			if ok {
				held = append(held, n*chunkSize+int64(k))
			}
		}
	}
	slices.Sort(held)
	return held
}
