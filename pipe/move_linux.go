package pipe

import (
	"errors"
	"fmt"
	"os"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/codec"
)

// parts is an end on its way to another process.
type parts struct {
	files []*os.File // the socket, the memory, and then files that were not taken yet
	state []byte
}

// close gives up an end that nobody will have.
func (p *parts) close() {
	for _, f := range p.files {
		f.Close()
	}
}

// ringState is what an end knows beside what its memory says.
type ringState struct {
	End                  int
	OutAt, OutHead, InAt uint64
	FileAt               []uint64 // see rings
	Files                []bool   // those that were not taken; false is one that was lost
	Receiver             receiverState
}

var ringStates, _ = codec.For[ringState]()

// detach takes an end out of this process: who waits comes back with ErrMoved, as does who comes later.
func (c *Conn) detach() (*parts, error) {
	c.ending.Lock()
	defer c.ending.Unlock()
	if s, ok := c.c.(*stream); ok {
		if err := s.movable(); err != nil {
			return nil, err
		}
	}
	if !c.end(ErrMoved) {
		return nil, c.gone
	}
	if s, ok := c.c.(*stream); ok {
		return s.detach(&c.in)
	}
	r := c.c.(*rings)
	s := ringState{End: r.end, OutAt: r.at, InAt: r.in.Consumed(), FileAt: r.fileAt, Receiver: c.in.state()}
	free, err := r.out.Free()
	if err != nil { // nor will it find anything else there
		free = 0
	}
	s.OutHead = r.at - uint64(r.size()-free)
	p := &parts{files: []*os.File{r.sock, r.file}}
	files, halted := r.halt()
	for _, f := range files {
		s.Files = append(s.Files, f != nil)
		if f != nil {
			p.files = append(p.files, f)
		}
	}
	p.state, err = ringStates.Append(nil, &s)
	if err = errors.Join(err, halted, r.unmap()); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// attach makes an end of what detach returned, perhaps in another process. All files are the Conn's if there is no error.
func attach(p *parts) (*Conn, error) {
	if len(p.files) == 1 {
		return attachStream(p)
	}
	var s ringState
	rest, err := ringStates.Decode(p.state, &s)
	if err != nil || len(rest) > 0 || s.End&^1 != 0 || len(p.files) < 2 {
		return nil, corrupt("an end that moved: %v", err)
	}
	in, ok := s.Receiver.receiver()
	if !ok {
		return nil, corrupt("an end that moved: its message")
	}
	files, ok := s.match(p.files[2:])
	if !ok {
		return nil, corrupt("an end that moved: its files")
	}
	r, err := resumeRings(p.files[0], p.files[1], s.End, s.OutAt, s.OutHead, s.InAt)
	if err != nil {
		return nil, fmt.Errorf("mp/pipe: %w", err)
	}
	r.fileAt = s.FileAt
	for _, f := range files {
		r.files.Push(f)
	}
	in.c = r
	return &Conn{c: r, in: in}, nil
}

// match puts the files into the places of those that were not lost.
func (s *ringState) match(files []*os.File) ([]*os.File, bool) {
	if len(s.Files) > abi.PipeMaxFiles || len(s.FileAt) > abi.PipeMaxFiles {
		return nil, false
	}
	var all []*os.File
	for _, came := range s.Files {
		var f *os.File
		if came {
			if len(files) == 0 {
				return nil, false
			}
			f, files = files[0], files[1:]
		}
		all = append(all, f)
	}
	return all, len(files) == 0
}
