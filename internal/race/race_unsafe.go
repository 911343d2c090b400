//go:build race

package race

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// Acquire tells that what was told by Release of the same proxy happened before.
func Acquire[T any](proxy *T) {
	if proxy != nil {
		runtime.RaceAcquire(unsafe.Pointer(proxy))
	}
}

var fence atomic.Uint32

// Fence is between a store to a word that other processes look at and a load of one of theirs. The detector's own atomics only
// release with a store, so the processor may load before others see the store; one that reads and writes keeps both apart.
// It orders nothing else that the detector is told of.
func Fence() {
	runtime.RaceDisable()
	fence.Add(1)
	runtime.RaceEnable()
}

// Release tells that what this goroutine did happens before later calls of Acquire.
func Release[T any](proxy *T) {
	if proxy != nil {
		runtime.RaceReleaseMerge(unsafe.Pointer(proxy))
	}
}
