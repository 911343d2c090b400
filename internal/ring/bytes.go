package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/race"
)

// ErrCorrupt reports that the other side wrote something that the protocol does not allow. The channel is then of no
// more use; nothing else has happened.
var ErrCorrupt = errors.New("the other process wrote nonsense into the channel")

// A Writer is the producing end of a byte ring. Not safe for concurrent use; its Reader lives in another process.
type Writer struct {
	buf  []byte         // immutable; its length a power of two
	tail *atomic.Uint64 // shared; only the Writer stores it
	head *atomic.Uint64 // shared; only the Reader stores it, and may store anything
	pos  uint64         // written so far; tail is where it was last published
	seen uint64         // head as last believed
}

// NewWriter returns the producing end of the empty ring in buf. at is the position of both ends, as the caller knows it: what
// the words say may be the other side's.
func NewWriter(buf []byte, tail, head *atomic.Uint64, at uint64) *Writer {
	checkSize(buf)
	return &Writer{buf: buf, tail: tail, head: head, pos: at, seen: at}
}

// ResumeWriter returns the producing end of a ring that another Writer wrote before, up to at; it had seen the Reader's position
// at seen.
func ResumeWriter(buf []byte, tail, head *atomic.Uint64, at, seen uint64) (*Writer, error) {
	checkSize(buf)
	if at-seen > uint64(len(buf)) {
		return nil, fmt.Errorf("%w: %d bytes written, of which %d are consumed, in a ring of %d", ErrCorrupt, at, seen, len(buf))
	}
	return &Writer{buf: buf, tail: tail, head: head, pos: at, seen: seen}, nil
}

func checkSize(buf []byte) {
	if n := len(buf); n == 0 || n&(n-1) != 0 {
		panic("ring: size is no power of two")
	}
}

// Size is the size of the ring.
func (w *Writer) Size() int { return len(w.buf) }

// Free is how many bytes can be written now.
func (w *Writer) Free() (int, error) {
	h := w.head.Load() // SYNC POINT head: pairs with Reader.Release
	if h-w.seen > w.pos-w.seen {
		return 0, fmt.Errorf("%w: consumed to %d of %d bytes written", ErrCorrupt, h, w.pos)
	}
	w.seen = h
	return len(w.buf) - int(w.pos-h), nil
}

// Room is Free as known without asking the other side; at least n bytes are free if it returns true.
func (w *Writer) Room(n int) (bool, error) {
	if len(w.buf)-int(w.pos-w.seen) >= n {
		return true, nil
	}
	free, err := w.Free()
	return free >= n, err
}

// Write copies as much of b as fits and returns how much. The other side sees it after Publish.
func (w *Writer) Write(b []byte) (int, error) {
	if ok, err := w.Room(len(b)); err != nil {
		return 0, err
	} else if !ok {
		b = b[:len(w.buf)-int(w.pos-w.seen)]
	}
	at := int(w.pos) & (len(w.buf) - 1)
	n := copy(w.buf[at:], b)
	if n < len(b) {
		n += copy(w.buf, b[n:])
	}
	w.pos += uint64(n)
	return n, nil
}

// Publish shows the other side what was written.
func (w *Writer) Publish() {
	w.tail.Store(w.pos) // SYNC POINT tail: pairs with Reader.Available
	race.Fence()
}

// Show is Publish for who does not look at what the other side has stored before he has stored to a word by sync/atomic: only then
// is it sure that the other side sees it.
func (w *Writer) Show() { osenv.StoreRelease(w.tail, w.pos) } // it pairs as that of Publish

// A Reader is the consuming end of a byte ring. Not safe for concurrent use; its Writer lives in another process.
type Reader struct {
	buf  []byte         // immutable
	tail *atomic.Uint64 // shared; only the Writer stores it, and may store anything
	head *atomic.Uint64 // shared; only the Reader stores it
	pos  uint64         // consumed so far; head is where it was last released
	seen uint64         // tail as last believed
}

// NewReader returns the consuming end of the empty ring in buf; at is as for NewWriter.
func NewReader(buf []byte, tail, head *atomic.Uint64, at uint64) *Reader {
	checkSize(buf)
	return &Reader{buf: buf, tail: tail, head: head, pos: at, seen: at}
}

// Available is how many bytes there are to read.
func (r *Reader) Available() (int, error) {
	t := r.tail.Load() // SYNC POINT tail: pairs with Writer.Publish
	if t-r.pos > uint64(len(r.buf)) || t-r.pos < r.seen-r.pos {
		return 0, fmt.Errorf("%w: %d bytes published, of which %d are consumed, in a ring of %d", ErrCorrupt, t, r.pos, len(r.buf))
	}
	r.seen = t
	return int(t - r.pos), nil
}

// Known is Available as known without asking the other side.
func (r *Reader) Known() int { return int(r.seen - r.pos) }

// Read copies min(len(dst), Known) bytes out of the ring.
func (r *Reader) Read(dst []byte) int {
	if k := r.Known(); len(dst) > k {
		dst = dst[:k]
	}
	at := int(r.pos) & (len(r.buf) - 1)
	n := copy(dst, r.buf[at:])
	if n < len(dst) {
		n += copy(dst[n:], r.buf)
	}
	r.pos += uint64(n)
	return n
}

// Word reads the next 8 bytes, which must be known and lie at a multiple of 8.
func (r *Reader) Word() uint64 {
	at := int(r.pos) & (len(r.buf) - 1)
	r.pos += 8
	return binary.LittleEndian.Uint64(r.buf[at : at+8])
}

// Records appends to dst the payloads of the next records, as many of them as are known, say abi.StatusOK and this size, and are numbered
// from number on, and returns how many those were, at most most. It reads each header once, and nothing of a record that it does not
// take. The next byte lies at a multiple of abi.RecordAlign.
func (r *Reader) Records(dst []byte, number uint8, size, most int) (out []byte, n int) {
	stride := abi.RecordHeader + (size+abi.RecordAlign-1)&^(abi.RecordAlign-1)
	most = min(most, r.Known()/stride)
	for ; n < most; n++ {
		at := int(r.pos) & (len(r.buf) - 1)
		if binary.LittleEndian.Uint64(r.buf[at:at+abi.RecordHeader]) != abi.Record(abi.StatusOK, number+uint8(n), uint64(size)) {
			break
		}
		r.pos += abi.RecordHeader
		if size == 8 { // so are numbers and pointers to them
			dst = binary.LittleEndian.AppendUint64(dst, r.Word())
			continue
		}
		end := len(dst)
		dst = slices.Grow(dst, size)[:end+size]
		r.Read(dst[end:])
		r.pos += uint64(stride - abi.RecordHeader - size)
	}
	return dst, n
}

// View returns the next n bytes where they lie, if they lie in one piece and are known, else nil. They must be used
// before Release, and only where the Writer is trusted: it can still change them.
func (r *Reader) View(n int) []byte {
	at := int(r.pos) & (len(r.buf) - 1)
	if n > r.Known() || at+n > len(r.buf) {
		return nil
	}
	r.pos += uint64(n)
	return r.buf[at : at+n : at+n]
}

// Discard drops n bytes; at most Known.
func (r *Reader) Discard(n int) { r.pos += uint64(min(n, r.Known())) }

// Release gives the room of what was consumed back to the Writer.
func (r *Reader) Release() {
	r.head.Store(r.pos) // SYNC POINT head: pairs with Writer.Free
	race.Fence()
}

// Consumed is how many bytes were consumed since the start.
func (r *Reader) Consumed() uint64 { return r.pos }
