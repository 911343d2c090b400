//go:build linux

package progress_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/progress"
)

var shrink = mp.Func("example.shrink", func(_ context.Context, image string) (string, error) { return image + ", small", nil })

// withoutTime cuts off what is different in each run.
func withoutTime(told string) string {
	before, _, _ := strings.Cut(told, " in ")
	return before
}

// A bar of another name than that of the function.
func ExampleName() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	var screen strings.Builder // os.Stderr, if somebody is to watch
	_, err = shrink.Map(context.Background(), pool, []string{"cat", "dog"}, progress.Bar(&screen, progress.Name("images")))
	fmt.Println(withoutTime(screen.String()), err)
	// Output: images: 2 done <nil>
}

// In a log file a line every ten minutes will do, beside the one at the end.
func ExampleEvery() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	var log strings.Builder
	bar := progress.Bar(&log, progress.Every(10*time.Minute))
	_, err = shrink.Map(context.Background(), pool, []string{"cat", "dog"}, bar)
	fmt.Println(withoutTime(log.String()), strings.Count(log.String(), "\n"), err)
	// Output: example.shrink: 2 done 1 <nil>
}

// Options of a bar may depend on where it is shown.
func ExampleOption() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	options := []progress.Option{progress.Name("images")}
	if os.Getenv("CI") != "" {
		options = append(options, progress.Every(0)) // the line at the end only
	}
	_, err = shrink.Map(context.Background(), pool, []string{"cat", "dog"}, progress.Bar(io.Discard, options...))
	fmt.Println(err)
	// Output: <nil>
}

// What the program itself prints goes above the bars, and does not tear them.
func ExampleAbove() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	images := func(yield func(string) bool) { _ = yield("cat") && yield("dog") }
	for small, err := range shrink.Stream(context.Background(), pool, images, progress.Bar(os.Stderr, progress.Every(0))) {
		fmt.Fprintln(progress.Above(os.Stdout), small, err)
	}
	// Output:
	// cat, small <nil>
	// dog, small <nil>
}
