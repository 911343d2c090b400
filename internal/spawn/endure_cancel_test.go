//go:build linux

package spawn

import (
	"errors"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
)

// Every cancel is sent, also where this process is held up in the middle again and again, for others want its CPUs.
func TestCancelsAreSent(t *testing.T) {
	noLeaks(t)
	for range 4 * runtime.NumCPU() {
		s, _ := testSpec("spin")
		busy := begin(t, s)
		defer func() {
			busy.Kill()
			busy.Close()
		}()
	}
	here, there, err := osenv.Default().Socketpair()
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(here, there)
	fd := int(there.Fd())
	c := &Child{control: here}
	frame := make([]byte, 64)
	for n := range 100_000 {
		c.Cancel(uint64(n), abi.CauseCancel)
		if _, _, err := unix.Recvfrom(fd, frame, unix.MSG_DONTWAIT); errors.Is(err, unix.EAGAIN) {
			t.Fatalf("cancel %d was not sent", n)
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
