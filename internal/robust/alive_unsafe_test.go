//go:build linux

package robust

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/proctest"
)

// roleVar makes this binary a process with an alive word in the file that it gets as descriptor 3.
const roleVar = "MP_ROBUST_ROLE"

// libc tells that the main thread has a list of its own, as in the race detector's binaries.
var libc = osenv.HasRobustList()

// As in a worker, Prepare runs on the main thread, in package initialization.
func init() {
	if role := os.Getenv(roleVar); role != "" && role != "thread" {
		Prepare()
	}
}

func TestMain(m *testing.M) {
	role := os.Getenv(roleVar)
	if role == "" {
		os.Exit(proctest.Guard(9*time.Minute, m.Run))
	}
	if program := programs[role]; program != nil {
		program(openGround(os.NewFile(3, "ground")))
		os.Exit(0)
	}
	alive := mapWord(os.NewFile(3, "word"))
	Announce(alive)
	for alive.Load() == 0 {
		osenv.Yield() // the thread, where it takes one, is not up yet
	}
	switch role {
	case "feign death":
		alive.Store(alive.Load() | ownerDied)
	case "feign life":
		alive.Store(1) // no thread of this process: the kernel leaves such a word alone
	}
	fmt.Println("up")
	_, _ = os.Stdin.Read(make([]byte, 1))
	switch role {
	case "panic":
		panic("the end")
	case "exec":
		_ = syscall.Exec("/bin/cat", []string{"cat"}, nil)
	}
	os.Exit(0)
}

func mapWord(f *os.File) *atomic.Uint32 {
	b, err := osenv.Map(f, os.Getpagesize())
	if err != nil {
		panic(err)
	}
	return (*atomic.Uint32)(unsafe.Pointer(unsafe.SliceData(b)))
}

type victim struct {
	*exec.Cmd
	alive *atomic.Uint32
	stdin io.WriteCloser
}

func newVictim(t *testing.T, role string) *victim {
	t.Helper()
	f, err := osenv.Default().SharedMemory("word", int64(os.Getpagesize()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v := &victim{Cmd: exec.Command("/proc/self/exe", "-test.run=^$"), alive: mapWord(f)}
	v.Env = append(os.Environ(), roleVar+"="+role)
	v.ExtraFiles = []*os.File{f}
	if v.stdin, err = v.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := v.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = v.Process.Kill()
		_ = v.Wait()
	})
	if b := make([]byte, 2); readFull(out, b) != nil || string(b) != "up" {
		t.Fatalf("it says %q", b)
	}
	return v
}

func readFull(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	return err
}

// ended waits until the process is a zombie, all threads of it.
func (v *victim) ended(t *testing.T) {
	t.Helper()
	if ended, err := osenv.WaitNoReap(v.Process.Pid, -1, true); !ended || err != nil {
		t.Fatal(ended, err)
	}
}

// The kernel marks the word of a process, whatever way it ends, and not before.
func TestMarked(t *testing.T) {
	for _, role := range []string{"main", "thread"} {
		for _, way := range []string{"SIGKILL", "exit", "SIGKILL while stopped"} {
			v := newVictim(t, role)
			if word := v.alive.Load(); Dead(v.alive) || (role == "main" && !libc) != (int(word) == v.Process.Pid) {
				t.Errorf("%s: the word of process %d is %#x", role, v.Process.Pid, word)
			}
			switch way {
			case "exit":
				_, _ = v.stdin.Write([]byte("!"))
			case "SIGKILL while stopped":
				_ = v.Process.Signal(syscall.SIGSTOP)
				_, _ = unix.Wait4(v.Process.Pid, nil, unix.WUNTRACED, nil)
				if Dead(v.alive) {
					t.Error("dead when stopped")
				}
				fallthrough
			case "SIGKILL":
				_ = v.Process.Kill()
			}
			v.ended(t)
			if !Dead(v.alive) {
				t.Errorf("%s, %s: not marked", role, way)
			}
		}
	}
}

// The mark does not wait for the end of the process: whoever watches the word, sees it.
func TestMarkComesWithoutReaping(t *testing.T) {
	v := newVictim(t, "main")
	_ = v.Process.Kill()
	eventually(t, "it is marked", func() bool { return Dead(v.alive) })
}

// A process that becomes another program, or panics, is none to give work to.
func TestMarkedAtExecAndPanic(t *testing.T) {
	v := newVictim(t, "exec")
	_, _ = v.stdin.Write([]byte("!"))
	eventually(t, "it is marked", func() bool { return Dead(v.alive) })
	if ended, err := osenv.WaitNoReap(v.Process.Pid, -1, false); ended || err != nil {
		t.Errorf("it has ended: %v, %v", ended, err)
	}
	v = newVictim(t, "panic")
	_, _ = v.stdin.Write([]byte("!"))
	v.ended(t)
	if !Dead(v.alive) {
		t.Error("not marked after a panic")
	}
}

// A process can forge its own word, either way. Neither hurts the kernel or who waits for it.
func TestForged(t *testing.T) {
	v := newVictim(t, "feign death")
	if !Dead(v.alive) {
		t.Error("not dead, as it says")
	}
	if ended, err := osenv.WaitNoReap(v.Process.Pid, -1, false); ended || err != nil {
		t.Errorf("it has ended: %v, %v", ended, err)
	}
	v = newVictim(t, "feign life")
	_ = v.Process.Kill()
	v.ended(t)
	if Dead(v.alive) {
		t.Error("the kernel marks a word that is not the process's")
	}
}
