package link

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/engine"
	"github.com/go-multiproc/mp/internal/spawn"
)

// localHost is an engine that only notes what it is told.
type localHost struct {
	up, lost chan struct{}
	result   func()
}

func (h *localHost) Up() { close(h.up) }

func (h *localHost) Results(n, _ int, _ []byte) (err error) {
	for range n {
		err = errors.Join(err, h.Result(0, nil))
	}
	return err
}

func (h *localHost) Result(uint8, []byte) error {
	h.result()
	return nil
}

func (h *localHost) Progress() {}
func (h *localHost) Quiet()    {}

func (h *localHost) Lost(spawn.Exit, error) { close(h.lost) }

type localHandler func()

func (h localHandler) ArgSize(uint32) int { return 1 }

func (h localHandler) Runner(uint32) Runner { return h }

func (h localHandler) Run(_ context.Context, _, dst []byte) (uint8, []byte) {
	h()
	return abi.StatusOK, dst
}

func (h localHandler) Chunked(uint32) bool { return false }

func (h localHandler) RunChunk(context.Context, uint32, [][]byte) func(int, []byte) (uint8, []byte) {
	panic("it is not chunked")
}

// A goroutine that is killed while a result of it is taken is lost when the result has been taken, as a process is: else
// its element would have two outcomes.
func TestLocalIsLostAfterItsResult(t *testing.T) {
	taking, taken := make(chan struct{}), make(chan struct{})
	h := &localHost{up: make(chan struct{}), lost: make(chan struct{})}
	h.result = func() {
		close(taking)
		<-taken
		select {
		case <-h.lost:
			t.Error("lost in the middle of a result")
		default:
		}
	}
	l := StartLocal(t.Context(), h, localHandler(func() {}))
	<-h.up
	l.Send(engine.NewBatch(&engine.Job{}), nil)
	<-taking
	l.Kill()
	for range 1000 { // whoever is to tell of the loss has his turn
		runtime.Gosched()
	}
	close(taken)
	<-h.lost
}
