//go:build linux

package spawn

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/osenv"
)

// A worker that gets no CPU on its way to Main, for longer than it may take for that, is not one that never calls it.
func TestHeldUpBeforeMain(t *testing.T) {
	noLeaks(t)
	s, out := testSpec("late main")
	s.Env = append(s.Env, limitVar+"=500ms")
	c, err := Start(osenv.Default(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		c.Kill()
		c.Close()
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(out.String(), "up") {
		<-tick.C
	}
	if err := c.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Second) // that the time passes is the point
	if err := c.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for !c.Ready() {
		if _, err := c.Recv(); err != nil {
			t.Fatal(err)
		}
	}
}
