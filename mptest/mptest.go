package mptest

import (
	"os"
	"testing"

	"github.com/go-multiproc/mp"
)

// Main is the whole of a TestMain: it makes the program a worker if it was started as one, and otherwise runs the tests and exits with
// their code. It does not return.
func Main(m *testing.M) {
	mp.Main()
	os.Exit(m.Run())
}

// InProcess returns an executor of CPUCount goroutines of this process that ends with the test: calls that are then still outstanding
// fail with mp.ErrClosed. See mp.InProcess for how it differs from a pool. A function that does not return, whatever
// its context says, keeps its goroutine.
func InProcess(t testing.TB) mp.Executor {
	t.Helper()
	x := mp.InProcess(mp.CPUCount())
	b, err := x.Backend()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Engine.Kill)
	return x
}
