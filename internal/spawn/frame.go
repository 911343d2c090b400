package spawn

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/go-multiproc/mp/internal/abi"
)

// writeFrame writes one frame in one call.
func writeFrame(w io.Writer, kind byte, body []byte) error {
	b := make([]byte, 0, 5+len(body))
	b = append(b, kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	_, err := w.Write(append(b, body...))
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

// readBody reads what follows the type of a frame.
func readBody(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, noEOF(err)
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n > abi.MaxFrame {
		return nil, fmt.Errorf("a frame of %d bytes on the control socket", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, noEOF(err)
	}
	return body, nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// writeBody writes what follows the type of a frame.
func writeBody(w io.Writer, body []byte) error {
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	_, err := w.Write(append(b, body...))
	return err
}
