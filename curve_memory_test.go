//go:build linux

package mp_test

import (
	"context"
	"runtime"
	"testing"
	"weak"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// curveLarge is more than any buffer that is kept for the next message, and than what the heap of a new worker has.
const curveLarge = 64 << 20

var curveEcho = mp.Func("curveEcho", func(_ context.Context, b []byte) ([]byte, error) { return b, nil })

// A call that has ended is the caller's alone: the pool keeps neither its argument nor its result until the next one.
func TestCurveIdlePoolKeepsNoCall(t *testing.T) {
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	call := func() weak.Pointer[byte] {
		out, err := curveEcho.Call(ctx, pool, make([]byte, curveLarge))
		if err != nil || len(out) != curveLarge {
			t.Fatalf("%d bytes, %v", len(out), err)
		}
		return weak.Make(&out[0])
	}
	out := call()
	for range 1_000 { // the pool's end of the call may come a moment after the caller's
		if runtime.GC(); out.Value() == nil {
			return
		}
	}
	t.Error("the result of a call that ended is still held")
}

type curveWatch struct {
	Payload []byte
	Ended   *shared.Event // the call that brought it has ended
	Heap    *shared.Value[uint64]
	Told    *shared.Event
}

// curveHeap tells, after its call has ended, how large the heap of its worker is when all garbage is gone.
var curveHeap = mp.Func("curveHeap", func(_ context.Context, w curveWatch) (int, error) {
	n := len(w.Payload)
	w.Payload = nil
	go func() {
		ctx := context.Background() // that of the call ends with it
		if w.Ended.Wait(ctx) != nil {
			return
		}
		var m runtime.MemStats
		for range 1_000 {
			runtime.GC()
			if runtime.ReadMemStats(&m); m.HeapAlloc < curveLarge {
				break
			}
		}
		w.Heap.Store(m.HeapAlloc)
		_ = w.Told.Set()
	}()
	return n, nil
})

// A worker that is idle keeps no payload until the next one.
func TestCurveIdleWorkerKeepsNoPayload(t *testing.T) {
	pool := newPool(t, mp.PoolConfig{Workers: 1})
	ended, err := shared.NewEvent()
	curveMust(t, err)
	told, err := shared.NewEvent()
	curveMust(t, err)
	heap, err := shared.NewValue[uint64](0)
	curveMust(t, err)
	n, err := curveHeap.Call(ctx, pool, curveWatch{make([]byte, curveLarge), ended, heap, told})
	if err != nil || n != curveLarge {
		t.Fatalf("%d, %v", n, err)
	}
	curveMust(t, ended.Set())
	curveMust(t, told.Wait(ctx))
	if got := heap.Load(); got >= curveLarge {
		t.Errorf("the heap of an idle worker has %d MiB", got>>20)
	}
}

func curveMust(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
