//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
)

// A trap does something when it is encoded, or decoded, in a worker or in its parent.
type trap struct {
	Where, How string
	Pad        []byte
}

func (x *trap) spring(where string) error {
	if mp.IsWorker() {
		where = "worker " + where
	}
	if where != x.Where {
		return nil
	}
	switch x.How {
	case "error":
		return errors.New("a trap")
	case "panic":
		panic("a trap")
	case "exit":
		os.Exit(9)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return nil
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (x *trap) MarshalBinary() ([]byte, error) {
	if err := x.spring("encode"); err != nil {
		return nil, err
	}
	return append([]byte(x.Where+"\x00"+x.How+"\x00"), x.Pad...), nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (x *trap) UnmarshalBinary(b []byte) error {
	f := strings.SplitN(string(b), "\x00", 3)
	*x = trap{f[0], f[1], []byte(f[2])}
	return x.spring("decode")
}

var passTrap = mp.Func("passTrap", func(_ context.Context, x *trap) (*trap, error) { return x, nil })

// T269, T270, T271, T275, T277, T278, T279, T282, W14: what goes wrong while an argument or a result is encoded or decoded, there or here, is the
// outcome of its element; those before and after it have theirs; a death there costs a worker, everything else nothing.
func TestTrapsInCodecs(t *testing.T) {
	noLeaks(t)
	dies := func(err error) bool {
		we, ok := errors.AsType[*mp.WorkerError](err)
		return ok && we.Function == "passTrap" && (we.ExitCode == 9 || we.Signal == syscall.SIGKILL)
	}
	tells := func(what string) func(error) bool {
		return func(err error) bool {
			text := err.Error()
			return strings.Contains(text, "passTrap") && strings.Contains(text, what) && strings.Contains(text, "a trap")
		}
	}
	for _, size := range []int{0, 3 << 20} { // in a slot; larger than what lies in a ring
		pool := newPool(t, mp.PoolConfig{Workers: 2, Stderr: io.Discard})
		for _, c := range []struct {
			where, how string
			expected   func(error) bool
			dies       bool
		}{
			{"encode", "error", tells("encoding the argument"), false},
			{"encode", "panic", tells("encoding the argument"), false},
			{"worker decode", "error", tells("decoding the argument"), false},
			{"worker decode", "panic", func(err error) bool { return strings.Contains(err.Error(), "a trap") }, false},
			{"worker decode", "exit", dies, true},
			{"worker decode", "kill", dies, true},
			{"worker encode", "error", tells("encoding the result"), false},
			{"worker encode", "panic", func(err error) bool { return strings.Contains(err.Error(), "a trap") }, false},
			{"worker encode", "exit", dies, true},
			{"worker encode", "kill", dies, true},
			{"decode", "error", tells("decoding the result"), false},
			{"decode", "panic", tells("decoding the result"), false},
		} {
			t.Run(fmt.Sprintf("%s %s %d", c.where, c.how, size), func(t *testing.T) {
				if err := pool.Ready(ctx); err != nil {
					t.Fatal(err)
				}
				before := poolPIDs(pool)
				x := &trap{c.where, c.how, pattern(size)}
				if _, err := passTrap.Call(ctx, pool, x); err == nil || !c.expected(err) {
					t.Errorf("call: %v", err)
				}
				good := 0
				for i, r := range passTrap.Results(ctx, pool, func(yield func(*trap) bool) {
					for i := range 12 {
						if next := map[bool]*trap{true: x, false: {Pad: []byte{byte(i)}}}[i == 5]; !yield(next) {
							return
						}
					}
				}) {
					switch {
					case i == 5 && (r.Err == nil || !c.expected(r.Err)), i != 5 && (r.Err != nil || r.Value.Pad[0] != byte(i)):
						t.Errorf("element %d: %v", i, r.Err)
					case i != 5:
						good++
					}
				}
				if good != 11 {
					t.Errorf("%d of 11 others are well", good)
				}
				if after := poolPIDs(pool); maps.Equal(before, after) == c.dies {
					t.Errorf("workers were %v, and are %v", before, after)
				}
			})
		}
	}
}

// T281: a call whose argument cannot be encoded, before a pool is closed: it has its error, and the pool ends.
func TestTrapBeforeClose(t *testing.T) {
	noLeaks(t)
	pool := newPool(t, mp.PoolConfig{Workers: 2})
	fut := passTrap.Go(ctx, pool, &trap{"encode", "error", nil})
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
	if _, err := fut.Wait(ctx); err == nil || !strings.Contains(err.Error(), "a trap") {
		t.Error(err)
	}
}

var giveChannel = mp.Func("giveChannel", func(context.Context, int) (any, error) { return make(chan int), nil })

// T118, W17: a result that cannot be encoded is an error that names the function and the type, as often as one likes, and no worker is lost.
func TestResultThatCannotBeEncoded(t *testing.T) {
	contract(t, func(t *testing.T, x mp.Executor) {
		for range 20 {
			fut := giveChannel.Go(ctx, x, 1)
			then := make(chan error, 1)
			fut.Then(func(_ any, err error) { then <- err })
			_, err := fut.Wait(ctx)
			if err == nil || !strings.Contains(err.Error(), "giveChannel") || !strings.Contains(err.Error(), "chan int") {
				t.Error(err)
			}
			if got := <-then; got == nil || got.Error() != err.Error() {
				t.Errorf("the callback has %v", got)
			}
		}
		if pool, is := x.(*mp.Pool); is && pool.Stats().RestartsBy["death"] > 0 { // some end because they idle
			t.Errorf("workers were lost: %v", pool.Stats().RestartsBy)
		}
	})
}
