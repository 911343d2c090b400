//go:build race

package race

import (
	"runtime"
	"unsafe"
)

// Acquire tells that what was told by Release of the same proxy happened before.
func Acquire[T any](proxy *T) {
	if proxy != nil {
		runtime.RaceAcquire(unsafe.Pointer(proxy))
	}
}

// Release tells that what this goroutine did happens before later calls of Acquire.
func Release[T any](proxy *T) {
	if proxy != nil {
		runtime.RaceReleaseMerge(unsafe.Pointer(proxy))
	}
}
