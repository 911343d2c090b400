package side

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

// fractionEvery is how often a worker's fractions are passed on. A worker keeps half of the rate itself.
const fractionEvery = time.Second / 40

// A Sink is who hears what a worker says. Its fields may be nil.
type Sink struct {
	// Handler gets the worker's records.
	Handler slog.Handler
	// Fraction is told how far the element with this number, counted from the first that the worker began, is.
	Fraction func(number uint64, fraction float64)
}

// Parent is the parent's half. Ask is safe for concurrent use.
type Parent struct {
	file *os.File
	pair func() (mine, theirs *os.File, err error)
	sink Sink

	fractions Limiter

	done chan struct{} // closed when nothing more is read; nil if nobody listens
}

// NewParent returns the parent's half with its end of the sockets. pair makes connected stream sockets.
func NewParent(file *os.File, pair func() (mine, theirs *os.File, err error)) *Parent {
	shrink(file)
	return &Parent{file: file, pair: pair}
}

// Listen begins to read.
func (p *Parent) Listen(s Sink) {
	p.sink, p.done = s, make(chan struct{})
	p.fractions.Every, p.fractions.Send = fractionEvery, s.Fraction
	go p.run()
}

func (p *Parent) run() {
	defer close(p.done)
	buf := make([]byte, abi.MaxSide+1)
	for {
		n, err := p.file.Read(buf)
		if err != nil { // the worker has ended, and Finish has come, or what it was asked goes with it
			p.rest(buf)
			return
		}
		if err := p.take(buf[:n]); err != nil {
			deafen(p.file)
			p.warn(fmt.Sprintf("%v; nothing more is heard of the worker's log", err))
			return
		}
	}
}

// maxRest is how many frames are read after the worker's end: more than a socket holds.
const maxRest = 4 << 10

// rest reads what is there, without waiting for more.
func (p *Parent) rest(buf []byte) {
	for range maxRest {
		n, err := tryRecv(p.file, buf)
		if reset(err) { // told once, before what there is
			continue
		}
		if n <= 0 || err != nil || p.take(buf[:n]) != nil {
			return
		}
	}
}

// take hands on what is in a frame.
func (p *Parent) take(frame []byte) error {
	if len(frame) > abi.MaxSide {
		return errFrame
	}
	d := decoder{left: frame}
	switch d.byte() {
	case abi.SideRecord:
		r, err := d.record()
		if h := p.sink.Handler; err == nil && h != nil && h.Enabled(context.Background(), r.Level) {
			_ = h.Handle(context.Background(), r) // as slog.Logger does
		}
		return err
	case abi.SideDropped:
		n := d.word()
		if err := d.end(); err != nil {
			return err
		}
		p.warn(fmt.Sprintf("mp: %d log records of a worker were dropped: the logger is too slow for them", n))
	case abi.SideFraction:
		number, f := d.word(), math.Float64frombits(d.word())
		if err := d.end(); err != nil {
			return err
		}
		p.fraction(number, f)
	default:
		return errFrame
	}
	return nil
}

func (p *Parent) fraction(number uint64, f float64) {
	if p.sink.Fraction != nil && !math.IsNaN(f) {
		p.fractions.Report(number, min(max(f, 0), 1))
	}
}

func (p *Parent) warn(text string) {
	if h := p.sink.Handler; h != nil && h.Enabled(context.Background(), slog.LevelWarn) {
		_ = h.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelWarn, text, 0))
	}
}

// Finish is called when the worker has ended: it returns when all that the worker said has been handed on, or when the limit
// has fired. What is left then is handed on when the handler lets it.
func (p *Parent) Finish(limit <-chan time.Time) {
	if p.done == nil {
		return
	}
	_ = p.file.SetReadDeadline(time.Unix(1, 0)) // fails only if it is closed, and then nothing is read
	select {
	case <-p.done:
	case <-limit:
	}
}

// Close gives the socket back; after Listen call it after Finish. What is left to be handed on still is.
func (p *Parent) Close() {
	if p.done != nil {
		select {
		case <-p.done:
		default:
			go func() {
				<-p.done
				p.file.Close()
			}()
			return
		}
	}
	p.file.Close()
}
