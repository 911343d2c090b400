//go:build linux

package mp_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-multiproc/mp"
)

// classify stands for a model that is much faster when it is asked for many at once.
var classify = mp.Chunked("example.classify", func(_ context.Context, texts []string) ([]string, error) {
	labels := make([]string, len(texts))
	for i, s := range texts {
		labels[i] = "statement"
		if strings.HasSuffix(s, "?") {
			labels[i] = "question"
		}
	}
	return labels, nil
})

// A function that gets its elements 32 at a time.
func ExampleChunked() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	labels, err := classify.Map(context.Background(), pool, []string{"Is it?", "It is.", "Really?"}, mp.ChunkSize(32))
	fmt.Println(labels, err)
	// Output: [question statement question] <nil>
}
