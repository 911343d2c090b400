package progress

import (
	"bytes"
	"io"
	"sync"
)

// Above is a writer to w, of whole lines: above the bars, if there are some. Safe for concurrent use.
func Above(w io.Writer) io.Writer { return &above{w: w} }

type above struct {
	w    io.Writer
	mu   sync.Mutex
	rest []byte // guarded by mu: what has no end of line yet
}

func (a *above) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rest = append(a.rest, p...)
	n := bytes.LastIndexByte(a.rest, '\n') + 1
	if n == 0 {
		return len(p), nil
	}
	lines := a.rest[:n]
	a.rest = bytes.Clone(a.rest[n:])
	if f := terminal(a.w); f != nil && showing.print(f, lines) {
		return len(p), nil
	}
	s := enter(a.w)
	defer s.leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := a.w.Write(lines); err != nil {
		return 0, err
	}
	return len(p), nil
}
