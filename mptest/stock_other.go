//go:build !linux

package mptest

// system adds nothing: there are no workers here.
func (s stock) system() {}
