package pipe

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
)

// feed makes an end whose peer has sent these bytes, and then died.
func feed(b []byte, most int64, dice *rand.Rand) *Conn {
	f, peer := fakePair(1<<30, dice, dice != nil)
	peer.out.shown = b
	_ = peer.close()
	return newConn(f, most)
}

// Whatever comes, it is messages and then an error; nothing is believed, and nothing made of a size that nobody has sent.
func FuzzFrames(f *testing.F) {
	words := func(w ...uint64) (b []byte) {
		for _, w := range w {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
		return b
	}
	one := abi.PipeFirst | abi.PipeLast
	f.Add(words(), int64(0))
	f.Add(words(abi.PipeWord(0, abi.PipeBytes, one)), int64(0))
	f.Add(words(abi.PipeWord(8, abi.PipeBytes, one), 7), int64(4))
	f.Add(words(abi.PipeWord(8, abi.PipeBytes, abi.PipeFirst), 16, 1, abi.PipeWord(8, abi.PipeBytes, abi.PipeLast), 2), int64(0))
	f.Add(words(abi.PipeWord(8, abi.PipeBytes, abi.PipeFirst), 1<<63, 1, abi.PipeWord(0, 0, abi.PipeAbort)), int64(1<<40))
	f.Add(words(abi.PipeWord(9, abi.PipeValue, one), 1, 2, abi.PipeWord(0, abi.PipeFileFrame, one)), int64(0))
	f.Fuzz(func(t *testing.T, b []byte, most int64) {
		for _, dice := range []*rand.Rand{nil, rand.New(rand.NewPCG(1, 2))} {
			takeAll(t, feed(append([]byte(nil), b...), most, dice), len(b))
		}
	})
}

// takeAll receives until the end of what n bytes can hold.
func takeAll(t *testing.T, c *Conn, n int) {
	t.Helper()
	got := 0
	for range 10*n + 100 {
		_, _ = c.Poll(ended())
		b, err := c.RecvBytes(ctx)
		got += len(b)
		switch {
		case got > n:
			t.Fatalf("%d bytes of messages in %d", got, n)
		case cap(c.in.kept) > 2*(n+firstGrowth):
			t.Fatalf("%d bytes of memory for %d", cap(c.in.kept), n)
		case err == nil, errors.Is(err, ErrTooLarge), errors.Is(err, io.ErrUnexpectedEOF):
		case errors.Is(err, ErrKind):
			var v string
			if v, err = Recv[string](ctx, c); err == nil || !errors.Is(err, ErrKind) {
				got += len(v)
				break
			}
			if _, err = c.RecvFile(ctx); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("a file that was not sent: %v", err)
			}
		case errors.Is(err, io.EOF), errors.Is(err, ErrCorrupt):
			if _, again := c.RecvBytes(ctx); again == nil || again.Error() != err.Error() {
				t.Fatalf("first %v, then %v", err, again)
			}
			return
		default:
			t.Fatal(err)
		}
	}
	t.Fatal("no end")
}

// Frames that are right but for one bit.
func TestFramesWithOneBitWrong(t *testing.T) {
	dice := rand.New(rand.NewPCG(rand.Uint64(), 0))
	a, b := fakePair(1<<20, nil, false)
	c := newConn(a, 0)
	for i, n := range []int{0, 5, 100, abi.PipeMaxChunk + 5} {
		ok(t, c.TrySendBytes(make([]byte, n)))
		ok(t, Send(ctx, c, i))
	}
	good := b.in.shown
	for bit := range 8 * len(good) {
		if bit > 8*300 && bit%8192 != 0 {
			continue
		}
		bad := append([]byte(nil), good...)
		bad[bit/8] ^= 1 << (bit % 8)
		takeAll(t, feed(bad, 0, nil), len(bad))
		takeAll(t, feed(bad[:dice.IntN(len(bad))], 0, dice), len(bad))
	}
}
