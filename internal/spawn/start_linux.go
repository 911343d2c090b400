package spawn

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/ring"
	"github.com/go-multiproc/mp/internal/side"
)

// starts carries what must run on the spawner thread. Pdeathsig is sent when the *thread* that started the process
// ends, not the process, so all starts happen on one thread that never ends.
var starts = sync.OnceValue(func() chan<- func() {
	c := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range c {
			f()
		}
	}()
	return c
})

// A start is a worker on its way into life.
type start struct {
	*Child
	kernel *osenv.Kernel
	token  string

	// The worker's ends, closed here once it has them.
	socket, channel, side, stdin, stdoutEnd, stderrEnd *os.File
}

// Start starts a worker and returns without waiting for it to come up: Recv tells how that goes. The channel may be
// used at once.
func Start(k *osenv.Kernel, s Spec) (*Child, error) {
	RequireMain("a start of worker " + s.Name)
	if self.depth+1 > abi.MaxDepth {
		return nil, fmt.Errorf("mp: a worker at depth %d starts no workers of its own: the limit is %d", self.depth, abi.MaxDepth)
	}
	for _, f := range beforeStart {
		f()
	}
	c := &start{
		Child:  &Child{spec: s, pidfd: -1, done: make(chan struct{}), oomBefore: oomKills()},
		kernel: k,
		// No secret: it only has to differ from that of any other start.
		token: strconv.FormatUint(rand.Uint64(), 16) + strconv.FormatUint(rand.Uint64(), 16),
	}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"control socket", c.makeSocket}, {"channel", c.makeChannel}, {"crash report", c.makeCrash},
		{"side channel", c.makeSide}, {"lifeline", c.makeLifeline}, {"output", c.makeOutput}, {"stdin", c.makeStdin},
		{"descriptors", c.sendFiles}, {"process", c.run}, {"lifeline", c.arm},
	} {
		if err := step.do(); err != nil {
			c.abandon()
			return nil, fmt.Errorf("mp: cannot start worker %s: %s: %w", s.Name, step.what, err)
		}
	}
	c.closeEnds()
	if s.Prefix == "" {
		s.Prefix = fmt.Sprintf("[%s %d] ", s.Name, c.PID)
	}
	c.stdout.pass(s.Stdout, s.Prefix)
	c.stderr.pass(s.Stderr, s.Prefix)
	go c.watch()
	// The worker does nothing before it has this, and by now it cannot outlive this process. One that is dead already
	// is the watcher's affair.
	if err := writeBody(c.control, c.config().encode()); err != nil && !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
		c.Kill()
	}
	return c.Child, nil
}

func (c *start) makeSocket() (err error) {
	if c.control, c.socket, err = c.kernel.Socketpair(); err == nil {
		c.frames = bufio.NewReaderSize(c.control, 512)
	}
	return err
}

func (c *start) makeChannel() (err error) {
	if c.channel, err = c.kernel.SharedMemory("mp-channel", int64(c.spec.Layout.Size())); err != nil {
		return err
	}
	if c.memory, err = osenv.Map(c.channel, c.spec.Layout.Size()); err != nil {
		return err
	}
	if c.Channel, err = ring.Cut(c.memory, c.spec.Layout); err != nil {
		return err
	}
	c.Channel.U64(abi.OffMagic).Store(abi.Magic)
	c.Channel.U32(abi.OffMagic + 8).Store(abi.Version)
	return nil
}

func (c *start) makeCrash() (err error) {
	c.crash, err = c.kernel.Scratch("mp-crash")
	return err
}

func (c *start) makeSide() error {
	mine, theirs, err := c.kernel.Packets()
	if err != nil {
		return err
	}
	c.Side, c.side = side.NewParent(mine, c.kernel.Socketpair), theirs
	return nil
}

func (c *start) makeLifeline() (err error) {
	c.lifeline[0], c.lifeline[1], err = c.kernel.Pipe()
	return err
}

func (c *start) makeOutput() (err error) {
	if c.stdout.file, c.stdoutEnd, err = c.kernel.Pipe(); err != nil {
		return err
	}
	c.stderr.file, c.stderrEnd, err = c.kernel.Pipe()
	return err
}

func (c *start) makeStdin() (err error) {
	c.stdin, err = c.kernel.Null()
	return err
}

// sendFiles sends the type of the first frame, and descriptors with it. The socket is new, so it has room.
func (c *start) sendFiles() error {
	raw, err := c.control.SyscallConn()
	if err != nil {
		return err
	}
	fds := []int{int(c.channel.Fd()), int(c.crash.Fd()), int(c.side.Fd())}
	if shared := familyFile(); shared != nil && !c.spec.NoArena {
		fds = append(fds, int(shared.Fd()))
	}
	rights := unix.UnixRights(fds...)
	cerr := raw.Control(func(fd uintptr) {
		err = os.NewSyscallError("sendmsg", unix.Sendmsg(int(fd), []byte{abi.FrameConfig}, rights, nil, 0))
	})
	return errors.Join(cerr, err)
}

func (c *start) config() *Config {
	s := &c.spec
	level, logs := side.Lowest(s.Logger)
	family := secret
	if s.NoArena {
		family = newSecret
	}
	return &Config{
		Token: c.token, Name: s.Name, Worker: s.Worker, Parent: os.Getpid(), Registry: Digest(s.Registry), Secret: family(), Layout: s.Layout,
		MemoryLimit: s.MemoryLimit, MaxProcs: s.MaxProcs, CPUs: s.CPUs, Nice: s.Nice, Logs: logs, LogLevel: level,
		NoArena: s.NoArena || NoArena(), Root: s.NoArena,
	}
}

func (c *start) run() error {
	if dir := c.spec.Dir; dir != "" { // else the error does not tell which of two files is missing
		if info, err := os.Stat(dir); err != nil {
			return err
		} else if !info.IsDir() {
			return &os.PathError{Op: "chdir", Path: dir, Err: syscall.ENOTDIR}
		}
	}
	attr := &syscall.ProcAttr{
		Dir:   c.spec.Dir,
		Env:   childEnv(c.spec.Env, marker{c.token, self.depth + 1, c.spec.NoArena}),
		Files: []uintptr{c.stdin.Fd(), c.stdoutEnd.Fd(), c.stderrEnd.Fd(), c.socket.Fd()},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	}
	if c.spec.MemoryLimit > 0 {
		c.group = cgroups.newGroup(c.spec.MemoryLimit)
	}
	c.group.enter(attr.Sys)
	err := c.exec(attr)
	if err != nil && c.group != nil { // it may be because of the group: then the parent looks itself
		c.group.remove()
		c.group = nil
		attr.Sys.UseCgroupFD = false
		err = c.exec(attr)
	}
	c.group.entered()
	if err != nil {
		c.PID = 0
		return &os.PathError{Op: "exec", Path: osenv.SelfPath, Err: err}
	}
	return nil
}

// exec starts the process on the spawner thread.
func (c *start) exec(attr *syscall.ProcAttr) error {
	started := make(chan error)
	starts() <- func() {
		var err error
		c.PID, c.pidfd, err = c.kernel.Start(osenv.SelfPath, childArgs(), attr)
		started <- err
	}
	return <-started
}

func (c *start) arm() error { return c.kernel.ArmLifeline(c.lifeline[0], c.lifeline[1], c.PID) }

// abandon gives back what a start that failed has got hold of.
func (c *start) abandon() {
	if c.PID > 0 {
		_ = osenv.KillGroup(c.PID)
		_, _ = osenv.Reap(c.PID)
		if c.pidfd >= 0 {
			_ = unix.Close(c.pidfd)
		}
		c.group.finish()
	}
	c.closeEnds()
	closeAll(c.stdout.file, c.stderr.file)
	c.closeFiles()
}

func (c *start) closeEnds() { closeAll(c.socket, c.channel, c.side, c.stdin, c.stdoutEnd, c.stderrEnd) }
