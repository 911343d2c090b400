//go:build amd64 && !race

package osenv

import (
	"sync/atomic"
	"unsafe"
)

//go:noescape
func storeRelease(word *uint64, v uint64)

// StoreRelease is word.Store(v), but what this goroutine loads afterwards may be loaded before others see it: sync/atomic waits for
// that, which costs more than an element that does nothing. Here every store is seen after those before it (Intel SDM volume 3, 8.2;
// AMD64 APM volume 2, 7.2), so all it takes is that the compiler moves nothing across, which it does not across assembly.
func StoreRelease(word *atomic.Uint64, v uint64) { storeRelease((*uint64)(unsafe.Pointer(word)), v) }
