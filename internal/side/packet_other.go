//go:build !linux

package side

import (
	"context"
	"errors"
	"os"
)

var errFull = errors.ErrUnsupported

func trySend(*os.File, []byte) error { return errors.ErrUnsupported }

func tryRecv(*os.File, []byte) (int, error) { return 0, errors.ErrUnsupported }

func reset(error) bool { return false }

func deafen(*os.File) {}

func shrink(*os.File) {}

func (p *Parent) sendAsk(context.Context, []byte, *os.File) error { return errors.ErrUnsupported }

func recvAsk(*os.File) ([]byte, *os.File, error) { return nil, nil, errors.ErrUnsupported }
