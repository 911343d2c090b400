package pipe

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"slices"

	"github.com/go-multiproc/mp/internal/abi"
)

// A receiver takes messages out of what a carrier brings, believing nothing of it. Not safe for concurrent use.
type receiver struct {
	c     carrier
	max   uint64 // the largest message
	known int    // bytes that the carrier is known to have

	word [2 * wordSize]byte // the words of the next chunk
	have int                // bytes of them

	open  bool   // a message has begun
	kind  uint8  // of it
	size  uint64 // of it
	came  uint64 // of it, in the chunks that began so far
	last  bool   // the chunk is the message's last
	body  int    // bytes of the chunk that were not read yet
	pad   int    // and then of padding
	large bool   // the message is too large, which is not told yet
	skip  bool   // the message is too large: it is not kept
	kept  []byte // what was read of the message, if nobody has it
	sink  [256]byte

	broken error // for ever
}

func limit(maxMessage int64) uint64 {
	if maxMessage <= 0 {
		return math.MaxInt
	}
	return uint64(maxMessage)
}

// whole reports whether all of a message was read.
func (r *receiver) whole() bool { return r.open && r.last && r.body == 0 && r.pad == 0 && !r.skip }

// complete reports whether all of the message has come.
func (r *receiver) complete() bool { return r.last && r.known >= r.body+r.pad }

// ready reports whether take would return something. It works off what has come by now, and not what comes meanwhile: that
// may have no end.
func (r *receiver) ready() bool {
	if r.whole() || r.broken != nil {
		return true
	}
	if err := r.look(); err != nil {
		return true
	}
	for {
		if err := r.advance(nil); err != nil || r.large {
			return true
		}
		if whole, err := r.gather(); whole || err != nil {
			return true
		}
		if r.known == 0 {
			r.c.release()
			return r.look() != nil // the end, perhaps
		}
	}
}

// gather keeps what has come of a message that somebody will want later, and reports whether all of it has.
func (r *receiver) gather() (whole bool, err error) {
	if !r.open || r.skip {
		return false, nil
	}
	if r.complete() {
		return true, nil
	}
	err = r.advance(&r.kept)
	return r.whole(), err
}

// A message is what somebody wants to receive.
type message struct {
	kind uint8
	b    []byte // what it is appended to, and then that with it
	own  bool   // b is empty, and not the caller's if the message does not come
	file *os.File
}

// take receives the next message if it has come, and is of this kind.
func (r *receiver) take(m *message) (done bool, err error) {
	if r.broken != nil {
		return false, r.broken
	}
	if !r.whole() {
		if r.known == 0 {
			if err := r.look(); err != nil {
				return false, r.tell(err)
			}
		}
		if err := r.advance(nil); err != nil {
			return false, err
		}
		if r.large {
			r.large = false
			return false, ErrTooLarge
		}
		if !r.open || r.skip {
			return false, nil
		}
		if !r.complete() {
			if err := r.look(); err != nil {
				return false, r.tell(err)
			}
		}
	}
	if r.kind != m.kind {
		whole, err := r.gather()
		if whole {
			err = ErrKind
		}
		return false, err
	}
	if !r.complete() {
		return false, nil
	}
	if m.kind == abi.PipeFileFrame {
		if m.file, err = r.c.takeFile(); errors.Is(err, ErrCorrupt) {
			r.broken = err
			return false, err
		}
	} else {
		m.b = append(m.b, r.kept...)
		if err := r.advance(&m.b); err != nil {
			return false, err
		}
	}
	r.close()
	r.c.release()
	return true, err
}

// tell is what an error of advance means to the user.
func (r *receiver) tell(err error) error {
	if errors.Is(err, io.EOF) && (r.open || r.have > 0) {
		r.close()
		r.have = 0
		return io.ErrUnexpectedEOF
	}
	return err
}

// close forgets the message.
func (r *receiver) close() {
	r.open, r.skip, r.large, r.last, r.body, r.pad, r.kept = false, false, false, false, 0, 0, nil
}

// look asks the carrier how much there is.
func (r *receiver) look() error {
	n, err := r.c.available()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			r.broken = err
		}
		return err
	}
	r.known = n
	return nil
}

// advance reads words, and the bytes of messages that are too large, as far as known. With dst it also reads what has come of
// the message, which it appends to it, and ends where the message does.
func (r *receiver) advance(dst *[]byte) error {
	for r.known > 0 && !r.large && !r.whole() {
		switch {
		case r.body > 0 && !r.skip:
			if dst == nil {
				return nil
			}
			r.readBody(dst)
		case r.body+r.pad > 0:
			r.discard()
			if r.skip && r.last && r.body+r.pad == 0 {
				r.close()
			}
		default:
			open := r.open
			if err := r.readWords(); err != nil {
				r.broken = err
				return err
			}
			if open && !r.open && dst != nil { // given up: what follows is not for dst
				return nil
			}
		}
	}
	return nil
}

// firstGrowth is how much memory is made for a message before it has come.
const firstGrowth = 1 << 20

func (r *receiver) readBody(dst *[]byte) {
	k := min(r.known, r.body)
	b := *dst
	if n := len(b); cap(b)-n < k {
		left := r.size - r.came + uint64(r.body)
		b = slices.Grow(b, int(min(left, uint64(max(n, k, firstGrowth)))))
	}
	b = b[:len(b)+k]
	r.c.read(b[len(b)-k:])
	r.known -= k
	r.body -= k
	*dst = b
}

func (r *receiver) discard() {
	for r.known > 0 && r.body+r.pad > 0 {
		k := min(r.known, len(r.sink))
		if r.body > 0 {
			k = min(k, r.body)
			r.body -= k
		} else {
			k = min(k, r.pad)
			r.pad -= k
		}
		r.c.read(r.sink[:k])
		r.known -= k
	}
}

// readWords reads the words of the next chunk, as far as they have come, and begins it if they are all there.
func (r *receiver) readWords() error {
	want := wordSize
	if r.have >= wordSize {
		want = 2 * wordSize
	}
	k := min(r.known, want-r.have)
	r.c.read(r.word[r.have : r.have+k])
	r.known -= k
	r.have += k
	if r.have < want {
		return nil
	}
	word := binary.LittleEndian.Uint64(r.word[:])
	length, kind, flags, ok := abi.UnpipeWord(word)
	switch {
	case !ok:
		return corrupt("word %#x", word)
	case flags == abi.PipeFirst && want == wordSize:
		return nil // the size follows
	}
	r.have = 0
	return r.begin(length, kind, flags)
}

// begin begins a chunk.
func (r *receiver) begin(length int, kind, flags uint8) error {
	first, last := flags&abi.PipeFirst != 0, flags&abi.PipeLast != 0
	switch {
	case flags&abi.PipeAbort != 0:
		if flags != abi.PipeAbort || length != 0 || kind != 0 || !r.open {
			return corrupt("a message is given up that is none")
		}
		r.close()
		return nil
	case first == r.open:
		return corrupt("a message begins in the middle of another, or goes on that did not begin")
	case first:
		r.open, r.kind, r.came, r.size = true, kind, 0, uint64(length)
		if !last {
			r.size = binary.LittleEndian.Uint64(r.word[wordSize:])
		}
		if kind == 0 || kind == abi.PipeFileFrame && r.size != 0 || kind == abi.PipeValue && r.size < abi.PipePrint {
			return corrupt("a message of kind %d and %d bytes", kind, r.size)
		}
		r.large = r.size > r.max
		r.skip = r.large
	case kind != r.kind:
		return corrupt("a message changes its kind")
	}
	left := r.size - r.came
	if uint64(length) > left || last != (uint64(length) == left) || length == 0 && !last {
		return corrupt("a chunk of %d bytes where %d are left of the message", length, left)
	}
	r.came += uint64(length)
	r.last, r.body, r.pad = last, length, padding(length)
	return nil
}

// begun reports whether a message of this kind has begun, which nobody else will want.
func (r *receiver) begun(m *message) bool { return r.open && !r.skip && r.kind == m.kind }

// stream is take of a message that has begun, as it comes. If it is given up, that is neither done nor an error.
func (r *receiver) stream(ctx context.Context, m *message) (done bool, err error) {
	b := m.b
	if m.own && r.kept != nil {
		b = r.kept
	} else {
		b = append(b, r.kept...)
	}
	r.kept = nil
	for {
		if err := r.look(); err != nil {
			return false, r.tell(err)
		}
		err := r.advance(&b)
		r.c.release()
		switch {
		case err != nil:
			return false, err
		case r.whole():
			r.close()
			m.b = b
			return true, nil
		case !r.open:
			return false, nil
		}
		if err = ctx.Err(); err == nil {
			err = r.c.awaitBytes(ctx)
		}
		if err != nil {
			r.kept = b
			if !m.own {
				r.kept = append([]byte(nil), b[len(m.b):]...)
			}
			return false, err
		}
	}
}
