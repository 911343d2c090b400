package side

import (
	"bytes"
	"context"
	"runtime"
	"slices"
)

// Stacks is the question what the goroutines of a worker do. MaxStacks bounds the answer.
const (
	Stacks    = "stacks"
	MaxStacks = 1 << 20
)

// maxDump is how much is looked at for the goroutine that runs the function.
const maxDump = 16 << 20

// runner is in the stack of the goroutine that runs functions, in this module and in any that is forked from it.
var runner = []byte("/internal/link.(*server).loop(")

func init() {
	Answer(Stacks, func(context.Context, []byte) ([]byte, error) { return stacks(), nil })
}

// stacks is a dump of all goroutines, that which runs the function first, and that which makes the dump last.
func stacks() []byte {
	buf := make([]byte, 64<<10)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) || len(buf) >= maxDump {
			buf = bytes.TrimRight(buf[:n], "\n")
			break
		}
		buf = make([]byte, 4*len(buf))
	}
	var first, last []byte
	middle := make([]byte, 0, len(buf))
	for i, g := range bytes.Split(buf, []byte("\n\n")) {
		part := &middle
		switch {
		case i == 0:
			part = &last
		case first == nil && bytes.Contains(g, runner):
			part = &first
		}
		*part = append(append(*part, g...), "\n\n"...)
	}
	dump := slices.Concat(first, middle, last)
	return dump[:min(len(dump), MaxStacks)]
}
