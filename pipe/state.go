package pipe

import "github.com/go-multiproc/mp/internal/abi"

// receiverState is that of a receiver; see there.
type receiverState struct {
	Max         uint64
	Words       []byte
	Open, Last  bool
	Large, Skip bool
	Kind        uint8
	Size, Came  uint64
	Body, Pad   int
	Kept        []byte
	Broken      string
}

// state is what another process needs to go on where this one stopped.
func (r *receiver) state() receiverState {
	s := receiverState{
		Max: r.max, Words: r.word[:r.have], Open: r.open, Last: r.last, Large: r.large, Skip: r.skip,
		Kind: r.kind, Size: r.size, Came: r.came, Body: r.body, Pad: r.pad, Kept: r.kept,
	}
	if r.broken != nil {
		s.Broken = r.broken.Error()
	}
	return s
}

// receiver is the opposite of state; false if no receiver is in that state.
func (s *receiverState) receiver() (receiver, bool) {
	r := receiver{
		max: s.Max, have: len(s.Words), open: s.Open, last: s.Last, large: s.Large, skip: s.Skip,
		kind: s.Kind, size: s.Size, came: s.Came, body: s.Body, pad: s.Pad, kept: s.Kept,
	}
	if s.Broken != "" {
		r.broken = corrupt("%s", s.Broken)
	}
	return r, copy(r.word[:], s.Words) == len(s.Words) && len(s.Words) < len(r.word) &&
		r.body >= 0 && r.body <= abi.PipeMaxChunk && r.pad >= 0 && r.pad < abi.PipeAlign && r.came <= r.size && uint64(r.body) <= r.came
}
