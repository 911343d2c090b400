//go:build !linux

package osenv

import (
	"errors"
	"sync/atomic"
	"time"
)

// FutexWait does nothing here.
func FutexWait(*atomic.Uint32, uint32, time.Duration) {}

// FutexWake does nothing here.
func FutexWake(*atomic.Uint32) {}

// SetRobustList is not supported here.
func SetRobustList(*[3]uint64) error { return errors.ErrUnsupported }
