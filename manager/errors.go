package manager

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/codec"
	"github.com/go-multiproc/mp/pipe"
	"github.com/go-multiproc/mp/shared"
)

var (
	// ErrNotFound reports that there is no such key, index, element, name, or object any more.
	ErrNotFound = errors.New("mp/manager: not found")
	// ErrClosed reports that the server has ended, or the Manager was stopped.
	ErrClosed = mp.ErrClosed
	// ErrAuth reports a wrong key.
	ErrAuth = pipe.ErrAuth
	// ErrLimit reports that one of the server's limits is reached: MaxClients, MaxObjects, MaxBytes.
	ErrLimit = errors.New("mp/manager: the server's limit is reached")
	// ErrInterrupted reports that the connection to the server broke during a call: it may have been carried out or not.
	ErrInterrupted = errors.New("mp/manager: the connection broke during the call, which may have been carried out or not")
	// ErrDetached reports a proxy in a process that has no way to its server: connect to it first.
	ErrDetached = shared.ErrDetached
)

func init() {
	mp.RegisterError("manager.ErrNotFound", ErrNotFound)
	mp.RegisterError("manager.ErrLimit", ErrLimit)
	mp.RegisterError("manager.ErrInterrupted", ErrInterrupted)
}

// Statuses of answers. Errors that are frequent have one of their own, for to encode an error takes microseconds.
const (
	statusOK uint8 = iota
	statusError
	statusOwnerDied // a lock was given, whose last owner died with it
)

const (
	statusSentinel = statusOwnerDied // and above: sentinels[status-statusSentinel]
)

// errGone reports an object that nobody referred to any more.
var errGone = fmt.Errorf("%w: the object is gone", ErrNotFound)

var sentinels = []error{
	shared.ErrOwnerDied, // statusOwnerDied
	ErrNotFound, ErrClosed, ErrLimit, errGone, context.Canceled,
	shared.ErrNotOwner, shared.ErrBound, shared.ErrBroken, shared.ErrFull, shared.ErrEmpty,
}

var errorCodec, _ = codec.For[error]()

// statusOf is how an error travels, with its body if it has one.
func statusOf(err error) (status uint8, body []byte) {
	for i, s := range sentinels {
		if err == s { //nolint:errorlint // what is wrapped has a text of its own
			return statusSentinel + uint8(i), nil
		}
	}
	body, encErr := errorCodec.Append(nil, &err)
	if encErr != nil {
		body, _ = errorCodec.Append(nil, &encErr) // strings always encode
	}
	return statusError, body
}

// errorOf is the error of an answer.
func errorOf(status uint8, body []byte) error {
	if i := int(status) - int(statusSentinel); status >= statusSentinel {
		if i >= len(sentinels) {
			return fmt.Errorf("mp/manager: the server answers with status %d", status)
		}
		return sentinels[i]
	}
	var err error
	if _, decErr := errorCodec.Decode(body, &err); decErr != nil {
		return fmt.Errorf("mp/manager: an error of the server that cannot be decoded: %w", decErr)
	}
	if err == nil {
		return errors.New("mp/manager: the server answers with an error that is none")
	}
	return err
}

// noRoom reports a message that can't be sent without waiting: now, or because it is larger than what can be under way.
func noRoom(err error) bool { return errors.Is(err, mp.ErrFull) || tooLarge(err) }

// tooLarge reports an error that is about one message only, and leaves the connection as it was.
func tooLarge(err error) bool { return errors.Is(err, pipe.ErrTooLarge) }
