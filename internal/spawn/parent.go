package spawn

import (
	"encoding/binary"
	"fmt"
	"os"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/ring"
	"github.com/go-multiproc/mp/internal/side"
)

// control is the worker's end of the control socket, from the first moment of its life.
var control *os.File

// A Parent is the parent as its worker sees it.
type Parent struct {
	Config  Config
	Channel *ring.Channel
	Side    *side.Worker
}

// RecvCancel waits for the next request to cancel an element; an error means that the parent wants the worker to
// end, or is gone.
func (p *Parent) RecvCancel() (element uint64, cause uint8, err error) {
	kind, body, err := readFrame(control)
	if err != nil {
		return 0, 0, err
	}
	if kind != abi.FrameCancel || len(body) != 9 {
		return 0, 0, fmt.Errorf("mp: frame %q of %d bytes from the parent", kind, len(body))
	}
	return binary.LittleEndian.Uint64(body), body[8], nil
}
