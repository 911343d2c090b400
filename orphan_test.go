//go:build linux

package mp_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
)

// pose says "up" and stays in a state.
var pose = mp.Func("pose", func(ctx context.Context, how string) (int, error) {
	var child *exec.Cmd
	if how == "grandchild" {
		child = exec.Command("sleep", "1000")
		if err := child.Start(); err != nil {
			return 0, err
		}
	}
	fmt.Println("up")
	switch how {
	case "go loop":
		for n := 0; ; n++ {
			if n < 0 {
				return n, nil
			}
		}
	case "assembly loop":
		// Pages that were never written all show the same page of zeros. To read them takes tenths of a second, all of
		// it in assembly, where the runtime cannot stop a goroutine.
		b, err := syscall.Mmap(-1, 0, 2<<30, syscall.PROT_READ, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
		if err != nil {
			return 0, err
		}
		for bytes.IndexByte(b, 1) < 0 {
		}
	case "stopped":
		return 0, syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case "grandchild":
		return 0, child.Wait()
	}
	<-ctx.Done()
	return 0, nil
})

const orphans = 3

func init() {
	// A parent with workers in a state, which then ends in a way.
	roles["orphans"] = func() int {
		how, end := os.Getenv("MP_TEST_HOW"), os.Getenv("MP_TEST_END")
		if after, ok := strings.CutPrefix(how, "large "); ok {
			how = after
			hold := make([]byte, 512<<20) // to take it down takes the kernel far longer than to end a worker
			for i := 0; i < len(hold); i += 4096 {
				hold[i] = 1
			}
			defer runtime.KeepAlive(hold)
		}
		pool, err := mp.NewPool(mp.PoolConfig{Workers: orphans})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if how == "nested" {
			how = "nest"
		}
		for range orphans {
			switch how {
			case "idle":
				fmt.Println("up")
			case "nest":
				nest.Go(ctx, pool, struct{}{})
			default:
				pose.Go(ctx, pool, how)
			}
		}
		if _, err := os.Stdin.Read(make([]byte, 1)); err != nil { // until the test has seen everybody
			return 1
		}
		switch end {
		case "exit":
			return 0
		case "panic":
			panic("the parent panics")
		case "exec":
			_ = syscall.Exec("/bin/cat", []string{"cat"}, os.Environ())
		}
		select {}
	}
}

// nest has a worker of its own, with a grandchild of it.
var nest *mp.Function[struct{}, int]

func init() {
	nest = mp.Func("nest", func(ctx context.Context, _ struct{}) (int, error) {
		p, err := pose.Start(ctx, "grandchild")
		if err != nil {
			return 0, err
		}
		return p.Wait(ctx)
	})
}

// role runs a role of this test binary as a process of its own.
func role(name string, env ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(append(os.Environ(), "MP_TEST_ROLE="+name), env...)
	cmd.Stderr = os.Stderr
	return cmd
}

// process is what /proc/pid/stat tells: the start time tells a process from a later one with its pid.
type process struct {
	pid, parent int
	state       string
	start       string
}

func processes(t *testing.T) map[int]process {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[int]process)
	for _, e := range entries {
		var p process
		if _, err := fmt.Sscan(e.Name(), &p.pid); err != nil {
			continue
		}
		f, err := proctest.Stat(e.Name())
		if err != nil {
			continue // it has ended meanwhile
		}
		p.state, p.start = f[0], f[19]
		_, _ = fmt.Sscan(f[1], &p.parent)
		all[p.pid] = p
	}
	return all
}

// descendants are the processes below pid, by pid.
func descendants(t *testing.T, pid int) []process {
	all := processes(t)
	var below []process
	for _, p := range all {
		for q := p; q.parent > 1; q = all[q.parent] {
			if q.parent == pid {
				below = append(below, p)
				break
			}
		}
	}
	slices.SortFunc(below, func(a, b process) int { return a.pid - b.pid })
	return below
}

// listing is what a directory holds that processes might leave things in.
func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, "\n")
}

// orphaned starts a parent, ends it, and returns how long its descendants lived on, and how many there were.
func orphaned(t *testing.T, how, end string) (time.Duration, int) {
	t.Helper()
	tmp := t.TempDir()
	shm := proctest.Take(proctest.SharedFiles)
	cmd := role("orphans", "MP_TEST_HOW="+how, "MP_TEST_END="+end, "TMPDIR="+tmp)
	cmd.Stderr = nil // it may panic
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var said []byte
	for buf := make([]byte, 4096); bytes.Count(said, []byte("up\n")) < orphans; {
		n, err := stdout.Read(buf)
		if said = append(said, buf[:n]...); err != nil {
			t.Fatalf("%v after %q", err, said)
		}
	}
	if strings.HasSuffix(how, "stopped") {
		eventually(t, "the workers have stopped", func() bool {
			n := 0
			for _, p := range descendants(t, cmd.Process.Pid) {
				if p.state == "T" {
					n++
				}
			}
			return n == orphans
		})
	}
	below := descendants(t, cmd.Process.Pid)
	var polls []unix.PollFd
	for _, p := range below {
		fd, err := unix.PidfdOpen(p.pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		polls = append(polls, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	begin := time.Now()
	if end == "kill" {
		err = cmd.Process.Kill()
	} else {
		_, err = stdin.Write([]byte("!"))
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range polls {
		for {
			n, err := unix.Poll(polls[i:i+1], 20_000)
			if err == unix.EINTR {
				continue
			}
			if n == 0 {
				for _, p := range below {
					if now, ok := processes(t)[p.pid]; ok && now.start == p.start && now.state != "Z" {
						t.Errorf("process %d lives on: %+v", p.pid, now)
						_ = syscall.Kill(p.pid, syscall.SIGKILL)
					}
				}
				t.FailNow()
			}
			break
		}
	}
	took := time.Since(begin)
	if left := shm.More(proctest.Take(proctest.SharedFiles)); left != "" {
		t.Error(left)
	}
	if left := listing(t, tmp); left != "" {
		t.Errorf("in the temporary directory: %s", left)
	}
	return took, len(below)
}

// T006, W19, W20: when the parent dies, everybody below it dies at once, whatever they are doing, and leaves nothing.
func TestNoOrphans(t *testing.T) {
	noLeaks(t)
	runs := 2
	if os.Getenv("MP_ORPHANS") != "" {
		_, _ = fmt.Sscan(os.Getenv("MP_ORPHANS"), &runs)
	}
	for _, c := range []struct {
		how   string
		below int
	}{
		{"idle", orphans}, {"go loop", orphans}, {"assembly loop", orphans}, {"stopped", orphans},
		{"grandchild", 2 * orphans}, {"large grandchild", 2 * orphans}, {"nested", 3 * orphans}, {"large idle", orphans},
	} {
		t.Run(c.how, func(t *testing.T) {
			var times []time.Duration
			for range runs {
				took, n := orphaned(t, c.how, "kill")
				if n != c.below {
					t.Errorf("%d processes below the parent, not %d", n, c.below)
				}
				times = append(times, took)
			}
			slices.Sort(times)
			t.Logf("all gone after %v to %v, median %v of %d runs", times[0], times[len(times)-1], times[len(times)/2], len(times))
		})
	}
}

// W19: a parent that ends in another way than by a signal takes everybody along, too. That it becomes another program is an end.
func TestNoOrphansAfterOtherEnds(t *testing.T) {
	noLeaks(t)
	for _, end := range []string{"exit", "panic", "exec"} {
		for _, how := range []string{"go loop", "stopped", "grandchild"} {
			t.Run(end+", "+how, func(t *testing.T) { orphaned(t, how, end) })
		}
	}
}

// The kernel counts the thread that started a process as its parent, but no thread of the program matters to a worker.
func TestThreadThatStartedEnds(t *testing.T) {
	noLeaks(t)
	type started struct {
		p   *mp.Process[int]
		err error
		tid int
	}
	c := make(chan started)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		p, err := wait.Start(ctx, 0)
		c <- started{p, err, unix.Gettid()}
	}()
	s := <-c
	if s.err != nil {
		t.Fatal(s.err)
	}
	eventually(t, "the thread has ended", func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", s.tid))
		return os.IsNotExist(err)
	})
	if err := s.p.Interrupt(); err != nil {
		t.Error(err)
	}
	if _, err := s.p.Wait(ctx); s.p.ExitCode() != 1 {
		t.Errorf("it did not live to hear of it: %v, exit code %d", err, s.p.ExitCode())
	}
}
