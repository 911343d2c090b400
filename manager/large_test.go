package manager_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/pipe"
)

// Messages may be larger than what can be under way at once, and one that is larger than MaxMessage is an error of its call only.
func TestLargeMessages(t *testing.T) {
	const limit = 16 << 20
	m := must(manager.InProcess(manager.Config{MaxMessage: limit}))
	defer m.Stop(ctx)
	d := must(manager.NewDict[string, []byte](m))
	b := bytes.Repeat([]byte{7}, 10<<20)
	for _, key := range []string{"a", "b"} {
		if err := d.Set(ctx, key, b); err != nil {
			t.Fatal(err)
		}
		if got := must(d.Get(ctx, key)); !bytes.Equal(got, b) {
			t.Errorf("%d bytes came back", len(got))
		}
	}
	if err := d.Set(ctx, "c", make([]byte, limit)); !errors.Is(err, pipe.ErrTooLarge) {
		t.Errorf("a request that is too large: %v", err)
	}
	if _, err := d.GetMany(ctx, "a", "b"); !errors.Is(err, pipe.ErrTooLarge) {
		t.Errorf("an answer that is too large: %v", err)
	}
	if n := must(d.Len(ctx)); n != 2 {
		t.Errorf("%d keys", n)
	}
}
