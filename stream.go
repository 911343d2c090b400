package mp

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/go-multiproc/mp/internal/engine"
)

// A Result is the outcome of one element.
type Result[Out any] struct {
	Value Out
	Err   error // an *ElementError
}

// Results runs f on every element of in and yields each index once with its outcome, as they end. Failures are values; the
// sequence ends by itself. Inputs are pulled as room is free for them (see Window), by a goroutine of their own, so an endless input is fine; the
// goroutine ends with in, or at the element that in yields after the loop was left. When in panics, the panic surfaces in the loop, after the
// elements before it; runtime.Goexit likewise. When ctx ends, or the pool does, every element that was pulled and has no outcome yields that error, and no more are pulled. The sequence can be used once.
func (f *Function[In, Out]) Results(ctx context.Context, x Executor, in iter.Seq[In], opts ...MapOption) iter.Seq2[int, Result[Out]] {
	used := false
	return func(yield func(int, Result[Out]) bool) {
		if used {
			panic("mp: the sequence of Results was used twice")
		}
		used = true
		s, err := f.stream(ctx, x, opts, false)
		if err != nil {
			yield(0, Result[Out]{Err: err})
			return
		}
		s.run(in, yield)
	}
}

// Stream is Results in the order of in: it yields each outcome in turn, and goes on after a failed element.
func (f *Function[In, Out]) Stream(ctx context.Context, x Executor, in iter.Seq[In], opts ...MapOption) iter.Seq2[Out, error] {
	used := false
	return func(yield func(Out, error) bool) {
		if used {
			panic("mp: the sequence of Stream was used twice")
		}
		used = true
		s, err := f.stream(ctx, x, opts, true)
		if err != nil {
			var zero Out
			yield(zero, err)
			return
		}
		s.run(in, func(_ int, r Result[Out]) bool { return yield(r.Value, r.Err) })
	}
}

// stream is a Results or a Stream on its way. Three parties: the feeder pulls inputs, the engine's goroutines encode and
// deliver, the collector, who is the caller, yields.
type stream[In, Out any] struct {
	f       *Function[In, Out]
	ctx     context.Context
	b       *engine.Backend
	job     engine.Job
	set     settings
	ordered bool
	exact   int64       // inputs are told to the engine so many at a time; 0 for any number
	end     func(error) // tells that it is over
	early   error       // owner: the collector: why it ended early

	mu      sync.Mutex
	inputs  store[In]
	gone    []int64        // of these, that have an outcome
	ready   []indexed[Out] // Results: delivered, not collected
	order   window[Out]    // Stream: likewise
	pulled  int64          // inputs taken from the sequence
	added   int64          // of these, told to the engine
	ended   int64          // delivered
	taken   int64          // collected
	bytes   int64          // of results delivered and not collected
	eof     bool           // the sequence has ended
	panicV  any            // what it panicked with
	panics  bool
	aborted error
	cut     bool  // interrupted: no more inputs are taken
	waiting bool  // the collector waits
	hungry  bool  // the feeder waits
	over    bool  // every input has an outcome
	most    int64 // how many elements the engine may begin, the first; -1 for all
	setting bool  // somebody tells the engine

	arrived chan struct{} // something for the collector
	room    chan struct{} // something for the feeder
	left    chan struct{} // closed when the loop was left
}

type indexed[Out any] struct {
	index  int64
	result Result[Out]
	bytes  int64
}

func (f *Function[In, Out]) stream(ctx context.Context, x Executor, opts []MapOption, ordered bool) (*stream[In, Out], error) {
	b, index, set, err := f.mapSettings(ctx, x, opts)
	if err != nil {
		return nil, err
	}
	s := &stream[In, Out]{
		f: f, ctx: ctx, b: b, set: set, ordered: ordered, most: -1,
		arrived: make(chan struct{}, 1), room: make(chan struct{}, 1), left: make(chan struct{}),
	}
	if f.chunk != nil {
		s.exact = int64(min(set.chunk, set.window))
	}
	f.prepare(&s.job, index, &set)
	s.job.Encode, s.job.Again = s.encode, s.again
	s.job.Deliver, s.job.DeliverRun = s.deliver, s.deliverRun
	if f.in.Flat() > 0 {
		s.job.Size, s.job.EncodeRun = f.in.Flat(), s.encodeRun
	}
	s.job.Delivered = func(int64) { s.topUp() }
	s.job.Interrupted = s.interrupt
	s.job.Abort = func(why *engine.Failure) { s.abort(failure(why, f.name, -1)) }
	if err := b.Engine.Begin(&s.job); err != nil {
		return nil, err
	}
	s.end = mapStarted(b.Engine, &s.job, -1)
	return s, nil
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// hold keeps the engine from beginning more elements while the bytes of results that were not collected are too many, until half of them is
// gone. One at a time does that; who finds another at it leaves it to him, who looks again.
func (s *stream[In, Out]) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.setting {
		return
	}
	s.setting = true
	for most := s.allowed(); most != s.most; most = s.allowed() {
		s.most = most
		s.mu.Unlock()
		s.b.Engine.Hold(&s.job, most)
		poke(s.room)
		s.mu.Lock()
	}
	s.setting = false
}

// allowed is how many elements, the first, may begin now; -1 for all. Of a Stream the next to be yielded always may: what else is there
// waits for it.
func (s *stream[In, Out]) allowed() int64 {
	switch {
	case s.bytes < s.b.Bytes && (s.most < 0 || s.bytes <= s.b.Bytes/2):
		return -1
	case !s.ordered:
		return 0
	case s.exact > 0: // they stay together
		return (s.order.first/s.exact + 1) * s.exact
	}
	return s.order.first + 1
}

// feedEvery is after how many outcomes the feeder looks again whether the engine wants more.
const feedEvery = 16

func (s *stream[In, Out]) abort(err error) {
	s.mu.Lock()
	s.aborted = err
	s.mu.Unlock()
	poke(s.arrived)
}

// interrupt ends the inputs here. What was pulled has an outcome soon, though the sequence may be waiting for its next for ever.
func (s *stream[In, Out]) interrupt() {
	s.mu.Lock()
	s.cut = true
	n := s.flush()
	s.mu.Unlock()
	s.add(n)
	poke(s.arrived)
}

// feed pulls the inputs, on its own goroutine: while one is awaited, outcomes can be yielded.
func (s *stream[In, Out]) feed(in iter.Seq[In]) {
	finished := false
	defer func() {
		s.mu.Lock()
		if !finished { // a panic, or runtime.Goexit
			s.panics, s.panicV = true, recover()
		}
		s.eof = true
		n := s.flush()
		s.mu.Unlock()
		s.add(n)
		poke(s.arrived)
	}()
	for v := range in {
		if !s.push(v) {
			break
		}
	}
	finished = true
}

// push takes one input and reports whether another is wanted.
func (s *stream[In, Out]) push(v In) bool {
	select {
	case <-s.left:
		return false
	case <-s.ctx.Done():
		return false
	default:
	}
	s.mu.Lock()
	if s.over || s.cut {
		s.mu.Unlock()
		return false
	}
	s.inputs.put(s.pulled, v)
	s.pulled++
	n := int64(0)
	full := s.full()
	// Alone, each is told at once; when the workers have enough, many at a time.
	if s.waiting || full || s.pulled-s.added >= feedEvery || s.short() {
		n = s.flush()
	}
	s.mu.Unlock()
	s.add(n)
	for full || (n > 0 && s.b.Engine.Wants(&s.job) <= 0) {
		s.setHungry(true)
		select {
		case <-s.room:
		case <-s.left:
			return false
		case <-s.ctx.Done():
			return false
		}
		full = s.setHungry(false)
	}
	return true
}

// setHungry notes whether the feeder waits, and reports whether it has to.
func (s *stream[In, Out]) setHungry(h bool) (full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hungry = h
	return s.full()
}

func (s *stream[In, Out]) full() bool {
	return s.pulled-s.taken >= int64(s.set.window) || s.bytes >= s.b.Bytes || s.most >= 0
}

// short reports whether some workers may have nothing of what was told to the engine.
func (s *stream[In, Out]) short() bool { return s.added-s.ended < int64(s.b.Workers) }

// topUp tells the engine what it was not told, now that it has less: the feeder may be waiting for its input, and the collector be
// busy with an outcome.
func (s *stream[In, Out]) topUp() {
	s.mu.Lock()
	s.drop()
	n := int64(0)
	if s.short() {
		n = s.flush()
	}
	s.mu.Unlock()
	s.add(n)
}

// drop forgets the inputs of elements that have an outcome: not at once, for the engine may still ask for one that took long.
func (s *stream[In, Out]) drop() {
	for _, i := range s.gone {
		s.inputs.drop(i)
	}
	s.gone = s.gone[:0]
}

// again encodes an input once more, if it is there still. It must not go meanwhile.
func (s *stream[In, Out]) again(i int64) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.inputs.at(i)
	if v == nil {
		return nil, errDropped
	}
	return s.f.appendArg(nil, v)
}

var errDropped = errors.New("mp: the input of an element that has ended")

func (s *stream[In, Out]) flush() int64 {
	n := s.pulled - s.added
	if s.exact > 0 && !s.eof {
		n -= n % s.exact
	}
	s.added += n
	return n
}

func (s *stream[In, Out]) add(n int64) {
	if n > 0 {
		s.b.Engine.Add(&s.job, n)
	}
}
