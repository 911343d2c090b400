//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// attempts are what must not go well in a sandbox, and does outside.
var attempts map[string]func(target) error

func init() {
	attempts = map[string]func(target) error{}
	for _, all := range []map[string]func(target) error{lookups, reads, writes, sockets, processes, rare} {
		maps.Copy(attempts, all)
	}
}

// lookups only ask what there is.
var lookups = map[string]func(target) error{
	"stat":     func(x target) error { _, err := os.Stat(x.File); return err },
	"lstat":    func(target) error { _, err := os.Lstat("/etc/passwd"); return err },
	"access":   func(x target) error { return unix.Access(x.File, unix.R_OK) },
	"readlink": func(target) error { _, err := os.Readlink("/proc/self/exe"); return err },
	"chdir":    func(x target) error { return os.Chdir(x.Dir) },
	"statfs":   func(target) error { var s unix.Statfs_t; return unix.Statfs("/", &s) },
	"open path": func(target) error {
		fd, err := unix.Open("/etc", unix.O_PATH|unix.O_CLOEXEC, 0)
		return closed(fd, err)
	},
}

// reads are of what no policy of the tests names.
var reads = map[string]func(target) error{
	"read file":      func(target) error { _, err := os.ReadFile("/etc/passwd"); return err },
	"list directory": func(target) error { _, err := os.ReadDir("/etc"); return err },
	"openat2": func(target) error {
		fd, err := unix.Openat2(unix.AT_FDCWD, "/etc/passwd", &unix.OpenHow{Flags: unix.O_RDONLY})
		return closed(fd, err)
	},
	"memory of the parent":      func(x target) error { return opened(fmt.Sprintf("/proc/%d/mem", x.Parent), os.O_RDWR) },
	"environment of the parent": func(x target) error { return opened(fmt.Sprintf("/proc/%d/environ", x.Parent), os.O_RDONLY) },
	"descriptors of the parent": func(x target) error { _, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", x.Parent)); return err },
	"a file of the parent":      func(x target) error { return opened(fmt.Sprintf("/proc/%d/fd/0", x.Parent), os.O_RDONLY) },
	"memory of its own":         func(target) error { return opened("/proc/self/mem", os.O_RDWR) },
}

// writes are into a directory that no policy of the tests names.
var writes = map[string]func(target) error{
	"create file": func(x target) error {
		f, err := os.CreateTemp(x.Dir, "new")
		if err != nil {
			return err
		}
		return f.Close()
	},
	"write file":       func(x target) error { return opened(x.File, os.O_WRONLY) },
	"truncate":         func(x target) error { return os.Truncate(x.File, 0) },
	"open to truncate": func(x target) error { return opened(x.File, os.O_RDONLY|os.O_TRUNC) },
	"make and remove directory": func(x target) error {
		name, err := os.MkdirTemp(x.Dir, "new")
		return errors.Join(err, removed(name))
	},
	"symlink": func(x target) error {
		name := filepath.Join(x.Dir, "symlink")
		return errors.Join(os.Symlink("/etc/passwd", name), removed(name))
	},
	"link": func(x target) error {
		name := filepath.Join(x.Dir, "link")
		return errors.Join(os.Link(x.File, name), removed(name))
	},
	"rename": func(x target) error {
		name := filepath.Join(x.Dir, "renamed")
		if err := os.Rename(x.File, name); err != nil {
			return err
		}
		return os.Rename(name, x.File)
	},
	"fifo": func(x target) error {
		name := filepath.Join(x.Dir, "fifo")
		return errors.Join(unix.Mkfifo(name, 0o600), removed(name))
	},
	"mode":      func(x target) error { return os.Chmod(x.File, 0o600) },
	"owner":     func(x target) error { return os.Chown(x.File, os.Getuid(), os.Getgid()) },
	"times":     func(x target) error { return os.Chtimes(x.File, time.Now(), time.Now()) },
	"attribute": func(x target) error { return supported(unix.Setxattr(x.File, "user.mp", []byte("x"), 0)) },
}

var sockets = map[string]func(target) error{
	"tcp":      func(target) error { return socket(unix.AF_INET, unix.SOCK_STREAM) },
	"tcp6":     func(target) error { return socket(unix.AF_INET6, unix.SOCK_STREAM) },
	"udp":      func(target) error { return socket(unix.AF_INET, unix.SOCK_DGRAM) },
	"unix":     func(target) error { return socket(unix.AF_UNIX, unix.SOCK_STREAM) },
	"unixgram": func(target) error { return socket(unix.AF_UNIX, unix.SOCK_DGRAM) },
	"netlink":  func(target) error { return socket(unix.AF_NETLINK, unix.SOCK_RAW) },
	"a pair for datagrams": func(target) error {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		return errors.Join(closed(fds[0], err), closed(fds[1], err))
	},
	"dial tcp":      func(x target) error { return dialled("tcp", fmt.Sprintf("127.0.0.1:%d", x.Port)) },
	"dial abstract": func(x target) error { return dialled("unix", x.Socket) },
	"listen tcp": func(target) error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		return l.Close()
	},
}

// processes are attempts at the parent, and at a process that is no relative.
var processes = map[string]func(target) error{
	"trace the parent":            func(x target) error { return traced(x.Parent) },
	"read the parent's memory":    func(x target) error { return copied(unix.ProcessVMReadv, x.Parent) },
	"signal 0 to the parent":      func(x target) error { return unix.Kill(x.Parent, 0) },
	"signal to the parent":        func(x target) error { return unix.Kill(x.Parent, unix.SIGWINCH) },
	"signal to all":               func(target) error { return unix.Kill(-1, 0) },
	"signal 0 to another":         func(x target) error { return unix.Kill(x.Victim, 0) },
	"signal to a parent's thread": func(x target) error { return unix.Tgkill(x.Parent, x.Parent, unix.SIGWINCH) },
	"signal by a descriptor": func(x target) error {
		fd, err := unix.PidfdOpen(x.Victim, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.PidfdSendSignal(fd, 0, nil, 0)
	},
	"signal by a pipe": func(x target) error { // as soon as the kernel pleases
		var p [2]int
		if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
			return err
		}
		defer unix.Close(p[1])
		defer unix.Close(p[0])
		_, err := unix.FcntlInt(uintptr(p[0]), unix.F_SETOWN, x.Victim)
		return err
	},
	"limits of the parent":   func(x target) error { var l unix.Rlimit; return unix.Prlimit(x.Parent, unix.RLIMIT_NOFILE, nil, &l) },
	"priority of the parent": func(x target) error { return reniced(x.Parent) },
	"CPUs of the parent":     func(x target) error { return bound(x.Parent) },
	"exec":                   func(target) error { return started("/bin/true") },
	"exec itself":            func(target) error { return started("/proc/self/exe", "-test.run=^$") },
}

func opened(name string, how int) error {
	f, err := os.OpenFile(name, how, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

func removed(name string) error {
	if name == "" {
		return nil
	}
	return os.Remove(name)
}

func closed(fd int, err error) error {
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// supported makes of "not on this file system" that it is absent.
func supported(err error) error {
	if errors.Is(err, unix.EOPNOTSUPP) {
		return errors.ErrUnsupported
	}
	return err
}

func socket(domain, kind int) error {
	fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, 0)
	return closed(fd, err)
}

func dialled(network, address string) error {
	c, err := net.Dial(network, address)
	if err != nil {
		return err
	}
	return c.Close()
}

// traced attaches to a process, and lets it go.
func traced(pid int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.PtraceSeize(pid); err != nil {
		return err
	}
	err := unix.PtraceInterrupt(pid)
	if err == nil {
		_, err = unix.Wait4(pid, nil, unix.WALL, nil)
	}
	return errors.Join(err, unix.PtraceDetach(pid))
}

// copied copies code, which lies where it lies in this process, for it is the same program.
func copied(by func(int, []unix.Iovec, []unix.RemoteIovec, uint) (int, error), pid int) error {
	here := make([]byte, 1)
	local := []unix.Iovec{{Base: &here[0], Len: 1}}
	_, err := by(pid, local, []unix.RemoteIovec{{Base: reflect.ValueOf(copied).Pointer(), Len: 1}}, 0)
	return err
}

// started starts a program, kills it, and waits for it.
func started(program string, args ...string) error {
	pid, err := syscall.ForkExec(program, append([]string{program}, args...), nil)
	if err != nil {
		return err
	}
	_ = unix.Kill(pid, unix.SIGKILL) // it may have ended
	_, err = unix.Wait4(pid, nil, 0, nil)
	return err
}

func reniced(pid int) error {
	now, err := unix.Getpriority(unix.PRIO_PROCESS, pid)
	if err != nil {
		return err
	}
	return unix.Setpriority(unix.PRIO_PROCESS, pid, 20-now)
}

func bound(pid int) error {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(pid, &set); err != nil {
		return err
	}
	return unix.SchedSetaffinity(pid, &set)
}

// rare are system calls with arguments that make no sense: outside, the kernel says so.
var rare = rareAttempts()

func rareAttempts() map[string]func(target) error {
	all := make(map[string]func(target) error)
	for name, number := range map[string]uintptr{
		"bpf": unix.SYS_BPF, "perf_event_open": unix.SYS_PERF_EVENT_OPEN, "io_uring_setup": unix.SYS_IO_URING_SETUP,
		"keyctl": unix.SYS_KEYCTL, "add_key": unix.SYS_ADD_KEY, "mount": unix.SYS_MOUNT, "pivot_root": unix.SYS_PIVOT_ROOT,
		"move_mount": unix.SYS_MOVE_MOUNT, "open_tree": unix.SYS_OPEN_TREE, "unshare": unix.SYS_UNSHARE, "setns": unix.SYS_SETNS,
		"open_by_handle_at": unix.SYS_OPEN_BY_HANDLE_AT, "name_to_handle_at": unix.SYS_NAME_TO_HANDLE_AT, "chroot": unix.SYS_CHROOT,
		"kcmp": unix.SYS_KCMP, "pidfd_getfd": unix.SYS_PIDFD_GETFD, "process_madvise": unix.SYS_PROCESS_MADVISE,
		"process_vm_writev": unix.SYS_PROCESS_VM_WRITEV, "init_module": unix.SYS_INIT_MODULE, "userfaultfd": unix.SYS_USERFAULTFD,
		"shmget": unix.SYS_SHMGET, "mq_open": unix.SYS_MQ_OPEN, "inotify_add_watch": unix.SYS_INOTIFY_ADD_WATCH,
		"settimeofday": unix.SYS_SETTIMEOFDAY, "swapon": unix.SYS_SWAPON, "prctl": unix.SYS_PRCTL, "ptrace": unix.SYS_PTRACE,
		"execve": unix.SYS_EXECVE, "execveat": unix.SYS_EXECVEAT,
	} {
		all[name] = func(target) error {
			const nonsense = ^uintptr(0)
			r, _, e := unix.RawSyscall6(number, nonsense, nonsense, nonsense, nonsense, nonsense, nonsense)
			switch e {
			case 0:
				if name == "userfaultfd" {
					return unix.Close(int(r))
				}
				return nil
			case unix.EPERM, unix.EACCES:
				return e
			case unix.ENOSYS:
				return errors.ErrUnsupported
			}
			return nil // it was looked at
		}
	}
	return all
}
