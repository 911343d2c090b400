package pipe

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
)

// model is what one direction of a connection should do.
type model struct {
	t    *testing.T
	dice *rand.Rand
	from *Conn
	to   *Conn
	wire *wire
	sent []sent
	max  int
	step int
	gone int // messages larger than max that were given up, of which the receiver may have seen the beginning
}

// sent is a message that was sent and not received.
type sent struct {
	kind uint8
	b    []byte
	file *os.File
}

// The framing against a plain queue: single steps in random order, on wires that hold next to nothing and may bring single bytes.
func TestFramingAgainstAModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for i, size := range []int{64, 128, 136, 1000, 4096, 1 << 18} {
		for _, trickle := range []bool{false, true} {
			for _, most := range []int{0, 300} {
				dice := rand.New(rand.NewPCG(seed, uint64(i)))
				a, b := fakePair(size, dice, trickle)
				m := &model{t: t, dice: dice, from: newConn(a, 0), to: newConn(b, int64(most)), wire: a.out, max: most}
				if most == 0 {
					m.max = 1 << 30
				}
				for m.step = range 10_000 / (1 + size/10_000) {
					m.one()
				}
				m.end()
			}
		}
	}
}

func (m *model) fatal(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("size %d, step %d, %d under way: "+format, append([]any{m.wire.size, m.step, len(m.sent)}, args...)...)
}

// random is a message: short, about as long as there is room for, or longer.
func (m *model) random() []byte {
	n := m.dice.IntN(20)
	switch m.dice.IntN(4) {
	case 0:
		n = m.dice.IntN(m.wire.size)
	case 1:
		n = m.dice.IntN(3 * m.wire.size)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(m.dice.Uint32())
	}
	return b
}

func (m *model) one() {
	switch m.dice.IntN(12) {
	case 0, 1:
		m.trySend()
	case 2, 3:
		b := m.random()
		err := m.from.SendBytes(newImpatient(), b)
		switch {
		case err == nil:
			m.sent = append(m.sent, sent{abi.PipeBytes, b, nil})
		case !wasImpatient(err):
			m.fatal("sending %d bytes: %v", len(b), err)
		case len(b) > m.max:
			m.gone++
		}
	case 4:
		s := sent{abi.PipeValue, m.random(), nil}
		err := Send(newImpatient(), m.from, string(s.b))
		switch {
		case err == nil:
			m.sent = append(m.sent, s)
		case !wasImpatient(err):
			m.fatal("sending a value: %v", err)
		case s.size() > m.max:
			m.gone++
		}
	case 5:
		f := os.NewFile(uintptr(1000+m.step), "never used")
		if err := m.from.SendFile(newImpatient(), f); err == nil {
			m.sent = append(m.sent, sent{abi.PipeFileFrame, nil, f})
		} else if !wasImpatient(err) {
			m.fatal("sending a file: %v", err)
		}
	case 6:
		if m.dice.IntN(10) == 0 {
			m.through()
		}
	case 7:
		ready, err := m.to.Poll(ended())
		if ready && len(m.sent)+m.gone == 0 || !ready && !wasImpatient(err) || !ready && len(m.sent) > 0 && !m.to.c.(*fake).trickle {
			m.fatal("Poll says %v, %v", ready, err)
		}
	case 8:
		m.move()
	default:
		m.receive()
	}
}

func (m *model) trySend() {
	b := m.random()
	before := len(m.wire.shown)
	err := m.from.TrySendBytes(b)
	switch {
	case err == nil:
		m.sent = append(m.sent, sent{abi.PipeBytes, b, nil})
	case !errors.Is(err, ErrFull) && !errors.Is(err, ErrTooLarge):
		m.fatal("TrySend: %v", err)
	case len(m.wire.shown) != before || len(m.wire.staged) > 0:
		m.fatal("a part was sent")
	case errors.Is(err, ErrTooLarge) != (frameSize(len(b)) > m.wire.size):
		m.fatal("%d bytes: %v", len(b), err)
	case errors.Is(err, ErrFull) && m.wire.used() == 0:
		m.fatal("%d bytes: full, but it is empty", len(b))
	}
}

// size is how large the message counts as.
func (s *sent) size() int {
	n := len(s.b)
	if s.kind == abi.PipeValue {
		n += abi.PipePrint + 1
		for k := len(s.b); k > 127; k >>= 7 {
			n++
		}
	}
	return n
}

// receive receives the next message as one of the three kinds.
func (m *model) receive() {
	kind := 1 + uint8(m.dice.IntN(3))
	var first sent
	if len(m.sent) > 0 {
		first = m.sent[0]
		if m.dice.IntN(2) == 0 {
			kind = first.kind
		}
	}
	got := sent{kind: kind}
	var err error
	switch kind {
	case abi.PipeBytes:
		if m.dice.IntN(2) == 0 {
			got.b, err = m.to.RecvBytes(newImpatient())
			break
		}
		before := make([]byte, m.dice.IntN(3), m.dice.IntN(100)+3)
		got.b, err = m.to.RecvAppend(newImpatient(), before)
		if !bytes.HasPrefix(got.b, before) || err != nil && len(got.b) != len(before) {
			m.fatal("appended to %x: %x, %v", before, got.b, err)
		}
		got.b = got.b[len(before):]
	case abi.PipeValue:
		var v string
		v, err = Recv[string](newImpatient(), m.to)
		got.b = []byte(v)
	case abi.PipeFileFrame:
		got.file, err = m.to.RecvFile(newImpatient())
	}
	switch {
	case errors.Is(err, ErrTooLarge) && m.gone > 0 && (len(m.sent) == 0 || first.size() <= m.max):
		m.gone--
	case len(m.sent) == 0:
		if !wasImpatient(err) {
			m.fatal("received of nothing: %+v, %v", got, err)
		}
	case first.size() > m.max:
		if !errors.Is(err, ErrTooLarge) {
			m.fatal("%d bytes: %v", first.size(), err)
		}
		m.sent = m.sent[1:]
	case kind != first.kind:
		if !errors.Is(err, ErrKind) {
			m.fatal("kind %d of %d: %v", kind, first.kind, err)
		}
	case err != nil || !bytes.Equal(got.b, first.b) || got.file != first.file:
		m.fatal("received %+v, %v, not %+v", got, err, first)
	default:
		m.sent = m.sent[1:]
	}
}

// through sends a message that needs a receiver, and a short one, when nothing else is under way.
func (m *model) through() {
	m.drain()
	b := make([]byte, m.dice.IntN(max(m.wire.size*20, 1000)))
	for i := range b {
		b[i] = byte(m.dice.Uint32())
	}
	done := make(chan error)
	go func() { done <- errors.Join(m.from.SendBytes(ctx, b), m.from.SendBytes(ctx, []byte{1})) }()
	got, err := m.to.RecvBytes(ctx)
	if large := len(b) > m.max; large != errors.Is(err, ErrTooLarge) || !large && (err != nil || !bytes.Equal(got, b)) {
		m.fatal("of %d bytes came %d, %v", len(b), len(got), err)
	}
	if got, err := m.to.RecvBytes(ctx); err != nil || len(got) != 1 {
		m.fatal("then came %x, %v", got, err)
	}
	if err := <-done; err != nil {
		m.fatal("sending: %v", err)
	}
}

// drain receives until there is nothing left.
func (m *model) drain() {
	for len(m.sent) > 0 {
		m.receive()
	}
	for {
		_, err := m.to.RecvBytes(newImpatient())
		if wasImpatient(err) {
			m.gone = 0
			return
		}
		if m.gone--; m.gone < 0 || !errors.Is(err, ErrTooLarge) {
			m.fatal("of nothing: %v", err)
		}
	}
}

// move takes the receiver to another process.
func (m *model) move() {
	s := m.to.in.state()
	in, ok := s.receiver()
	if !ok {
		m.fatal("no such state: %+v", s)
	}
	in.c = m.to.c
	m.to.in = in
}

// end closes the sender, perhaps in the middle of a message, and receives the rest.
func (m *model) end() {
	m.drain()
	part := m.dice.IntN(2) == 0
	if part {
		m.from.word(8, abi.PipeBytes, abi.PipeFirst|abi.PipeLast)
		m.from.c.publish()
	}
	if err := m.from.Close(); err != nil {
		m.fatal("closing: %v", err)
	}
	for i := range 3 {
		want := io.EOF
		if part && i == 0 {
			want = io.ErrUnexpectedEOF
		}
		ready, err := m.to.Poll(ended())
		if !ready && !m.to.c.(*fake).trickle || err != nil && !wasImpatient(err) {
			m.fatal("at the end Poll says %v, %v", ready, err)
		}
		if _, err := m.to.RecvBytes(ctx); !errors.Is(err, want) {
			m.fatal("at the end: %v, not %v", err, want)
		}
	}
	if err := m.to.SendBytes(ctx, nil); !errors.Is(err, io.ErrClosedPipe) {
		m.fatal("to who has closed: %v", err)
	}
}
