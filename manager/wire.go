package manager

import (
	"encoding/binary"
	"errors"

	"github.com/go-multiproc/mp/internal/codec"
)

// Sizes of what messages begin with; see the package's paper.
const (
	requestHeader = 16
	answerHeader  = 8
)

// What a request asks for.
const (
	opCall    uint8 = iota + 1 // a method of an object
	opNew                      // makes an object; method is its kind
	opCancel                   // cancels the request whose id is the object
	opRetain                   // this process has a proxy of the object now
	opRelease                  // and now it has none
	opLend                     // a proxy of the object is under way to another process
	opNext                     // the next page of the snapshot with the object's number
	opEnd                      // no further page is wanted
	opPublish
	opLookup
	opStats
	opStop // the server shall end; from who started it
)

// protocol changes with any byte of the messages.
const protocol = 1

var errMessage = errors.New("mp/manager: a malformed message")

func header(b []byte, id uint32, op, method uint8, object uint64) []byte {
	b = binary.LittleEndian.AppendUint32(b, id)
	b = append(b, op, method, 0, 0)
	return binary.LittleEndian.AppendUint64(b, object)
}

func appendBytes[S string | []byte](b []byte, v S) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// appendEncoded appends the encoding of v as a byte string.
func appendEncoded[T any](b []byte, c codec.Codec[T], v *T) ([]byte, error) {
	if n, ok := c.Plan().FixedSize(); ok && n < 0x80 {
		return c.Append(append(b, byte(n)), v)
	}
	// Most are short: room for a length of one byte, and if that is too little, the rest moves.
	at := len(b)
	b, err := c.Append(append(b, 0), v)
	if err != nil {
		return b[:at], err
	}
	n := len(b) - at - 1
	if n < 0x80 {
		b[at] = byte(n)
		return b, nil
	}
	var head [binary.MaxVarintLen64]byte
	k := binary.PutUvarint(head[:], uint64(n))
	b = append(b, head[:k-1]...)
	copy(b[at+k:], b[at+1:at+1+n])
	copy(b[at:], head[:k])
	return b, nil
}

// A reader takes a message apart. After the first thing that does not fit all others are zero, and bad tells.
type reader struct {
	left []byte
	bad  bool
}

func (r *reader) uint() uint64 {
	n, k := binary.Uvarint(r.left)
	if k <= 0 {
		r.left, r.bad = nil, true
		return 0
	}
	r.left = r.left[k:]
	return n
}

// int is a number that may be negative.
func (r *reader) int() int {
	n, k := binary.Varint(r.left)
	if k <= 0 {
		r.left, r.bad = nil, true
		return 0
	}
	r.left = r.left[k:]
	return int(n)
}

// bytes are those of the message itself.
func (r *reader) bytes() []byte {
	n := r.uint()
	if n > uint64(len(r.left)) {
		r.left, r.bad = nil, true
		return nil
	}
	b := r.left[:n:n]
	r.left = r.left[n:]
	return b
}

// count is the number of things that follow, at least one byte each.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(len(r.left)) {
		r.left, r.bad = nil, true
		return 0
	}
	return int(n)
}

// end reports whether the message was what it should be, and nothing is left.
func (r *reader) end() error {
	if r.bad || len(r.left) > 0 {
		return errMessage
	}
	return nil
}
