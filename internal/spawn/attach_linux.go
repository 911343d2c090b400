package spawn

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/ring"
	"github.com/go-multiproc/mp/internal/robust"
	"github.com/go-multiproc/mp/internal/side"
)

// openControl takes over the inherited socket, so that nothing the worker starts inherits it in turn.
func openControl() {
	if domain, err := unix.GetsockoptInt(abi.ControlFD, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil || domain != unix.AF_UNIX {
		fmt.Fprintf(os.Stderr, "mp: started as a worker, by %s in the environment, without a parent\n", abi.EnvMarker)
		os.Exit(exitRefused)
	}
	unix.CloseOnExec(abi.ControlFD)
	_ = unix.SetNonblock(abi.ControlFD, true) // it is already
	control = os.NewFile(abi.ControlFD, "control")
}

// closeInherited closes what the program itself holds without close-on-exec, which no other package has seen yet. What this process
// has opened, as the runtime may have by now, is close-on-exec.
func closeInherited() {
	fds, err := os.ReadDir("/proc/self/fd")
	for _, entry := range fds {
		fd, aerr := strconv.Atoi(entry.Name())
		if aerr != nil || fd <= abi.ControlFD {
			continue
		}
		if flags, ferr := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); ferr == nil && flags&unix.FD_CLOEXEC == 0 {
			_ = unix.Close(fd)
		}
	}
	if err != nil {
		refuse("it cannot tell which descriptors it inherited: " + err.Error())
	}
}

// Attach makes this process the worker that its parent wants, or tells the parent why it cannot be; then it must end.
func Attach(registry []string) (*Parent, error) {
	self.main.Store(true)
	p, err := attach(registry)
	if err != nil {
		tell(abi.FrameFailed, err.Error())
		return nil, fmt.Errorf("mp: cannot serve: %w", err)
	}
	return p, nil
}

func attach(registry []string) (*Parent, error) {
	config, files, err := recvConfig()
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if config.Token != self.token {
		return nil, errors.New("the parent's token is not the one in the environment")
	}
	inherited = config.Secret
	self.noArena.Store(config.NoArena)
	self.root.Store(config.Root)
	close(told)
	memory, crash := files[0], files[1]
	if len(files) > 3 && family != nil {
		family.Inherit(files[3])
	}
	// What is ignored stays so in programs that the worker starts. signal.Notify would not do that to them, but it costs
	// two threads, which is a third of what a worker takes from its exec to its function.
	signal.Ignore(unix.SIGINT)
	if err := debug.SetCrashOutput(crash, debug.CrashOptions{}); err != nil {
		return nil, fmt.Errorf("crash output: %w", err)
	}
	crash.Close()
	if err := setLimits(config); err != nil {
		return nil, err
	}
	mem, err := osenv.Map(memory, config.Layout.Size())
	if err != nil {
		return nil, fmt.Errorf("channel: %w", err)
	}
	memory.Close()
	channel, err := ring.Cut(mem, config.Layout)
	if err != nil {
		return nil, err
	}
	if channel.U64(abi.OffMagic).Load() != abi.Magic || channel.U32(abi.OffMagic+8).Load() != abi.Version {
		return nil, errors.New("the channel has another version")
	}
	robust.Announce(channel.Alive)
	p := &Parent{Config: config, Channel: channel, Side: side.NewWorker(files[2], config.Logs, config.LogLevel)}
	return p, greet(config, registry)
}

// maxStack is how large a goroutine's stack may grow in a worker: endless recursion then ends after a tenth of the
// time and memory that the runtime's own limit of 1 GB would cost.
const maxStack = 256 << 20

// ballast is memory that is never touched, so it costs none. It counts as live, so that a worker with a small heap, as most
// are, does not collect garbage at every few large messages.
var ballast []byte //nolint:unused // to be held is its use

const ballastSize = 32 << 20

func setLimits(c Config) error {
	stack := maxStack
	if c.MemoryLimit > 0 {
		// Collect harder before the limit than die at it; harder still if GOMEMLIMIT says so.
		debug.SetMemoryLimit(min(debug.SetMemoryLimit(-1), c.MemoryLimit/10*9))
		stack = int(min(int64(stack), max(c.MemoryLimit/2, 1<<20)))
	} else if os.Getenv("GOGC") == "" && osenv.AddressLimit() == unix.RLIM_INFINITY { // it takes addresses, and a worker that finds none dies
		ballast = make([]byte, ballastSize)
	}
	debug.SetMaxStack(stack)
	if c.MaxProcs > 0 && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(c.MaxProcs)
	}
	if len(c.CPUs) > 0 {
		if err := setAffinity(c.CPUs); err != nil {
			return fmt.Errorf("CPUs %v: %w", c.CPUs, err)
		}
	}
	if c.Nice != 0 {
		if err := setNice(c.Nice); err != nil {
			return fmt.Errorf("the niceness %d: %w", c.Nice, err)
		}
	}
	return nil
}

// setAffinity binds every thread.
func setAffinity(cpus []int) error {
	var set unix.CPUSet
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	return eachThread(func(tid int) error {
		return os.NewSyscallError("sched_setaffinity", unix.SchedSetaffinity(tid, &set))
	})
}

// setNice makes every thread nicer, by so much more than the parent was: a niceness is a thread's own, on Linux.
func setNice(more int) error {
	now, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return os.NewSyscallError("getpriority", err)
	}
	nice := 20 - now + min(more, 40) // the system call counts down from 40, and the kernel cuts at 19
	return eachThread(func(tid int) error {
		return os.NewSyscallError("setpriority", unix.Setpriority(unix.PRIO_PROCESS, tid, nice))
	})
}

// eachThread calls do for every thread there is. A new one inherits from the thread that makes it, for which it may not have been done
// yet, so it looks until it finds no new one.
func eachThread(do func(tid int) error) error {
	done := make(map[string]bool)
	for fresh := true; fresh; {
		fresh = false
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, task := range tasks {
			var tid int
			if _, err := fmt.Sscan(task.Name(), &tid); err != nil || done[task.Name()] {
				continue
			}
			if err := do(tid); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
			done[task.Name()], fresh = true, true
		}
	}
	return nil
}

// greet says all three things at once: the parent compares, and if it does not like what it reads, kills.
func greet(c Config, registry []string) error {
	h := hello{Build: buildID()}
	if h.Differs = Digest(registry) != c.Registry; h.Differs {
		h.Registry = registry
	}
	b := appendFrame(nil, abi.FrameMain, nil)
	b = appendFrame(b, abi.FrameHello, h.encode())
	if !h.Differs {
		b = appendFrame(b, abi.FrameReady, nil)
	}
	if _, err := control.Write(b); err != nil {
		return err
	}
	if h.Differs {
		select {} // the parent has the difference and will end this process; nothing must run here
	}
	return nil
}

// recvConfig receives the first frame: its type with the descriptors, then its body.
func recvConfig() (Config, []*os.File, error) {
	var config Config
	raw, err := control.SyscallConn()
	if err != nil {
		return config, nil, err
	}
	const least, most = 3, 4 // the fourth is the family's, if it has something
	kind, oob := make([]byte, 1), make([]byte, unix.CmsgSpace(most*4))
	var n, oobn, flags int
	cerr := raw.Read(func(fd uintptr) bool {
		for {
			n, oobn, flags, _, err = unix.Recvmsg(int(fd), kind, oob, unix.MSG_CMSG_CLOEXEC)
			if !errors.Is(err, unix.EINTR) {
				return !errors.Is(err, unix.EAGAIN)
			}
		}
	})
	if cerr != nil || err != nil || n != 1 || kind[0] != abi.FrameConfig {
		return config, nil, fmt.Errorf("first frame %q: %v, %v", kind[:max(n, 0)], cerr, err)
	}
	if flags&unix.MSG_CTRUNC != 0 { // the kernel drops what it finds no number for
		return config, nil, fmt.Errorf("what its parent sent: %w", os.NewSyscallError("recvmsg", unix.EMFILE))
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		return config, nil, fmt.Errorf("%d control messages: %v", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) < least || len(fds) > most {
		return config, nil, fmt.Errorf("%d descriptors: %v", len(fds), err)
	}
	names := [most]string{"channel", "crash", "side", "family"}
	files := make([]*os.File, len(fds))
	for i, fd := range fds {
		files[i] = os.NewFile(uintptr(fd), names[i])
	}
	body, err := readBody(control)
	if err != nil {
		return config, nil, err
	}
	config, err = decodeConfig(body)
	return config, files, err
}

// Wake wakes the parent. The socket is non-blocking: if it is full, the parent has wake-ups enough before it.
func (p *Parent) Wake() { _, _ = unix.Write(abi.ControlFD, wake) }

var wake = []byte{abi.FrameWake}
