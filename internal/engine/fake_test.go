package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/spawn"
)

// A fake is a port to a worker that does nothing by itself: the test moves it, step by step.
type fake struct {
	host  Host
	index int
	pid   int

	calls sync.Mutex // held for calls of the host: one at a time
	lost  bool       // guarded by calls

	mu        sync.Mutex
	batches   []*sent // in order
	seen      int     // of these, flushed: the worker sees no others
	byBatch   map[*Batch]*sent
	noRoom    bool
	suspect   bool
	begun     int // elements, ever
	answered  int
	cancels   []cancelled
	inspected []time.Time
	finish    bool
	kills     int
	onCancel  func()
	work      chan struct{} // poked when there is something new
	killed    chan struct{} // closed by Kill
}

type sent struct {
	b            *Batch
	payload      []byte
	begun, limit int
}

type cancelled struct {
	number uint64
	cause  uint8
	at     time.Time
}

// farm starts fakes and knows all of them.
type farm struct {
	t     *testing.T
	mu    sync.Mutex
	all   []*fake
	start func(*fake) error // nil: Up follows at once
}

func (f *farm) Start(index int, h Host) (Port, error) {
	f.mu.Lock()
	p := &fake{
		host: h, index: index, pid: 1000 + len(f.all), byBatch: make(map[*Batch]*sent),
		work: make(chan struct{}, 1), killed: make(chan struct{}),
	}
	f.all = append(f.all, p)
	f.mu.Unlock()
	if f.start != nil {
		if err := f.start(p); err != nil {
			return nil, err
		}
	} else {
		go p.up()
	}
	go func() {
		<-p.killed
		p.die(spawn.Exit{ExitStatus: exitStatus(-int(syscall.SIGKILL), syscall.SIGKILL)})
	}()
	return p, nil
}

func (f *farm) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.all)
}

// last is the fake that was started last.
func (f *farm) last() *fake {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all[len(f.all)-1]
}

var errLease = errors.New("the leased worker has ended")

func (f *farm) config(workers int) Config {
	return Config{
		Workers: workers, StartTimeout: time.Minute, Window: 1 << 20, WindowBytes: 1 << 30, Start: f.Start,
		LeaseError: func(*Failure) error { return errLease },
		LostError: func(worker, pid int, exit spawn.Exit) error {
			return fmt.Errorf("worker %d (%d) ended with code %d", worker, pid, exit.Code)
		},
	}
}

// call runs something of the host as the port's own goroutine would, unless the worker is lost.
func (p *fake) call(f func()) bool {
	p.calls.Lock()
	defer p.calls.Unlock()
	if p.lost {
		return false
	}
	f()
	return true
}

func (p *fake) up() { p.call(p.host.Up) }

// die ends the worker.
func (p *fake) die(exit spawn.Exit) { p.dieBecause(exit, nil) }

func (p *fake) dieBecause(exit spawn.Exit, why error) {
	p.call(func() {
		p.lost = true
		p.host.Lost(exit, why)
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kills == 0 {
		p.kills = -1 // nobody need kill it
		close(p.killed)
	}
}

// begin begins the next element, and reports whether there was one.
func (p *fake) begin() (i int64, payload []byte, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.batches[:p.seen] {
		if s.begun == s.limit {
			continue
		}
		arg := s.payload
		switch {
		case s.b.Flags&abi.FlagSized != 0:
			n := 4 + int(binary.LittleEndian.Uint32(arg))
			arg, s.payload = arg[4:n], s.payload[n:]
		case s.b.Count() > 1:
			n := len(s.payload) / (s.b.Count() - s.begun)
			arg, s.payload = arg[:n], s.payload[n:]
		}
		s.begun++
		p.begun++
		return s.b.First + int64(s.begun-1), arg, true
	}
	return 0, nil, false
}

// result answers the element that has begun and has no answer.
func (p *fake) result(status uint8, payload []byte) (err error) {
	p.call(func() {
		p.mu.Lock()
		p.answered++
		p.mu.Unlock()
		err = p.host.Result(status, payload)
	})
	return err
}

// results answers n elements that succeeded at once, with payloads of one size.
func (p *fake) results(n, size int, payload []byte) (err error) {
	p.call(func() {
		p.mu.Lock()
		p.answered += n
		p.mu.Unlock()
		err = p.host.Results(n, size, payload)
	})
	return err
}

func (p *fake) progress() { p.call(p.host.Progress) }

// run begins the next n elements and answers each at once with its argument.
func (p *fake) run(t *testing.T, n int) {
	t.Helper()
	for range n {
		_, arg, ok := p.begin()
		if !ok {
			t.Fatal("the worker has nothing to do")
		}
		if err := p.result(abi.StatusOK, arg); err != nil {
			t.Fatal(err)
		}
	}
	p.progress()
}

// has is how many elements it was sent and has not begun.
func (p *fake) has() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.batches[:p.seen] {
		n += s.limit - s.begun
	}
	return n
}

func (p *fake) set(f func(p *fake)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p)
}

// get reads something of p.
func get[T any](p *fake, f func(p *fake) T) (x T) {
	p.set(func(p *fake) { x = f(p) })
	return x
}

func (p *fake) poke() {
	select {
	case p.work <- struct{}{}:
	default:
	}
}

// PID implements Port, as all below.
func (p *fake) PID() int { return p.pid }

func (p *fake) Send(b *Batch, payload []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.noRoom {
		return false
	}
	s := &sent{b: b, payload: append([]byte(nil), payload...), limit: b.Count()}
	p.batches = append(p.batches, s)
	p.byBatch[b] = s
	return true
}

func (p *fake) Room() int { return 64 }

func (p *fake) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = len(p.batches)
	p.poke()
}

func (p *fake) TakeBack(b *Batch) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.byBatch[b]
	s.limit = s.begun
	return s.begun
}

func (p *fake) Begun(b *Batch) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.byBatch[b]; s != nil {
		return s.begun
	}
	return b.Count() // as a real port says of a batch that its memory does not know
}

func (p *fake) Cancel(element uint64, cause uint8) {
	p.mu.Lock()
	p.cancels = append(p.cancels, cancelled{element, cause, time.Now()})
	f := p.onCancel
	p.poke()
	p.mu.Unlock()
	if f != nil {
		f()
	}
}

func (p *fake) Finish() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finish = true
	p.poke()
	return true
}

func (p *fake) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kills++; p.kills == 1 {
		close(p.killed)
	}
}

func (p *fake) Inspect() {
	p.set(func(p *fake) { p.inspected = append(p.inspected, time.Now()) })
}

func (p *fake) Suspect() bool    { return get(p, func(p *fake) bool { return p.suspect }) }
func (p *fake) Help(func() bool) {}
func (p *fake) RSS() int64       { return 0 }
func (p *fake) PeakRSS() int64   { return 0 }
