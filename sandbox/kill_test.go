//go:build linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp"
)

func ended(err error) outcome {
	return outcome{Done: err == nil, Denied: errors.Is(err, os.ErrPermission), Err: fmt.Sprint(err)}
}

var killing = mp.Func("killing", func(_ context.Context, pid int) (outcome, error) { return ended(unix.Kill(pid, unix.SIGTERM)), nil })

// poking makes the kernel send a signal, when a pipe becomes readable.
var poking = mp.Func("poking", func(_ context.Context, pid int) (outcome, error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return outcome{}, err
	}
	for _, step := range []struct{ operation, argument int }{
		{unix.F_SETOWN, pid}, {unix.F_SETSIG, int(unix.SIGTERM)}, {unix.F_SETFL, unix.O_ASYNC},
	} {
		if _, err := unix.FcntlInt(uintptr(p[0]), step.operation, step.argument); err != nil {
			return ended(err), nil
		}
	}
	_, err := unix.Write(p[1], []byte("x"))
	return ended(err), nil
})
