//go:build linux

package block

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/proctest"
)

// puppetVar makes this binary a puppet. It is the prefix of the names that the puppet draws.
const puppetVar = "MP_BLOCK_PUPPET"

// tooLong is for a test that hangs: generous, for nothing is measured.
const tooLong = 2 * time.Minute

func TestMain(m *testing.M) {
	if prefix, ok := os.LookupEnv(puppetVar); ok {
		time.AfterFunc(tooLong, func() { panic("a puppet was forgotten") })
		puppet(prefix)
		return
	}
	os.Exit(m.Run())
}

// A command is what a puppet is to do, in Go or in Python.
type command struct {
	Op, Name string
	Size     int
	Data     string
}

type answer struct {
	Err             string
	Exist, NotExist bool
	Name, Data      string
	Size            int
	ID              Identity
}

// puppet does what it is told on stdin, until that ends.
func puppet(prefix string) {
	drawn := 0
	drawName = func() string {
		drawn++
		return fmt.Sprintf("%s%d.%d", prefix, os.Getpid(), drawn)
	}
	blocks := map[string]*Block{}
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var c command
		if in.Decode(&c) != nil {
			os.Exit(0) // without Close: as a program that forgot it
		}
		var a answer
		if err := obey(c, blocks, &a); err != nil {
			a.Err, a.Exist, a.NotExist = err.Error(), errors.Is(err, fs.ErrExist), errors.Is(err, fs.ErrNotExist)
		}
		if b := blocks[c.Name]; b != nil {
			a.Name, a.Size, a.ID = b.Name(), b.Size(), b.Identity()
		}
		if err := out.Encode(a); err != nil {
			os.Exit(1)
		}
	}
}

func obey(c command, blocks map[string]*Block, a *answer) (err error) {
	var b *Block
	switch b = blocks[c.Name]; c.Op {
	case "create":
		if b, err = Create(c.Name, c.Size); err == nil {
			blocks[c.Name] = b
		}
	case "open":
		if b, err = Open(c.Name); err == nil {
			blocks[c.Name] = b
		}
	case "close":
		err = b.Close()
	case "keep":
		err = b.Keep()
	case "unlink":
		err = b.Unlink()
	case "sweep":
		Sweep()
	case "read":
		a.Data = string(b.Bytes())
	case "write":
		copy(b.Bytes(), c.Data)
	case "die at": // the nth time, Size says which
		steps = func(s string) {
			if s == c.Data {
				if c.Size--; c.Size <= 0 {
					_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
					select {}
				}
			}
		}
	case "no nameless files":
		openNameless = func() (int, error) { return -1, unix.EOPNOTSUPP }
	case "churn":
		err = churn(c.Name)
	default:
		err = obeySystem(c, a)
	}
	return err
}

// churn creates and closes blocks until somebody kills it, and tells of each.
func churn(prefix string) error {
	for n := 0; ; n++ {
		b, err := Create(fmt.Sprint(prefix, n%3), 1+n%9000)
		if err != nil {
			return err
		}
		fmt.Println("{}")
		if n%2 == 0 {
			err = b.Unlink()
		}
		if err = errors.Join(err, b.Close()); err != nil {
			return err
		}
	}
}

// obeySystem changes what the puppet lives in.
func obeySystem(c command, a *answer) error {
	switch c.Op {
	case "setuid":
		return syscall.Setresuid(c.Size, c.Size, c.Size)
	case "mount":
		return unix.Mount("tmpfs", c.Name, "tmpfs", 0, c.Data)
	case "fsize":
		return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(c.Size), Max: uint64(c.Size)})
	case "files":
		return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(c.Size), Max: uint64(c.Size)})
	case "left":
		n, err := bytesLeft()
		a.Data = fmt.Sprint(n)
		return err
	case "fill up": // behind the back of the next Create
		steps = func(s string) {
			if s == "locked" {
				n, _ := bytesLeft()
				fd, _ := unix.Open(dir+"filler", unix.O_CREAT|unix.O_RDWR, 0o600)
				_ = unix.Fallocate(fd, 0, 0, int64(n)-int64(c.Size))
			}
		}
		return nil
	case "list":
		entries, err := os.ReadDir(dir)
		for _, e := range entries {
			a.Data += e.Name() + "\n"
		}
		return err
	case "child": // that knows nothing of blocks, and ends when the test closes its stdin
		cmd := exec.Command("cat")
		cmd.Stdin, cmd.Stdout = os.NewFile(3, "stdin"), os.NewFile(4, "stdout")
		return cmd.Start()
	}
	return fmt.Errorf("a puppet cannot %s", c.Op)
}

// A peer is a puppet seen from its test.
type peer struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

// newPeer starts a puppet. It is killed at the end of the test, at the latest.
func newPeer(t *testing.T) *peer {
	t.Helper()
	p, err := startPeer(t, exec.Command("/proc/self/exe"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func startPeer(t *testing.T, cmd *exec.Cmd) (*peer, error) {
	t.Helper()
	p := &peer{t: t, cmd: cmd}
	cmd.Env = append(os.Environ(), puppetVar+"="+prefix, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = json.NewDecoder(bufio.NewReader(out))
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t.Cleanup(p.kill)
	return p, nil
}

// ask returns the answer to a command.
func (p *peer) ask(c command) answer {
	p.t.Helper()
	p.tell(c)
	var a answer
	if err := p.out.Decode(&a); err != nil {
		p.t.Fatalf("%+v: %v", c, err)
	}
	return a
}

// must is ask for what has to go well.
func (p *peer) must(op, name string) answer {
	p.t.Helper()
	return p.mustDo(command{Op: op, Name: name, Size: 100})
}

func (p *peer) mustDo(c command) answer {
	p.t.Helper()
	a := p.ask(c)
	if a.Err != "" {
		p.t.Fatalf("%+v: %s", c, a.Err)
	}
	return a
}

func (p *peer) tell(c command) {
	p.t.Helper()
	if err := json.NewEncoder(p.in).Encode(c); err != nil {
		p.t.Fatal(err)
	}
}

// dies waits for the end that a puppet prepared for itself.
func (p *peer) dies() {
	p.t.Helper()
	var a answer
	if err := p.out.Decode(&a); err == nil {
		p.t.Fatalf("it did not die, but says %+v", a)
	}
	p.reap()
	if ws := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != syscall.SIGKILL {
		p.t.Fatal(p.cmd.ProcessState)
	}
}

// exits lets a puppet end by itself.
func (p *peer) exits() {
	p.t.Helper()
	p.in.Close()
	p.reap()
	if !p.cmd.ProcessState.Success() {
		p.t.Fatal(p.cmd.ProcessState)
	}
}

func (p *peer) kill() {
	_ = p.cmd.Process.Kill()
	p.reap()
}

func (p *peer) reap() {
	if p.cmd.ProcessState == nil {
		p.in.Close()
		_ = p.cmd.Wait()
	}
}

// prefix is of all names that this run of the tests uses.
var prefix = fmt.Sprintf("mptest_%d_", os.Getpid())

var names atomic.Int64

func newName() string { return fmt.Sprint(prefix, "n", names.Add(1)) }

// ours lists what is left of this run in the directory.
func ours(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			left = append(left, e.Name())
		}
	}
	return left
}

func exists(name string) bool {
	_, err := os.Lstat(dir + name)
	return err == nil
}

// noLeaks checks at the end of the test that nothing is left: no name, mapping, descriptor or child.
func noLeaks(t *testing.T) {
	t.Helper()
	proctest.NoLeaks(t, proctest.Descriptors, proctest.Mappings(dir+prefix), proctest.Children)
	t.Cleanup(func() {
		if left := ours(t); len(left) > 0 {
			t.Errorf("names are left: %q", left)
			for _, name := range left {
				_ = os.Remove(dir + name)
			}
		}
	})
}
