package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-multiproc/mp"
)

// faultLimit is how long nobody may get an answer before that is called a hang.
const faultLimit = 3 * time.Second

// pythonFaultRounds is the most rounds that Python takes part in: each hang costs the limit several times.
const pythonFaultRounds = 3

var faultsGroup = group{
	name:  "faults",
	about: "what becomes of a pool and its callers when something goes wrong, beside Python's pools (a table of its own)",
	apart: true,
	open: func(r *runner) (*bench, error) {
		t := &faultTable{fates: make(map[string]fates), short: r.short}
		return &bench{
			sides: []side{
				t.side("mp", 0, func(f fault) (fate, error) { return f.ours(faultLimit) }),
				t.side("Pool", pythonFaultRounds, func(f fault) (fate, error) { return pythonFault(f.name, "Pool", faultLimit) }),
				t.side("ProcessPoolExecutor", pythonFaultRounds, func(f fault) (fate, error) { return pythonFault(f.name, "Executor", faultLimit) }),
			},
			report: func(w io.Writer) error {
				if r.faultsDoc == "" {
					return t.print(w)
				}
				doc := new(strings.Builder)
				fmt.Fprint(doc, faultsHead)
				printMachine(doc, r)
				err := t.print(doc)
				fmt.Fprintf(doc, faultsFoot, faultLimit, pythonFaultRounds)
				return errors.Join(err, os.WriteFile(r.faultsDoc, []byte(doc.String()), 0o644)) //nolint:gosec // a page for everybody
			},
		}, nil
	},
}

// faultList is the lines of the table. The numbers are of the list of what users of Python's pools complain about, and of the
// reports to its developers.
var faultList = []fault{
	{name: "busy", what: "a worker is killed in an element (W01, W03; gh-66587)", slow: true, ours: poolFault("busy")},
	{name: "idle", what: "an idle worker is killed, and elements follow at once (W02; gh-96062)", slow: true, ours: poolFault("idle")},
	{name: "exit", what: "the function ends its process: `os._exit`, `os.Exit` (W01, W15)", slow: true, ours: poolFault("exit")},
	{name: "goexit", what: "the function ends its thread: `sys.exit`, `runtime.Goexit` (W15)", slow: true, ours: poolFault("goexit")},
	{name: "error", what: "an error that can't be rebuilt in the caller (W14; gh-103061)", slow: true, ours: poolFault("error")},
	{name: "result", what: "a result that can't be encoded (W14)", ours: poolFault("result")},
	{name: "endless", what: "an endless loop, given 1 s: `get(timeout=1)`, `mp.Timeout` (W11)", slow: true, ours: poolFault("endless", mp.Timeout(faultGiven))},
	{name: "memory", what: "an element wants all memory: `RLIMIT_AS`, `MemoryLimit`", ours: poolFault("memory")},
	{name: "init", what: "the initializer fails (W16; gh-87472)", slow: true, ours: initFault},
	{name: "parent", what: "the program is killed while its workers are busy (W19; gh-80180)", slow: true, ours: parentFault},
	{name: "lock", what: "the holder of a lock is killed: `Lock`, `shared.Mutex` (W04; gh-88304)", slow: true, ours: lockFault},
	{name: "queue", what: "a process that waits for an item is killed: `Queue`, `shared.Queue` (W06)", slow: true, ours: queueFault},
}

// A faultTable is what has been seen, by side and fault.
type faultTable struct {
	fates map[string]fates
	short bool
}

// side is one that meets all faults in each round, up to the most.
func (t *faultTable) side(name string, most int, meet func(fault) (fate, error)) side {
	round := 0
	return side{name, func() (figures, error) {
		if round++; most > 0 && round > most {
			return nil, nil
		}
		for _, f := range faultList {
			if t.short && f.slow && most > 0 {
				continue
			}
			one, err := meet(f)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			t.fates[name+" "+f.name] = append(t.fates[name+" "+f.name], one)
		}
		return nil, nil
	}}
}

func (t *faultTable) print(w io.Writer) error {
	fmt.Fprintln(w, "| what happens | `multiprocessing.Pool` | `ProcessPoolExecutor` | mp |")
	fmt.Fprintln(w, "| --- | --- | --- | --- |")
	var err error
	for _, f := range faultList {
		_, err = fmt.Fprintf(w, "| %s | %s | %s | %s |\n", f.what, t.cell("Pool", f), t.cell("ProcessPoolExecutor", f), t.cell("mp", f))
	}
	return err
}

func (t *faultTable) cell(side string, f fault) string {
	seen := t.fates[side+" "+f.name]
	if len(seen) == 0 {
		return "left out"
	}
	if answer := seen.answer(); answer != "" {
		return fmt.Sprintf("%s (%s)", seen.outcome(), answer)
	}
	return seen.outcome()
}

const faultsHead = `# When something goes wrong

What becomes of a pool, and of those who called it, when a worker, a function or the program fails: for Python's two pools and for this library, each
seen in the same run. The command that makes this page:

    cd bench && go run . -only faults -faults-doc ../docs/faults.md

`

const faultsFoot = `
A pool has two workers and gets eight elements of 50 ms, one call for each, and the fault comes to the third as soon as that runs. A cell says
what the callers of the eight elements hear, and what can be done with the pool afterwards. The time is from the fault until the
caller of the third has his answer; where the fault comes to none, until the last of the eight has his.

- **Hangs**: there is no answer within %v. "No later call works": the next call fails, or has no result within that time. "It cannot be
  ended": ` + "`terminate` and `join`, or `shutdown`, or `Stop`" + ` do not return within it.
- Times are medians and the worst: of every round for mp, of %d rounds at most for Python. Python's pools are made by fork, with the
  standard library only. The numbers in parentheses are those of reports to its developers (gh), and of this project's list of what
  users of such pools complain about (W).
- An idle worker of Python's ` + "`Pool`" + ` sleeps in a lock that all share. The one that is killed is the one that holds it, one of two; the
  death of another does less harm.
- When Python's caller gives an endless loop up, nothing ends the loop: the worker is lost for others, and the executor waits for it at its end.
- ` + "`RLIMIT_AS`" + ` is set by an initializer, 256 MiB above what the worker begins with; Python's pools have no limit of their own. An allocation
  then fails in the function, which may heed that. ` + "`MemoryLimit`" + ` is for what does not: it kills.
- Locks and queues have nothing to do with pools; both columns of Python show ` + "`multiprocessing.Lock` and `Queue`" + `.
`
