package shared

import (
	"math"
	"sync/atomic"
	"unsafe"

	"github.com/go-multiproc/mp/internal/arena"
)

// values is memory of the arena as n values of T; nil if it is not in the arena.
func values[T any](a *arena.Arena, off, n uint64) []T {
	var zero T
	size := uint64(unsafe.Sizeof(zero))
	if size == 0 && n <= math.MaxInt {
		return make([]T, n) // takes no memory
	}
	if n == 0 {
		return []T{}
	}
	if size == 0 || n > a.Size()/size {
		return nil
	}
	p := a.Block(off, n*size)
	if p == nil {
		return nil
	}
	return unsafe.Slice((*T)(p), n)
}

// words is memory of the arena as n words of 64 bits; nil if it is not in the arena.
func words(a *arena.Arena, off uint64, n int) []atomic.Uint64 {
	p := a.Block(off, uint64(n)*8)
	if p == nil {
		return nil
	}
	return unsafe.Slice((*atomic.Uint64)(p), n)
}

// word is a small value as a word, the bytes that it has none of 0.
func toWord[T any](v T) (w uint64) {
	*(*T)(unsafe.Pointer(&w)) = v
	return w
}

func fromWord[T any](w uint64) T { return *(*T)(unsafe.Pointer(&w)) }

// storeWords stores a value, word by word, so that who reads meanwhile sees each whole.
func storeWords[T any](to []atomic.Uint64, v *T) {
	from := unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
	for i := range to {
		var w [8]byte
		copy(w[:], from[i*8:])
		to[i].Store(*(*uint64)(unsafe.Pointer(&w)))
	}
}

// loadWords is the opposite.
func loadWords[T any](from []atomic.Uint64, v *T) {
	to := unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
	for i := range from {
		w := from[i].Load()
		copy(to[i*8:], (*[8]byte)(unsafe.Pointer(&w))[:])
	}
}
