//go:build linux

package spawn

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-multiproc/mp/internal/osenv"
)

func deriveHere() string { return fmt.Sprintf("%x %x\n", Derive("a"), Derive("b")) }

// A key is the same in the whole family, and another for each purpose.
func TestDerive(t *testing.T) {
	noLeaks(t)
	a, b := Derive("a"), Derive("b")
	if len(a) != 32 || bytes.Equal(a, b) || !bytes.Equal(a, Derive("a")) {
		t.Errorf("%x, %x", a, b)
	}
	for role, prefix := range map[string]string{"derive": "> ", "derive below": "> > "} {
		s, out := testSpec(role)
		c := begin(t, s)
		<-c.Done()
		if got := out.String(); got != prefix+deriveHere() {
			t.Errorf("%s: %q, here %q", role, got, deriveHere())
		}
	}
}

// Another run of the same program is another family.
func TestDeriveInAnotherFamily(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), osenv.SelfPath)
	cmd.Env = append(os.Environ(), roleVar+"=derive")
	out, err := cmd.Output()
	if err != nil || len(out) != len(deriveHere()) || string(out) == deriveHere() {
		t.Errorf("%q, %v, here %q", out, err, deriveHere())
	}
}

// The secret itself is nowhere that others can read.
func TestSecretIsNotPublic(t *testing.T) {
	noLeaks(t)
	s, _ := testSpec("")
	c := begin(t, s)
	secret := secret()
	for _, f := range []string{"environ", "cmdline"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", c.PID, f))
		if err != nil || bytes.Contains(b, secret[:]) || bytes.Contains(b, fmt.Appendf(nil, "%x", secret)) {
			t.Errorf("%s: %q, %v", f, b, err)
		}
	}
}

// Nobody has a key in a worker that has not called Main.
func TestDeriveBeforeMain(t *testing.T) {
	noLeaks(t)
	s, _ := testSpec("derive before main")
	if err := firstError(t, osenv.Default(), s); !errors.Is(err, ErrNotMain) || !strings.Contains(err.Error(), "the family's key was called before mp.Main") {
		t.Error(err)
	}
}

var announced atomic.Int64

func init() { BeforeStart(func() { announced.Add(1) }) }

// Whoever wants to know hears of a start before there is a process.
func TestBeforeStart(t *testing.T) {
	noLeaks(t)
	before := announced.Load()
	k := osenv.Default()
	k.Socketpair = func() (*os.File, *os.File, error) {
		if n := announced.Load() - before; n != 1 {
			t.Errorf("told %d times", n)
		}
		return nil, nil, errInjected
	}
	s, _ := testSpec("")
	if _, err := Start(k, s); !errors.Is(err, errInjected) {
		t.Error(err)
	}
}
