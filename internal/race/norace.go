//go:build !race

// Package race tells the race detector what it cannot see: it ignores memory that is mapped, and so does not know that a lock
// there orders what goroutines of this process do. An object in such memory has a proxy on the heap, of which the detector is
// told. It knows nothing of other processes, and in a program without it, this is nothing.
package race

// Acquire does nothing here.
func Acquire[T any](*T) {}

// Release does nothing here.
func Release[T any](*T) {}

// Fence does nothing here: what sync/atomic stores is seen before what it loads afterwards.
func Fence() {}
