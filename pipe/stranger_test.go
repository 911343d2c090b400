package pipe

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A stranger is a program of its own, no relative of the test's.
type stranger struct {
	*exec.Cmd

	in  io.WriteCloser
	out *bufio.Scanner
}

// startStranger starts this binary in a role, which finds its arguments by args, and goes with the test.
func startStranger(t testing.TB, role string, args ...string) *stranger {
	t.Helper()
	return startStrangerAs(t, nil, role, args...)
}

func startStrangerAs(t testing.TB, who *syscall.Credential, role string, args ...string) *stranger {
	t.Helper()
	s := &stranger{Cmd: exec.Command("/proc/self/exe", "-test.run=^$")}
	s.Env = append(os.Environ(), "MP_PIPE_ROLE="+role, "MP_PIPE_ARGS="+strings.Join(args, "\n"))
	s.Stderr = os.Stderr
	s.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	in, err := s.StdinPipe()
	ok(t, err)
	out, err := s.StdoutPipe()
	ok(t, err)
	s.in, s.out = in, bufio.NewScanner(out)
	ok(t, s.Start())
	t.Cleanup(s.kill)
	return s
}

// says is the next line that it prints.
func (s *stranger) says(t testing.TB) string {
	t.Helper()
	if !s.out.Scan() {
		t.Fatalf("%s: it says nothing more: %v", s, s.out.Err())
	}
	return s.out.Text()
}

// kill kills it and waits until the kernel has torn it down.
func (s *stranger) kill() {
	_ = s.Process.Kill()
	_ = s.Wait()
}

// args are those of a role.
func args() []string { return strings.Split(os.Getenv("MP_PIPE_ARGS"), "\n") }

// strangersConfig is that of a role. A key may be in TLS, too, which then needs no certificate.
func strangersConfig(key string) Config {
	if key, ok := strings.CutPrefix(key, "TLS:"); ok {
		return Config{AuthKey: []byte(key), TLS: &tls.Config{InsecureSkipVerify: true}}
	}
	return Config{AuthKey: []byte(key)}
}

func init() {
	// listen: network, address, key. It says where it listens, and echoes what it receives.
	roles["listen"] = func() int {
		a := args()
		l, err := Listen(a[0], a[1], strangersConfig(a[2]))
		if err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println(l.Addr())
		for {
			c, err := l.Accept(ctx)
			if err != nil {
				fmt.Println(err)
				return 1
			}
			go serveEcho(c)
		}
	}
	// dial: network, address, key. It says what comes of it, and then lives until its input ends.
	roles["dial"] = func() int {
		a := args()
		c, err := Dial(ctx, a[0], a[1], strangersConfig(a[2]))
		switch {
		case errors.Is(err, ErrAuth):
			fmt.Println("ErrAuth")
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println("connected")
			defer c.Close()
		}
		_, _ = io.Copy(io.Discard, os.Stdin)
		return 0
	}
	// send: network, address, key. It says so, sends a large message and exits at once.
	roles["send"] = func() int {
		a := args()
		c, err := Dial(ctx, a[0], a[1], strangersConfig(a[2]))
		if err == nil {
			fmt.Println("sending")
			err = c.SendBytes(ctx, pattern(enough))
		}
		if err != nil {
			fmt.Println(err)
			return 1
		}
		unix.Exit(0)
		return 0
	}
	// half: network, address. It says hello and no more.
	roles["half a stream"] = func() int {
		a := args()
		c, err := net.Dial(a[0], a[1])
		if err == nil {
			_, err = c.Write([]byte("MP_DIAL1"))
		}
		fmt.Println(err)
		select {}
	}
}

// enough is more than any buffer on the way holds.
const enough = 24 << 20

func serveEcho(c *Conn) {
	defer c.Close()
	for {
		b, err := c.RecvBytes(context.Background())
		if err != nil || c.SendBytes(context.Background(), b) != nil {
			return
		}
	}
}

// checkEcho checks that the other end is an echo.
func checkEcho(t testing.TB, c *Conn) {
	t.Helper()
	for _, size := range []int{0, 100, 1 << 20} {
		sent := make(chan error, 1)
		go func() { sent <- c.SendBytes(ctx, pattern(size)) }()
		got, err := c.RecvBytes(ctx)
		ok(t, errors.Join(err, <-sent))
		if !isPattern(got, size) {
			t.Errorf("%d bytes came back as %d", size, len(got))
		}
	}
}
