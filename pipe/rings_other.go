//go:build !linux

package pipe

import (
	"errors"
	"os"
)

// New is not supported here.
func New() (*Conn, *Conn, error) { return nil, nil, errors.ErrUnsupported }

func newMemory() (*os.File, error) { return nil, errors.ErrUnsupported }

func ringConn(*os.File, *os.File, int, int64) (*Conn, error) { return nil, errors.ErrUnsupported }

// parts is an end on its way to another process.
type parts struct {
	files []*os.File
	state []byte
}

func (c *Conn) detach() (*parts, error) { return nil, errors.ErrUnsupported }

func attach(*parts) (*Conn, error) { return nil, errors.ErrUnsupported }

func (p *parts) close() {}
