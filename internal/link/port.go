package link

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/engine"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/park"
	"github.com/go-multiproc/mp/internal/race"
	"github.com/go-multiproc/mp/internal/ring"
	"github.com/go-multiproc/mp/internal/spawn"
)

// tick is how long results can lie in the ring unnoticed, behind which an element of the same batch takes its time.
const tick = 2 * time.Millisecond

// helpPatience is how long a caller looks for its answer itself: enough for a worker that must first be woken on a CPU
// that was halted.
const helpPatience = 150 * time.Microsecond

// Port is the parent's half: it sends batches to one worker process and reports its results. It implements
// engine.Port; see there for who may call what.
type Port struct {
	Child *spawn.Child
	host  engine.Host

	// Guarded by the lock of the worker in the engine, as all sending is.
	slots   *ring.SlotWriter
	in      *ring.Writer
	written bool  // in has bytes that are not published
	last    int   // the size of the last payload in the ring
	unseen  int64 // elements sent since the last flush
	// watchful: something was sent that asks for a tick
	watchful bool

	sent      atomic.Int64 // elements that the worker sees, neither answered nor taken back
	batched   atomic.Int64 // how often something was flushed that asks for a tick
	refused   atomic.Bool  // somebody found no room
	streaming atomic.Bool  // a payload larger than the ring is under way
	ending    sync.Mutex   // held by a stream from before the worker has its last byte until streaming is false
	streams   sync.WaitGroup
	life      context.Context // ends with the worker
	end       context.CancelFunc
	stack     stack
	room      chan struct{} // poked when the worker may have made room
	gone      chan struct{} // closed when the worker has ended

	cons     sync.Mutex // held by who consumes results
	out      *ring.Reader
	closed   bool
	number   uint8 // of the next record, its low byte
	large    record
	limit    uint64 // immutable: the most that a result can have
	trusted  uint64 // immutable: what is allocated for one before it has come
	buf      []byte
	broken   error
	consumed atomic.Uint64 // what out has consumed, for who only wants to know whether there is more
	tail     *atomic.Uint64

	spinner park.Spinner // of run
	helping sync.Mutex   // one helper at a time
	helper  park.Spinner
}

// A record is a result that arrives in pieces.
type record struct {
	under  bool
	status uint8
	size   int
	pad    int
	body   []byte
}

// Start starts a worker process and reports to h what it does.
func Start(k *osenv.Kernel, s spawn.Spec, h engine.Host) (*Port, error) {
	child, err := spawn.Start(k, s)
	if err != nil {
		return nil, err
	}
	p := &Port{Child: child, host: h, room: make(chan struct{}, 1), gone: make(chan struct{}), tail: child.Channel.U64(abi.OffOutTail)}
	p.life, p.end = context.WithCancel(context.Background())
	p.limits(s)
	p.listen(s)
	p.helper.Patience = helpPatience
	p.slots, p.in, p.out = child.Channel.ParentEnds()
	go p.run()
	return p, nil
}

// run follows the worker from its start to its end.
func (p *Port) run() {
	why := p.handshake()
	if p.Child.Ready() { // else it has ended before, with or without a reason
		p.host.Up()
		why = p.loop()
	}
	// Whatever made the loop end, the worker does not outlive it.
	p.Child.Kill()
	<-p.Child.Done()
	p.end()
	p.cons.Lock()
	n, err := p.consume()
	if n > 0 {
		p.host.Progress()
	}
	if err != nil && why == nil {
		why = err
	}
	p.closed = true
	p.cons.Unlock()
	if errors.Is(why, errOver) {
		why = nil
	}
	p.hear() // after its results, for a logger may be slow
	if why == nil && !p.Child.Ready() {
		why = p.Child.StartError()
	}
	exit := p.Child.Exit()
	exit.Stack = p.stack.last()
	p.host.Lost(exit, why)
	close(p.gone)
	p.streams.Wait()
	p.helping.Lock()   // nobody looks at the channel any more
	p.helping.Unlock() //nolint:staticcheck // an empty section is the point: who was inside has left
	p.Child.Close()
}

func (p *Port) handshake() error {
	for !p.Child.Ready() {
		if _, err := p.Child.Recv(); err != nil {
			return p.ended(err)
		}
	}
	return nil
}

// ended is the reason in an error of Recv: none if it tells only that the worker has ended.
func (p *Port) ended(err error) error {
	if spawn.IsEnd(err) {
		return nil
	}
	return err
}

func (p *Port) loop() error {
	recv := p.Child.Channel.RecvFlag
	ticking := int64(0)
	woken := false // by the worker, who may have made room without a result
	for {
		n, err := p.poll(woken)
		if err != nil {
			return err
		}
		woken = false
		if n > 0 || (p.sent.Load() > 0 && p.spinner.Spin(p.ready)) {
			continue
		}
		p.host.Quiet()
		recv.Store(1)
		race.Fence()
		if p.ready() {
			recv.Store(0)
			p.pokeRoom()
			continue
		}
		// A worker that made room without a result while the flag was down has woken nobody. Whoever finds none raises refused
		// and looks again, so either he sees the room, or it is made after refused was raised: and then it either
		// sees the flag, or is found here.
		if p.refused.Swap(false) {
			if _, err := p.poll(true); err != nil {
				return err
			}
		}
		var wait time.Duration
		if b := p.batched.Load(); b != ticking && p.sent.Load() > 0 {
			wait = tick
		} else {
			ticking = b
		}
		_, err = p.Child.RecvWithin(wait)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return p.ended(err)
		}
		woken = err == nil
		p.pokeRoom()
	}
}

// pokeRoom makes a stream look again whether there is room.
func (p *Port) pokeRoom() {
	select {
	case p.room <- struct{}{}:
	default:
	}
}

// ready reports whether there is something to consume.
func (p *Port) ready() bool { return p.tail.Load() != p.consumed.Load() }

// poll consumes what there is and returns how many results that were. room tells that there may be some without a result.
func (p *Port) poll(room bool) (int, error) {
	p.cons.Lock()
	defer p.cons.Unlock()
	if p.closed {
		return 0, nil
	}
	n, err := p.consume()
	if n > 0 || err != nil || room || p.Child.Channel.RoomFlag.Load() != 0 {
		p.host.Progress()
	}
	return n, err
}

// consume reads all records there are. Call it with cons.
func (p *Port) consume() (n int, err error) {
	if p.broken != nil {
		return 0, p.broken
	}
	defer func() {
		p.sent.Add(-int64(n))
		p.consumed.Store(p.out.Consumed())
		p.out.Release()
		wakeFutex(p.Child.Channel.RoomFlag)
		p.broken = err
	}()
	for {
		avail, err := p.out.Available()
		if err != nil {
			return n, err
		}
		if avail%abi.RecordAlign != 0 {
			return n, fmt.Errorf("%w: %d bytes of records", ring.ErrCorrupt, avail)
		}
		if avail == 0 {
			return n, nil
		}
		for p.out.Known() > 0 {
			k, err := p.next()
			if err != nil {
				return n, err
			}
			n += k
		}
	}
}

// next reads one record, or as much of it as there is, and those behind it that are like it. It returns how many were complete.
func (p *Port) next() (n int, err error) {
	if p.large.under {
		return p.more()
	}
	status, check, size := abi.Unrecord(p.out.Word())
	if status < abi.StatusOK || status > abi.StatusEncode || check != p.number {
		return 0, fmt.Errorf("%w: record %d with number %d and status %d", ring.ErrCorrupt, p.number, check, status)
	}
	p.number++
	if size > p.limit {
		p.Child.KillOver(int64(size))
		return 0, errOver
	}
	pad := int(-size & (abi.RecordAlign - 1))
	if size > uint64(p.out.Known()) {
		// The size is the worker's word: memory follows what really comes.
		p.large = record{under: true, status: status, size: int(size), pad: pad, body: make([]byte, 0, min(size, p.trusted))}
		return p.more()
	}
	if uint64(cap(p.buf)) < size {
		p.buf = make([]byte, max(size, 4<<10))
	}
	body := p.buf[:size]
	p.out.Read(body)
	p.out.Discard(pad)
	if status != abi.StatusOK || size > maxRunSize {
		return 1, p.host.Result(status, body)
	}
	body, n = p.out.Records(body, p.number, int(size), maxRun)
	p.number += uint8(n)
	if p.buf = body; n == 0 {
		return 1, p.host.Result(status, body)
	}
	return n + 1, p.host.Results(n+1, int(size), body)
}

// Results of one size, of which there are often many, are taken up to maxRun at a time, if they have no more than maxRunSize bytes: what one
// costs is then little more than to copy it.
const (
	maxRun     = 256
	maxRunSize = 128
)

// What is allocated for a record before it has come: growing costs a copy, which who is trusted is spared.
const (
	trustedSize   = 64 << 20
	untrustedSize = 1 << 20
)

// errOver ends a worker that announces more than it can have. It says nothing that the worker's exit does not.
var errOver = errors.New("a result that is larger than the worker's memory limit")

// limits bounds what results can make this process allocate. A worker has a result in its memory when it announces it.
func (p *Port) limits(s spawn.Spec) {
	p.limit, p.trusted = abi.MaxRecord, trustedSize
	if s.MemoryLimit > 0 {
		p.limit = min(p.limit, uint64(s.MemoryLimit))
	}
	if s.NoArena {
		p.trusted = untrustedSize
	}
}

func (p *Port) more() (n int, err error) {
	r := &p.large
	if want := r.size - len(r.body); want > 0 {
		come := min(want, p.out.Known())
		at := len(r.body)
		if cap(r.body) < at+come {
			grown := make([]byte, at, min(r.size, max(2*cap(r.body), at+come)))
			copy(grown, r.body)
			r.body = grown
		}
		r.body = r.body[:at+come]
		p.out.Read(r.body[at:])
		p.out.Release()
		p.consumed.Store(p.out.Consumed())
		wakeFutex(p.Child.Channel.RoomFlag)
		if come < want {
			return 0, nil
		}
	}
	if p.out.Known() < r.pad {
		return 0, nil
	}
	p.out.Discard(r.pad)
	status, body := r.status, r.body
	p.large = record{}
	return 1, p.host.Result(status, body)
}

// wakeFutex wakes who sleeps on a flag of his.
func wakeFutex(flag *atomic.Uint32) {
	if flag.Load() == 1 && flag.CompareAndSwap(1, 0) {
		osenv.FutexWake(flag)
	}
}
