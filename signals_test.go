//go:build linux

package mp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// onSignal says that it has begun, and then waits for its context, or does not.
var onSignal = mp.Func("onSignal", func(ctx context.Context, how string) (string, error) {
	fmt.Println("begun")
	switch how {
	case "heeds":
		<-ctx.Done()
		return "", ctx.Err()
	case "finishes":
		<-ctx.Done()
		return how, nil
	case "fails":
		<-ctx.Done()
		return "", os.ErrNotExist
	}
	for n := 0; ; n++ { // endless
		if n < 0 {
			return "", nil
		}
	}
})

// signalledProgram is a program with two pools that two signals end. The workers are busy as how says; more calls wait.
func signalledProgram() int {
	how, dir := os.Getenv("MP_TEST_HOW"), os.Getenv("MP_TEST_DIR")
	c := mp.PoolConfig{Workers: 2, Signals: []os.Signal{os.Interrupt}, Exit: teardown.With(filepath.Join(dir, "exit"))}
	if how != "endless" {
		c.Grace = time.Hour
	}
	var pools []*mp.Pool
	for range 2 {
		pool, err := mp.NewPool(c)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		pools = append(pools, pool)
	}
	element := map[string][]string{"busy": {"heeds", "finishes", "fails", "heeds"}, "endless": {"endless"}, "twice": {"endless"}}[how]
	var running []*mp.Future[string]
	for i := range 4 {
		running = append(running, onSignal.Go(ctx, pools[i/2], element[i%len(element)]))
	}
	waiting := onSignal.Go(ctx, pools[0], "heeds")
	mapped := make(chan error)
	go func() {
		_, err := square.Map(ctx, pools[1], []int{1, 2, 3})
		mapped <- err
	}()
	for pools[1].Stats().Queued < 3 {
		runtime.Gosched()
	}
	fmt.Println("queued")
	_, err := waiting.Wait(ctx) // until the first signal
	fmt.Printf("waiting: %v, %v, %v\n", err, errors.Is(err, mp.ErrInterrupted), errors.Is(err, context.Canceled))
	fmt.Printf("map: %v\n", <-mapped)
	_, err = square.Call(ctx, pools[0], 1)
	fmt.Printf("new: %v\n", err)
	for _, f := range running {
		out, err := f.Wait(ctx)
		fmt.Printf("running: %q, %v, %v\n", out, err, errors.Is(err, mp.ErrInterrupted))
	}
	for _, pool := range pools {
		if err := pool.Close(); err != nil {
			fmt.Printf("close: %v\n", err)
		}
	}
	fmt.Println("closed")
	_ = syscall.Kill(os.Getpid(), syscall.SIGINT) // which is the program's end now, as ever
	select {}
}

func init() { roles["signalled"] = signalledProgram }

// W18: Ctrl-C reaches everybody in the terminal's foreground. A pool with Signals ends in order: what runs has Grace, all else fails at once,
// workers run Exit, nobody prints anything, and nobody is left. A second one kills. After Close signals do what they always did.
func TestSignals(t *testing.T) {
	noLeaks(t)
	const interrupted = "waiting: mp: interrupted, true, true\nmap: mp: element 0: interrupted\nnew: mp: closed\n"
	killed := strings.Repeat("running: \"\", mp: interrupted, true\n", 4)
	for _, c := range []struct {
		how, out string
		exits    int // workers that ran Exit
	}{
		{"busy", interrupted +
			"running: \"\", mp: interrupted: context canceled, true\nrunning: \"finishes\", <nil>, false\n" +
			"running: \"\", file does not exist, false\nrunning: \"\", mp: interrupted: context canceled, true\nclosed\n", 4},
		{"endless", interrupted + killed + "closed\n", 0},
		{"twice", interrupted + killed + "closed\n", 0},
	} {
		t.Run(c.how, func(t *testing.T) {
			dir := t.TempDir()
			cmd := role("signalled", "MP_TEST_HOW="+c.how, "MP_TEST_DIR="+dir)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var below []process
			out, begun := "", 0
			for s := bufio.NewScanner(stdout); s.Scan(); {
				if s.Text() == "queued" || strings.HasSuffix(s.Text(), "] begun") {
					if begun++; begun == 5 {
						below = descendants(t, cmd.Process.Pid)
						_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
					}
					continue
				}
				out += s.Text() + "\n"
				if c.how == "twice" && strings.HasPrefix(s.Text(), "new: ") {
					_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
				}
			}
			_ = cmd.Wait()
			if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != syscall.SIGINT {
				t.Errorf("it ended with %v", cmd.ProcessState)
			}
			if out != c.out {
				t.Errorf("it said\n%s\nnot\n%s", out, c.out)
			}
			if stderr.Len() > 0 {
				t.Errorf("stderr: %s", &stderr)
			}
			if b, _ := os.ReadFile(filepath.Join(dir, "exit")); bytes.Count(b, []byte("\n")) != c.exits {
				t.Errorf("Exit ran in %q, not in %d", b, c.exits)
			}
			if len(below) != 4 {
				t.Errorf("%d workers", len(below))
			}
			for _, p := range below {
				if now, ok := processes(t)[p.pid]; ok && now.start == p.start {
					t.Errorf("%+v is left", now)
				}
			}
		})
	}
}
