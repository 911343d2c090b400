//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// heardWords is what noteWord was told in this process.
var heardWords struct {
	sync.Mutex
	list []string
}

// noteWord notes what it is told, and does what that says.
var noteWord = mp.Func("noteWord", func(_ context.Context, s string) (int, error) {
	heardWords.Lock()
	heardWords.list = append(heardWords.list, s)
	heardWords.Unlock()
	switch me := mp.Current().Worker; {
	case s == "refuse" && me > 0:
		return 0, fmt.Errorf("refused by %d: %w", me, errOwn)
	case s == "exit" && me == 1:
		os.Exit(3)
	}
	return 0, nil
})

// noteOther is another function.
var noteOther = mp.Func("noteOther", func(_ context.Context, s string) (int, error) {
	heardWords.Lock()
	defer heardWords.Unlock()
	heardWords.list = append(heardWords.list, "other "+s)
	return 0, nil
})

// tellWords returns what was noted in this process, when as many workers as the directory's name says are at it.
var tellWords = mp.Func("tellWords", func(ctx context.Context, dir string) (string, error) {
	n, err := strconv.Atoi(filepath.Base(dir))
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(os.Getpid())), nil, 0o600); err != nil {
		return "", err
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		files, err := os.ReadDir(dir)
		if len(files) == n || err != nil {
			heardWords.Lock()
			defer heardWords.Unlock()
			return strings.Join(heardWords.list, ","), err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
})

// allWords is what each of n workers has noted.
func allWords(t *testing.T, pool *mp.Pool, n int) []string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strconv.Itoa(n))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return mustMap(t, tellWords, pool, slices.Repeat([]string{dir}, n))
}

func wantWords(t *testing.T, pool *mp.Pool, n int, want string) {
	t.Helper()
	if got := allWords(t, pool, n); !slices.Equal(got, slices.Repeat([]string{want}, n)) {
		t.Errorf("the workers have heard %q, not %q", got, want)
	}
}

// killWorker kills a worker, and waits for its successor.
func killWorker(t *testing.T, pool *mp.Pool, index int) {
	t.Helper()
	pid := pool.Workers()[index].PID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another worker is there", func() bool {
		w := pool.Workers()[index]
		return w.PID != pid && w.State == "idle"
	})
}

// Every worker runs it once, those that come later after Init and before anything else, in the order of the Broadcasts; of each function
// only the last.
func TestBroadcast(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 3, Init: noteWord.With("init")})
	for _, s := range []string{"a", "b"} {
		if err := noteWord.Broadcast(ctx, pool, s); err != nil {
			t.Fatal(err)
		}
	}
	if err := noteOther.Broadcast(ctx, pool, "c"); err != nil {
		t.Fatal(err)
	}
	wantWords(t, pool, 3, "init,a,b,other c")
	killWorker(t, pool, 1)
	got := allWords(t, pool, 3)
	slices.Sort(got)
	if want := []string{"init,a,b,other c", "init,a,b,other c", "init,b,other c"}; !slices.Equal(got, want) {
		t.Errorf("after a death they have heard %q, not %q", got, want)
	}
}

// Concurrent Broadcasts come in one order everywhere, also while the workers are busy, and one of them with an argument that
// does not fit into a channel.
func TestBroadcastsAtOnce(t *testing.T) {
	noLeaks(t)
	const workers = 3
	pool := newPool(t, mp.PoolConfig{Workers: workers})
	large := strings.Repeat("x", 5<<20)
	busy, stop := context.WithCancel(ctx)
	var load, wg sync.WaitGroup
	load.Go(func() {
		for range work.Results(busy, pool, func(yield func(int) bool) {
			for yield(100) {
			}
		}) {
		}
	})
	for i := range 8 {
		wg.Go(func() {
			s := strconv.Itoa(i)
			if i == 3 {
				s = large
			}
			if err := noteWord.Broadcast(ctx, pool, s); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	stop()
	load.Wait()
	got := allWords(t, pool, workers)
	words := strings.Split(got[0], ",")
	slices.Sort(words)
	if !slices.Equal(words, []string{"0", "1", "2", "4", "5", "6", "7", large}) {
		t.Errorf("heard were %d words", len(words))
	}
	for _, g := range got {
		if g != got[0] {
			t.Errorf("there are two orders")
		}
	}
}

// A Broadcast does not queue behind what waits for the pool.
func TestBroadcastPassesTheQueue(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	busy, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = work.Map(busy, pool, slices.Repeat([]int{1000}, 1_000_000))
	}()
	eventually(t, "the pool has more than enough", func() bool { return pool.Stats().Queued > 100_000 })
	if err := noteWord.Broadcast(ctx, pool, "now"); err != nil {
		t.Error(err)
	}
	select {
	case <-done:
		t.Error("it came after everything else")
	default:
	}
	stop()
	<-done
	wantWords(t, pool, 2, "now")
}

// A failure tells the workers, and nobody who comes later runs what failed.
func TestBroadcastFails(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 3, Stderr: &strings.Builder{}})
	if err := noteWord.Broadcast(ctx, pool, "good"); err != nil {
		t.Fatal(err)
	}
	err := noteWord.Broadcast(ctx, pool, "refuse")
	if !errors.Is(err, errOwn) || !strings.Contains(err.Error(), "worker 1: refused by 1") || !strings.Contains(err.Error(), "worker 2: refused by 2") {
		t.Errorf("%v", err)
	}
	err = noteWord.Broadcast(ctx, pool, "exit")
	var we *mp.WorkerError
	if !errors.As(err, &we) || we.Worker != 1 || we.ExitCode != 3 || strings.Contains(err.Error(), "worker 0:") {
		t.Errorf("%v", err)
	}
	for range 6 { // the pool is not to blame
		if err := noteWord.Broadcast(ctx, pool, "exit"); !errors.As(err, &we) {
			t.Errorf("%v", err)
		}
		if err := pool.Ready(ctx); err != nil {
			t.Fatal(err)
		}
	}
	got := allWords(t, pool, 3)
	slices.Sort(got)
	tried := "good,refuse" + strings.Repeat(",exit", 7)
	if want := []string{"good", tried, tried}; !slices.Equal(got, want) {
		t.Errorf("heard were %q, not %q", got, want)
	}
}

// awaitFile runs until there is a file with this name in a worker with index 0.
var awaitFile = mp.Func("awaitFile", func(ctx context.Context, name string) (int, error) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for mp.Current().Worker == 0 {
		if _, err := os.Stat(name); err == nil {
			return 0, os.WriteFile(name+" was found", nil, 0o600)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return 0, nil
})

// The successor of a worker that was killed before it had run it does so, and the Broadcast waits for that.
func TestBroadcastSurvivesKills(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	for _, moment := range []string{"running", "waiting"} {
		name := filepath.Join(t.TempDir(), "file")
		var before []*mp.Future[int]
		if moment == "waiting" { // behind an element
			for range 2 {
				before = append(before, wait.Go(ctx, pool, 0))
			}
			eventually(t, "all are busy", func() bool { return pool.Stats().Running == 2 })
		}
		told := make(chan error)
		go func() { told <- awaitFile.Broadcast(ctx, pool, name) }()
		if moment == "running" {
			eventually(t, "it runs", func() bool { return pool.Workers()[0].Function == "awaitFile" })
		}
		killWorker0(t, pool)
		for _, b := range before {
			b.Cancel()
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := <-told; err != nil {
			t.Errorf("%s: %v", moment, err)
		}
		if _, err := os.Stat(name + " was found"); err != nil {
			t.Errorf("%s: the successor has not run it: %v", moment, err)
		}
	}
}

// killWorker0 kills worker 0 and waits until it is gone.
func killWorker0(t *testing.T, pool *mp.Pool) {
	t.Helper()
	pid := pool.Workers()[0].PID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the worker is gone", func() bool { return pool.Workers()[0].PID != pid })
}

// When its context ends, a Broadcast ends, and so does what it runs, by force if need be.
func TestBroadcastCancelled(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2, Grace: 10 * time.Millisecond})
	for _, f := range []*mp.Function[int, int]{wait, deaf} {
		short, cancel := context.WithCancel(ctx)
		told := make(chan error)
		go func() { told <- f.Broadcast(short, pool, 0) }()
		eventually(t, "all run it", func() bool {
			w := pool.Workers()
			return w[0].Function == f.Name() && w[1].Function == f.Name()
		})
		waiting, cancelWaiting := context.WithCancel(ctx)
		second := make(chan error)
		go func() { second <- noteWord.Broadcast(waiting, pool, "never") }()
		cancelWaiting()
		if err := <-second; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: the one behind it: %v", f.Name(), err)
		}
		cancel()
		if err := <-told; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", f.Name(), err)
		}
		if err := noteWord.Broadcast(ctx, pool, f.Name()); err != nil {
			t.Errorf("after %s: %v", f.Name(), err)
		}
	}
	for _, s := range allWords(t, pool, 2) {
		if strings.Contains(s, "never") || !strings.HasSuffix(s, "deaf") {
			t.Errorf("heard was %q", s)
		}
	}
}

// Close waits for a Broadcast, Kill ends it, and afterwards there is none.
func TestBroadcastAndTheEnd(t *testing.T) {
	noLeaks(t)
	for _, how := range []string{"close", "kill", "interrupt"} {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "file")
		told := make(chan error)
		go func() { told <- awaitFile.Broadcast(ctx, pool, name) }()
		eventually(t, "it runs", func() bool { return pool.Workers()[0].Function == "awaitFile" })
		switch how {
		case "kill":
			err = pool.Kill()
		case "interrupt":
			pool.Interrupt()
			err = pool.Close()
		default:
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			err = pool.Close()
		}
		if err != nil {
			t.Error(err)
		}
		if err := <-told; err != nil != (how != "close") || (how == "kill" && !errors.Is(err, mp.ErrClosed)) ||
			(how == "interrupt" && !errors.Is(err, mp.ErrInterrupted)) {
			t.Errorf("%s: %v", how, err)
		}
		if err := noteWord.Broadcast(ctx, pool, "late"); !errors.Is(err, mp.ErrClosed) {
			t.Errorf("after %s: %v", how, err)
		}
	}
	if err := noteWord.Broadcast(ctx, nil, "nowhere"); err == nil {
		t.Error("it ran on no pool")
	}
}

// On a worker that comes later a failure is one of its start.
func TestBroadcastFailsLater(t *testing.T) {
	noLeaks(t)
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := mustBeThere.Broadcast(ctx, pool, dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	killWorker0(t, pool)
	if err := pool.Ready(ctx); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
}

var mustBeThere = mp.Func("mustBeThere", func(_ context.Context, name string) (int, error) {
	_, err := os.Stat(name)
	return 0, err
})

// Workers that come and go while something is broadcast have all heard the last word before their first element.
func TestBroadcastWhileWorkersComeAndGo(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2, MaxTasks: 20})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := pool.Resize(ctx, 1+n%3); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i := int64(1); i <= 30; i++ {
		if err := setLevel.Broadcast(ctx, pool, i); err != nil {
			t.Fatal(err)
		}
		for _, got := range mustMap(t, getLevel, pool, make([]struct{}, 20)) {
			if got != i {
				t.Errorf("a worker is at %d, not %d", got, i)
			}
		}
	}
	close(stop)
	wg.Wait()
}

var level atomic.Int64

var (
	setLevel = mp.Func("setLevel", func(_ context.Context, n int64) (int, error) {
		level.Store(n)
		return 0, nil
	})
	getLevel = mp.Func("getLevel", func(context.Context, struct{}) (int64, error) { return level.Load(), nil })
)
