//go:build linux

package spawn

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/proctest"
	"github.com/go-multiproc/mp/internal/ring"
)

const (
	roleVar  = "MP_SPAWN_ROLE"  // what a worker does
	limitVar = "MP_SPAWN_LIMIT" // a shorter mainLimit
)

// Before init in marker.go, which starts the timer: variables are initialized first.
var _ = func() bool {
	if d, err := time.ParseDuration(os.Getenv(limitVar)); err == nil {
		mainLimit = d
	}
	return true
}()

var testRegistry = []string{"a\t1", "b\t2"}

// TestMain makes this binary the tests, or a worker in a role.
func TestMain(m *testing.M) {
	if !IsWorker() {
		if os.Getenv(roleVar) == "derive" {
			roles["derive"]()
		}
		// What the first start makes for good, the thread that starts processes and the poller, is no leak of a test.
		s, _ := testSpec("exit 3")
		c, err := Start(osenv.Default(), s)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		c.Close()
		os.Exit(m.Run())
	}
	role := os.Getenv(roleVar)
	switch role {
	case "never main":
		select {}
	case "early panic":
		panic("too early")
	case "derive before main":
		Derive("a")
	case "late main":
		fmt.Println("up")
		for range 20 {
			<-time.After(mainLimit / 200)
		}
	case "never main, busy":
		for n := 0; n >= 0; n++ {
		}
	}
	p, err := Attach(testRegistry)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if f := roles[role]; f != nil {
		f()
	}
	for { // until the parent has enough
		if _, _, err := p.RecvCancel(); err != nil {
			os.Exit(0)
		}
	}
}

// roles are what workers of the tests do once they are up.
var roles = map[string]func(){
	"exit 3":  func() { os.Exit(3) },
	"sigterm": func() { _ = syscall.Kill(os.Getpid(), syscall.SIGTERM); select {} },
	"spin": func() {
		for n := 0; n >= 0; n++ { // until it is killed
		}
	},
	"stop":    func() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) },
	"panic":   func() { go panic("in a goroutine"); select {} },
	"partial": func() { fmt.Print("one\ntwo"); os.Exit(0) },
	"long":    func() { fmt.Println(strings.Repeat("0123456789", 20_000)); fmt.Println("after"); os.Exit(0) },
	"binary":  func() { _, _ = os.Stdout.Write(allBytes); os.Exit(0) },
	"flood":   flood,
	"abandon": abandonPipe,
	"memory":  memory,
	"derive":  func() { fmt.Print(deriveHere()); os.Exit(0) },
	"derive below": func() {
		s, out := testSpec("derive")
		c, err := Start(osenv.Default(), s)
		if err != nil {
			panic(err)
		}
		<-c.Done()
		fmt.Print(out)
		os.Exit(0)
	},
	"files":    func() { fmt.Println(strings.Join(proctest.OpenFiles(), "\n")); os.Exit(0) },
	"stdin":    func() { b, err := io.ReadAll(os.Stdin); fmt.Println(len(b), err); os.Exit(0) },
	"affinity": func() { fmt.Print(affinities()); os.Exit(0) },
	"limits": func() {
		fmt.Println(debug.SetMemoryLimit(-1), runtime.GOMAXPROCS(0), debug.SetMaxStack(1<<20))
		os.Exit(0)
	},
	"sigint": sigint,
	"exec":   func() { _ = syscall.Exec("/bin/cat", []string{"cat"}, nil) },
	"setpgid": func() {
		child := exec.Command("sleep", "1000")
		child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		if err := child.Start(); err != nil {
			panic(err)
		}
		if err := syscall.Setpgid(0, child.Process.Pid); err != nil {
			panic(err)
		}
		fmt.Println("moved")
	},
}

// testSpec is a worker in a role, with what it writes.
func testSpec(role string) (Spec, *proctest.Buffer) {
	out := new(proctest.Buffer)
	o := NewOutput(out)
	return Spec{
		Name: "w", Worker: -1, Env: []string{roleVar + "=" + role, "GORACE=atexit_sleep_ms=0"}, Registry: testRegistry,
		Layout: ring.Layout{Slots: 8, In: 4096, Out: 4096}, Stdout: o, Stderr: o, Prefix: "> ",
	}, out
}

// begin starts a worker and sees it through its handshake.
func begin(t *testing.T, s Spec) *Child {
	t.Helper()
	c, err := Start(osenv.Default(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Kill()
		c.Close()
	})
	for !c.Ready() {
		if _, err := c.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// firstError is what the handshake fails with.
func firstError(t *testing.T, k *osenv.Kernel, s Spec) error {
	t.Helper()
	c, err := Start(k, s)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		c.Kill()
		c.Close()
	}()
	for !c.Ready() {
		if _, err := c.Recv(); err != nil {
			return err
		}
	}
	t.Fatal("the handshake did not fail")
	return nil
}

// noLeaks checks at the end of the test that nothing is left.
func noLeaks(t *testing.T) {
	t.Helper()
	proctest.NoLeaks(t, proctest.Descriptors, proctest.Goroutines, proctest.Mappings("mp-channel"), proctest.Children)
}

func affinities() string {
	tasks, _ := filepath.Glob("/proc/self/task/*/status")
	seen := ""
	for _, task := range tasks {
		b, _ := os.ReadFile(task)
		for line := range strings.Lines(string(b)) {
			if strings.HasPrefix(line, "Cpus_allowed_list:") && !strings.Contains(seen, line) {
				seen += line
			}
		}
	}
	return seen
}

// abandonPipe leaves a process in a session of its own that holds on to stdout.
func abandonPipe() {
	cmd := exec.Command("sleep", "1000")
	cmd.Stdout = os.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	fmt.Print("left ", cmd.Process.Pid)
	os.Exit(0)
}

// flood writes more than the pipe holds, and dies with the pipe full.
func flood() {
	line := []byte(strings.Repeat("x", 99) + "\n")
	for range 10_000 {
		_, _ = os.Stdout.Write(line)
	}
	_, _ = os.Stdout.WriteString("the last words")
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

func memory() {
	var hold [][]byte
	for {
		b := make([]byte, 1<<20)
		for i := range b {
			b[i] = byte(i)
		}
		hold = append(hold, b)
	}
}

// sigint gets SIGINT, and tells whether it and a program that it starts can ask for it.
func sigint() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
	child := func() {
		out, err := exec.Command("sh", "-c", "kill -INT $$; echo deaf").CombinedOutput()
		fmt.Printf("%s %v\n", out, err)
	}
	child()
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGINT)
	child()
	_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
	fmt.Println(<-c)
	os.Exit(0)
}

var allBytes = func() []byte {
	b := make([]byte, 0, 256)
	for i := range 256 {
		if i != '\n' {
			b = append(b, byte(i))
		}
	}
	return b
}()

var errInjected = errors.New("injected")
