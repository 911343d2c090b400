package mptest

import (
	"runtime"
	"strings"

	"github.com/go-multiproc/mp/internal/probe"
)

// goroutines adds each goroutine by its number, so that one that ends does not hide one that is left.
func (s stock) goroutines() {
	buf := make([]byte, 1<<20)
	for n := runtime.Stack(buf, true); ; n = runtime.Stack(buf, true) {
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	for stack := range strings.SplitSeq(strings.TrimSpace(string(buf)), "\n\n") {
		head, _, _ := strings.Cut(stack, " [")
		if !keeps(stack) {
			s.add(head, stack)
		}
	}
}

// keeps reports whether the standard library has started a goroutine for good.
func keeps(stack string) bool {
	return strings.Contains(stack, "\nos/signal.loop(") || strings.Contains(stack, "\nos/signal.signal_recv(")
}

// objects adds what package shared has made, if the program has it.
func (s stock) objects() {
	if probe.Memory == nil {
		return
	}
	objects, bytes := probe.Memory()
	s["objects"] = holding{n: objects, what: "shared object"}
	s["bytes"] = holding{n: bytes, what: "byte of shared objects"}
}
