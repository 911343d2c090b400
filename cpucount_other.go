//go:build !linux

package mp

import "runtime"

func affinity() int { return runtime.NumCPU() }

func cgroupQuota() int { return 0 }
