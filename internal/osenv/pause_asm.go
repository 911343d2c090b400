//go:build amd64 || arm64

package osenv

// pause tells the CPU n times that this is a spinning loop; n > 0.
//
//go:noescape
func pause(n uint32)

// Pause tells the CPU n times that this is a spinning loop; n must be at least 1.
func Pause(n uint32) { pause(n) }
