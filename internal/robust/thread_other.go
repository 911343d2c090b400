//go:build !linux

package robust

func threadID() uint32 { return 0 }
