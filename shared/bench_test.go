package shared_test

import (
	"sync"
	"testing"

	"github.com/go-multiproc/mp/shared"
)

func BenchmarkMutex(b *testing.B) {
	m, err := shared.NewMutex()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := m.Lock(ctx); err != nil {
			b.Fatal(err)
		}
		if err := m.Unlock(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSyncMutex(b *testing.B) {
	var m sync.Mutex
	for b.Loop() {
		m.Lock()
		m.Unlock() //nolint:staticcheck // that is what is measured
	}
}

func BenchmarkSemaphore(b *testing.B) {
	s, err := shared.NewBoundedSemaphore(1)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.Acquire(ctx); err != nil {
			b.Fatal(err)
		}
		if err := s.Release(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRLock(b *testing.B) {
	m, err := shared.NewRWMutex()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := m.RLock(ctx); err != nil {
			b.Fatal(err)
		}
		if err := m.RUnlock(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewMutexAndFree(b *testing.B) {
	for b.Loop() {
		m, err := shared.NewMutex()
		if err != nil {
			b.Fatal(err)
		}
		if err := m.Free(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewArrayAndFree(b *testing.B) {
	for b.Loop() {
		m, err := shared.NewArray[byte](64 << 10)
		if err != nil {
			b.Fatal(err)
		}
		if err := m.Free(); err != nil {
			b.Fatal(err)
		}
	}
}
