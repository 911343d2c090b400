package link

import (
	"context"
	"encoding/binary"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/park"
	"github.com/go-multiproc/mp/internal/race"
	"github.com/go-multiproc/mp/internal/ring"
	"github.com/go-multiproc/mp/internal/spawn"
)

// A Handler runs functions by their index in the registry. It catches panics; runtime.Goexit passes through it.
type Handler interface {
	// ArgSize is the encoded size of an argument of fn, -1 if it varies.
	ArgSize(fn uint32) int
	// Runner returns what runs fn.
	Runner(fn uint32) Runner
	// Chunked reports whether fn takes all elements of a batch at once.
	Chunked(fn uint32) bool
	// RunChunk decodes args, which are valid during the call only, and runs fn, which takes all of them. What came of each,
	// outcome appends to dst.
	RunChunk(ctx context.Context, fn uint32, args [][]byte) (outcome func(k int, dst []byte) (status uint8, out []byte))
}

// A Runner runs one function, one element after the other. It is not used any more after a runtime.Goexit.
type Runner interface {
	// Run decodes arg, which is valid during the call only, runs the function, and appends what came of it to dst.
	Run(ctx context.Context, arg, dst []byte) (status uint8, out []byte)
}

// quiet is how long the worker lets results lie in the ring before it wakes the parent, which is busy with other
// things, or sleeps because nobody waits for one of them.
const quiet = 200 * time.Microsecond

// server is the worker's half: it takes batches from the channel, runs their elements and publishes the results.
type server struct {
	parent  *spawn.Parent
	handler Handler

	slots *ring.SlotReader
	in    *ring.Reader
	out   *ring.Writer
	spin  park.Spinner

	elements elements
	current  *element // what runs, or ran last
	runner   Runner   // of fn, nil if it is still to be made
	fn       uint32
	argSize  int
	batch    ring.Batch
	payload  []byte // what is left of the batch's
	external bool   // the payload lies in the byte ring
	left     int    // elements of the batch, -1 between batches
	chunked  bool   // all of them are run at once
	args     [][]byte
	running  int    // elements that have begun and have no record yet
	records  uint64 // that were published
	timeout  time.Duration
	record   []byte
	copied   []byte
	woken    time.Time
	failed   bool // the last element did not succeed
	fence    atomic.Uint32
	finished chan struct{}
}

// Serve does what the parent says until the parent says that it is enough. It reports whether the last element
// succeeded. When the parent is gone it does not return in time to matter.
func Serve(base context.Context, parent *spawn.Parent, h Handler, gone func()) bool {
	s := &server{parent: parent, handler: h, elements: elements{base: base}, left: -1, finished: make(chan struct{})}
	s.slots, s.in, s.out = parent.Channel.WorkerEnds()
	s.elements.handler = h
	s.elements.tellFractions(parent.Side.Fraction)
	go parent.Side.Serve()
	s.probe()
	go s.control(gone)
	go s.loop()
	<-s.finished
	parent.Side.Flush()
	return !s.failed
}

// control carries out what comes over the control socket.
func (s *server) control(gone func()) {
	for {
		number, cause, err := s.parent.RecvCancel()
		if err != nil {
			gone()
			return
		}
		s.elements.cancelled(number, cause)
	}
}

// loop serves until the end. If a function calls runtime.Goexit, another goroutine takes over where this one stood.
func (s *server) loop() {
	defer func() {
		if s.running > 0 { // Goexit: a panic would not have come so far
			s.runner = nil
			for ; s.running > 0; s.running-- {
				s.publish(abi.StatusGoexit, s.header())
			}
			go s.loop()
		}
	}()
	for {
		if s.left < 0 && !s.next() {
			s.wake()
			close(s.finished)
			return
		}
		if s.chunked {
			s.runChunk()
		}
		for !s.chunked && s.left > 0 && s.slots.Begin() {
			s.elements.settle() // Begin has stored
			index := s.batch.Index + int64(s.batch.Count-s.left)
			s.left--
			arg := s.arg()
			s.current = s.elements.begin(index, s.timeout)
			s.running = 1
			status, record := s.runner.Run(s.current, arg, s.header())
			s.running = 0
			s.publish(status, record)
		}
		s.endBatch()
	}
}

// runChunk runs all that may be begun of the batch, at once.
func (s *server) runChunk() {
	n := s.slots.BeginAll()
	if n == 0 {
		return
	}
	for range n {
		s.args = append(s.args, s.arg())
	}
	s.left -= n
	s.current = s.elements.beginAll(n, s.batch.Index, s.timeout)
	s.running = n
	outcome := s.handler.RunChunk(s.current, s.batch.Func, s.args)
	for k := range n {
		status, record := outcome(k, s.header())
		s.running--
		s.publish(status, record)
	}
}

// header is a record with room for its header, and nothing else.
func (s *server) header() []byte { return append(s.record[:0], make([]byte, abi.RecordHeader)...) }

// next waits for the next slot and reports whether it holds work.
func (s *server) next() bool {
	if !s.slots.Ready() {
		s.wake()
		if !s.spin.Spin(s.slots.Ready) {
			s.sleepUntil(s.slots.Ready)
		}
	}
	s.batch = s.slots.Next()
	if s.batch.Kind == abi.KindExit {
		return false
	}
	s.left = s.batch.Count
	if s.runner == nil || s.fn != s.batch.Func {
		s.fn, s.runner, s.argSize = s.batch.Func, s.handler.Runner(s.batch.Func), s.handler.ArgSize(s.batch.Func)
	}
	s.chunked = s.left > 1 && s.handler.Chunked(s.batch.Func)
	s.timeout = time.Duration(s.batch.Timeout)
	s.elements.next(s.batch.Func, s.batch.Flags&abi.FlagSeeded != 0, s.batch.Seed)
	if s.payload, s.external = s.batch.Inline, s.batch.Inline == nil; s.external {
		s.payload = s.receive(s.batch.Size)
	}
	return true
}

// receive returns a payload from the byte ring: where it lies, if it lies in one piece, for the parent is trusted.
func (s *server) receive(size uint64) []byte {
	_, _ = s.in.Available()
	if size <= uint64(s.in.Known()) {
		if view := s.in.View(int(size)); view != nil {
			return view
		}
	}
	if uint64(cap(s.copied)) < size {
		s.copied = make([]byte, size)
	}
	body := s.copied[:size]
	for got := 0; ; {
		n := s.in.Read(body[got:])
		if got += n; got == len(body) {
			break
		}
		s.in.Release()
		s.wake() // the parent may wait for the room
		more := func() bool { k, _ := s.in.Available(); return k > 0 }
		if !s.spin.Spin(more) {
			s.sleepUntil(more)
		}
	}
	if cap(s.copied) > keepBuffer {
		s.copied = nil // body holds it until the batch ends
	}
	return body
}

// keepBuffer is how large a buffer may be to be kept for the next message.
const keepBuffer = 4 << 20

// arg cuts the next argument off the payload.
func (s *server) arg() []byte {
	n := len(s.payload)
	switch {
	case s.batch.Flags&abi.FlagSized != 0 && n >= 4:
		n = 4 + int(binary.LittleEndian.Uint32(s.payload))
		arg := s.payload[4:n]
		s.payload = s.payload[n:]
		return arg
	case s.batch.Count > 1:
		n = s.argSize
	}
	arg := s.payload[:n]
	s.payload = s.payload[n:]
	return arg
}

// publish ends an element: its context, and its record, the header of which is still to be filled in.
func (s *server) publish(status uint8, record []byte) {
	s.elements.end(s.current)
	spawn.Idle()
	if s.left == 0 && s.external {
		// Before the result: whoever has all results finds the ring empty, and need not be told of the room.
		s.external = false
		s.in.Release()
	}
	s.failed = status != abi.StatusOK
	size := len(record) - abi.RecordHeader
	binary.LittleEndian.PutUint64(record, abi.Record(status, uint8(s.records), uint64(size)))
	s.records++
	for len(record)%abi.RecordAlign != 0 {
		record = append(record, 0)
	}
	if s.record = record; cap(record) > keepBuffer {
		s.record = nil
	}
	for len(record) > 0 {
		piece := record
		if len(piece) > s.out.Size()/2 {
			piece = piece[:s.out.Size()/4] // it streams
		}
		s.awaitRoom(len(piece))
		_, _ = s.out.Write(piece)
		s.out.Show()
		if record = record[len(piece):]; len(record) > 0 {
			s.wake()
		}
	}
}

// awaitRoom waits until the parent has consumed enough for n bytes more.
func (s *server) awaitRoom(n int) {
	if ok, _ := s.out.Room(n); ok {
		return
	}
	ready := func() bool { ok, _ := s.out.Room(n); return ok }
	s.wake()
	if s.spin.Spin(ready) {
		return
	}
	flag := s.parent.Channel.RoomFlag
	for {
		flag.Store(1)
		race.Fence()
		if ready() {
			flag.Store(0)
			return
		}
		s.wake()
		osenv.FutexWait(flag, 1, 0)
	}
}

// endBatch gives the slot back and wakes the parent if it should know.
func (s *server) endBatch() {
	s.left = -1
	s.payload = nil // while the worker is idle, a large one is nobody's
	clear(s.args)
	s.args = s.args[:0]
	if s.external { // its last element was taken back
		s.in.Release()
	}
	s.slots.Done()
	if s.batch.Flags&abi.FlagWake != 0 {
		s.wake()
		return
	}
	s.seen()
	if s.parent.Channel.RecvFlag.Load() == 0 {
		return
	}
	if now := time.Now(); now.Sub(s.woken) > quiet {
		s.woken = now
		s.wake()
	}
}

// seen makes what was shown and stored be seen before anything that is loaded from now on.
func (s *server) seen() {
	s.fence.Add(1)
	race.Fence()
	s.elements.settle()
}

// wake wakes the parent if it sleeps.
func (s *server) wake() {
	s.seen()
	if flag := s.parent.Channel.RecvFlag; flag.Load() == 1 && flag.CompareAndSwap(1, 0) {
		s.parent.Wake()
	}
}

// sleepUntil sleeps on WorkFlag until ready.
func (s *server) sleepUntil(ready func() bool) {
	runtime.Gosched() // the sleep holds the P until the runtime's monitor takes it: first whoever else wants to run
	flag := s.parent.Channel.WorkFlag
	for {
		flag.Store(1)
		race.Fence()
		if ready() {
			flag.Store(0)
			return
		}
		osenv.FutexWait(flag, 1, 0)
	}
}
