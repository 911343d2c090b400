//go:build linux

package shared_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/robust"
	"github.com/go-multiproc/mp/shared"
)

// A kit is what a victim and the bystanders get: the objects of one case, and what to do with them.
type kit struct {
	Op      string
	Mutex   *shared.Mutex
	RMutex  *shared.RMutex
	RWMutex *shared.RWMutex
	Sem     *shared.Semaphore
	Cond    *shared.Cond
	Event   *shared.Event
	Barrier *shared.Barrier
	Group   *shared.WaitGroup
	Value   *shared.Value[large]
	Array   *shared.Array[byte]
	Queue   *shared.Queue[string]

	Came *shared.Array[uint32] // which bystanders have come
	Who  int
	N    int // bytes of an array
}

type large [64]uint64

func filled(n uint64) (v large) {
	for i := range v {
		v[i] = n
	}
	return v
}

// victimVar makes a process tell whoever started it, or one further up, each step that it passes, and stop at one. It is
// pid, descriptors of two pipes there, whether it tells from its start on, which passage of the step to stop at, and the step.
const victimVar = "MP_TEST_VICTIM"

// tell is the half of that in the victim.
var tell *teller

type teller struct {
	out, in *os.File
	step    string
	nth     int
	on      atomic.Bool

	mu     sync.Mutex
	passed int // guarded by mu: times the step was passed
}

func init() {
	s := os.Getenv(victimVar)
	if s == "" {
		return
	}
	_ = os.Unsetenv(victimVar) // it is not its children's
	var pid, out, in int
	var early bool
	tell = &teller{}
	if n, err := fmt.Sscan(s, &pid, &out, &in, &early, &tell.nth); n < 5 {
		panic(err)
	}
	tell.step = strings.SplitN(s, " ", 6)[5]
	var err error
	if tell.out, err = os.OpenFile(fmt.Sprintf("/proc/%d/fd/%d", pid, out), os.O_WRONLY, 0); err != nil {
		panic(err)
	}
	if tell.in, err = os.Open(fmt.Sprintf("/proc/%d/fd/%d", pid, in)); err != nil {
		panic(err)
	}
	tell.on.Store(early)
	robust.Step = tell.pass
}

func (t *teller) say(format string, args ...any) { _, _ = fmt.Fprintf(t.out, format+"\n", args...) }

// pass is robust.Step.
func (t *teller) pass(step string) {
	if !t.on.Load() {
		return
	}
	t.mu.Lock()
	t.say("at %s", step)
	if step == t.step {
		t.passed++
		if t.passed == t.nth {
			t.on.Store(false)
			t.mu.Unlock()
			t.stop()
		}
	}
	t.mu.Unlock()
}

// stop is the end of the victim: somebody kills it, or it does so itself when it is told to.
func (t *teller) stop() {
	t.say("stop %d", os.Getpid())
	t.obey()
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// obey waits for one command.
func (t *teller) obey() { _, _ = t.in.Read(make([]byte, 1)) }

// ops are what victims do: each prepares something, and returns what it does when others have come.
var ops = map[string]func(context.Context, kit) func(){}

// victims run one op, and tell at which steps they are.
var victims = mp.Func("victim", func(ctx context.Context, k kit) (struct{}, error) {
	op := ops[k.Op](ctx, k)
	tell.say("ready %d", os.Getpid())
	tell.obey()
	tell.on.Store(true)
	op()
	tell.on.Store(false)
	tell.stop()
	return struct{}{}, nil
})

// middles start a victim and wait for its end: they are its parents.
var middles = mp.Func2("middle", func(ctx context.Context, k kit, env string) (struct{}, error) {
	p, err := victims.Start(ctx, k, mp.Env([]string{env}))
	if err != nil {
		return struct{}{}, err
	}
	_, err = p.Wait(ctx)
	return struct{}{}, err
})

// must ends a victim that cannot do what it has to.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// A victim is a process that is going to be killed, as its killer sees it.
type victim struct {
	pid      int
	done     <-chan struct{}
	kill     func() error
	lines    *bufio.Reader
	out, cmd *os.File
	files    []*os.File
}

// A place is where a victim is to stop.
type place struct {
	step string
	nth  int
}

func (p place) String() string {
	if p.step == "" {
		return "after all"
	}
	return fmt.Sprintf("%s, passage %d", p.step, p.nth)
}

// newVictim starts a victim, as a child or, through a middle, as a grandchild.
func newVictim(ctx context.Context, k kit, at place, early, grandchild bool) (*victim, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cr, cw, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	v := &victim{lines: bufio.NewReader(r), out: w, cmd: cw, files: []*os.File{r, w, cr, cw}}
	env := fmt.Sprintf("%s=%d %d %d %v %d %s", victimVar, os.Getpid(), w.Fd(), cr.Fd(), early, at.nth, at.step)
	if grandchild {
		p, err := middles.Start(ctx, mp.Pack2(k, env))
		if err != nil {
			return nil, err
		}
		v.done, v.kill = p.Done(), p.Kill
	} else {
		p, err := victims.Start(ctx, k, mp.Env([]string{env}))
		if err != nil {
			return nil, err
		}
		v.done, v.kill = p.Done(), p.Kill
	}
	go func() {
		<-v.done
		_, _ = fmt.Fprintln(w, "gone") // behind all that it has said
	}()
	return v, nil
}

// next is what the victim says next: ready, at and a step, stop, or gone.
func (v *victim) next() (word, step string) {
	line, err := v.lines.ReadString('\n')
	must(err)
	word, step, _ = strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	if word == "ready" || word == "stop" {
		_, err = fmt.Sscan(step, &v.pid)
		must(err)
	}
	return word, step
}

// toItsPlace has it go there.
func (v *victim) toItsPlace() {
	for word := ""; word != "stop"; word, _ = v.next() {
		if word == "ready" {
			v.command()
		}
	}
}

// command makes it go on, or kill itself.
func (v *victim) command() { _, _ = v.cmd.Write([]byte("!")) }

// close closes the pipes of a victim that is gone.
func (v *victim) close() {
	for word := ""; word != "gone"; word, _ = v.next() {
	}
	for _, f := range v.files {
		f.Close()
	}
}
