//go:build linux

package mptest

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// W01, W03: a crash is the outcome of its element, and of no other.
func TestCrashOn(t *testing.T) {
	NoLeaks(t)
	errs := outcomes(t, Faulty(t, CrashOn(3)), 100)
	died := only[*mp.WorkerError](t, errs, 2)
	if died.Function != "double" || died.Index != 2 || !strings.Contains(died.Crash, "SIGSEGV") {
		t.Errorf("%+v", died)
	}
}

// Without a limit of its own, a pool with an element that hangs gets one.
func TestHangOn(t *testing.T) {
	NoLeaks(t)
	late := only[*mp.TimeoutError](t, outcomes(t, Faulty(t, HangOn(2)), 10), 1)
	if late.Timeout != hangLimit || !late.Killed {
		t.Errorf("%+v", late)
	}
}

func TestSlowOn(t *testing.T) {
	NoLeaks(t)
	begun := time.Now()
	if errs := outcomes(t, Faulty(t, SlowOn(2, 100*time.Millisecond)), 3); len(errs) > 0 {
		t.Error(errs)
	}
	if took := time.Since(begun); took < 100*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

// One that is slow heeds its context: it is no element that must be killed.
func TestSlowOnHeedsItsContext(t *testing.T) {
	NoLeaks(t)
	pool := FaultyPool(t, mp.PoolConfig{TaskTimeout: 10 * time.Millisecond, Grace: time.Hour}, SlowOn(1, time.Hour))
	late := only[*mp.TimeoutError](t, outcomes(t, pool, 1), 0)
	if late.Killed {
		t.Errorf("%+v", late)
	}
}

// A worker that writes nonsense is killed; the results that it gave before count.
func TestCorruptOn(t *testing.T) {
	NoLeaks(t)
	errs := outcomes(t, Faulty(t, CorruptOn(50)), 100)
	died := only[*mp.WorkerError](t, errs, 49)
	if died.Signal != syscall.SIGKILL {
		t.Errorf("%+v", died)
	}
}

// Several faults, in batches as the pool makes them: each happens once, and to its own element.
func TestFaultsTogether(t *testing.T) {
	NoLeaks(t)
	pool := Faulty(t, CrashOn(10), CorruptOn(500), CorruptOn(700), CrashOn(701), SlowOn(900, time.Millisecond))
	errs := outcomes(t, pool, 1000)
	for _, i := range []int{9, 499, 699, 700} {
		if died := new(mp.WorkerError); !errors.As(errs[i], &died) {
			t.Errorf("element %d: %v", i, errs[i])
		}
	}
	if len(errs) != 4 {
		t.Errorf("%v", errs)
	}
}

// With several workers it is not certain which element it is, but it is one.
func TestFaultsOfSeveralWorkers(t *testing.T) {
	NoLeaks(t)
	pool := FaultyPool(t, mp.PoolConfig{Workers: 3}, CrashOn(5), CorruptOn(100), CrashOn(300))
	if errs := outcomes(t, pool, 1000); len(errs) != 3 {
		t.Errorf("%v", errs)
	}
}

// A retry is the next number: so an element fails for good when its retries are hit as well.
func TestFaultsOfRetries(t *testing.T) {
	NoLeaks(t)
	pool := FaultyPool(t, mp.PoolConfig{Retries: 1}, CrashOn(2), CrashOn(5), CrashOn(6))
	died := only[*mp.WorkerError](t, outcomes(t, pool, 10), 3) // 0, 1, 1 again, 2, 3, 3 again
	if died.Attempts != 2 {
		t.Errorf("%+v", died)
	}
}

// What a pool runs of its own is not counted, and nothing happens to it.
func TestFaultsSpareInitAndExit(t *testing.T) {
	NoLeaks(t)
	pool := FaultyPool(t, mp.PoolConfig{Init: prepare.With(1), Exit: prepare.With(2)}, CrashOn(1), CrashOn(3))
	if err := prepare.Broadcast(ctx, pool, 3); err != nil {
		t.Error(err)
	}
	for i, fails := range []bool{true, false, true, false} {
		ok, err := isPrepared.Call(ctx, pool, 0)
		if died := new(mp.WorkerError); errors.As(err, &died) != fails || ok == fails {
			t.Errorf("call %d: %v, %v", i+1, ok, err)
		}
	}
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
}

// Nor is what a function does in pools of its own.
func TestFaultsSparePoolsOfWorkers(t *testing.T) {
	NoLeaks(t)
	pool := Faulty(t, CrashOn(2))
	if v, err := outer.Call(ctx, pool, 5); v != 20 || err != nil {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := double.Call(ctx, pool, 1); err == nil {
		t.Error("the second element did not crash")
	}
}

// A test that waits for a fault in vain does not test what it says.
func TestFaultThatNeverHappens(t *testing.T) {
	NoLeaks(t)
	r := new(recorder)
	got := r.during(func() { outcomes(t, Faulty(r, SlowOn(2, 0), CrashOn(4)), 3) })
	if !strings.Contains(got, "CrashOn(4)") || !strings.Contains(got, "3 elements") || strings.Contains(got, "SlowOn") {
		t.Errorf("%q", got)
	}
}

func TestFaultOfNoElement(t *testing.T) {
	defer func() {
		if p, ok := recover().(string); !ok || !strings.Contains(p, "CrashOn(0)") {
			t.Error(p)
		}
	}()
	CrashOn(0)
}

func TestFaultyPoolThatCannotBe(t *testing.T) {
	NoLeaks(t)
	r := new(recorder)
	if got := r.during(func() { FaultyPool(r, mp.PoolConfig{Workers: -1}) }); !strings.Contains(got, "Workers") {
		t.Errorf("%q", got)
	}
}
