package spawn

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/ring"
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

// Start starts a worker and returns without waiting for it to come up; see Child.Handshake. The channel may be used
// at once.
func Start(k *osenv.Kernel, s Spec) (*Child, error) {
	if self.depth+1 > abi.MaxDepth {
		return nil, fmt.Errorf("mp: a worker at depth %d starts no workers of its own: the limit is %d", self.depth, abi.MaxDepth)
	}
	c := &Child{spec: s, done: make(chan struct{}), oomBefore: oomKills()}
	var closers []*os.File // the child's ends; all closed at the end
	fail := func(what string, err error) (*Child, error) {
		for _, f := range closers {
			f.Close()
		}
		c.closeFiles()
		return nil, fmt.Errorf("mp: cannot start worker %s: %s: %w", s.Name, what, err)
	}

	control, childControl, err := k.Socketpair()
	if err != nil {
		return fail("control socket", err)
	}
	c.control, closers = control, append(closers, childControl)
	c.frames = bufio.NewReaderSize(control, 512)
	memory, err := k.SharedMemory("mp-channel", int64(s.Layout.Size()))
	if err != nil {
		return fail("channel", err)
	}
	closers = append(closers, memory)
	mem, err := osenv.Map(memory, s.Layout.Size())
	if err != nil {
		return fail("channel", err)
	}
	c.memory = mem
	if c.Channel, err = ring.Cut(mem, s.Layout); err != nil {
		return fail("channel", err)
	}
	c.Channel.U64(abi.OffMagic).Store(abi.Magic)
	c.Channel.U32(abi.OffMagic + 8).Store(abi.Version)
	if c.crash, err = k.Scratch("mp-crash"); err != nil {
		return fail("crash report", err)
	}
	lifeRead, lifeWrite, err := k.Pipe()
	if err != nil {
		return fail("lifeline", err)
	}
	c.lifeline, closers = lifeWrite, append(closers, lifeRead)
	outRead, outWrite, err := k.Pipe()
	if err != nil {
		return fail("stdout", err)
	}
	closers = append(closers, outWrite)
	errRead, errWrite, err := k.Pipe()
	if err != nil {
		outRead.Close()
		return fail("stderr", err)
	}
	closers = append(closers, errWrite)
	abandon := func(what string, err error) (*Child, error) {
		outRead.Close()
		errRead.Close()
		return fail(what, err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return abandon("stdin", err)
	}
	closers = append(closers, null)

	token := make([]byte, 16)
	_, _ = rand.Read(token) // never fails
	config, err := json.Marshal(Config{
		Token: hex.EncodeToString(token), Name: s.Name, Worker: s.Worker, Parent: os.Getpid(), Build: buildID(),
		Registry: Digest(s.Registry), Layout: s.Layout, MemoryLimit: s.MemoryLimit, MaxProcs: s.MaxProcs, CPUs: s.CPUs,
	})
	if err != nil {
		return abandon("configuration", err)
	}
	if err := sendFiles(control, abi.FrameConfig, memory, c.crash, lifeRead); err != nil {
		return abandon("descriptors", err)
	}

	attr := &syscall.ProcAttr{
		Dir:   s.Dir,
		Env:   childEnv(s.Env, hex.EncodeToString(token), self.depth+1),
		Files: []uintptr{null.Fd(), outWrite.Fd(), errWrite.Fd(), childControl.Fd()},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	}
	started := make(chan error)
	starts() <- func() {
		var err error
		c.PID, c.pidfd, err = k.Start(osenv.SelfPath, childArgs(), attr)
		started <- err
	}
	if err := <-started; err != nil {
		return abandon("start", err)
	}
	for _, f := range closers {
		f.Close()
	}
	if s.Prefix == "" {
		s.Prefix = fmt.Sprintf("[%s %d] ", s.Name, c.PID)
	}
	c.stdout = passLines(outRead, s.Stdout, s.Prefix)
	c.stderr = passLines(errRead, s.Stderr, s.Prefix)
	go c.watch()
	// The frame's type went with the descriptors. A child that is dead already is the watcher's affair.
	if err := writeBody(control, config); err != nil && !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
		c.Kill()
	}
	return c, nil
}

// sendFiles sends one byte, the type of the frame to come, and the descriptors. The socket is new, so it has room.
func sendFiles(sock *os.File, kind byte, files ...*os.File) error {
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	raw, err := sock.SyscallConn()
	if err != nil {
		return err
	}
	cerr := raw.Control(func(fd uintptr) {
		err = unix.Sendmsg(int(fd), []byte{kind}, unix.UnixRights(fds...), nil, 0)
	})
	runtime.KeepAlive(files)
	return errors.Join(cerr, os.NewSyscallError("sendmsg", err))
}
