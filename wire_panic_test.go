package mp_test

import (
	"context"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
)

// fragile is an error whose decoder does not look at what it gets.
type fragile struct{ text string }

func (e fragile) Error() string { return e.text }

func (e fragile) MarshalBinary() ([]byte, error) { return nil, nil }

func (e *fragile) UnmarshalBinary(b []byte) error {
	e.text = string(b[:1])
	return nil
}

func init() { mp.RegisterErrorType[fragile]("mp_test.fragile") }

var breaks = mp.Func("breaks", func(context.Context, int) (int, error) { return 0, fragile{"broken"} })

// W14: the decoder of an error panics: the call fails, as it would have, and the program lives.
func TestErrorWhoseDecoderPanics(t *testing.T) {
	if _, err := breaks.Call(ctx, mp.InProcess(1), 1); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Error(err)
	}
}
