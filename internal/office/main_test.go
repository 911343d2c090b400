//go:build linux

package office

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/proctest"
	"github.com/go-multiproc/mp/internal/ring"
	"github.com/go-multiproc/mp/internal/spawn"
)

const (
	roleVar  = "MP_OFFICE_ROLE"
	tokenVar = "MP_OFFICE_TOKEN"
)

// TestMain makes this binary the tests, a worker in a role, or a program that is no relative.
func TestMain(m *testing.M) {
	role := roles[os.Getenv(roleVar)]
	if !spawn.IsWorker() {
		if role != nil {
			act(role)
		}
		patience = 100 * time.Millisecond
		// What the first start makes for good is no leak of a test.
		c, err := spawn.Start(osenv.Default(), testSpec("nothing", Token{}, new(proctest.Buffer)))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		<-c.Done()
		c.Close()
		os.Exit(m.Run())
	}
	if _, err := spawn.Attach(nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	act(role)
}

func act(role func(Token) error) {
	var token Token
	if _, err := hex.Decode(token[:], []byte(os.Getenv(tokenVar))); err != nil {
		panic(err)
	}
	if err := role(token); err != nil {
		fmt.Print(err)
		os.Exit(1)
	}
	fmt.Print("well")
	os.Exit(0)
}

// die is the end of a role that is killed.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func testSpec(role string, token Token, out *proctest.Buffer) spawn.Spec {
	o := spawn.NewOutput(out)
	return spawn.Spec{
		Name: "w", Worker: -1, Env: []string{roleVar + "=" + role, tokenVar + "=" + hex.EncodeToString(token[:]), "GORACE=atexit_sleep_ms=0"},
		Layout: ring.Layout{Slots: 8, In: 4096, Out: 4096}, Stdout: o, Stderr: o, Prefix: " ",
	}
}

// A member is a worker in a role.
type member struct {
	*spawn.Child
	out *proctest.Buffer
}

func start(t *testing.T, role string, token Token) member {
	t.Helper()
	m := member{out: new(proctest.Buffer)}
	var err error
	if m.Child, err = spawn.Start(osenv.Default(), testSpec(role, token, m.out)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.Kill()
		m.Close()
	})
	return m
}

// end waits for the end of a member and returns what it said last.
func (m member) end() string {
	<-m.Done()
	if e := m.Exit(); e.Signal != 0 {
		return e.Signal.String()
	}
	return m.out.String()
}

// run runs a member to its end, which has to be this.
func run(t *testing.T, role string, token Token, want string) {
	t.Helper()
	if got := start(t, role, token).end(); got != want {
		t.Errorf("%s: %q, want %q", role, got, want)
	}
}

const (
	well   = " well\n"
	killed = "killed"
)

// marked is a file in which is written what it is.
func marked(mark string) *os.File {
	fd, err := unix.MemfdCreate(mark, unix.MFD_CLOEXEC)
	if err != nil {
		panic(err)
	}
	f := os.NewFile(uintptr(fd), mark)
	if _, err := f.WriteString(mark); err != nil {
		panic(err)
	}
	return f
}

// check checks that these are the files with these marks, and closes them.
func check(files []*os.File, marks ...string) error {
	if len(files) != len(marks) {
		return fmt.Errorf("%d files, want %d", len(files), len(marks))
	}
	for i, f := range files {
		b := make([]byte, 100)
		n, err := f.ReadAt(b, 0)
		if !errors.Is(err, io.EOF) || string(b[:n]) != marks[i] {
			return fmt.Errorf("file %d is %q, %w", i, b[:n], err)
		}
		if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			return fmt.Errorf("file %d has flags %x, %w", i, flags, err)
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// noLeaks checks at the end of the test that the process has no more than it had, and nothing on the desk.
func noLeaks(t *testing.T) {
	t.Helper()
	proctest.NoLeaks(t, proctest.Descriptors, proctest.Goroutines, deposits)
}

func deposits(s proctest.Stock) {
	own.mu.Lock()
	defer own.mu.Unlock()
	s.Add("deposits", len(own.deposits))
}

// await waits until there is nothing to complain about.
func await(t *testing.T, complaint func() string) {
	t.Helper()
	last := ""
	proctest.Eventually(t, "nothing to complain about", func() bool { last = complaint(); return last == "" }, func() string { return last })
}

// pair is two ends of a connection.
func pair(t *testing.T) (a, b *net.UnixConn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]*net.UnixConn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "")
		c, err := net.FileConn(f)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		ends[i] = c.(*net.UnixConn)
		t.Cleanup(func() { _ = c.Close() })
	}
	return ends[0], ends[1]
}
