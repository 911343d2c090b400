//go:build linux

package mptest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/mptest"
)

var convert = mp.Func("example.convert", func(_ context.Context, file string) (string, error) { return file + ".pdf", nil })

// convertAll is the program that is tested: it is to say what became of every file, whatever happens to the workers.
func convertAll(ctx context.Context, pool *mp.Pool, files ...string) (report []string) {
	for file, err := range convert.Stream(ctx, pool, func(yield func(string) bool) {
		for _, f := range files {
			if !yield(f) {
				return
			}
		}
	}) {
		if failed, ok := errors.AsType[*mp.ElementError](err); ok {
			file = "not " + files[failed.Index]
		}
		report = append(report, file)
	}
	return report
}

// The same test, for each thing that can happen to the second file.
func ExampleFault() {
	for _, fault := range []mptest.Fault{mptest.CrashOn(2), mptest.CorruptOn(2)} {
		play(func(t testing.TB) { // t.Run(fault.String(), func(t *testing.T)
			fmt.Println(fault, convertAll(context.Background(), mptest.Faulty(t, fault), "a", "b", "c"))
		})
	}
	// Output:
	// CrashOn(2) [a.pdf not b c.pdf]
	// CorruptOn(2) [a.pdf not b c.pdf]
}

// Does the program stop when a worker never does?
func ExampleHangOn() {
	play(func(t testing.TB) { // func TestConvertWhenItHangs(t *testing.T)
		pool := mptest.FaultyPool(t, mp.PoolConfig{TaskTimeout: 50 * time.Millisecond}, mptest.HangOn(1))
		fmt.Println(convertAll(context.Background(), pool, "a", "b"))
	})
	// Output: [not a b.pdf]
}

// A slow element is not a failed one, and the order stays.
func ExampleSlowOn() {
	play(func(t testing.TB) { // func TestConvertWhenOneIsSlow(t *testing.T)
		pool := mptest.FaultyPool(t, mp.PoolConfig{Workers: 2}, mptest.SlowOn(1, 20*time.Millisecond))
		fmt.Println(convertAll(context.Background(), pool, "a", "b", "c"))
	})
	// Output: [a.pdf b.pdf c.pdf]
}

// play is what go test does with a test.
func play(test func(t testing.TB)) { mptest.Play(test) }
