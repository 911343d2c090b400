//go:build !linux

package progress

import (
	"io"
	"os"
)

// terminal is not known here: there are lines instead.
func terminal(io.Writer) *os.File { return nil }
