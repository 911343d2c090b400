package robust

import "golang.org/x/sys/unix"

func threadID() uint32 { return uint32(unix.Gettid()) }
