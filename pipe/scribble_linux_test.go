package pipe

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
)

// The other end writes anything anywhere, at any time, whatever this end does. What this end does must come to an end.
func TestScribbledMemory(t *testing.T) {
	noLeaks(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for round := range uint64(50) {
		scribbled(t, rand.New(rand.NewPCG(seed, round)))
	}
}

func scribbled(t *testing.T, dice *rand.Rand) {
	t.Helper()
	a, b := pair(t)
	limited, cancel := context.WithTimeout(ctx, short)
	defer cancel()
	var all sync.WaitGroup
	for _, do := range []func() error{
		func() error { return a.SendBytes(limited, make([]byte, 100)) },
		func() error { return a.SendBytes(limited, make([]byte, ringSize+100)) },
		func() error { return a.TrySendBytes(make([]byte, 10)) },
		func() error { _, err := a.RecvBytes(limited); return err },
		func() error { _, err := Recv[string](limited, a); return err },
		func() error { _, err := a.Poll(limited); return err },
		func() error { _, err := a.RecvFile(limited); return err },
		func() error { return a.SendFile(limited, os.Stdin) },
		func() error { return b.SendBytes(limited, make([]byte, 1000)) },
		func() error { return Send(limited, b, "value") },
		func() error { _, err := b.RecvBytes(limited); return err },
	} {
		all.Go(func() {
			for limited.Err() == nil {
				if err := do(); errors.Is(err, ErrCorrupt) && limited.Err() == nil {
					time.Sleep(time.Microsecond) // else it only turns
				}
			}
		})
	}
	for limited.Err() == nil {
		scribble(b.c.(*rings), dice)
	}
	all.Wait()
}

func scribble(r *rings, dice *rand.Rand) {
	d := []direction{r.tx, r.rx}[dice.IntN(2)]
	value := []uint64{0, 1, 8, uint64(len(d.ring)), math.MaxUint64, dice.Uint64(), dice.Uint64N(1 << 20)}[dice.IntN(7)]
	switch dice.IntN(8) {
	case 0:
		d.tail.Store(value)
	case 1:
		d.head.Store(value)
	case 2:
		d.tail.Add(8 * (value % 100))
	case 3:
		d.reading.Store(uint32(value))
	case 4:
		d.writing.Store(uint32(value))
	case 5:
		word := abi.PipeWord(int(value%100), 1+uint8(dice.IntN(3)), uint8(dice.IntN(8)))
		binary.LittleEndian.PutUint64(d.ring[8*dice.IntN(len(d.ring)/8):], word)
	case 6:
		d.ring[dice.IntN(len(d.ring))] = byte(value)
	case 7:
		_ = r.raw.Control(func(fd uintptr) {
			b := []byte{byte(dice.IntN(2))}
			var rights []byte
			if dice.IntN(2) == 0 {
				rights = unix.UnixRights(0, 0)[:unix.CmsgSpace(8)]
			}
			_ = unix.Sendmsg(int(fd), b, rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		})
	}
}

// Memory of a stranger's that is not what it should be is refused, and stays his.
func TestMemoryOfAStranger(t *testing.T) {
	noLeaks(t)
	whole := int64(abi.PipeHeader + 2*ringSize)
	for _, c := range []struct {
		what         string
		size         int64
		seals        int
		magic, rings uint64
		good         bool
	}{
		{"good", whole, unix.F_SEAL_SHRINK | unix.F_SEAL_GROW, abi.PipeMagic, ringSize, true},
		{"can shrink", whole, unix.F_SEAL_GROW, abi.PipeMagic, ringSize, false},
		{"can grow", whole, unix.F_SEAL_SHRINK, abi.PipeMagic, ringSize, false},
		{"cannot be written", whole, unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE, abi.PipeMagic, ringSize, false},
		{"of another kind", whole, unix.F_SEAL_SHRINK | unix.F_SEAL_GROW, abi.Magic, ringSize, false},
		{"lies about its size", whole, unix.F_SEAL_SHRINK | unix.F_SEAL_GROW, abi.PipeMagic, 2 * ringSize, false},
		{"of an odd size", whole + 8, unix.F_SEAL_SHRINK | unix.F_SEAL_GROW, abi.PipeMagic, ringSize, false},
		{"a header", abi.PipeHeader, unix.F_SEAL_SHRINK | unix.F_SEAL_GROW, abi.PipeMagic, 0, false},
		{"empty", 0, unix.F_SEAL_SHRINK | unix.F_SEAL_GROW, 0, 0, false},
		{"huge", abi.PipeHeader + 4*maxRing, unix.F_SEAL_SHRINK | unix.F_SEAL_GROW, abi.PipeMagic, 2 * maxRing, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			fd, err := unix.MemfdCreate("mp-test", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
			ok(t, err)
			f := os.NewFile(uintptr(fd), "memory")
			var words [16]byte
			binary.LittleEndian.PutUint64(words[:], c.magic)
			binary.LittleEndian.PutUint64(words[8:], c.rings)
			_, err = f.Write(words[:])
			ok(t, err)
			ok(t, unix.Ftruncate(fd, c.size))
			_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, c.seals)
			ok(t, err)
			check(t, f, c.good)
		})
	}
	t.Run("a file", func(t *testing.T) {
		f, err := os.CreateTemp(t.TempDir(), "")
		ok(t, err)
		ok(t, f.Truncate(whole))
		check(t, f, false)
	})
}

func check(t *testing.T, memory *os.File, good bool) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0) // blocking, as after a journey
	ok(t, err)
	socket, other := os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "socket")
	defer other.Close()
	c, err := ringConn(socket, memory, 0, 0)
	if (err == nil) != good {
		t.Fatal(err)
	}
	if good {
		if ready, err := c.Poll(ended()); ready || err == nil {
			t.Errorf("Poll says %v, %v", ready, err)
		}
		ok(t, c.Close())
		return
	}
	ok(t, errors.Join(memory.Close(), socket.Close()))
}

// An other end that sends bytes without end keeps nobody.
func TestFloodedSocket(t *testing.T) {
	noLeaks(t)
	for _, leave := range []func(c *Conn) error{
		(*Conn).Close,
		func(c *Conn) error {
			p, err := c.detach()
			if err == nil {
				p.close()
			}
			return err
		},
	} {
		a, b := pair(t)
		ok(t, b.SendFile(ctx, os.Stdin)) // before the flood, which need not leave it any room
		var stop atomic.Bool
		var flood sync.WaitGroup
		for range 4 {
			flood.Go(func() {
				m := make([]byte, 4096)
				for !stop.Load() {
					_ = b.c.(*rings).raw.Control(func(fd uintptr) { _ = unix.Send(int(fd), m, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL) })
				}
			})
		}
		if f, err := a.RecvFile(ctx); err != nil {
			t.Error(err)
		} else {
			f.Close()
		}
		ok(t, leave(a))
		stop.Store(true)
		flood.Wait()
	}
}
