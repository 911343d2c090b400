//go:build linux && amd64

package sandbox

import (
	"context"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp"
)

// A gate is a way into the kernel: for 64-bit programs, for 32-bit ones, and x32.
type gate struct{ Name string }

// askPID asks for the number of this process, through a gate; what the kernel says comes back as it is.
var askPID = mp.Func("askPID", func(_ context.Context, g gate) (int, error) {
	switch g.Name {
	case "i386":
		return i386(20)
	case "x32":
		const x32 = 0x40000000
		r, _, e := unix.RawSyscall(unix.SYS_GETPID|x32, 0, 0, 0)
		if e != 0 {
			return -int(e), nil
		}
		return int(r), nil
	}
	return unix.Getpid(), nil
})

// i386 makes a system call of 32-bit programs, without arguments, by code of its own: mov eax, number; int 0x80; cdqe; ret.
func i386(number byte) (int, error) {
	code, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return 0, err
	}
	copy(code, []byte{0xb8, number, 0, 0, 0, 0xcd, 0x80, 0x48, 0x98, 0xc3})
	if err := unix.Mprotect(code, unix.PROT_READ|unix.PROT_EXEC); err != nil {
		return 0, err
	}
	entry := unsafe.Pointer(unsafe.SliceData(code))
	closure := unsafe.Pointer(&entry)
	return (*(*func() int)(unsafe.Pointer(&closure)))(), nil
}

// System calls by the numbers of other architectures are refused, whatever they are.
func TestOtherArchitectures(t *testing.T) {
	outside, inside := newPool(t, nil, mp.PoolConfig{}), newPool(t, &Policy{}, mp.PoolConfig{})
	if pid := call(t, askPID, inside, gate{"amd64"}); pid <= 0 {
		t.Errorf("amd64: %d", pid)
	}
	for name, refused := range map[string]unix.Errno{"i386": unix.EPERM, "x32": unix.ENOSYS} {
		if pid := call(t, askPID, outside, gate{name}); pid <= 0 {
			t.Logf("%s: this kernel has none: %d", name, pid)
		}
		if got := call(t, askPID, inside, gate{name}); got != -int(refused) {
			t.Errorf("%s: %d", name, got)
		}
	}
}
