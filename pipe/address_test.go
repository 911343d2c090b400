package pipe

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// F135: a path is there as long as its listener, for its owner only if there is no key.
func TestAddressPath(t *testing.T) {
	noLeaks(t)
	path := filepath.Join(t.TempDir(), "socket")
	_, err := Dial(ctx, "unix", path, Config{})
	wants(t, "before", err, fs.ErrNotExist)
	l, err := Listen("unix", path, Config{})
	ok(t, err)
	info, err := os.Lstat(path)
	ok(t, err)
	if info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("the mode of the path is %v", info.Mode())
	}
	if l.Addr().Network() != "unix" || l.Addr().String() != path {
		t.Errorf("it listens at %v", l.Addr())
	}
	ok(t, l.Close())
	_, err = Dial(ctx, "unix", path, Config{})
	wants(t, "afterwards", err, fs.ErrNotExist)
}

// T163: names that are no files; "" is one that nobody else has.
func TestAddressAbstract(t *testing.T) {
	noLeaks(t)
	a, err := Listen("unix", "", Config{})
	ok(t, err)
	b, err := Listen("unix", "", Config{})
	ok(t, err)
	for _, l := range []*Listener{a, b} {
		name := l.Addr().String()
		if !strings.HasPrefix(name, "@") || a.Addr().String() == b.Addr().String() {
			t.Errorf("it listens at %q", name)
		}
		_, err := Listen("unix", name, Config{})
		wants(t, "twice", err, syscall.EADDRINUSE)
		c, err := Dial(ctx, "unix", name, Config{})
		ok(t, err)
		greeted(t, c, accept(t, l))
		ok(t, c.Close())
		ok(t, l.Close())
	}
}

// Of port 0, Addr tells which it became. T131: a port that was in use, with connections, can be listened on again at once.
func TestAddressPort(t *testing.T) {
	noLeaks(t)
	n := by(t, "tcp")
	l := n.listen(t)
	port := l.Addr().String()
	if strings.HasSuffix(port, ":0") {
		t.Errorf("it listens at %q", port)
	}
	_, err := Listen("tcp", port, n.listener)
	wants(t, "twice", err, syscall.EADDRINUSE)
	for range 10 {
		a, b := n.dial(t, l), accept(t, l)
		greeted(t, a, b)
		ok(t, l.Close())
		ok(t, b.Close()) // the listener's side first: that leaves TIME_WAIT there
		ok(t, a.Close())
		l, err = Listen("tcp", port, n.listener)
		ok(t, err)
	}
	ok(t, l.Close())
}

// Only a socket on which nobody listens is replaced, and only what the Listener made is removed.
func TestAddressTaken(t *testing.T) {
	noLeaks(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	ok(t, os.WriteFile(file, []byte("mine"), 0o600))
	for what, path := range map[string]string{"a file": file, "a directory": dir} {
		_, err := Listen("unix", path, Config{})
		wants(t, what, err, syscall.EADDRINUSE)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "mine" {
		t.Errorf("the file: %q, %v", b, err)
	}

	path := filepath.Join(dir, "socket")
	l, err := Listen("unix", path, Config{})
	ok(t, err)
	_, err = Listen("unix", path, Config{})
	wants(t, "where somebody listens", err, syscall.EADDRINUSE)
	ok(t, os.Remove(path))
	ok(t, os.WriteFile(path, nil, 0o600))
	ok(t, l.Close())
	if _, err := os.Lstat(path); err != nil {
		t.Error("Close removed what somebody else had put there")
	}

	// Others' sockets: one for datagrams, in use, is left alone; and one that does not listen is replaced.
	datagrams, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "datagrams")})
	ok(t, err)
	defer datagrams.Close()
	_, err = Listen("unix", filepath.Join(dir, "datagrams"), Config{})
	wants(t, "a socket for datagrams", err, syscall.EADDRINUSE)
}

func TestAddressThatCannotBe(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 108))
	for _, listens := range []bool{true, false} {
		err := func() error {
			if listens {
				_, err := Listen("unix", long, Config{})
				return err
			}
			_, err := Dial(ctx, "unix", long, Config{})
			return err
		}()
		if err == nil || !strings.Contains(err.Error(), "107 bytes") {
			t.Errorf("a long path: %v", err)
		}
	}
	_, err := Listen("unix", filepath.Join(t.TempDir(), "none", "socket"), Config{})
	wants(t, "in no directory", err, fs.ErrNotExist)
	if _, err := Dial(ctx, "unix", "", Config{}); err == nil {
		t.Error("dialed nothing")
	}
}

// W36: what a killed listener leaves is replaced. Of many who try, one succeeds, and it can be reached.
func TestAddressOfTheDead(t *testing.T) {
	noLeaks(t)
	path := filepath.Join(t.TempDir(), "socket")
	for range 20 {
		s := startStranger(t, "listen", "unix", path, "")
		if says := s.says(t); says != path {
			t.Fatal(says)
		}
		c, err := Dial(ctx, "unix", path, Config{})
		ok(t, err)
		checkEcho(t, c)
		ok(t, c.Close())
		s.kill()
		_, err = Dial(ctx, "unix", path, Config{})
		wants(t, "its socket", err, syscall.ECONNREFUSED)

		var all sync.WaitGroup
		var winner atomic.Pointer[Listener]
		for range 8 {
			all.Go(func() {
				l, err := Listen("unix", path, Config{})
				switch {
				case err == nil && !winner.CompareAndSwap(nil, l):
					t.Error("two have it")
				case err != nil && !errors.Is(err, syscall.EADDRINUSE):
					t.Error(err)
				}
			})
		}
		all.Wait()
		l := winner.Load()
		if l == nil {
			t.Fatal("nobody has it")
		}
		c, err = Dial(ctx, "unix", path, Config{})
		ok(t, err)
		greeted(t, c, accept(t, l))
		ok(t, c.Close())
		ok(t, l.Close())
	}
}
