//go:build !linux

package sandbox

import (
	"errors"
	"fmt"
	"runtime"
)

type kernel struct{}

var system kernel

func apply(kernel, Policy) error {
	return fmt.Errorf("mp: sandbox: there is none on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
