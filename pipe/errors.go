package pipe

import (
	"errors"
	"fmt"

	"github.com/go-multiproc/mp"
)

var (
	// ErrTooLarge reports a message larger than MaxMessage; it is skipped, and the connection goes on. TrySendBytes reports one
	// for which there would be no room even if nothing else were under way.
	ErrTooLarge = errors.New("mp/pipe: the message is too large")
	// ErrCorrupt reports that the other side broke the rules. That direction of the connection is then of no more use.
	ErrCorrupt = errors.New("mp/pipe: the other side broke the protocol")
	// ErrKind reports that the next message was sent by another of SendBytes, Send and SendFile than what would receive it. It stays
	// where it is, for who asks for the right kind.
	ErrKind = errors.New("mp/pipe: the next message is of another kind")
	// ErrMoved reports an end that was sent to another process. Here it is closed: errors.Is finds ErrClosed in it, too.
	ErrMoved = fmt.Errorf("mp/pipe: the end has moved to another process: %w", mp.ErrClosed)

	// ErrClosed is mp's: this end was closed.
	ErrClosed = mp.ErrClosed
	// ErrFull is mp's: there is no room, for who did not want to wait for it.
	ErrFull = mp.ErrFull
)

// A TypeError reports a message that holds a value of another type than the one that was to be received. The message is
// consumed.
type TypeError struct {
	Want string // the type that was to be received
}

// Error implements error.
func (e *TypeError) Error() string {
	return "mp/pipe: the message holds a value of another type than " + e.Want
}

func init() {
	for name, err := range map[string]error{
		"ErrTooLarge": ErrTooLarge, "ErrCorrupt": ErrCorrupt, "ErrKind": ErrKind, "ErrMoved": ErrMoved,
	} {
		mp.RegisterError("mp/pipe."+name, err)
	}
	mp.RegisterErrorType[*TypeError]("mp/pipe.TypeError")
}

// corrupt is ErrCorrupt with what was wrong.
func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}
