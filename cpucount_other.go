//go:build !linux

package mp

func cgroupQuota() int { return 0 }
