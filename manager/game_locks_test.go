package manager

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/go-multiproc/mp/shared"
)

const gameMoves = 20_000

func TestMutexGame(t *testing.T)     { play(t, new(mutexModel), gameMoves) }
func TestRWMutexGame(t *testing.T)   { play(t, &rwmutexModel{readers: make(map[*player]int)}, gameMoves) }
func TestSemaphoreGame(t *testing.T) { play(t, &semaphoreModel{free: 2}, gameMoves) }
func TestBoundedSemaphoreGame(t *testing.T) {
	play(t, &semaphoreModel{free: 2, held: make(map[*player]int)}, gameMoves)
}
func TestEventGame(t *testing.T) { play(t, new(eventModel), gameMoves) }
func TestBarrierGame(t *testing.T) {
	play(t, &barrierModel{members: make(map[*player]bool)}, gameMoves)
}

// A mutexModel is a mutex, object 0, and two conditions, 1 and 2.
type mutexModel struct {
	owner      *player
	died, told bool
	line       []gamer
	asleep     [3][]gamer
}

func (m *mutexModel) make(g *game, by *player) {
	g.made(by, kindMutex, nil)
	for range 2 {
		g.made(by, kindCond, binary.AppendUvarint(nil, g.objects[0]))
	}
}

func (m *mutexModel) move(g *game) (int, uint8, []byte) {
	if g.IntN(2) == 0 {
		return 0, mutexLock + uint8(g.IntN(5)), nil
	}
	method := condWait + uint8(g.IntN(3))
	var args []byte
	if method == condSignal {
		args = binary.AppendVarint(nil, int64(g.IntN(4)-1))
	}
	return 1 + g.IntN(2), method, args
}

func (m *mutexModel) give(g *game, w gamer) {
	told := m.died
	m.owner, m.told, m.died = w.who, told, false
	switch {
	case w.cond > 0:
		flags := byte(0)
		if w.canceled {
			flags |= waitCanceled
		}
		if told {
			flags |= waitOwnerDied
		}
		g.answer(w, []byte{flags})
	case told:
		g.answer(w, shared.ErrOwnerDied)
	default:
		g.answer(w, nil)
	}
}

func (m *mutexModel) want(g *game, w gamer) {
	if m.owner == nil {
		m.give(g, w)
	} else {
		m.line = append(m.line, w)
	}
}

func (m *mutexModel) pass(g *game, died bool) {
	m.owner, m.died = nil, died
	if len(m.line) > 0 {
		w := m.line[0]
		m.line = m.line[1:]
		m.give(g, w)
	}
}

func (m *mutexModel) wake(g *game, cond int, n int) {
	for ; n > 0 && len(m.asleep[cond]) > 0; n-- {
		w := m.asleep[cond][0]
		m.asleep[cond] = m.asleep[cond][1:]
		m.want(g, w)
	}
}

func (m *mutexModel) call(g *game, w gamer, object int, args []byte) {
	if object > 0 {
		m.callCond(g, w, object, args)
		return
	}
	switch w.method {
	case mutexLock:
		if m.owner == nil || g.wait(w) {
			m.want(g, w)
		}
	case mutexTry:
		if m.owner != nil {
			g.answer(w, errBusy)
			return
		}
		m.give(g, w)
	case mutexUnlock, mutexUndo:
		if m.owner != w.who {
			g.answer(w, shared.ErrNotOwner)
			return
		}
		m.pass(g, w.method == mutexUndo && m.told)
		g.answer(w, nil)
	case mutexLocked:
		g.answer(w, yes(m.owner != nil))
	}
}

func (m *mutexModel) callCond(g *game, w gamer, cond int, args []byte) {
	switch w.cond = cond; w.method {
	case condWait:
		if m.owner != w.who {
			g.answer(w, shared.ErrNotOwner)
		} else if g.wait(w) {
			m.asleep[cond] = append(m.asleep[cond], w)
			m.pass(g, false)
		}
	case condSignal:
		n, _ := binary.Varint(args)
		m.wake(g, cond, int(n))
		g.answer(w, nil)
	case condHeld:
		g.answer(w, yes(m.owner == w.who))
	}
}

func (m *mutexModel) cancel(g *game, w gamer) {
	awake := len(m.asleep[w.cond])
	m.asleep[w.cond] = without(m.asleep[w.cond], w)
	asleep := len(m.asleep[w.cond]) < awake
	switch {
	case w.cond == 0 || g.ending == w.who:
		canceled := false
		for _, in := range m.line { // the line knows whether it was
			canceled = canceled || in.who == w.who && in.id == w.id && in.canceled
		}
		m.line = without(m.line, w)
		if w.cond > 0 && !asleep && !canceled {
			m.wake(g, w.cond, 1)
		}
		g.answer(w, context.Canceled)
	case asleep:
		w.canceled = true
		m.want(g, w)
	}
}

func (m *mutexModel) leave(g *game, who *player) {
	if m.owner == who {
		m.pass(g, true)
	}
}

func yes(b bool) []byte {
	if b {
		return []byte{1}
	}
	return []byte{0}
}

type rwmutexModel struct {
	writer     *player
	readers    map[*player]int
	died, told bool
	line       []gamer
}

func (m *rwmutexModel) make(g *game, by *player) { g.made(by, kindRWMutex, nil) }

func (m *rwmutexModel) move(g *game) (int, uint8, []byte) {
	return 0, rwmutexLock + uint8(g.IntN(7)), nil
}

func (m *rwmutexModel) writes(w gamer) bool {
	return w.method == rwmutexLock || w.method == rwmutexTryLock
}

func (m *rwmutexModel) can(w gamer) bool {
	return m.writer == nil && (len(m.readers) == 0 || !m.writes(w))
}

func (m *rwmutexModel) give(g *game, w gamer) {
	if m.died {
		g.answer(w, shared.ErrOwnerDied)
	} else {
		g.answer(w, nil)
	}
	if m.writes(w) {
		m.writer, m.told, m.died = w.who, m.died, false
	} else {
		m.readers[w.who]++
	}
}

func (m *rwmutexModel) next(g *game) {
	for len(m.line) > 0 && m.can(m.line[0]) {
		w := m.line[0]
		m.line = m.line[1:]
		m.give(g, w)
	}
}

func (m *rwmutexModel) call(g *game, w gamer, _ int, _ []byte) {
	switch w.method {
	case rwmutexLock, rwmutexRLock:
		if len(m.line) == 0 && m.can(w) {
			m.give(g, w)
		} else if g.wait(w) {
			m.line = append(m.line, w)
		}
	case rwmutexTryLock, rwmutexTryRLock:
		if len(m.line) == 0 && m.can(w) {
			m.give(g, w)
		} else {
			g.answer(w, errBusy)
		}
	case rwmutexUnlock, rwmutexUndo:
		if m.writer != w.who {
			g.answer(w, shared.ErrNotOwner)
			return
		}
		m.writer, m.died = nil, w.method == rwmutexUndo && m.told
		g.answer(w, nil)
	case rwmutexRUnlock:
		if m.readers[w.who] == 0 {
			g.answer(w, shared.ErrNotOwner)
			return
		}
		if m.readers[w.who]--; m.readers[w.who] == 0 {
			delete(m.readers, w.who)
		}
		g.answer(w, nil)
	}
	m.next(g)
}

func (m *rwmutexModel) cancel(g *game, w gamer) {
	m.line = without(m.line, w)
	g.answer(w, context.Canceled)
	m.next(g)
}

func (m *rwmutexModel) leave(g *game, who *player) {
	if m.writer == who {
		m.writer, m.died = nil, true
	}
	delete(m.readers, who)
	m.next(g)
}

type semaphoreModel struct {
	free int
	held map[*player]int
	line []gamer
}

func (m *semaphoreModel) make(g *game, by *player) {
	args := binary.AppendVarint(nil, int64(m.free))
	g.made(by, kindSemaphore, append(args, yes(m.held != nil)...))
}

func (m *semaphoreModel) move(g *game) (int, uint8, []byte) {
	return 0, semaphoreAcquire + uint8(g.IntN(4)), nil
}

func (m *semaphoreModel) next(g *game) {
	for m.free > 0 && len(m.line) > 0 {
		w := m.line[0]
		m.line = m.line[1:]
		m.give(g, w)
	}
}

func (m *semaphoreModel) give(g *game, w gamer) {
	m.free--
	if m.held != nil {
		m.held[w.who]++
	}
	g.answer(w, nil)
}

func (m *semaphoreModel) call(g *game, w gamer, _ int, _ []byte) {
	switch {
	case w.method == semaphoreValue:
		g.answer(w, binary.AppendVarint(nil, int64(m.free)))
	case w.method == semaphoreRelease && m.held != nil && m.held[w.who] == 0:
		g.answer(w, shared.ErrBound)
	case w.method == semaphoreRelease:
		m.free++
		if m.held != nil {
			m.held[w.who]--
		}
		g.answer(w, nil)
		m.next(g)
	case m.free > 0:
		m.give(g, w)
	case w.method == semaphoreTry:
		g.answer(w, errBusy)
	case g.wait(w):
		m.line = append(m.line, w)
	}
}

func (m *semaphoreModel) cancel(g *game, w gamer) {
	m.line = without(m.line, w)
	g.answer(w, context.Canceled)
}

func (m *semaphoreModel) leave(g *game, who *player) {
	m.free += m.held[who]
	delete(m.held, who)
	m.next(g)
}

type eventModel struct{ set bool }

func (m *eventModel) make(g *game, by *player) { g.made(by, kindEvent, nil) }

func (m *eventModel) move(g *game) (int, uint8, []byte) { return 0, eventSet + uint8(g.IntN(4)), nil }

func (m *eventModel) call(g *game, w gamer, _ int, _ []byte) {
	switch w.method {
	case eventSet, eventClear:
		m.set = w.method == eventSet
		for m.set && len(g.waits) > 0 {
			g.answer(g.waits[0], nil)
		}
		g.answer(w, nil)
	case eventIsSet:
		g.answer(w, yes(m.set))
	case eventWait:
		if m.set {
			g.answer(w, nil)
		} else {
			g.wait(w)
		}
	}
}

func (m *eventModel) cancel(g *game, w gamer) { g.answer(w, context.Canceled) }
func (m *eventModel) leave(*game, *player)    {}

type barrierModel struct {
	members map[*player]bool
	broken  error
}

const gameParties = 3

func (m *barrierModel) make(g *game, by *player) {
	g.made(by, kindBarrier, binary.AppendVarint(nil, gameParties))
}

func (m *barrierModel) move(g *game) (int, uint8, []byte) {
	if g.IntN(2) == 0 {
		return 0, barrierWait, nil
	}
	return 0, barrierWait + uint8(g.IntN(7)), nil
}

func (m *barrierModel) all(g *game, with error) {
	for len(g.waits) > 0 {
		g.answer(g.waits[0], with)
	}
}

func (m *barrierModel) breakUp(g *game, why error) {
	if m.broken == nil {
		m.broken = why
		m.all(g, why)
	}
}

func (m *barrierModel) call(g *game, w gamer, _ int, _ []byte) {
	switch w.method {
	case barrierWait:
		m.wait(g, w)
	case barrierAbort:
		m.breakUp(g, errAborted)
		g.answer(w, nil)
	case barrierReset:
		m.all(g, errReset)
		clear(m.members)
		m.broken = nil
		g.answer(w, nil)
	case barrierParties:
		g.answer(w, binary.AppendVarint(nil, gameParties))
	case barrierWaiting:
		g.answer(w, binary.AppendVarint(nil, int64(len(g.waits))))
	case barrierBroken:
		g.answer(w, yes(m.broken != nil))
	case barrierQuit:
		if _, waits := g.waitOf(w.who); !waits {
			delete(m.members, w.who)
		}
		g.answer(w, nil)
	}
}

func (m *barrierModel) wait(g *game, w gamer) {
	switch {
	case m.broken != nil:
		g.answer(w, m.broken)
	case len(g.waits) == gameParties-1:
		m.members[w.who] = true
		for i := range int64(gameParties - 1) {
			g.answer(g.waits[0], binary.AppendVarint(nil, i))
		}
		g.answer(w, binary.AppendVarint(nil, gameParties-1))
	default:
		m.members[w.who] = g.wait(w) || m.members[w.who]
	}
}

func (m *barrierModel) cancel(g *game, w gamer) {
	g.answer(w, context.Canceled)
	if g.ending == w.who {
		m.breakUp(g, errPartyDied)
	} else {
		m.breakUp(g, errPartyGaveUp)
	}
}

func (m *barrierModel) leave(g *game, who *player) {
	if m.members[who] {
		m.breakUp(g, errPartyDied)
	}
	delete(m.members, who)
}
