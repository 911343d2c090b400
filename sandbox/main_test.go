//go:build linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"

	llsys "github.com/landlock-lsm/go-landlock/landlock/syscall"

	"github.com/go-multiproc/mp"
)

func TestMain(m *testing.M) {
	mp.Main()
	os.Exit(m.Run())
}

var ctx = context.Background()

// threads is how many threads attempt the same at once.
const threads = 8

// crew are goroutines that are each locked to a thread, some of which were there before the sandbox.
var crew []chan func()

var hire = mp.Func("hire", func(context.Context, int) (int, error) {
	for range threads {
		c := make(chan func())
		crew = append(crew, c)
		up := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(up)
			for f := range c {
				f()
			}
		}()
		<-up
	}
	return threads, nil
})

// A try is one attempt at something, and what it needs.
type try struct {
	Name   string
	Target target
}

// target is what a test has made for the attempts.
type target struct {
	Dir, File, Socket string // a directory, a file in it, an abstract Unix socket that listens
	Port              int    // TCP, at 127.0.0.1
	Parent, Victim    int    // processes
}

// outcome is how an attempt ended, on all threads alike.
type outcome struct {
	Done   bool
	Absent bool // the kernel has no such thing
	Denied bool // as errors go: EPERM, EACCES
	Err    string
}

func (o outcome) String() string {
	if o.Done {
		return "it succeeded"
	}
	return o.Err
}

// attempt makes an attempt on all threads of the crew, and on new ones.
var attempt *mp.Function[try, outcome]

func init() {
	attempt = mp.Func("attempt", func(_ context.Context, a try) (outcome, error) {
		do, ok := attempts[a.Name]
		if !ok {
			return outcome{}, errors.New("there is no such attempt")
		}
		var once sync.Mutex // what is done to one thing is done by one at a time
		ends := make(chan outcome)
		run := func() {
			once.Lock()
			err := do(a.Target)
			once.Unlock()
			ends <- outcome{
				Done: err == nil, Denied: errors.Is(err, os.ErrPermission), Absent: errors.Is(err, errors.ErrUnsupported), Err: fmt.Sprint(err),
			}
		}
		for _, c := range crew {
			go func() { c <- run }()
		}
		for range threads {
			go func() {
				runtime.LockOSThread() // and its thread ends with it
				run()
			}()
		}
		first := <-ends
		for range len(crew) + threads - 1 {
			if o := <-ends; o.Done != first.Done || o.Denied != first.Denied {
				return o, fmt.Errorf("threads differ: %v, and %v", first, o)
			}
		}
		return first, nil
	})
}

// newPool starts a pool of one worker with this policy, nil for none.
func newPool(t testing.TB, p *Policy, c mp.PoolConfig) *mp.Pool {
	t.Helper()
	if p != nil {
		needs(t, *p)
		c.Sandbox = p.Task()
	}
	c.Workers, c.MaxProcs = max(c.Workers, 1), 2
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

// needs skips a test that the kernel here cannot run.
func needs(t testing.TB, p Policy) {
	t.Helper()
	abi, err := system.abi()
	if least, _ := p.leastABI(); err != nil || abi < least {
		version, _ := llsys.LandlockGetABIVersion()
		t.Skipf("Landlock here is %d, %v", version, err)
	}
}

// call is one call that must go well.
func call[In, Out any](t testing.TB, f *mp.Function[In, Out], pool *mp.Pool, in In, opts ...mp.CallOption) Out {
	t.Helper()
	out, err := f.Call(ctx, pool, in, opts...)
	if err != nil {
		t.Fatalf("%s(%v): %v", f.Name(), in, err)
	}
	return out
}

// victim is a process that a signal ends.
func victim(t *testing.T) *exec.Cmd {
	t.Helper()
	c := exec.Command("cat")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = c.Wait() // a signal may have ended it
	})
	if _, err := in.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil { // it runs
		t.Fatal(err)
	}
	return c
}
