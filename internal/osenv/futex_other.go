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

// FutexWakeAll does nothing here.
func FutexWakeAll(*atomic.Uint32) {}

// RobustList has no meaning here.
type RobustList [3]uintptr

// SetRobustList is not supported here.
func SetRobustList(*RobustList) error { return errors.ErrUnsupported }

// HasRobustList is not supported here.
func HasRobustList() bool { return false }

// ThreadID has no meaning here.
func ThreadID() int { return 0 }
