//go:build !linux

package spawn

import (
	"errors"
	"fmt"

	"github.com/go-multiproc/mp/internal/osenv"
)

// Start is not supported on this system.
func Start(*osenv.Kernel, Spec) (*Child, error) {
	return nil, fmt.Errorf("mp: cannot start a worker: %w", errors.ErrUnsupported)
}

// Attach is not supported on this system.
func Attach([]string) (*Parent, error) { return nil, errors.ErrUnsupported }

func openControl() {}

func closeInherited() {}

// Wake does nothing on this system.
func (p *Parent) Wake() {}

func (c *Child) wait() bool { return false }

func (c *Child) hangUp() {}

func (c *Child) writeNow([]byte) {}

func (l *lines) readNow([]byte) (int, error) { return 0, errors.ErrUnsupported }

func oomKills() int64 { return 0 }

func rss(int) int64 { return 0 }
