// Package mptest is for tests of programs that use mp.
//
// # How to test such a program
//
// The test binary is the program that the workers run, so it must become a worker when it is started as one:
//
//	func TestMain(m *testing.M) { mptest.Main(m) }
//
// What a function computes, test without any of this: it is a Go function. What calls it should take an mp.Executor, and gets
// InProcess(t) in most tests: arguments and results are encoded, errors made and times limited as in a pool, and one debugger, one
// race detector and one coverage profile see everything. Use a real pool where processes matter: what main has set is not set in a
// worker, memory is limited, a crash is contained.
//
// What a program does when a worker crashes, hangs, is slow or writes nonsense shows a pool of Faulty: its workers are real, and so are
// their ends. Say which element it is to happen to, and check what the caller makes of it:
//
//	pool := mptest.Faulty(t, mptest.CrashOn(3))
//	report, err := convertAll(ctx, pool, files) // does it name the third file, and have the others?
//
// Elements are counted from 1, in the order in which the pool's workers begin them; one that is run again, by Retries, counts again.
// With one worker, which is what Faulty makes, they begin in the order of the input, for such a pool gives a worker one element at a
// time. With several the order is not certain, but each number still comes up once, so each fault happens once. A fault that
// never came up fails the test: it has not tested what it says.
//
// NoLeaks, first in a test, checks at its end that nothing is left: no process, no descriptor, no goroutine, no shared memory.
//
// Processes are only on Linux. Elsewhere InProcess works, and what needs a pool fails the test with errors.ErrUnsupported.
package mptest
