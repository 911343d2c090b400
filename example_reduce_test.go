//go:build linux

package mp_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-multiproc/mp"
)

// countWords counts words: those of a line, and then those of many lines.
var countWords = mp.Reducer("example.countWords", func(_ context.Context, line string) (map[string]int, error) {
	counts := make(map[string]int)
	for word := range strings.FieldsSeq(line) {
		counts[word]++
	}
	return counts, nil
}, func(_ context.Context, a, b map[string]int) (map[string]int, error) {
	for word, n := range b {
		a[word] += n
	}
	return a, nil
})

// The words of a text, counted by all workers: the lines could be those of a file of any size.
func ExampleReducer() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	lines := []string{"to be or not to be", "that is the question"}
	counts, err := countWords.Reduce(context.Background(), pool, slices.Values(lines))
	fmt.Println(counts["to"], counts["question"], err)
	// Output: 2 1 <nil>
}
