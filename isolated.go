package mp

import (
	"fmt"
	"os"
	"runtime/debug"
)

// isolated calls back. The program is not the callback's to end.
func isolated[Out any](fn func(Out, error), v Out, err error) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "mp: panic in a callback of Then: %v\n%s", p, debug.Stack())
		}
	}()
	fn(v, err)
}
