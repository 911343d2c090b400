package mp

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-multiproc/mp/internal/engine"
)

// PoolStats is what a pool did so far. Every element that was accepted is counted once: Accepted = Queued + Running + Done + Failed
// + Cancelled. Done counts successes, so Done + Failed is all elements that ended.
type PoolStats struct {
	Queued, Running int
	Done, Failed    int64
	Retried         int64 // attempts that failed and were not the last
	Restarts        int64 // workers that were replaced
	Bytes           int64 // BytesSent + BytesReceived
	Workers         []WorkerInfo
	Accepted        int64            // elements
	Cancelled       int64            // elements whose call or map ended before they did
	RestartsBy      map[string]int64 // by Event.Reason
	BytesSent       int64            // arguments, as encoded; again if they move to another worker
	BytesReceived   int64            // results, as encoded
	Time            WorkerTime       // of all workers that there are or were
	WaitingTimes    Histogram        // of elements, from when a worker could have taken them until they began
	RunningTimes    Histogram        // of elements, from when they began until they ended
	Slowest         []SlowElement    // the ten that ran longest, the longest first
}

// WorkerInfo is what a worker does. Its Index stays when it is replaced. What is counted below Restarts is of all workers that had
// this index.
type WorkerInfo struct {
	Index, PID      int
	State, Function string // State is "starting", "idle", "running", or "parked" if it ended for IdleTimeout
	Since           time.Time
	Done, RSS       int64 // elements that ended; bytes
	Restarts        int64
	PeakRSS         int64 // the most that was seen by Stats and Workers: of the present worker that is the most it ever had
	BytesSent       int64
	BytesReceived   int64
	Time            WorkerTime
	LastError       error // of the last that ended with one
}

// WorkerTime is what workers did with their time: from the start of the process until it was up, for Init, without anything to
// do, with elements, and from when it was to end until it had.
type WorkerTime struct {
	Starting, Init, Waiting, Working, Exiting time.Duration
}

// Total is all of it.
func (t WorkerTime) Total() time.Duration {
	return t.Starting + t.Init + t.Waiting + t.Working + t.Exiting
}

// Utilisation is the part of it, 0 to 1, in which workers had elements. A worker that waits for input or output of its own counts as
// one that works.
func (t WorkerTime) Utilisation() float64 {
	if total := t.Total(); total > 0 {
		return float64(t.Working) / float64(total)
	}
	return 0
}

// Since is what was done with the time after an earlier moment, of which t was before:
//
//	recent := pool.Stats().Time.Since(before.Time).Utilisation()
func (t WorkerTime) Since(before WorkerTime) WorkerTime {
	return WorkerTime{
		t.Starting - before.Starting, t.Init - before.Init, t.Waiting - before.Waiting, t.Working - before.Working,
		t.Exiting - before.Exiting,
	}
}

// A SlowElement is one that ran long. Argument is what %v makes of its argument, at most 200 bytes; nothing if the argument is not there
// any more, has a marshaller of its own, or holds a handle.
type SlowElement struct {
	Function string
	Index    int // 0 for a call
	Argument string
	Worker   int
	PID      int
	Duration time.Duration
	Ended    time.Time
}

// Stats takes stock. Times are measured without a look at the clock for each element: of elements that ended within about two
// milliseconds the first, if it ran longer than that, has its own time, and the others share theirs evenly. The wait of an element that found
// an idle worker is 0. What Results and Stream have just yielded may still count as running: it is counted a moment later.
func (p *Pool) Stats() PoolStats {
	s := p.backend.Engine.Stats()
	out := PoolStats{
		Queued: s.Queued, Running: s.Running, Done: s.Done, Failed: s.Failed, Retried: s.Retried, Restarts: s.Restarts,
		Bytes: s.BytesSent + s.BytesGot, Workers: infos(s.Workers), Accepted: s.Accepted, Cancelled: s.Cancelled,
		RestartsBy: s.RestartsBy, BytesSent: s.BytesSent, BytesReceived: s.BytesGot, Time: WorkerTime(s.Spent),
		WaitingTimes: Histogram{s.WaitingTime}, RunningTimes: Histogram{s.WorkingTime},
	}
	for _, e := range s.Slowest {
		out.Slowest = append(out.Slowest, SlowElement{
			Function: e.Function, Index: int(e.Index), Argument: e.Argument, Worker: e.Worker, PID: e.PID, Duration: e.Duration, Ended: e.Ended,
		})
	}
	return out
}

// Workers tells what each worker does, by index.
func (p *Pool) Workers() []WorkerInfo { return infos(p.backend.Engine.Workers()) }

func infos(workers []engine.WorkerInfo) []WorkerInfo {
	out := make([]WorkerInfo, len(workers))
	for i, w := range workers {
		out[i] = WorkerInfo{
			Index: w.Index, PID: w.PID, State: w.State, Function: w.Function, Since: w.Since, Done: w.Done, RSS: w.RSS,
			Restarts: w.Restarts, PeakRSS: w.PeakRSS, BytesSent: w.BytesSent, BytesReceived: w.BytesGot, Time: WorkerTime(w.Spent),
			LastError: w.LastError,
		}
	}
	return out
}

const (
	maxText  = 200      // bytes of a text of an argument
	maxShown = 16 << 10 // encoded bytes of an argument that a text is made of
)

// text is what %v makes of an encoded argument. fmt itself catches what a String method panics with.
func (f *Function[In, Out]) text(arg []byte) string {
	var in In
	if len(arg) > maxShown {
		return fmt.Sprintf("%T, %d bytes", in, len(arg))
	}
	if _, err := f.in.Decode(arg, &in); err != nil {
		return ""
	}
	text := fmt.Sprintf("%v", in)
	if len(text) > maxText {
		n := maxText - len("…")
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		text = text[:n] + "…"
	}
	return strings.ToValidUTF8(text, "?")
}
