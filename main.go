package mp

import (
	"context"
	"fmt"
	"os"

	"github.com/go-multiproc/mp/internal/link"
	"github.com/go-multiproc/mp/internal/spawn"
)

// Main makes the program a worker if it was started as one, and then does not return. In every other process it returns
// at once. Call it first in main, and first in TestMain.
//
// A worker leads a process group of its own, so what a terminal sends goes to the parent, which decides, and it ignores
// SIGINT from elsewhere. So do programs that it starts, unless it calls signal.Notify for os.Interrupt before. Its stdin
// is empty, its output goes to the parent, line by line. The stack of a goroutine may grow to 256 MiB there, not to the
// runtime's 1 GB, so that endless recursion ends soon.
func Main() {
	if !spawn.IsWorker() {
		return
	}
	s := takeSnapshot()
	parent, err := spawn.Attach(s.lines)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	setCurrent(parent.Config)
	forwardLogs(parent.Side)
	ok := link.Serve(context.Background(), parent, s, func() {
		os.Exit(1) // the parent closed its end: it wants no answer any more
	})
	if !ok && parent.Config.Worker < 0 {
		os.Exit(1) // a process of its own tells by its exit code how its function ended
	}
	os.Exit(0)
}

// IsWorker reports whether this process was started as a worker.
func IsWorker() bool { return spawn.IsWorker() }
