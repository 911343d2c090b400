package pipe

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/abi"
)

// ErrAuth reports a peer that could not prove who it is, or that did not believe this side.
var ErrAuth = errors.New("mp/pipe: authentication failed")

func init() { mp.RegisterError("mp/pipe.ErrAuth", ErrAuth) }

// A handshake is one side of a handshake, on a connection that nobody else uses meanwhile.
type handshake struct {
	conn    io.ReadWriter
	key     []byte
	binding []byte // what ties it to the TLS connection around it; nil without

	listener, dialer [abi.HelloSize]byte
}

// hello makes this side's.
func (h *handshake) hello(magic uint64) (hello [abi.HelloSize]byte) {
	binary.LittleEndian.PutUint64(hello[abi.HelloMagic:], magic)
	binary.LittleEndian.PutUint64(hello[abi.HelloFlags:], h.flags())
	_, _ = rand.Read(hello[abi.HelloNonce:]) // it never fails
	return hello
}

func (h *handshake) flags() (flags uint64) {
	if len(h.key) > 0 {
		flags |= abi.HelloKeyed
	}
	if h.binding != nil {
		flags |= abi.HelloTLS
	}
	return flags
}

// check looks at the other side's hello.
func (h *handshake) check(hello [abi.HelloSize]byte, magic uint64) error {
	if binary.LittleEndian.Uint64(hello[abi.HelloMagic:]) != magic {
		return fmt.Errorf("%w: the other side does not speak this protocol, or another version of it", ErrAuth)
	}
	theirs, ours := binary.LittleEndian.Uint64(hello[abi.HelloFlags:]), h.flags()
	switch {
	case theirs == ours:
		return nil
	case (theirs^ours)&abi.HelloKeyed == 0:
		return fmt.Errorf("%w: the other side has flags %#x, this one %#x", ErrAuth, theirs, ours)
	case ours&abi.HelloKeyed == 0:
		return fmt.Errorf("%w: the other side has an AuthKey and this one has none", ErrAuth)
	default:
		return fmt.Errorf("%w: this side has an AuthKey and the other has none", ErrAuth)
	}
}

// proof shows that the side with this label has the key.
func (h *handshake) proof(label string) []byte {
	mac := hmac.New(sha256.New, h.key)
	for _, part := range [][]byte{[]byte(label), h.listener[:], h.dialer[:], h.binding} {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// prove is the dialer's side.
func (h *handshake) prove() error {
	if _, err := io.ReadFull(h.conn, h.listener[:]); errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("the listener says nothing, as one would that wants TLS: %w", err)
	} else if err != nil {
		return failed(err)
	}
	if err := h.check(h.listener, abi.HelloListener); err != nil {
		return err
	}
	h.dialer = h.hello(abi.HelloDialer)
	if _, err := h.conn.Write(append(h.dialer[:], h.proof(abi.HandshakeDialer)...)); err != nil {
		return failed(err)
	}
	var verdict [abi.VerdictSize]byte
	if _, err := io.ReadFull(h.conn, verdict[:]); err != nil {
		return failed(err)
	}
	switch binary.LittleEndian.Uint64(verdict[abi.VerdictWord:]) {
	case abi.VerdictAccepted:
		if hmac.Equal(verdict[abi.VerdictProof:], h.proof(abi.HandshakeListener)) {
			return nil
		}
	case abi.VerdictRejected:
		return fmt.Errorf("%w: the listener does not believe this side: another key, or another user", ErrAuth)
	}
	return fmt.Errorf("%w: the listener does not have the key", ErrAuth)
}

// hear is the listener's side until it knows who is there. It must end with accept or reject.
func (h *handshake) hear() error {
	h.listener = h.hello(abi.HelloListener)
	if _, err := h.conn.Write(h.listener[:]); err != nil {
		return failed(err)
	}
	var answer [abi.HelloSize + abi.ProofSize]byte
	if _, err := io.ReadFull(h.conn, answer[:]); err != nil {
		return failed(err)
	}
	h.dialer = [abi.HelloSize]byte(answer[:])
	if err := h.check(h.dialer, abi.HelloDialer); err != nil {
		return err
	}
	if !hmac.Equal(answer[abi.HelloSize:], h.proof(abi.HandshakeDialer)) {
		return fmt.Errorf("%w: the dialer does not have the key", ErrAuth)
	}
	return nil
}

func (h *handshake) accept() error {
	return h.verdict(abi.VerdictAccepted, h.proof(abi.HandshakeListener))
}

func (h *handshake) reject() { _ = h.verdict(abi.VerdictRejected, nil) }

func (h *handshake) verdict(word uint64, proof []byte) error {
	var verdict [abi.VerdictSize]byte
	binary.LittleEndian.PutUint64(verdict[abi.VerdictWord:], word)
	copy(verdict[abi.VerdictProof:], proof)
	_, err := h.conn.Write(verdict[:])
	return err
}

// failed is an error of a read or a write in the handshake: of the socket, whose end here is not the end that io.EOF tells of, or of
// TLS or the like, which does not believe the peer.
func failed(err error) error {
	var socket *net.OpError
	switch {
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &socket) && (socket.Op == "read" || socket.Op == "write"):
	default:
		return fmt.Errorf("%w: %w", ErrAuth, err)
	}
	return fmt.Errorf("in the handshake: %w", err)
}
