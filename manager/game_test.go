package manager

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A player is a session without a client: what it asks is carried out at once, and its answers are kept.
type player struct {
	*session
	last    uint32
	answers map[uint32]string
}

func newPlayer(srv *server) *player {
	p := &player{answers: make(map[uint32]string)}
	p.session = newSession(srv, p)
	return p
}

// request carries out a request, and returns its id.
func (p *player) request(op, method uint8, object uint64, args []byte) uint32 {
	p.last++
	p.session.request(op, &call{s: p.session, id: p.last, method: method, number: object, args: reader{left: args}})
	return p.last
}

// TrySendBytes implements conn: answers come here.
func (p *player) TrySendBytes(b []byte) error {
	id := uint32(b[0]) | uint32(b[1])<<8
	if p.answers[id] != "" {
		return fmt.Errorf("%d is answered twice", id)
	}
	p.answers[id] = fmt.Sprintf("ok %x", b[answerHeader:])
	if b[4] != statusOK {
		p.answers[id] = errorOf(b[4], b[answerHeader:]).Error()
	}
	return nil
}

func (p *player) SendBytes(context.Context, []byte) error            { return io.ErrClosedPipe }
func (p *player) RecvAppend(context.Context, []byte) ([]byte, error) { return nil, io.EOF }
func (p *player) Close() error                                       { return nil }

// A gamer is a call of a model that is not answered.
type gamer struct {
	who      *player
	id       uint32
	method   uint8
	cond     int // of a condition's Wait: its number, from 1
	canceled bool
}

// A model is what an object should do, written down in the plainest way. It answers calls through its game.
type model interface {
	// make makes the objects, with a session that never ends.
	make(g *game, by *player)
	// move is a random call, of object 0 or another that make made.
	move(g *game) (object int, method uint8, args []byte)
	call(g *game, w gamer, object int, args []byte)
	cancel(g *game, w gamer)
	// leave is called after a session's calls were cancelled.
	leave(g *game, who *player)
}

// A game is random calls, cancellations, and ends of sessions, one after the other, of objects and of their model.
type game struct {
	*rand.Rand
	t       *testing.T
	srv     *server
	objects []uint64
	players []*player
	waits   []gamer           // of the model
	ending  *player           // whose session ends
	want    map[string]string // by player and call
}

const (
	gamePlayers  = 4
	gameMaxCalls = 3
)

func play(t *testing.T, m model, moves int) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	cfg, _ := Config{MaxCalls: gameMaxCalls}.withDefaults()
	g := &game{Rand: rand.New(rand.NewPCG(seed, 0)), t: t, srv: newServer(cfg)}
	m.make(g, newPlayer(g.srv))
	for range gamePlayers {
		g.players = append(g.players, newPlayer(g.srv))
	}
	for n := range moves {
		g.want = make(map[string]string)
		did := g.step(m)
		got := make(map[string]string)
		for i, p := range g.players {
			for id, a := range p.answers {
				got[fmt.Sprint(i, "/", id)] = a
			}
			clear(p.answers)
			if p.ctx.Err() != nil {
				g.players[i] = newPlayer(g.srv)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(g.want) {
			t.Fatalf("move %d, %s: answers %v, want %v", n, did, got, g.want)
		}
	}
	for _, p := range g.players {
		p.end()
	}
}

// step does one thing with the objects and with the model, and tells what.
func (g *game) step(m model) string {
	i := g.IntN(len(g.players))
	p := g.players[i]
	switch x := g.IntN(20); {
	case x == 0:
		g.ending = p
		for w, ok := g.waitOf(p); ok; w, ok = g.waitOf(p) {
			m.cancel(g, w)
		}
		m.leave(g, p)
		g.ending = nil
		p.end()
		return fmt.Sprint(i, " ends")
	case x < 4 && len(g.waits) > 0:
		w := g.waits[g.IntN(len(g.waits))]
		m.cancel(g, w)
		w.who.session.request(opCancel, &call{s: w.who.session, number: uint64(w.id)})
		return fmt.Sprint(g.number(w.who), "/", w.id, " is cancelled")
	}
	object, method, args := m.move(g)
	m.call(g, gamer{who: p, id: p.last + 1, method: method}, object, args)
	id := p.request(opCall, method, g.objects[object], args)
	return fmt.Sprintf("%d/%d calls method %d of %d with %x", i, id, method, object, args)
}

// made makes an object.
func (g *game) made(by *player, kind uint8, args []byte) {
	id := by.request(opNew, kind, 0, args)
	g.objects = append(g.objects, g.srv.last)
	if by.answers[id][:3] != "ok " {
		g.t.Fatal(by.answers[id])
	}
}

func (g *game) number(p *player) int { return slices.Index(g.players, p) }

// waitOf is the first call of a player that waits.
func (g *game) waitOf(p *player) (gamer, bool) {
	for _, w := range g.waits {
		if w.who == p {
			return w, true
		}
	}
	return gamer{}, false
}

// wait makes a call one that waits, unless that is refused.
func (g *game) wait(w gamer) bool {
	n := 0
	for _, other := range g.waits {
		if other.who == w.who {
			n++
		}
	}
	if n >= gameMaxCalls {
		g.answer(w, ErrLimit)
		return false
	}
	g.waits = append(g.waits, w)
	return true
}

// answer is what a call is answered with: an error, bytes, or nil.
func (g *game) answer(w gamer, with any) {
	text := "ok "
	switch with := with.(type) {
	case error:
		text = with.Error()
	case []byte:
		text = fmt.Sprintf("ok %x", with)
	}
	g.waits = without(g.waits, w)
	g.want[fmt.Sprint(g.number(w.who), "/", w.id)] = text
}

// without is a list without a call.
func without(list []gamer, w gamer) []gamer {
	return slices.DeleteFunc(slices.Clone(list), func(x gamer) bool { return x.who == w.who && x.id == w.id })
}
