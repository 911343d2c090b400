package spawn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/go-multiproc/mp/internal/abi"
)

// appendFrame appends one frame, for it is written in one call.
func appendFrame(b []byte, kind byte, body []byte) []byte {
	b = binary.LittleEndian.AppendUint32(append(b, kind), uint32(len(body)))
	return append(b, body...)
}

func writeFrame(w io.Writer, kind byte, body []byte) error {
	_, err := w.Write(appendFrame(make([]byte, 0, 5+len(body)), kind, body))
	return err
}

// writeBody writes what follows the type of a frame.
func writeBody(w io.Writer, body []byte) error {
	_, err := w.Write(appendFrame(make([]byte, 0, 5+len(body)), 0, body)[1:])
	return err
}

// readFrame reads one frame. The peer may be hostile: its length is checked before anything is allocated.
func readFrame(r io.Reader) (kind byte, body []byte, err error) {
	var head [1]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	if head[0] == abi.FrameWake {
		return head[0], nil, nil
	}
	body, err = readBody(r)
	return head[0], body, err
}

// trustedBody is what is allocated for a body before it has come.
const trustedBody = 64 << 10

// readBody reads what follows the type of a frame.
func readBody(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, noEOF(err)
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n > abi.MaxFrame {
		return nil, fmt.Errorf("mp: a frame of %d bytes on the control socket", n)
	}
	body := make([]byte, 0, min(n, trustedBody))
	for len(body) < int(n) {
		at := len(body)
		piece := min(int(n)-at, max(at, trustedBody)) // memory follows what really comes
		body = append(body, make([]byte, piece)...)
		if _, err := io.ReadFull(r, body[at:]); err != nil {
			return nil, noEOF(err)
		}
	}
	return body, nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Inside a body an int is 8 bytes, little endian, and a string is its length, as an int, and its bytes.
const intSize = 8

func appendInts(b []byte, ints ...int) []byte {
	for _, n := range ints {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return b
}

// appendBools appends an int for each, 0 or 1.
func appendBools(b []byte, bools ...bool) []byte {
	for _, v := range bools {
		n := 0
		if v {
			n = 1
		}
		b = appendInts(b, n)
	}
	return b
}

func appendStrings(b []byte, strings ...string) []byte {
	for _, s := range strings {
		b = append(appendInts(b, len(s)), s...)
	}
	return b
}

var errBody = errors.New("mp: a frame on the control socket is malformed")

// A decoder takes a body apart. After the first thing that does not fit all others are zero, and end tells.
type decoder struct {
	left []byte
	bad  bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.left) {
		d.bad = true
		return nil
	}
	b := d.left[:n]
	d.left = d.left[n:]
	return b
}

func (d *decoder) int64() int64 {
	if b := d.take(intSize); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (d *decoder) int() int { return int(d.int64()) }

// bool is 0 or 1: nothing has two encodings.
func (d *decoder) bool() bool {
	n := d.int()
	d.bad = d.bad || uint64(n) > 1
	return n == 1
}

func (d *decoder) string() string { return string(d.take(d.int())) }

func (d *decoder) secret() (s [SecretSize]byte) {
	copy(s[:], d.take(len(s)))
	return s
}

// count is the number of things that follow, an int or a string each; 0 if the body cannot hold them.
func (d *decoder) count() int {
	n := d.int()
	if n < 0 || n > len(d.left)/intSize {
		d.bad = true
		return 0
	}
	return n
}

func (d *decoder) end() error {
	if d.bad || len(d.left) > 0 {
		return errBody
	}
	return nil
}
