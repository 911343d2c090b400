package pipe

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/internal/office"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/spawn"
)

// ErrDetached is mp's: the end belongs to another family of processes.
var ErrDetached = mp.ErrDetached

var (
	errNone  = errors.New("mp/pipe: a zero Conn: ends are made by New, Dial and Accept")
	errBytes = errors.New("mp/pipe: no end of a pipe")
	errInUse = errors.New("mp/pipe: an end that is in use cannot become another")
)

// A departure is where an end has gone.
type departure struct {
	mu    sync.Mutex
	bytes []byte // guarded by mu; nil while it has not
}

func init() { codec.SetMoveHooks(endsIn, giveUp) }

// MarshalBinary implements encoding.BinaryMarshaler. It moves the end to whoever decodes the bytes, which one process of this
// family can, once. Here it is then closed: who waits at it comes back with ErrMoved. Nothing that is under way
// is lost: messages, a part of one, files. If what the bytes were made for fails before they were decoded, like a call whose
// worker is killed at its start, the end is closed, and the other side sees io.EOF. A connection with TLS cannot move: it stays
// here, and the error is errors.ErrUnsupported.
//
// As long as nobody has decoded them, MarshalBinary returns the same bytes again; then ErrMoved.
func (c *Conn) MarshalBinary() ([]byte, error) {
	if c.c == nil {
		return nil, errNone
	}
	c.departure.mu.Lock()
	defer c.departure.mu.Unlock()
	if b := c.departure.bytes; b != nil {
		switch still, err := office.Has(tokenOf(b)); {
		case err != nil:
			return nil, err
		case !still:
			return nil, ErrMoved
		}
		codec.Moved()
		return bytes.Clone(b), nil
	}
	p, err := c.detach()
	if err != nil {
		return nil, err
	}
	token, err := deposit(p)
	if err != nil {
		return nil, fmt.Errorf("mp/pipe: the end cannot move, and is closed: %w", err)
	}
	c.departure.bytes = slices.Concat([]byte{abi.PipeMoveVersion}, familyID(), token[:])
	codec.Moved()
	return bytes.Clone(c.departure.bytes), nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler. It is ErrMoved if somebody else has decoded the bytes, or they were given up,
// and ErrDetached if they are another family's.
func (c *Conn) UnmarshalBinary(b []byte) error {
	switch {
	case len(b) != abi.PipeMoveSize || b[0] != abi.PipeMoveVersion:
		return errBytes
	case !bytes.Equal(b[1:1+abi.PipeMoveFamily], familyID()):
		return ErrDetached
	case c.c != nil:
		return errInUse
	}
	p, err := withdraw(tokenOf(b))
	if errors.Is(err, office.ErrGone) {
		return ErrMoved
	}
	if err != nil {
		return fmt.Errorf("mp/pipe: an end that moved: %w", err)
	}
	got, err := attach(p)
	if err != nil {
		p.close()
		return err
	}
	c.c, c.in = got.c, got.in
	c.closeWhenLost()
	return nil
}

// closeWhenLost closes an end to which nobody refers any more: a result that nobody looked at, an argument that a function forgot. The other
// end would wait for it.
func (c *Conn) closeWhenLost() {
	c.lost = runtime.AddCleanup(c, func(carrier carrier) { _ = carrier.close() }, c.c)
}

// deposit leaves an end in the office. In any case it is closed here.
func deposit(p *parts) (token office.Token, err error) {
	defer p.close()
	state := append([]byte{abi.PipeStateHere}, p.state...)
	if len(state) > office.MaxState {
		f, err := osenv.Default().Scratch("mp-pipe-state")
		if err != nil {
			return token, err
		}
		p.files = append(p.files, f)
		if _, err := f.Write(p.state); err != nil {
			return token, err
		}
		state = []byte{abi.PipeStateFile}
	}
	token = office.NewToken()
	return token, office.Put(token, state, p.files)
}

// withdraw is the opposite of deposit.
func withdraw(token office.Token) (*parts, error) {
	state, files, err := office.Take(token)
	if err != nil {
		return nil, err
	}
	p := &parts{files: files}
	switch {
	case len(state) > 0 && state[0] == abi.PipeStateHere:
		p.state = state[1:]
	case len(state) == 1 && state[0] == abi.PipeStateFile && len(files) > 0:
		last := files[len(files)-1]
		p.state, err = contents(last)
		last.Close()
		p.files = files[:len(files)-1]
	default:
		err = errBytes
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// contents is all that is in a file.
func contents(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, info.Size())
	_, err = f.ReadAt(b, 0)
	return b, err
}

// familyID is the same in all processes of a family, and in no other. It also tells the bytes of an end from others.
var familyID = sync.OnceValue(func() []byte { return spawn.Derive("mp/pipe: ends that move")[:abi.PipeMoveFamily] })

func tokenOf(b []byte) office.Token { return office.Token(b[1+abi.PipeMoveFamily:]) }

// endsIn finds the ends in encoded bytes, wherever they are: a type's own marshaller may have put one anywhere.
func endsIn(encoded []byte) (ends []byte) {
	for {
		i := bytes.Index(encoded, familyID())
		if i < 1 || len(encoded) < i-1+abi.PipeMoveSize {
			return ends
		}
		ends = append(ends, encoded[i-1:i-1+abi.PipeMoveSize]...)
		encoded = encoded[i-1+abi.PipeMoveSize:]
	}
}

// giveUp closes the ends in encoded bytes that are still in the office. Another process is not waited for.
func giveUp(encoded []byte) {
	ends := endsIn(encoded)
	if ends == nil {
		return
	}
	drop := func() {
		for ; len(ends) > 0; ends = ends[abi.PipeMoveSize:] {
			_ = office.Drop(tokenOf(ends[:abi.PipeMoveSize])) // what cannot be reached is dying
		}
	}
	if !spawn.IsRoot() {
		go drop()
	} else {
		drop()
	}
}
