package mp

import (
	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/engine"
)

// What the engine's goroutines do for a stream.

func (s *stream[In, Out]) encode(dst []byte, i int64) ([]byte, error) {
	s.mu.Lock()
	v := s.inputs.at(i)
	s.mu.Unlock()
	return s.f.appendArg(dst, v)
}

// encodeRun is encode for many, which cannot fail.
func (s *stream[In, Out]) encodeRun(dst []byte, first int64, n int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range int64(n) {
		dst, _ = s.f.in.Append(dst, s.inputs.at(first+k))
	}
	return dst
}

// outcome is what came of an element.
func (s *stream[In, Out]) outcome(i int64, r engine.Result) indexed[Out] {
	e := indexed[Out]{index: i, bytes: int64(len(r.Payload))}
	err := s.f.outcome(r, int(i), &e.result.Value)
	if s.job.Observed() {
		finished(s.b.Engine, &s.job, i, r, err)
	}
	if err != nil {
		if s.set.failed != nil {
			s.set.failed(int(i), err)
		}
		e.result.Err = &ElementError{Index: int(i), Err: err}
	}
	return e
}

func (s *stream[In, Out]) deliver(i int64, r engine.Result) { s.came([]indexed[Out]{s.outcome(i, r)}) }

// deliverRun is deliver for many, under one lock for each few.
func (s *stream[In, Out]) deliverRun(first int64, n, size int, payload []byte) {
	var few [32]indexed[Out]
	for n > 0 {
		run := few[:min(n, len(few))]
		for k := range run {
			run[k] = s.outcome(first+int64(k), engine.Result{Status: abi.StatusOK, Payload: payload[:size:size]})
			payload = payload[size:]
		}
		s.came(run)
		n, first = n-len(run), first+int64(len(run))
	}
}

// came takes outcomes that are there.
func (s *stream[In, Out]) came(run []indexed[Out]) {
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return
	}
	before := s.ended / feedEvery
	for _, e := range run {
		s.ended++
		s.gone = append(s.gone, e.index)
		s.bytes += e.bytes
		if s.ordered {
			s.order.put(e)
		} else {
			s.ready = append(s.ready, e)
		}
	}
	collect := s.waiting
	over := s.bytes >= s.b.Bytes
	feed := s.hungry && (s.ended/feedEvery != before || s.added-s.ended < feedEvery)
	s.mu.Unlock()
	if collect {
		poke(s.arrived)
	}
	if feed {
		poke(s.room)
	}
	if over {
		s.hold()
	}
}
