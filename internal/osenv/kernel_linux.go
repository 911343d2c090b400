package osenv

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Default returns the system's own functions.
func Default() *Kernel {
	return &Kernel{
		Start: start, Pipe: os.Pipe,
		Socketpair:   func() (*os.File, *os.File, error) { return socketpair(unix.SOCK_STREAM, "control") },
		Packets:      func() (*os.File, *os.File, error) { return socketpair(unix.SOCK_SEQPACKET, "side") },
		SharedMemory: sharedMemory, Scratch: scratch, Null: null, ArmLifeline: armLifeline,
	}
}

// SelfPath names the running executable itself: after an upgrade os.Executable names another file, this does not.
const SelfPath = "/proc/self/exe"

func start(path string, argv []string, attr *syscall.ProcAttr) (pid, pidfd int, err error) {
	pidfd = -1
	attr.Sys.PidFD = &pidfd
	pid, _, err = syscall.StartProcess(path, argv, attr)
	return pid, pidfd, err
}

func socketpair(kind int, name string) (parent, child *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return os.NewFile(uintptr(fds[0]), name), os.NewFile(uintptr(fds[1]), name), nil
}

func sharedMemory(name string, size int64) (*os.File, error) {
	// The kernel sends SIGXFSZ with its refusal, of which the Go runtime dies, and so asks nobody who looks first.
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err == nil && uint64(size) > limit.Cur {
		return nil, fmt.Errorf("%d bytes of shared memory, but files are limited to %d (RLIMIT_FSIZE): %w", size, limit.Cur, unix.EFBIG)
	}
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if err := unix.Ftruncate(fd, size); err != nil {
		f.Close()
		return nil, os.NewSyscallError("ftruncate", err)
	}
	// A peer that could shrink the file would make the other side's next access a SIGBUS.
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		f.Close()
		return nil, os.NewSyscallError("fcntl F_ADD_SEALS", err)
	}
	return f, nil
}

func scratch(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Map maps size bytes of f, shared.
func Map(f *os.File, size int) ([]byte, error) {
	// Fd would make the file blocking; a memfd does not care.
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, unmapped(err)
	}
	return b, nil
}

// unmapped is the error of a map that the kernel refused. Its own says nothing of the limit that may be the reason.
func unmapped(err error) error {
	if limit := AddressLimit(); errors.Is(err, unix.ENOMEM) && limit != unix.RLIM_INFINITY {
		return fmt.Errorf("mmap: %w (addresses are limited to %d MiB, RLIMIT_AS)", err, limit>>20)
	}
	return os.NewSyscallError("mmap", err)
}

// AddressLimit is how much address space this process may have, unix.RLIM_INFINITY if that is not limited.
func AddressLimit() uint64 {
	limit := unix.Rlimit{Cur: unix.RLIM_INFINITY}
	_ = unix.Getrlimit(unix.RLIMIT_AS, &limit) // else it is as if there were none
	return limit.Cur
}

// Unmap undoes Map. No slice of the memory may be used afterwards.
func Unmap(b []byte) error { return os.NewSyscallError("munmap", unix.Munmap(b)) }

// Yield gives the rest of the time slice to another thread that can run on this CPU.
func Yield() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }

func null() (*os.File, error) { return os.Open(os.DevNull) }

// armLifeline arms both ends of the pipe. Whichever is closed first makes the kernel tell the owner of the other, by
// SIGKILL. (One armed end is not enough if one process holds both: at its end either may be closed before the other.)
// The kernel keeps the group itself and not its number, so that no later group of this number can be hit.
func armLifeline(r, w *os.File, pgid int) error {
	for _, f := range []*os.File{r, w} {
		raw, err := f.SyscallConn()
		if err != nil {
			return err
		}
		if cerr := raw.Control(func(fd uintptr) { err = armEnd(fd, pgid) }); cerr != nil {
			return cerr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func armEnd(fd uintptr, pgid int) error {
	if _, err := unix.FcntlInt(fd, unix.F_SETOWN, -pgid); err != nil {
		return os.NewSyscallError("fcntl F_SETOWN", err)
	}
	if _, err := unix.FcntlInt(fd, unix.F_SETSIG, int(unix.SIGKILL)); err != nil {
		return os.NewSyscallError("fcntl F_SETSIG", err)
	}
	_, err := unix.FcntlInt(fd, unix.F_SETFL, unix.O_ASYNC|unix.O_NONBLOCK)
	return os.NewSyscallError("fcntl F_SETFL", err)
}

// WaitNoReap reports whether the process has ended, without reaping it: its pid, and so the group it leads, cannot
// be given to others before Reap.
func WaitNoReap(pid, pidfd int, block bool) (bool, error) {
	flags := unix.WEXITED | unix.WNOWAIT
	if !block {
		flags |= unix.WNOHANG
	}
	idType, id := unix.P_PID, pid
	if pidfd >= 0 {
		idType, id = unix.P_PIDFD, pidfd
	}
	for {
		var info unix.Siginfo
		err := unix.Waitid(idType, id, &info, flags, nil)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN: // a non-blocking pidfd that is not ready
			return false, nil
		case err != nil:
			return false, os.NewSyscallError("waitid", err)
		default:
			return info.Signo != 0, nil // no child has SIGCHLD there if WNOHANG found nothing
		}
	}
}

// Reap takes the status of a process that has ended.
func Reap(pid int) (ExitStatus, error) {
	var ws unix.WaitStatus
	var ru unix.Rusage
	for {
		_, err := unix.Wait4(pid, &ws, 0, &ru)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return ExitStatus{}, os.NewSyscallError("wait4", err)
		}
		break
	}
	s := ExitStatus{
		Code: ws.ExitStatus(), MaxRSS: ru.Maxrss << 10,
		User: time.Duration(ru.Utime.Nano()), System: time.Duration(ru.Stime.Nano()),
	}
	if ws.Signaled() {
		s.Signal = ws.Signal()
		s.Code = -int(s.Signal)
	}
	return s, nil
}

// KillGroup sends SIGKILL to every process of the group.
func KillGroup(pgid int) error {
	if err := unix.Kill(-pgid, unix.SIGKILL); err != nil && err != unix.ESRCH {
		return os.NewSyscallError("kill", err)
	}
	return nil
}

// Signal sends a signal to one process through its pidfd, or by pid where there is none.
func Signal(pid, pidfd int, sig syscall.Signal) error {
	err := error(unix.ENOSYS)
	if pidfd >= 0 {
		err = unix.PidfdSendSignal(pidfd, sig, nil, 0)
	}
	if errors.Is(err, unix.ENOSYS) {
		err = unix.Kill(pid, sig)
	}
	if err != nil && !errors.Is(err, unix.ESRCH) {
		return os.NewSyscallError("kill", err)
	}
	return nil
}
