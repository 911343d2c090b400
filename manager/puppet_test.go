package manager

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"sync"
	"testing"
	"time"
)

// A puppet is a session whose requests a test carries out itself, one by one, and sees what was answered.
type puppet struct {
	*session
	lastID uint32

	mu      sync.Mutex
	answers map[uint32][]byte // status and result
}

func newPuppet(srv *server) *puppet {
	p := &puppet{answers: make(map[uint32][]byte)}
	p.session = newSession(srv, p)
	return p
}

// TrySendBytes is what the session does with an answer.
func (p *puppet) TrySendBytes(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[binary.LittleEndian.Uint32(b)] = append([]byte{b[4]}, b[answerHeader:]...)
	return nil
}

func (p *puppet) SendBytes(_ context.Context, b []byte) error { return p.TrySendBytes(b) }

func (p *puppet) RecvAppend(context.Context, []byte) ([]byte, error) { return nil, io.EOF }

func (p *puppet) Close() error { return nil }

// request carries out a request, and returns its number.
func (p *puppet) request(op, method uint8, number uint64, args []byte) uint32 {
	p.lastID++
	p.session.request(op, &call{s: p.session, id: p.lastID, method: method, number: number, args: reader{left: args}})
	return p.lastID
}

// answer is what was answered to a request, if anything.
func (p *puppet) answer(id uint32) (status uint8, result []byte, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, ok := p.answers[id]
	if !ok {
		return 0, nil, false
	}
	return b[0], b[1:], true
}

// call carries out a method, and returns its result.
func (p *puppet) call(t *testing.T, method uint8, object uint64, args []byte) []byte {
	t.Helper()
	status, result, ok := p.answer(p.request(opCall, method, object, args))
	if !ok || status != statusOK {
		t.Fatalf("method %d: status %d, %v", method, status, ok)
	}
	return result
}

// make makes an object.
func (p *puppet) make(t *testing.T, kind uint8, sig uint64, args []byte) uint64 {
	t.Helper()
	status, result, ok := p.answer(p.request(opNew, kind, sig, args))
	if !ok || status != statusOK {
		t.Fatalf("a new %s: status %d, %v", kinds[kind].name, status, ok)
	}
	return binary.LittleEndian.Uint64(result)
}

// audit compares the server's books with what there is: bytes that are kept, and references.
func (srv *server) audit(sessions ...*session) error {
	bytes := int64(0)
	refs := make(map[*entry]int)
	srv.mu.Lock()
	entries := maps.Clone(srv.objects)
	for _, s := range sessions {
		for _, e := range s.refs {
			refs[e]++
		}
		for _, sn := range s.snapshots {
			for _, e := range sn.refs {
				refs[e]++
			}
		}
	}
	srv.mu.Unlock()
	for _, e := range entries {
		e.mu.Lock()
		values, more := kept(e.obj)
		e.mu.Unlock()
		bytes += more
		for _, v := range values {
			if v.data != nil {
				bytes += int64(len(v.data)) + valueOverhead
			}
			for _, e := range v.refs {
				refs[e]++
			}
		}
	}
	if n := srv.bytes.Load(); n != bytes {
		return fmt.Errorf("%d bytes are counted, and there are %d", n, bytes)
	}
	srv.mu.Lock()
	defer srv.mu.Unlock()
	for id, e := range entries {
		if e.refs != refs[e] {
			return fmt.Errorf("%d references to object %d, a %s, are counted, and there are %d", e.refs, id, kinds[e.kind].name, refs[e])
		}
	}
	return nil
}

// kept are the values that an object keeps, and how many bytes beside.
func kept(o object) (values []value, more int64) {
	table := func(t *table) {
		values = valuesOf(t.copy())
		for key := range t.index {
			more += int64(len(key))
		}
	}
	switch o := o.(type) {
	case *dictObject:
		table(&o.table)
	case *setObject:
		table(&o.table)
	case *listObject:
		values = o.values
	case *valueObject:
		values = []value{o.v}
	case *arrayObject:
		values = []value{o.all}
	case *queueObject:
		values = append(append(values, o.items.values...), o.returned.values...)
		for _, d := range o.deliveries {
			values = append(values, d.v)
		}
		for p := o.putters.first; p != nil; p = p.next {
			values = append(values, p.waiting.(value))
		}
	}
	return values, more
}

// audited waits until the server's books are right, for some of it is done later.
func (srv *server) audited(t *testing.T, sessions ...*session) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		err := srv.audit(sessions...)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(err)
		}
	}
}

// emptied waits until a server has nothing any more.
func (srv *server) emptied(t *testing.T) {
	t.Helper()
	srv.settled(t, 0)
	srv.audited(t)
}

// A values is arguments.
type arguments []byte

func (a arguments) uint(n uint64) arguments { return binary.AppendUvarint(a, n) }
func (a arguments) int(n int) arguments     { return binary.AppendVarint(a, int64(n)) }
func (a arguments) text(s string) arguments { return appendBytes(a, s) }
