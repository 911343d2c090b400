package manager

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-multiproc/mp/pipe"
)

// Clients that say anything at all, in any order, read or not, and go at any moment, leave nothing behind, and hold up nobody.
func TestRandomRequests(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	srv := newTestServer(t, Config{Lease: time.Millisecond, MaxBytes: 16 << 20, MaxCalls: 50, MaxObjects: 200})
	good := srv.connect(t)
	d, err := NewDict[int, int](good)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range uint64(4) {
		rnd := rand.New(rand.NewPCG(seed, i))
		group.Go(func() {
			for range 5 {
				babble(t, srv, rnd)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		group.Wait()
	}()
	for i, babbling := 0, true; babbling; i++ {
		select {
		case <-done:
			babbling = false
		default:
		}
		if _, err := d.Get(background, i); err == nil {
			t.Error("a key that nobody has set")
		}
	}
	for clients := 2; clients > 1; { // what they had sent is carried out though they have gone
		st, err := good.Stats(background)
		if err != nil {
			t.Fatal(err)
		}
		clients = st.Clients
	}
	srv.mu.Lock()
	names := slices.Collect(maps.Keys(srv.names))
	srv.mu.Unlock()
	for _, name := range names {
		if err := Unpublish(background, good, name); err != nil {
			t.Error(err)
		}
	}
	good.c.close(ErrClosed)
	srv.settled(t, 0)
	for deadline := time.Now().Add(time.Minute); srv.bytes.Load() != 0 || srv.aside.Load() != 0; {
		if runtime.Gosched(); time.Now().After(deadline) {
			t.Fatalf("%d and %d bytes are left", srv.bytes.Load(), srv.aside.Load())
		}
	}
}

// babble is the life of a client.
func babble(t *testing.T, srv *server, rnd *rand.Rand) {
	here, there, err := pipe.New()
	if err != nil {
		t.Error(err)
		return
	}
	defer here.Close()
	srv.serve(there)
	if rnd.IntN(4) > 0 {
		go func() {
			for {
				if _, err := here.RecvBytes(background); err != nil {
					return
				}
			}
		}()
	}
	for id := range uint32(rnd.IntN(2000)) {
		b := header(nil, id, 1+uint8(rnd.IntN(int(opHello))), 1+uint8(rnd.IntN(17)), 2+uint64(rnd.IntN(100)))
		for range rnd.IntN(5) {
			switch rnd.IntN(5) {
			case 0:
				b = binary.AppendUvarint(b, rnd.Uint64N(5))
			case 1:
				b = binary.AppendVarint(b, rnd.Int64N(10)-5)
			case 2: // the proxy of an object
				p := append(make([]byte, 2), srv.id[:]...)
				b = appendBytes(b, binary.LittleEndian.AppendUint64(p, 2+rnd.Uint64N(100)))
			case 3:
				b = appendBytes(b, make([]byte, rnd.IntN(5)))
			default:
				b = appendBytes(b, make([]byte, rnd.IntN(10_000)))
			}
		}
		if here.TrySendBytes(b) != nil && rnd.IntN(100) == 0 {
			return
		}
	}
}
