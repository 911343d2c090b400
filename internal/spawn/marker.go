package spawn

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/robust"
)

// mainLimit is how long a worker may take to call Main. Package initialization comes before it. Tests change it.
var mainLimit = 10 * time.Second

// self is what the environment said about this process.
var self struct {
	worker  bool
	depth   int
	token   string
	main    atomic.Bool // Main was called
	noArena atomic.Bool // the parent said so; Attach
	root    atomic.Bool // likewise
}

// init runs before any code of the program that imports this library: the marker must be gone before anything can
// inherit it.
func init() {
	value, ok := os.LookupEnv(abi.EnvMarker)
	if !ok {
		return
	}
	os.Unsetenv(abi.EnvMarker)
	m, ok := parseMarker(value)
	if !ok {
		// The last line against a fork bomb: it must hold whatever else is broken, so it only exits.
		fmt.Fprintf(os.Stderr, "mp: %s=%q: a worker at this depth does not start\n", abi.EnvMarker, value)
		os.Exit(exitRefused)
	}
	self.worker, self.depth, self.token = true, m.depth, m.token
	openControl()
	if m.apart {
		closeInherited()
	}
	robust.Prepare()
	awaitMain(mainTicks)
}

// mainTicks is in how many parts mainLimit is counted. A process that is stopped, or gets no CPU for seconds on a machine with too much to
// do, counts none of them: it would else be blamed for what it had no chance to do.
const mainTicks = 100

// awaitMain refuses when Main was not called in so many ticks.
func awaitMain(ticks int) {
	time.AfterFunc(mainLimit/mainTicks, func() {
		switch {
		case self.main.Load():
		case ticks > 1:
			awaitMain(ticks - 1)
		default:
			refuse(fmt.Sprintf("mp.Main was not called within %v of the worker's start", mainLimit))
		}
	})
}

// A marker is what the environment of a worker says about it.
type marker struct {
	token string
	depth int
	apart bool // it inherits nothing by accident
}

func (m marker) String() string {
	s := m.token + "." + strconv.Itoa(m.depth)
	if m.apart {
		s += abi.MarkerApart
	}
	return s
}

func parseMarker(s string) (m marker, ok bool) {
	token, depth, _ := strings.Cut(s, ".")
	depth, apart := strings.CutSuffix(depth, abi.MarkerApart)
	n, err := strconv.Atoi(depth)
	return marker{token, n, apart}, err == nil && n >= 1 && n <= abi.MaxDepth
}

// exitRefused is the exit code of a process that should not have been a worker.
const exitRefused = 113

// IsWorker reports whether this process was started as a worker.
func IsWorker() bool { return self.worker }

// Depth is how many processes of the family stand above this one.
func Depth() int { return self.depth }

// NoArena reports whether this process is a worker that was started without the family's arena, or was started by one.
func NoArena() bool { return self.noArena.Load() }

// IsRoot reports whether this process is the first of its family. In a worker it is known from Main on.
func IsRoot() bool { return !self.worker || self.root.Load() }

// RequireMain ends a worker that uses the library before it called Main: whatever it was about to do, in the parent
// it was meant to happen once.
func RequireMain(what string) {
	if self.worker && !self.main.Load() {
		refuse(what + " was called before mp.Main")
	}
}

// refuse tells the parent why this process is no worker, and ends it.
func refuse(why string) {
	tell(abi.FrameNotMain, why)
	os.Exit(exitRefused)
}

// tell sends the parent a frame that is the last.
func tell(kind byte, why string) {
	if control != nil {
		_ = control.SetWriteDeadline(time.Now().Add(time.Second))
		_ = writeFrame(control, kind, []byte(why)) // who does not read it finds the exit code
	}
}

// childEnv is the environment of a child: the parent's, extra, and its own marker in place of any other.
func childEnv(extra []string, own marker) []string {
	env := make([]string, 0, len(extra)+64)
	last := make(map[string]int)
	add := func(kv string) {
		name, _, _ := strings.Cut(kv, "=")
		if name == abi.EnvMarker {
			return // a second marker is how a fork bomb begins: os.StartProcess removes no duplicates
		}
		if i, ok := last[name]; ok && name != "" {
			env[i] = kv
			return
		}
		last[name] = len(env)
		env = append(env, kv)
	}
	for _, kv := range os.Environ() {
		add(kv)
	}
	for _, kv := range extra {
		add(kv)
	}
	return append(env, abi.EnvMarker+"="+own.String())
}

// childArgs is the command line of a child: the parent's, which programs look at in their initialization. A test
// binary that has no hook in TestMain must run nothing.
func childArgs() []string {
	if isTest() {
		return []string{os.Args[0], "-test.run=^$"}
	}
	return os.Args
}

// isTest reports whether this is a test binary, whatever it is called and whatever its arguments.
var isTest = sync.OnceValue(func() bool {
	if info, ok := debug.ReadBuildInfo(); ok && strings.HasSuffix(info.Path, ".test") {
		return true
	}
	if strings.HasSuffix(os.Args[0], ".test") {
		return true
	}
	for _, a := range os.Args[1:] {
		if strings.HasPrefix(a, "-test.") || strings.HasPrefix(a, "--test.") {
			return true
		}
	}
	return false
})
