package mptest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

// A Fault is something that happens to one element of a pool of Faulty, where its function would begin to run; only SlowOn then has
// it run.
type Fault struct {
	kind kind
	on   int
	time time.Duration
}

type kind string

const (
	crash   kind = "CrashOn"
	hang    kind = "HangOn"
	slow    kind = "SlowOn"
	corrupt kind = "CorruptOn"
)

// CrashOn makes the worker crash in the n-th element: it touches memory that it may not, as C code does that was handed a bad pointer.
// The caller gets a *mp.WorkerError with Go's crash report, and the worker is replaced.
func CrashOn(n int) Fault { return newFault(crash, n, 0) }

// HangOn makes the n-th element neither end nor heed its context. The caller gets a *mp.TimeoutError with Killed set when its time and
// Grace are over, and the worker is replaced.
func HangOn(n int) Fault { return newFault(hang, n, 0) }

// SlowOn makes the n-th element take d longer, or until its context ends.
func SlowOn(n int, d time.Duration) Fault { return newFault(slow, n, d) }

// CorruptOn makes the worker scribble over the memory through which it gives its results, instead of running the n-th element. The
// caller gets a *mp.WorkerError for this element, and the worker is killed and replaced.
func CorruptOn(n int) Fault { return newFault(corrupt, n, 0) }

func newFault(k kind, n int, d time.Duration) Fault {
	if n < 1 {
		panic(fmt.Sprintf("mptest: %s(%d): elements are counted from 1", k, n))
	}
	return Fault{k, n, d}
}

// String is how the fault was made, as CrashOn(3): a name for a test that has it.
func (f Fault) String() string { return fmt.Sprintf("%s(%d)", f.kind, f.on) }

// hangLimit is TaskTimeout where an element is to hang and nothing else was said: long for an element of a test, short for who
// waits for it.
const hangLimit = 3 * time.Second

// Faulty returns a pool of one worker, to whose elements the faults happen, and which ends with the test: what is then still
// outstanding fails with mp.ErrClosed. If an element is to hang, TaskTimeout is 3 seconds unless it is configured.
func Faulty(t testing.TB, faults ...Fault) *mp.Pool {
	t.Helper()
	return FaultyPool(t, mp.PoolConfig{}, faults...)
}

// FaultyPool is Faulty for a pool of one's own configuration, of which only the defaults of Workers and TaskTimeout differ.
// What a function calls with a pool of its own, in the worker, no fault happens to.
func FaultyPool(t testing.TB, c mp.PoolConfig, faults ...Fault) *mp.Pool {
	t.Helper()
	p := plan{Counter: filepath.Join(t.TempDir(), "begun"), Faults: make([]step, len(faults))}
	for i, f := range faults {
		p.Faults[i] = step{f.kind, uint64(f.on), f.time}
		if f.kind == hang && c.TaskTimeout == 0 {
			c.TaskTimeout = hangLimit
		}
	}
	if err := os.WriteFile(p.Counter, make([]byte, counterSize), 0o600); err != nil {
		t.Fatal(err)
	}
	if c.Workers == 0 {
		c.Workers = 1
	}
	c.Env = append(slices.Clip(c.Env), planVariable+"="+p.encode())
	pool, err := mp.NewPool(c)
	if err != nil {
		t.Fatalf("mptest: %v", err)
	}
	b, err := pool.Backend()
	if err != nil {
		t.Fatal(err)
	}
	b.Engine.OneAtATime()
	t.Cleanup(func() {
		// Kill, for what is outstanding now nobody waits for any more.
		if err := errors.Join(pool.Kill(), p.missed(faults)); err != nil && !t.Failed() {
			t.Error(err)
		}
	})
	return pool
}

// A plan is what the workers of a faulty pool are told.
type plan struct {
	Counter string // the file that counts the elements that the workers have begun
	Faults  []step
}

type step struct {
	Kind kind
	On   uint64
	Time time.Duration
}

// planVariable is the plan's place in the environment of a worker.
const planVariable = "MPTEST_FAULTS"

func (p plan) encode() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(text)
}

// planned takes the plan out of this process's environment, so that processes which it starts go on without.
func planned() (p plan, ok bool) {
	text := os.Getenv(planVariable)
	if text == "" {
		return plan{}, false
	}
	os.Unsetenv(planVariable)
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		panic("mptest: " + planVariable + ": " + err.Error())
	}
	return p, true
}

// missed is an error that names the faults whose element never came.
func (p plan) missed(faults []Fault) error {
	begun, err := readCounter(p.Counter)
	if err != nil {
		return fmt.Errorf("mptest: %w", err)
	}
	var missed []error
	for _, f := range faults {
		if uint64(f.on) > begun {
			missed = append(missed, fmt.Errorf("mptest: %v never happened: the pool's workers have begun %d elements", f, begun))
		}
	}
	return errors.Join(missed...)
}
