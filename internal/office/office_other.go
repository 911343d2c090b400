//go:build !linux

package office

import (
	"errors"
	"os"
)

func put(Token, []byte, []*os.File) error { return errors.ErrUnsupported }

func take(Token) ([]byte, []*os.File, error) { return nil, nil, errors.ErrUnsupported }

func has(Token) (bool, error) { return false, errors.ErrUnsupported }

func drop(Token) error { return errors.ErrUnsupported }
