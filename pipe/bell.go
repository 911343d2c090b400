package pipe

import (
	"sync"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/park"
)

// A bell wakes everybody who listens. The zero value is ready.
type bell struct {
	mu   sync.Mutex
	next chan struct{} // guarded by mu; nil if nobody listens
}

// listen returns a channel that the next ring closes.
func (b *bell) listen() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}

// A verdict is why something ended, once that is known. The zero value is none.
type verdict struct{ err atomic.Pointer[error] }

func (v *verdict) set(err error) { v.err.Store(&err) }

func (v *verdict) get() error {
	if err := v.err.Load(); err != nil {
		return *err
	}
	return nil
}

// spinning is a spinner for one goroutine at a time; others do without.
type spinning struct {
	mu sync.Mutex
	s  park.Spinner
}

func (s *spinning) spin(ready func() bool) bool {
	if !s.mu.TryLock() {
		return ready()
	}
	defer s.mu.Unlock()
	return s.s.Spin(ready)
}
