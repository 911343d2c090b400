package engine

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/sched"
	"github.com/go-multiproc/mp/internal/spawn"
)

// A Job is a call or a map: a sequence of elements of one function. Its exported fields are set before Begin.
type Job struct {
	Function string
	Func     uint32 // index in the registry
	Chunk    int
	Timeout  time.Duration // per element, from when it starts; 0 for none
	Grace    time.Duration
	Retries  int
	// RetryIf, if set, reports whether an element with this outcome, which is no result, is to be run again, within Retries. Those
	// whose worker died, or whose time was over, are in any case.
	RetryIf  func(i int64, r Result) bool
	Fixed    bool // every argument encodes to the same number of bytes
	Waited   bool // someone waits for this very element: wake him when it is done
	Moves    bool // an argument may hold something that is in one process at a time
	Together bool // the elements of a batch are run at once, and are held up by each other
	Seeded   bool // the random numbers of its elements follow from Seed and their index
	Seed     uint64
	Priority int
	Key      string // all elements go to the worker of this key; "" for none
	Lease    *Lease // or to the one that this holds

	// Encode appends the argument of element i. It is called for different i at a time, and again for a retry.
	Encode func(dst []byte, i int64) ([]byte, error)
	// EncodeRun, if set, is Encode for n elements from element first on, each of which takes Size bytes and cannot fail.
	EncodeRun func(dst []byte, first int64, n int) []byte
	Size      int
	// Arg is the argument of a job of one element; Encode is then nil. It must not change until the job has ended.
	Arg []byte
	// Deliver takes the outcome of element i, at most once for each, for different i at a time. The payload is valid
	// during the call only.
	Deliver func(i int64, r Result)
	// DeliverRun, if set, is Deliver for n elements from element first on that succeeded, whose payloads of size bytes lie one behind the other.
	DeliverRun func(first int64, n, size int, payload []byte)
	// Delivered, if set, is told how many elements were delivered since it was last called: soon after them, and no
	// element is missed. It spares Deliver what need not be done for each.
	Delivered func(n int64)
	// Show makes a text of an encoded argument; nil for none. Again encodes it for that; without it, Encode does.
	Show  func(arg []byte) string
	Again func(i int64) ([]byte, error)
	// Observe is told of what happens to the job's elements but their end, which Deliver knows; nil for nobody.
	Observe func(Event)
	// Error, if set, makes an error of an outcome that is no result, for those who observe.
	Error func(i int64, r Result) error
	// Interrupted, if set, is told that nothing more of the job begins: what waits fails, and so does what is added.
	Interrupted func()
	// Abort ends all elements that were not delivered, at most once, when the engine can run nothing more.
	Abort func(*Failure)

	sched    sched.Job
	ended    atomic.Bool  // nothing more is encoded or delivered
	encoding sync.RWMutex // held for reading while encoding: End waits for it
	moved    moved
	came     arrivals
	observed bool          // by anybody
	attempts map[int64]int // guarded by the engine's mutex
	retried  atomic.Bool   // attempts has, or had, something
	private  bool          // Setup, Teardown or a broadcast: the scheduler does not know it
	hold     atomic.Int64  // how many, the first, may begin, and one; 0 for all
	kept     []sched.Range // guarded by the engine's mutex: what is held of it, and would wait
	begun    bool          // guarded by the engine's mutex
}

// A Result is the outcome of an element: what its function made of it, or why there is nothing.
type Result struct {
	Status  uint8 // abi.StatusOK...; 0 with a Failure
	Payload []byte
	Failure *Failure
	Worker  int
	PID     int
	Took    time.Duration // how long it ran, as far as that is known, if the job is observed; 0 if not
}

// Reason says why an element has no result of its function.
type Reason int

// The reasons.
const (
	Died        Reason = iota + 1 // its worker ended while it ran
	TimedOut                      // it ran longer than it may
	Unsent                        // its argument could not be encoded
	Stopped                       // the engine was closed or killed
	Interrupted                   // the engine was interrupted before it began, or its Grace had passed; with a Status, it failed after it was told
	Broken                        // the engine cannot keep workers running; Err says why
	LeaseLost                     // the leased worker that was to run it has ended
)

// A Failure is why an element has no result.
type Failure struct {
	Reason   Reason
	Err      error
	Worker   int
	PID      int
	Exit     spawn.Exit
	Attempts int
	Timeout  time.Duration
	Killed   bool
}

// maxPayload is how many bytes of elements go into one batch, unless it is a single one: small enough that the ring
// holds several.
const maxPayload = 64 << 10

// maxTogether is the same for elements of which so many are to run together as the caller has said: a length has 32 bits.
const maxTogether = 1 << 31

// encode appends as many of the elements to dst as make one message, at least one. The message starts at start. The error is
// of the element after them. Call it with encoding.
func (j *Job) encode(dst []byte, r sched.Range) (out []byte, start int, flags uint8, n int, err error) {
	sized, most := r.N > 1 && !j.Fixed, maxPayload
	if j.Together && j.Chunk > 0 { // so many were asked for
		most = maxTogether
	}
	start = len(dst)
	if j.EncodeRun != nil {
		if n = min(r.N, abi.MaxBatch, 1+(most-1)/j.Size); j.ended.Load() {
			return dst, start, 0, 0, nil
		}
		return j.EncodeRun(dst, r.First, n), start, 0, n, nil
	}
	for n < min(r.N, abi.MaxBatch) && len(dst)-start < most && !j.ended.Load() {
		at := len(dst)
		if sized {
			dst = append(dst, 0, 0, 0, 0)
		}
		body := len(dst)
		dst, err = j.Encode(dst, r.First+int64(n))
		if err != nil {
			dst = dst[:at]
			break
		}
		size := len(dst) - body
		if n++; size > most && sized {
			if n == 1 {
				return dst, body, 0, 1, nil // a large one travels alone
			}
			dst, n = dst[:at], n-1
			break
		}
		if sized {
			binary.LittleEndian.PutUint32(dst[at:], uint32(size))
		}
	}
	if sized {
		flags = abi.FlagSized
	}
	return dst, start, flags, n, err
}

// end makes sure that nothing of the job is encoded or delivered from now on, but what is being delivered now.
func (j *Job) end() {
	j.ended.Store(true)
	j.encoding.Lock()   // the caller takes the arguments back
	j.encoding.Unlock() //nolint:staticcheck // an empty section is the point: those inside have left
	j.GiveUp()
}

// deliver must be followed by delivered.
func (j *Job) deliver(i int64, r Result) {
	if !j.ended.Load() {
		j.Deliver(i, r)
	}
}

func (j *Job) delivered(n int64) {
	if j.Delivered != nil && !j.ended.Load() {
		j.Delivered(n)
	}
}

// settle delivers the outcome of an element for which no worker has sent a result.
func (j *Job) settle(i int64, r Result) {
	j.deliver(i, r)
	j.delivered(1)
}

// A Batch is elements of a job that are with one worker.
type Batch struct {
	Job   *Job
	First int64
	Flags uint8
	// Slot and Local are for the port that took it.
	Slot  uint64
	Local *atomic.Uint64

	count   int          // as it was sent
	n       atomic.Int32 // elements that are still its own; take-back lowers it
	done    atomic.Int32 // of these, finished; only the port's consumer stores it
	payload []byte       // while it waits for room
	size    int          // of the payload
	// Since the engine's birth: when its elements became available, 0 if a worker waited for them; when the first was seen to have
	// begun, 0 if it was not.
	available, began time.Duration

	way time.Time // until then a large payload may be on its way, whose time is not the element's
}

// Count is the number of elements in the message.
func (b *Batch) Count() int { return b.count }

func (b *Batch) finished() bool { return b.done.Load() == b.n.Load() }

// Own is how many of the elements are the batch's own still: those that were not taken back.
func (b *Batch) Own() int { return int(b.n.Load()) }

// Index is the index of the first element in its map; a call is none.
func (b *Batch) Index() int64 {
	if b.Job.Encode == nil {
		return abi.NoIndex
	}
	return b.First
}

// NewBatch makes a batch of the one element of a job that no engine runs.
func NewBatch(j *Job) *Batch {
	b := &Batch{Job: j, count: 1}
	b.n.Store(1)
	return b
}
