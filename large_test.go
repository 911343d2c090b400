package mp_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// Elements larger than the ring stream through it one after another, to a worker that has nothing else: the next one waits
// for the end of the one before, and must notice it.
func TestLargeElementsOneAfterAnother(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 1})
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	const elements, size = 200, 1 << 20
	text := string(pattern(size))
	n := 0
	for v, err := range length.Stream(ctx, pool, func(yield func(string) bool) {
		for range elements {
			if !yield(text) {
				return
			}
		}
	}) {
		if err != nil || v != size {
			t.Fatalf("element %d is %d, %v", n, v, err)
		}
		n++
	}
	if n != elements {
		t.Errorf("%d outcomes of %d", n, elements)
	}
}
