//go:build !linux

package sandbox

import (
	"errors"
	"fmt"
	"runtime"
)

func applyOnce(Policy) error {
	return fmt.Errorf("mp: sandbox: there is none on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
