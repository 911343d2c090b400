//go:build linux

package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/sandbox"
)

// guess opens what it needs, and has no more rights when it looks at the message.
var guess = mp.Func("example.guess", func(_ context.Context, message string) (int, error) {
	words, err := os.ReadFile("/proc/self/comm") // it stands for a dictionary
	if err != nil {
		return 0, err
	}
	if err := sandbox.Apply(sandbox.Policy{}); err != nil {
		return 0, err
	}
	if _, err := os.ReadFile("/proc/self/comm"); err != nil {
		return len(message), nil // no file can be opened any more
	}
	return len(words), errors.New("there is no sandbox")
})

func ExampleApply() {
	mp.Main()
	process, err := guess.Start(context.Background(), "secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(process.Wait(context.Background()))
	// Output: 6 <nil>
}
