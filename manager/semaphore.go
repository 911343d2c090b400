package manager

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp/shared"
)

// A Semaphore is a number of permits. Of a bounded one each permit belongs to the process that acquired it: it comes back when
// that process ends or loses its connection, and nobody else can give it back. Those of the other kind belong to nobody: anyone
// may release, also more than were acquired, and what a process that died had is gone. Who waits longest is the next. All methods
// are safe for concurrent use.
type Semaphore struct{ proxy }

// NewSemaphore makes a semaphore with n permits that belong to nobody.
func NewSemaphore(m *Manager, n int) (*Semaphore, error) {
	return newSemaphore(m, "NewSemaphore", n, 0)
}

// NewBoundedSemaphore makes a semaphore whose n permits belong to their holders.
func NewBoundedSemaphore(m *Manager, n int) (*Semaphore, error) {
	return newSemaphore(m, "NewBoundedSemaphore", n, 1)
}

func newSemaphore(m *Manager, what string, n int, bounded uint64) (*Semaphore, error) {
	if n < 0 {
		return nil, fmt.Errorf("mp/manager: %s: %d permits: %w", what, n, shared.ErrBound)
	}
	s := new(Semaphore)
	return newProxy(m, s, &s.proxy, kindSemaphore, 0, func(r *request) { r.int(n).uint(bounded) })
}

// Acquire waits for a permit.
func (s *Semaphore) Acquire(ctx context.Context) error {
	return do(ctx, s.take(semaphoreAcquire, semaphoreRelease))
}

// TryAcquire takes a permit if there is one, and reports whether it did.
func (s *Semaphore) TryAcquire(ctx context.Context) (bool, error) {
	return try(ctx, s.take(semaphoreTry, semaphoreRelease))
}

// Release gives a permit back, also if ctx has ended. For a bounded semaphore it is ErrBound if this process has none.
func (s *Semaphore) Release(ctx context.Context) error {
	return s.giveBack(ctx, semaphoreRelease)
}

// Value is how many permits are free.
func (s *Semaphore) Value(ctx context.Context) (int, error) {
	return getInt(ctx, s.read(semaphoreValue))
}

// MarshalBinary implements encoding.BinaryMarshaler: the proxy travels.
func (s *Semaphore) MarshalBinary() ([]byte, error) { return s.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (s *Semaphore) UnmarshalBinary(b []byte) error {
	return s.unmarshal(b, kindSemaphore, 0)
}

// String names the semaphore.
func (s *Semaphore) String() string { return s.name("Semaphore") }
