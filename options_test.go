package mp_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
)

// An option that cannot be is an error of the call that is given it, and names it; nothing runs.
func TestNegativeOptions(t *testing.T) {
	x := mp.InProcess(1)
	for _, o := range []interface {
		mp.CallOption
		mp.MapOption
	}{mp.Timeout(-1), mp.Grace(-1), mp.Retries(-1)} {
		name := strings.TrimPrefix(fmt.Sprintf("%T", o), "mp.") + "(-1"
		_, call := square.Call(ctx, x, 1, o)
		_, wait := square.Go(ctx, x, 1, o).Wait(ctx)
		fut, try := square.TryGo(ctx, x, 1, o)
		_, mapped := square.Map(ctx, x, []int{1}, o)
		errs := []error{call, wait, try, mapped}
		for _, r := range square.Results(ctx, x, upTo(3), o) {
			errs = append(errs, r.Err)
		}
		for _, err := range square.Stream(ctx, x, upTo(3), o) {
			errs = append(errs, err)
		}
		if len(errs) != 6 || fut != nil {
			t.Errorf("%s: %v, %v", name, errs, fut)
		}
		for _, err := range errs {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, o := range []mp.StartOption{mp.Grace(-1), mp.MemoryLimit(-1)} {
		name := strings.TrimPrefix(fmt.Sprintf("%T", o), "mp.") + "(-1"
		if p, err := square.Start(ctx, 1, o); p != nil || err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A function without a name could not be found again.
func TestFuncWithoutAName(t *testing.T) {
	defer func() {
		if text := fmt.Sprint(recover()); !strings.Contains(text, "must have a name") || !strings.Contains(text, "options_test.go:") {
			t.Error(text)
		}
	}()
	mp.Func("", func(context.Context, int) (int, error) { return 0, nil })
}
