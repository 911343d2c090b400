//go:build !linux

package osenv

import (
	"errors"
	"os"
	"syscall"
)

// SelfPath has no meaning here.
const SelfPath = ""

// Default returns functions that all report errors.ErrUnsupported.
func Default() *Kernel {
	return &Kernel{
		Start:        func(string, []string, *syscall.ProcAttr) (int, int, error) { return 0, -1, errors.ErrUnsupported },
		Socketpair:   func() (*os.File, *os.File, error) { return nil, nil, errors.ErrUnsupported },
		Packets:      func() (*os.File, *os.File, error) { return nil, nil, errors.ErrUnsupported },
		Pipe:         os.Pipe,
		SharedMemory: func(string, int64) (*os.File, error) { return nil, errors.ErrUnsupported },
		Scratch:      func(string) (*os.File, error) { return nil, errors.ErrUnsupported },
		Null:         func() (*os.File, error) { return os.Open(os.DevNull) },
		ArmLifeline:  func(*os.File, *os.File, int) error { return errors.ErrUnsupported },
	}
}

// Map is not supported here.
func Map(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

// Unmap is not supported here.
func Unmap([]byte) error { return errors.ErrUnsupported }

// Yield does nothing here.
func Yield() {}

// WaitNoReap is not supported here.
func WaitNoReap(int, int, bool) (bool, error) { return false, errors.ErrUnsupported }

// Reap is not supported here.
func Reap(int) (ExitStatus, error) { return ExitStatus{}, errors.ErrUnsupported }

// KillGroup is not supported here.
func KillGroup(int) error { return errors.ErrUnsupported }

// Signal is not supported here.
func Signal(int, int, syscall.Signal) error { return errors.ErrUnsupported }

// MapSparse is not supported here.
func MapSparse(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

// Release is not supported here.
func Release([]byte) error { return errors.ErrUnsupported }

// ProcessStart is not supported here.
func ProcessStart(int) (start uint32, ended bool, err error) { return 0, false, errors.ErrUnsupported }

// Ended reports false here.
func Ended(int, uint32) bool { return false }
