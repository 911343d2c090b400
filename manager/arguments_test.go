package manager

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/remote"
)

var byText = mp.Func2("manager.byText", func(_ context.Context, a, b string) (int, error) { return strings.Compare(a, b), nil })

// stage is a server with one object of each kind and two clients of it.
func stage(t *testing.T) (srv *server, clients [2]*puppet) {
	t.Helper()
	srv = newTestServer(t, Config{MaxBytes: 1000, MaxMessage: 200, MaxObjects: 40, MaxCalls: 5, Lease: time.Nanosecond})
	srv.leave()
	copy(srv.id[:], "the server's id.") // what refers to an object is the same each time
	srv.enter()
	clients = [2]*puppet{newPuppet(srv), newPuppet(srv)}
	p := clients[0]
	inner := p.make(t, kindList, 0, arguments{}.uint(2).text("\x01a").text("\x01b"))
	p.make(t, kindDict, 0, arguments{}.uint(2).text("list").text(srv.reference(inner)).text("k").text("\x01a"))
	p.make(t, kindSet, 0, arguments{}.uint(setOfElements).uint(2).text("x").text(srv.reference(inner)))
	p.make(t, kindSet, 0, arguments{}.uint(setOfElements).uint(2).text("x").text("y"))
	p.make(t, kindNamespace, 0, arguments{}.uint(0))
	p.make(t, kindQueue, 0, arguments{}.int(2).int(100))
	p.make(t, kindValue, 0, arguments{}.text("8 bytes."))
	p.make(t, kindArray, 0, arguments{}.uint(10).uint(4))
	clients[1].retainAll()
	return srv, clients
}

// retainAll makes what the stage has stay when the other client ends.
func (p *puppet) retainAll() {
	for id := range uint64(9) {
		p.retain(id)
	}
}

// reference is how the encoding of a proxy refers to an object.
func (srv *server) reference(id uint64) string {
	return string(binary.LittleEndian.AppendUint64(srv.id[:len(srv.id):len(srv.id)], id))
}

// perform carries out what a script says, and checks the server's books after each request. A script is of any bytes:
//
//	action | method or kind | object | length of the arguments | arguments, in which 254 and a byte refer to an object
func perform(t *testing.T, script []byte) {
	t.Helper()
	srv, clients := stage(t)
	next := func() (b byte) {
		if len(script) > 0 {
			b, script = script[0], script[1:]
		}
		return b
	}
	for len(script) > 0 {
		action, method, object := next(), next(), uint64(next()%20)
		n := min(int(next()), len(script))
		args := expand(srv, script[:n])
		script = script[n:]
		p := clients[action&1]
		switch action >> 1 % 32 {
		case 0:
			p.request(opNew, method%(kindEnd+1), 0, args)
		case 1:
			p.request(opCancel, 0, uint64(p.lastID)-object, nil)
		case 2:
			p.request(opNext, 0, object, nil)
		case 3:
			p.request(opEnd, 0, object, nil)
		case 4:
			p.request(opRetain, 0, object, nil)
		case 5:
			p.request(opRelease, 0, object, nil)
		case 6:
			p.end()
			clients[action&1] = newPuppet(srv)
			clients[action&1].retainAll()
		default:
			p.request(opCall, method%24, object, args)
		}
		for srv.running.Load() > 0 {
			runtime.Gosched()
		}
		srv.audited(t, clients[0].session, clients[1].session)
	}
	for _, p := range clients {
		p.end()
	}
	srv.emptied(t)
}

// expand replaces what stands for a reference.
func expand(srv *server, b []byte) (args []byte) {
	for i := 0; i < len(b); i++ {
		if b[i] == 254 && i+1 < len(b) {
			i++
			args = append(args, srv.reference(uint64(b[i]))...)
		} else {
			args = append(args, b[i])
		}
	}
	return args
}

// scripts are some that make sense.
func scripts() (all [][]byte) {
	request := func(method uint8, object byte, args arguments) {
		all = append(all, append([]byte{64 - 2, method, object, byte(len(args))}, args...))
	}
	function := func(name string) arguments {
		s, _ := remote.Functions.Signature(name)
		return arguments{}.text(name).uint(hashText(s))
	}
	louder := function("manager_test.louder")
	const list, dict, set, other, queue, number, array = 1, 2, 3, 4, 6, 7, 8
	request(listAppend, list, arguments{}.uint(3).text("\x01c").text("\x01b").text("\x01a"))
	request(listAppend, list, arguments{}.uint(2).text(strings.Repeat("x", 40)).text(strings.Repeat("y", 70)))
	request(listSlice, list, arguments{}.int(0).int(100))
	for method := listAt; method <= listSort; method++ {
		request(method, list, arguments{}.int(0).text("\x01a").text("\x01b"))
		request(method, list, arguments{}.int(0).text("\x01a"))
		request(method, list, arguments{}.text("\x01a"))
		request(method, list, arguments{}.int(0).int(-1))
	}
	request(listSort, list, function(byText.Name()))
	request(listCompute, list, append(arguments{}.int(0), louder...).text(""))
	request(valueCompute, number, louder.text(""))
	for method := dictGet; method <= dictCompute; method++ {
		request(method, dict, arguments{}.text("k").text("\x01a").text("\x01b"))
		request(method, dict, arguments{}.text("list").text("\x01a"))
		request(method, dict, arguments{}.text("list"))
		request(method, dict, arguments{}.uint(2).text("list").text("k"))
		request(method, dict, arguments{}.uint(1).text("new").text("\x01a"))
		request(method, dict, nil)
	}
	request(dictCompute, dict, append(arguments{}.text("k").text("\x01z"), louder...).text(""))
	for method := setAdd; method <= setEqual; method++ {
		request(method, set, arguments{}.text("x"))
		request(method, set, arguments{}.uint(2).text("x").text("z"))
		request(method, set, arguments{}.uint(other))
	}
	for op := setUnion; op <= setSymmetricDifference; op++ {
		args := arguments{}.uint(op).uint(set).uint(other)
		all = append(all, append([]byte{0, kindSet, 0, byte(len(args))}, args...))
	}
	request(queueClose, queue, nil)
	for method := queuePut; method < queueClose; method++ {
		request(method, queue, arguments{}.text("item"))
		request(method, queue, arguments{}.text(strings.Repeat("x", 90)))
		request(method, queue, arguments{}.uint(1))
		request(method, queue, nil)
	}
	for method := valueLoad; method <= valueAdd; method++ {
		request(method, number, arguments{}.text("8 bytes."))
		request(method, number, arguments{}.text("8 bytes.").text("\x01a"))
	}
	for method := arrayLen; method <= arraySetSlice; method++ {
		request(method, array, arguments{}.int(1).text("four"))
		request(method, array, arguments{}.int(1).int(3))
	}
	all = append(all, []byte{2, 0, 0, 0}, []byte{3, 0, 1, 0}, []byte{4, 0, 1, 0}, []byte{12, 0, 0, 0}, []byte{10, 0, 6, 0}, []byte{11, 0, 6, 0})
	return all
}

// Whatever arguments come for whatever method: the server lives, and counts right.
func FuzzObjects(f *testing.F) {
	var together []byte
	for _, script := range scripts() {
		f.Add(script)
		together = append(together, script...)
	}
	f.Add(together)
	f.Add(append([]byte{62, dictSet, 2, 5, 1, 'k', 25, 0, 254, 1}, together...))
	f.Fuzz(func(t *testing.T, script []byte) { perform(t, script[:min(len(script), 8<<10)]) })
}

// Scripts in any order, with bytes changed.
func TestAnyRequests(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	known := scripts()
	for range 200 {
		var script []byte
		for range 100 {
			part := append([]byte(nil), known[rng.IntN(len(known))]...)
			for range rng.IntN(3) {
				if i := rng.IntN(len(part)); i != 3 {
					part[i] = byte(rng.Uint32())
				}
			}
			script = append(script, part...)
		}
		perform(t, script)
	}
}
