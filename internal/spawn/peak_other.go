//go:build !linux

package spawn

// PeakRSS is not known here.
func (*Child) PeakRSS() int64 { return 0 }
