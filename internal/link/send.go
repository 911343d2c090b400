package link

import (
	"time"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/engine"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/race"
	"github.com/go-multiproc/mp/internal/ring"
)

// PID implements engine.Port.
func (p *Port) PID() int { return p.Child.PID }

// Suspect implements engine.Port.
func (p *Port) Suspect() bool { return p.Child.Suspect() }

// RSS implements engine.Port.
func (p *Port) RSS() int64 { return p.Child.RSS() }

// PeakRSS implements engine.Port.
func (p *Port) PeakRSS() int64 { return p.Child.PeakRSS() }

// Kill implements engine.Port.
func (p *Port) Kill() { p.Child.Kill() }

// Cancel implements engine.Port.
func (p *Port) Cancel(element uint64, cause uint8) { p.Child.Cancel(element, cause) }

// Begun implements engine.Port.
func (p *Port) Begun(b *engine.Batch) int { return p.slots.Begun(b.Slot, b.Count()) }

// TakeBack implements engine.Port.
func (p *Port) TakeBack(b *engine.Batch) int {
	before := b.Own()
	begun := p.slots.TakeBack(b.Slot, b.Count())
	p.sent.Add(-int64(max(0, before-begun)))
	return begun
}

// Room implements engine.Port. A quarter of the slots at a time, so that the worker's position is not asked for with each; and
// none while the ring has no room for payloads as large as the last, for what is encoded and finds no room must be copied
// once more. A worker that has nothing to do has room.
func (p *Port) Room() int {
	n := p.free()
	if n == 0 {
		p.refused.Store(true) // before the last look; see loop
		n = p.free()
	}
	return n
}

func (p *Port) free() int {
	if p.busy() { // the writer is the stream's; streamed follows
		return 0
	}
	free, err := p.slots.Free()
	if err != nil {
		p.check(err)
		return 0
	}
	if free--; free < p.slots.Size()/4 { // the last is for the end
		return 0
	}
	if ok, err := p.in.Room(max(p.last, p.in.Size()/4)); err != nil || !ok {
		p.check(err)
		return 0
	}
	if p.last > p.in.Size()/64 { // else more slots than the engine fills at a time have room
		bytes, err := p.in.Free()
		if err != nil {
			p.check(err)
			return 0
		}
		free = min(free, bytes/p.last)
	}
	return free
}

// Send implements engine.Port. A payload larger than half the ring goes only to a worker that has nothing else, for
// then it streams through at once; the payload must not change until it has.
func (p *Port) Send(b *engine.Batch, payload []byte) bool {
	s := ring.Batch{
		Kind: abi.KindCall, Flags: b.Flags, Func: b.Job.Func, Count: b.Count(),
		Timeout: int64(b.Job.Timeout), Index: b.Index(), Seed: b.Job.Seed, Size: uint64(len(payload)),
	}
	if b.Job.Waited {
		s.Flags |= abi.FlagWake
	}
	if b.Job.Seeded {
		s.Flags |= abi.FlagSeeded
	}
	inline := len(payload) <= abi.Inline(s.Flags)
	if !p.fits(len(payload), inline) {
		p.refused.Store(true) // before the last look; see loop
		if !p.fits(len(payload), inline) {
			return false
		}
	}
	large := p.isLarge(len(payload))
	switch {
	case inline:
		s.Inline = payload
	case !large:
		if _, err := p.in.Write(payload); err != nil {
			return p.check(err)
		}
		p.written, p.last = true, len(payload)
	}
	// What comes behind a result may keep it from being noticed: the parent is to look for itself.
	if b.Count() > 1 || p.unseen > 0 || p.sent.Load() > 0 {
		p.watchful = true
	}
	p.unseen += int64(b.Count())
	b.Slot = p.slots.Put(s)
	if large {
		p.Flush()
		p.streaming.Store(true)
		p.streams.Add(1)
		go p.stream(payload)
	}
	return true
}

// isLarge reports whether a payload of n bytes streams.
func (p *Port) isLarge(n int) bool { return n > p.in.Size()/2 }

// fits reports whether a payload of n bytes can be sent now, in the slot or beside it.
func (p *Port) fits(n int, inline bool) bool {
	if p.busy() || (p.isLarge(n) && p.unseen+p.sent.Load() > 0) {
		return false
	}
	if free, err := p.slots.Free(); err != nil || free < 2 {
		return p.check(err)
	}
	if inline || p.isLarge(n) {
		return true
	}
	ok, err := p.in.Room(n)
	return (err == nil && ok) || p.check(err)
}

// Flush implements engine.Port.
func (p *Port) Flush() {
	if p.written {
		p.written = false
		p.in.Publish()
	}
	if p.unseen > 0 { // before the worker can answer
		p.sent.Add(p.unseen)
		p.unseen = 0
	}
	if p.watchful {
		p.batched.Add(1)
	}
	if p.slots.Publish() {
		wakeFutex(p.Child.Channel.WorkFlag)
	}
	if p.watchful {
		p.watchful = false
		if p.Child.Channel.RecvFlag.Load() == 1 { // loop sleeps already, and may have seen no reason to tick
			p.Child.RecvUntil(time.Now().Add(tick))
		}
	}
}

// check kills a worker that wrote nonsense. It makes no noise of it here, for who sends could be in any call: the
// end of the worker will be told where it is expected.
func (p *Port) check(err error) bool {
	if err != nil {
		p.Child.Kill()
	}
	return false
}

// busy reports whether a payload is streaming. Whoever acts on the answer to one does not find it streaming still: he would
// be refused, and nothing would ever tell him to try again.
func (p *Port) busy() bool {
	if !p.streaming.Load() {
		return false
	}
	p.ending.Lock()
	defer p.ending.Unlock()
	return p.streaming.Load()
}

// stream writes a payload through the ring, as the worker makes room. Nobody else writes meanwhile.
func (p *Port) stream(payload []byte) {
	defer p.streams.Done()
	defer p.streamed()
	for { // what ends it early ends the worker, to whom nothing is sent any more
		n, err := p.in.Write(payload)
		if err != nil {
			p.check(err)
			return
		}
		if payload = payload[n:]; len(payload) == 0 {
			p.ending.Lock()
			p.in.Publish()
			p.streaming.Store(false)
			p.ending.Unlock()
			wakeFutex(p.Child.Channel.WorkFlag)
			return
		}
		if n > 0 {
			p.in.Publish()
			wakeFutex(p.Child.Channel.WorkFlag)
		}
		if n == 0 && !p.awaitRoom() {
			return
		}
	}
}

// streamed follows a stream. What had to wait for it can go now, if its element was taken back: then no result follows.
func (p *Port) streamed() {
	p.cons.Lock()
	defer p.cons.Unlock()
	if !p.closed {
		p.host.Progress()
	}
}

// awaitRoom waits until the worker has consumed something, or reports that it has ended.
func (p *Port) awaitRoom() bool {
	full := func() bool { free, err := p.in.Free(); return free == 0 && err == nil }
	for range 200 {
		if !full() {
			return true
		}
		osenv.Yield()
	}
	// The worker sends a byte for room only while the flag is up. Whoever takes it down pokes room when it is up
	// again, so a release in between is not missed.
	p.Child.Channel.RecvFlag.Store(1)
	race.Fence()
	if !full() {
		return true
	}
	select {
	case <-p.room:
		return true
	case <-p.gone:
		return false
	}
}

// Finish implements engine.Port.
func (p *Port) Finish() bool {
	p.refused.Store(true)
	if free, err := p.slots.Free(); err != nil || free == 0 || p.busy() {
		return p.check(err)
	}
	p.slots.Put(ring.Batch{Kind: abi.KindExit})
	p.Flush()
	return true
}

// Help implements engine.Port.
func (p *Port) Help(done func() bool) {
	if !p.helping.TryLock() {
		return
	}
	defer p.helping.Unlock()
	if p.isClosed() {
		return
	}
	// The port's own goroutine sleeps if the flag is set. Nobody needs to wake it while this one looks.
	recv := p.Child.Channel.RecvFlag
	slept := recv.CompareAndSwap(1, 0)
	p.helper.Spin(func() bool {
		if !done() && p.ready() {
			p.look(false)
		}
		return done()
	})
	if slept {
		recv.Store(1)
		race.Fence()
		p.look(p.refused.Swap(false)) // what came while the flag was down woke nobody
		p.pokeRoom()
	}
}

// look is poll for a helper. An error stays for the port's own goroutine, which sleeps, and wakes when the worker has ended.
func (p *Port) look(room bool) {
	_, err := p.poll(room)
	p.check(err)
}

func (p *Port) isClosed() bool {
	p.cons.Lock()
	defer p.cons.Unlock()
	return p.closed
}
