package spawn

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/ring"
	"github.com/go-multiproc/mp/internal/robust"
)

// openControl takes over the inherited socket, so that nothing the worker starts inherits it in turn.
func openControl() {
	unix.CloseOnExec(abi.ControlFD)
	if err := unix.SetNonblock(abi.ControlFD, true); err != nil {
		fmt.Fprintf(os.Stderr, "mp: started as a worker without a parent: %v\n", err)
		os.Exit(exitRefused)
	}
	control = os.NewFile(abi.ControlFD, "control")
}

// maxStack is how large a goroutine's stack may grow in a worker: endless recursion then ends after a tenth of the
// time and memory that the runtime's own limit of 1 GB would cost.
const maxStack = 256 << 20

// Attach makes this process the worker that its parent wants, or explains why it cannot be; then it must end.
func Attach(registry []string) (*Parent, error) {
	self.main.Store(true)
	config, files, err := recvConfig()
	if err != nil {
		return nil, fmt.Errorf("mp: configuration: %w", err)
	}
	if config.Token != self.token {
		return nil, fmt.Errorf("mp: the parent's token is not the one in the environment")
	}
	memory, crash, lifeline := files[0], files[1], files[2]
	if err := osenv.ArmLifeline(int(lifeline.Fd()), os.Getpid()); err != nil {
		return nil, fmt.Errorf("mp: lifeline: %w", err)
	}
	keep = lifeline
	signal.Ignore(unix.SIGINT) // a terminal sends it to everybody; the parent decides
	if err := debug.SetCrashOutput(crash, debug.CrashOptions{}); err != nil {
		return nil, fmt.Errorf("mp: crash output: %w", err)
	}
	crash.Close()
	setLimits(config)
	mem, err := osenv.Map(memory, config.Layout.Size())
	if err != nil {
		return nil, fmt.Errorf("mp: channel: %w", err)
	}
	memory.Close()
	channel, err := ring.Cut(mem, config.Layout)
	if err != nil {
		return nil, fmt.Errorf("mp: %w", err)
	}
	if channel.U64(abi.OffMagic).Load() != abi.Magic || channel.U32(abi.OffMagic+8).Load() != abi.Version {
		return nil, fmt.Errorf("mp: the channel has another version")
	}
	if err := robust.Announce(channel.Alive, mem[abi.OffRobust:abi.OffRobust+abi.Line]); err != nil {
		return nil, fmt.Errorf("mp: alive word: %w", err)
	}
	return &Parent{Config: config, Channel: channel}, greet(config, registry)
}

// keep holds the lifeline open for as long as the process lives.
var keep *os.File

func setLimits(c Config) {
	stack := maxStack
	if c.MemoryLimit > 0 {
		debug.SetMemoryLimit(c.MemoryLimit / 10 * 9) // collect harder before the limit than die at it
		stack = int(min(int64(stack), max(c.MemoryLimit/2, 1<<20)))
	}
	debug.SetMaxStack(stack)
	if c.MaxProcs > 0 && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(c.MaxProcs)
	}
	if len(c.CPUs) > 0 {
		var set unix.CPUSet
		for _, cpu := range c.CPUs {
			set.Set(cpu)
		}
		setAffinity(&set)
	}
}

// setAffinity binds every thread there is; later ones inherit it.
func setAffinity(set *unix.CPUSet) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, task := range tasks {
		var tid int
		if _, err := fmt.Sscan(task.Name(), &tid); err == nil {
			_ = unix.SchedSetaffinity(tid, set)
		}
	}
}

// greet says all three things at once: the parent compares, and if it does not like what it reads, kills.
func greet(c Config, registry []string) error {
	h := hello{Build: buildID()}
	if Digest(registry) != c.Registry {
		h.Registry = append([]string{}, registry...) // not nil: an empty registry is a difference, too
	}
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := writeFrame(control, abi.FrameMain, nil); err != nil {
		return err
	}
	if err := writeFrame(control, abi.FrameHello, body); err != nil {
		return err
	}
	if h.Registry != nil {
		select {} // the parent has the difference and will end this process; nothing must run here
	}
	return writeFrame(control, abi.FrameReady, nil)
}

// recvConfig receives the first frame: its type with the descriptors, then its body.
func recvConfig() (Config, []*os.File, error) {
	var config Config
	raw, err := control.SyscallConn()
	if err != nil {
		return config, nil, err
	}
	kind, oob := make([]byte, 1), make([]byte, unix.CmsgSpace(3*4))
	var n, oobn int
	cerr := raw.Read(func(fd uintptr) bool {
		n, oobn, _, _, err = unix.Recvmsg(int(fd), kind, oob, unix.MSG_CMSG_CLOEXEC)
		return err != unix.EAGAIN && err != unix.EINTR
	})
	if cerr != nil || err != nil || n != 1 || kind[0] != abi.FrameConfig {
		return config, nil, fmt.Errorf("first frame %q: %v, %v", kind[:max(n, 0)], cerr, err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		return config, nil, fmt.Errorf("%d control messages: %v", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 3 {
		return config, nil, fmt.Errorf("%d descriptors: %v", len(fds), err)
	}
	files := []*os.File{os.NewFile(uintptr(fds[0]), "channel"), os.NewFile(uintptr(fds[1]), "crash"), os.NewFile(uintptr(fds[2]), "lifeline")}
	body, err := readBody(control)
	if err != nil {
		return config, nil, err
	}
	return config, files, json.Unmarshal(body, &config)
}

// Wake wakes the parent. The socket is non-blocking: if it is full, the parent has wake-ups enough before it.
func (p *Parent) Wake() { _, _ = unix.Write(abi.ControlFD, wake) }

var wake = []byte{abi.FrameWake}
