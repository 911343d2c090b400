//go:build linux

package shared_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
	"github.com/go-multiproc/mp/shared"
)

// root runs a role of this binary as the root of a family of its own, and returns what it says.
func root(t *testing.T, role string, env ...string) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(append(os.Environ(), "MP_SHARED_ROLE="+role), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%v after %q", err, out)
	}
	return strings.TrimSpace(string(out))
}

func init() {
	// detached uses handles on objects of another family, before it has memory of its own and after.
	roles["detached"] = func() int {
		for range 2 {
			for i, text := range strings.Split(os.Getenv("MP_SHARED_HANDLES"), ",") {
				k := kinds[i]
				b, err := hex.DecodeString(text)
				if err != nil {
					panic(err)
				}
				o := k.zero()
				if err := o.UnmarshalBinary(b); err != nil {
					fmt.Println(k.name, "decode:", err)
				}
				again, err := o.MarshalBinary()
				if err != nil || hex.EncodeToString(again) != text {
					fmt.Println(k.name, "it does not travel on:", err)
				}
				errs := map[string]error{"use": k.use(o), "free": o.Free()}
				if k.wait != nil {
					errs["wait"] = k.wait(ctx, o)
				}
				for what, err := range errs {
					if err == nil || !strings.Contains(err.Error(), shared.ErrDetached.Error()) {
						fmt.Println(k.name, what, err)
					}
				}
				if !strings.HasSuffix(o.String(), "(detached)") {
					fmt.Println(o)
				}
			}
			if _, err := shared.NewMutex(); err != nil {
				fmt.Println(err)
			}
		}
		return 0
	}
	// cramped has no address space for an arena, and pools that work nevertheless.
	roles["cramped"] = func() int {
		if err := proctest.LimitAddresses(900 << 20); err != nil {
			panic(err)
		}
		_, err := shared.NewMutex()
		fmt.Println(err)
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
		if err != nil {
			fmt.Println(err)
			return 1
		}
		defer pool.Close()
		_, err = makeAndLeave.Call(ctx, pool, 10)
		fmt.Println(err)
		n, err := idle.Call(ctx, pool, 0)
		fmt.Println(n, err)
		return 0
	}
	// hasty has workers that use shared memory before mp.Main.
	roles["hasty"] = func() int {
		_ = os.Setenv(earlyVar, "1")
		_, err := mp.NewPool(mp.PoolConfig{Workers: 1})
		fmt.Println(err)
		return 0
	}
	if os.Getenv(earlyVar) != "" {
		early = func() { _, _ = shared.NewMutex() }
	}
	// scribbled has a worker that writes anything to the family's memory.
	roles["scribbled"] = func() int {
		m, err := shared.NewMutex()
		if err != nil {
			panic(err)
		}
		for range 3 {
			p, err := scribble.Start(ctx, m)
			if err != nil {
				panic(err)
			}
			_, err = p.Wait(ctx)
			fmt.Println(err != nil)
		}
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
		if err != nil {
			panic(err)
		}
		defer pool.Close()
		fmt.Println(idle.Map(ctx, pool, make([]int, 3)))
		return 0
	}
}

const earlyVar = "MP_SHARED_EARLY"

// scribble writes anything to the header, the slots and the cells, and is killed.
var scribble = mp.Func("scribble", func(ctx context.Context, m *shared.Mutex) (int, error) {
	_ = m.String() // so that it is mapped
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return 0, err
	}
	mem, err := os.OpenFile("/proc/self/mem", os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	seed := rand.Uint64()
	fmt.Fprintf(os.Stderr, "seed %d\n", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		var from, to int64
		if strings.Contains(lines.Text(), "mp-arena") {
			if _, err := fmt.Sscanf(lines.Text(), "%x-%x", &from, &to); err != nil {
				return 0, err
			}
			b := make([]byte, 2<<20)
			for i := range b {
				if b[i] = byte(rnd.Uint32()); i < 8 || i >= 128 && rnd.IntN(3) == 0 {
					b[i] = 0
				}
			}
			_, err := mem.WriteAt(b[128:], from+128)
			fmt.Fprintln(os.Stderr, "written", err)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	return 0, fmt.Errorf("it is not mapped")
})

// T201: a handle on an object of another family is none here, and says so, and is one again at home.
func TestDetached(t *testing.T) {
	noLeaks(t)
	var handles []string
	for _, k := range kinds {
		o, err := k.make()
		ok(t, err)
		b, err := o.MarshalBinary()
		ok(t, err)
		handles = append(handles, hex.EncodeToString(b))
		defer func() { ok(t, o.Free()) }()
	}
	if said := root(t, "detached", "MP_SHARED_HANDLES="+strings.Join(handles, ",")); said != "" {
		t.Error(said)
	}
}

// Where there is no address space, there is no shared memory, which is told, and all else works.
func TestNoRoomForMemory(t *testing.T) {
	noLeaks(t)
	said := strings.Split(root(t, "cramped"), "\n")
	want := []string{
		"mp/shared: mp: no room for shared memory, not even for 1024 MiB: mmap: cannot allocate memory",
		"the process that started this one had no shared memory", "0 <nil>",
	}
	for i, line := range said {
		if i >= len(want) || !strings.Contains(line, want[i]) {
			t.Errorf("it says %q", said)
			break
		}
	}
}

// A worker that uses shared memory before it has called mp.Main is refused, and the parent says why.
func TestWorkerBeforeMain(t *testing.T) {
	noLeaks(t)
	if said := root(t, "hasty"); !strings.Contains(said, "mp.Main") || !strings.Contains(said, "shared.NewMutex") {
		t.Error(said)
	}
}

// A worker that has lost its mind damages the memory that it shares, and no pool.
func TestScribbledMemory(t *testing.T) {
	noLeaks(t)
	if said := root(t, "scribbled"); said != "true\ntrue\ntrue\n[0 0 0] <nil>" {
		t.Error(said)
	}
}

type below struct {
	Mutex *shared.Mutex
	Pids  *shared.Array[int]
	Up    *shared.Event
}

// middle starts a process that holds the mutex, and waits for it.
var middle = mp.Func("familyMiddle", func(ctx context.Context, b below) (int, error) {
	b.Pids.Set(0, os.Getpid())
	p, err := bottom.Start(ctx, b)
	if err != nil {
		return 0, err
	}
	return p.Wait(ctx)
})

var bottom = mp.Func("bottom", func(ctx context.Context, b below) (int, error) {
	b.Pids.Set(1, os.Getpid())
	if err := b.Mutex.Lock(ctx); err != nil {
		return 0, err
	}
	if err := b.Up.Set(); err != nil {
		return 0, err
	}
	<-ctx.Done()
	return 0, nil
})

var relock = mp.Func("relock", func(ctx context.Context, b below) (string, error) {
	if err := b.Up.Set(); err != nil {
		return "", err
	}
	err := b.Mutex.Lock(ctx)
	return fmt.Sprint(err), b.Mutex.Unlock()
})

func newBelow(t *testing.T) below {
	return below{fresh(shared.NewMutex())(t), fresh(shared.NewArray[int](2))(t), fresh(shared.NewEvent())(t)}
}

// A process is killed whose child holds a lock: both are swept, and who waits is told.
func TestMiddleDies(t *testing.T) {
	noLeaks(t)
	b := newBelow(t)
	p := start(t, middle, b)
	ok(t, b.Up.Wait(ctx))
	ok(t, p.Kill())
	wants(t, "the lock of a grandchild", b.Mutex.Lock(ctx), shared.ErrOwnerDied)
	ok(t, b.Mutex.Unlock())
	<-p.Done()
}

// A process is stopped when its child dies, which holds a lock. Nobody else has the child's pidfd, but who waits sees to it.
func TestMiddleIsStopped(t *testing.T) {
	noLeaks(t)
	b := newBelow(t)
	p := start(t, middle, b)
	ok(t, b.Up.Wait(ctx))
	ok(t, b.Up.Clear())
	sibling := start(t, relock, b)
	ok(t, b.Up.Wait(ctx))
	ok(t, syscall.Kill(b.Pids.At(0), syscall.SIGSTOP))
	ok(t, syscall.Kill(b.Pids.At(1), syscall.SIGKILL))
	if got := resultOf(t, sibling); got != shared.ErrOwnerDied.Error() {
		t.Error(got)
	}
	ok(t, syscall.Kill(b.Pids.At(0), syscall.SIGCONT))
	if _, err := p.Wait(ctx); err == nil {
		t.Error("its child was killed")
	}
}
