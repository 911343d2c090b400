//go:build linux

package mptest

import (
	"errors"
	"testing"

	"github.com/go-multiproc/mp"
)

// No goroutine is left, also if nothing was called, or something is still outstanding when the test ends.
func TestInProcessEnds(t *testing.T) {
	t.Run("unused", func(t *testing.T) {
		NoLeaks(t)
		InProcess(t)
	})
	t.Run("used", func(t *testing.T) {
		NoLeaks(t)
		if errs := outcomes(t, InProcess(t), 1000); len(errs) > 0 {
			t.Error(errs)
		}
	})
	t.Run("outstanding", func(t *testing.T) {
		NoLeaks(t)
		var future *mp.Future[int]
		t.Cleanup(func() {
			if _, err := future.Wait(ctx); !errors.Is(err, mp.ErrClosed) {
				t.Error(err)
			}
		})
		future = patient.Go(ctx, InProcess(t), 1)
	})
}
