//go:build linux

package progress_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
)

func TestMain(m *testing.M) {
	mp.Main()
	_ = os.Setenv("TERM", "xterm")
	os.Exit(proctest.Guard(5*time.Minute, func() int {
		if p, err := mp.NewPool(mp.PoolConfig{Workers: 1}); err == nil {
			_ = p.Close()
		}
		return m.Run()
	}))
}

var ctx = context.Background()

// eventually waits until cond holds; a minute is a hang, and then the screen tells.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	proctest.Eventually(t, what, cond, func() string {
		if ttys.last == nil {
			return ""
		}
		return "the screen:\n" + ttys.last.screen()
	})
}

// noGoroutines checks that the test leaves none behind.
func noGoroutines(t *testing.T) {
	t.Helper()
	proctest.NoLeaks(t, proctest.Goroutines)
}

func newPool(t *testing.T, c mp.PoolConfig) *mp.Pool {
	t.Helper()
	pool, err := mp.NewPool(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool
}

// A tty is a terminal whose user sees what is on its screen.
type tty struct {
	*os.File // the program's side

	mu   sync.Mutex
	seen strings.Builder // guarded by mu: everything that was written
	show page            // guarded by mu
	ever map[string]bool // guarded by mu: every line that was on the screen when something had been written
}

// ttys remembers the terminal that was opened last, for a test that fails.
var ttys struct{ last *tty }

// openTTY makes a terminal of 30 lines.
func openTTY(t *testing.T, width uint16) *tty {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there are no pseudo-terminals:", err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there is no pseudo-terminal:", err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: width}); err != nil {
		t.Fatal(err)
	}
	s := &tty{File: slave, ever: make(map[string]bool)}
	ttys.last = s
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			if err != nil { // the other side was closed
				return
			}
			s.mu.Lock()
			s.seen.Write(buf[:n])
			s.show.write(buf[:n])
			for _, line := range s.show.lines {
				s.ever[string(line)] = true
			}
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		slave.Close()
		<-done
		master.Close()
	})
	return s
}

// screen is what can be read now.
func (s *tty) screen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, l := range s.show.lines {
		lines = append(lines, strings.TrimRight(string(l), " "))
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// was reports whether a line with all these words was to be read at any time.
func (s *tty) was(words ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range s.ever {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			return true
		}
	}
	return false
}

// A page is a terminal without an end: it knows lines, the way up, and how to erase from there on.
type page struct {
	lines    [][]rune
	row, col int
	pending  []byte
}

func (p *page) write(b []byte) {
	p.pending = append(p.pending, b...)
	for len(p.pending) > 0 {
		n := p.one([]rune(string(p.pending)))
		if n == 0 {
			return // the rest of a sequence is to come
		}
		p.pending = p.pending[n:]
	}
}

// one takes one character or sequence, and returns its length in bytes; 0 if it is not whole.
func (p *page) one(in []rune) int {
	for len(p.lines) <= p.row {
		p.lines = append(p.lines, nil)
	}
	switch r := in[0]; r {
	case '\uFFFD':
		return 0
	case '\n':
		p.row++
	case '\r':
		p.col = 0
	case '\x1b':
		text := string(in)
		end := strings.IndexAny(text, "AJ")
		if end < 0 {
			return 0
		}
		switch text[end] {
		case 'A':
			n := 0
			_, _ = fmt.Sscanf(text, "\x1b[%d", &n)
			p.row = max(0, p.row-n)
		case 'J':
			p.lines = p.lines[:p.row+1]
			p.lines[p.row] = p.lines[p.row][:min(p.col, len(p.lines[p.row]))]
		}
		return end + 1
	default:
		line := p.lines[p.row]
		for len(line) <= p.col {
			line = append(line, ' ')
		}
		line[p.col] = r
		p.lines[p.row] = line
		p.col++
		return len(string(r))
	}
	return 1
}
