//go:build !amd64 && !arm64

package osenv

// Pause does nothing on this CPU.
func Pause(uint32) {}
