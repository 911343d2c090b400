//go:build !amd64 || race

package osenv

import "sync/atomic"

// StoreRelease is word.Store(v), but what this goroutine loads afterwards may be loaded before others see it.
func StoreRelease(word *atomic.Uint64, v uint64) { word.Store(v) }
