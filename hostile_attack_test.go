//go:build linux

package mp_test

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
)

// An attacker has what a worker has, and uses it against its parent, at random moments, until the process is ended.
type attacker struct {
	rng    *rand.Rand
	pace   int      // the longest pause in microseconds
	mem    *os.File // this process's memory, where no write faults
	zones  []zone
	side   int
	crash  int
	replay []snapshot
	arena  bool
}

// A zone is memory that the worker shares, and how often it is chosen.
type zone struct {
	lo, hi int64
	weight int
}

type snapshot struct {
	at   int64
	body []byte
}

// attack begins some of the attacks that there are, or all: who does everything at once is found out soon. What it does follows from the
// seed, when it does that does not.
func attack(seed uint64, arena bool) error {
	choice := rand.New(rand.NewPCG(seed, 99))
	some, pace := 1+choice.IntN(15), 30<<choice.IntN(10)
	for i, deed := range []func(*attacker){(*attacker).scribble, (*attacker).chatter, (*attacker).whisper, (*attacker).shout} {
		if some>>i&1 == 0 {
			continue
		}
		a := &attacker{rng: rand.New(rand.NewPCG(seed, uint64(i))), pace: pace, side: -1, crash: -1, arena: arena}
		mem, lo, hi, err := ownMapping("mp-channel")
		if err != nil {
			return err
		}
		slots, out := lo+abi.HeaderSize, hi-4<<20 // as poolLayout has them
		a.mem, a.zones = mem, []zone{{lo, lo + 12*abi.Line, 8}, {slots, slots + 256*abi.SlotSize, 4}, {out, out + 4096, 4}, {lo, hi, 2}}
		if arena {
			if _, lo, hi, err = ownMapping("mp-arena"); err != nil {
				return err
			}
			size, cells := hi-lo, lo+abi.ArenaHead+abi.MaxArena/abi.Chunk/8
			tree, heap := cells+size/128, lo+size/32
			a.zones = append(a.zones, zone{lo, lo + 1<<10, 2}, zone{lo, lo + abi.ArenaHead, 2}, zone{cells, cells + 64*abi.CellSize, 6},
				zone{tree, tree + 1<<10, 1}, zone{heap, heap + 64<<10, 6}, zone{lo, heap, 1})
		}
		a.find()
		go func() {
			for {
				deed(a)
				a.pause()
			}
		}()
	}
	return nil
}

// find finds the descriptors that are not known by their numbers.
func (a *attacker) find() {
	fds, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range fds {
		fd, _ := strconv.Atoi(entry.Name())
		what, _ := os.Readlink(filepath.Join("/proc/self/fd", entry.Name()))
		if kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err == nil && kind == unix.SOCK_SEQPACKET {
			a.side = fd
		}
		if strings.HasPrefix(what, "/memfd:mp-crash") {
			a.crash = fd
		}
	}
}

func (a *attacker) pause() {
	for end := time.Now().Add(time.Duration(a.rng.IntN(a.pace)) * time.Microsecond); time.Now().Before(end); {
	}
}

// nasty is a word that somebody might forget to check.
func (a *attacker) nasty(was uint64) uint64 {
	switch a.rng.IntN(9) {
	case 0:
		return was ^ 1<<a.rng.IntN(64)
	case 1:
		return was + 1
	case 2:
		return was - 1
	case 3:
		return was + 8<<a.rng.IntN(24)
	case 4:
		return was - 8<<a.rng.IntN(24)
	case 5:
		return 1<<a.rng.IntN(64) - uint64(a.rng.IntN(2))
	case 6:
		return uint64(1+a.rng.IntN(6))<<56 | uint64(a.rng.IntN(4))<<48 | a.rng.Uint64()>>(16+a.rng.IntN(48)) // a record, perhaps
	case 7:
		return uint64(a.rng.IntN(300))<<32 | uint64(a.rng.IntN(200))<<16 | uint64(a.rng.IntN(200)) // a cursor, or a cell's state
	}
	return a.rng.Uint64()
}

// place is somewhere in what is shared.
func (a *attacker) place() int64 {
	total := 0
	for _, r := range a.zones {
		total += r.weight
	}
	n := a.rng.IntN(total)
	for _, r := range a.zones {
		if n -= r.weight; n < 0 {
			return r.lo + a.rng.Int64N(max(1, r.hi-r.lo-256))
		}
	}
	return a.zones[0].lo
}

// scribble changes memory: a word, some bytes, or what was there before.
func (a *attacker) scribble() {
	at := a.place()
	switch a.rng.IntN(8) {
	case 0:
		junk := make([]byte, 1+a.rng.IntN(256))
		for i := range junk {
			junk[i] = byte(a.rng.Uint32() >> a.rng.IntN(32)) // often small numbers
		}
		_, _ = a.mem.WriteAt(junk, at)
	case 1:
		body := make([]byte, 8<<a.rng.IntN(6))
		if _, err := a.mem.ReadAt(body, at); err == nil && len(a.replay) < 64 {
			a.replay = append(a.replay, snapshot{at, body})
		}
	case 2:
		if len(a.replay) > 0 {
			s := a.replay[a.rng.IntN(len(a.replay))]
			_, _ = a.mem.WriteAt(s.body, s.at)
		}
	default:
		var w [8]byte
		at &^= 7
		if a.rng.IntN(2) == 0 {
			at = at&^63 | 8*int64(a.rng.IntN(3)/2) // where words are that have a line of their own
		}
		_, _ = a.mem.ReadAt(w[:], at)
		binary.LittleEndian.PutUint64(w[:], a.nasty(binary.LittleEndian.Uint64(w[:])))
		_, _ = a.mem.WriteAt(w[:], at)
	}
}

// chatter writes to the control socket what no worker says, and descriptors.
func (a *attacker) chatter() {
	if a.rng.IntN(20) > 0 {
		_, _ = unix.Write(3, []byte{'w'})
		return
	}
	b := make([]byte, a.rng.IntN(300))
	for i := range b {
		b[i] = byte(a.rng.Uint32())
	}
	if a.rng.IntN(3) > 0 { // a frame, perhaps
		b = append([]byte{"whmrnfcx"[a.rng.IntN(8)], byte(a.rng.Uint32()), byte(a.rng.Uint32()), byte(a.rng.Uint32()), byte(a.rng.Uint32() >> a.rng.IntN(32))}, b...)
	}
	_ = unix.Sendmsg(3, b, unix.UnixRights(0, 1, 2), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	if a.rng.IntN(50) == 0 {
		_ = unix.Shutdown(3, a.rng.IntN(3))
	}
}

// whisper writes to the side socket, and answers questions with nonsense.
func (a *attacker) whisper() {
	b := make([]byte, 1+a.rng.IntN(100))
	for i := range b {
		b[i] = byte(a.rng.Uint32() >> a.rng.IntN(32))
	}
	switch a.rng.IntN(12) {
	case 0:
		b = make([]byte, 15<<10+a.rng.IntN(3<<10))
	case 1, 2:
		b = binary.LittleEndian.AppendUint64([]byte{'f'}, a.rng.Uint64()>>a.rng.IntN(64))
		b = binary.LittleEndian.AppendUint64(b, a.rng.Uint64())
	case 3: // one that can be read, made at a place that is none
		place := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64([]byte{'r'}, 0), a.nasty(0))
		b = append(place, "\x00\x00\x00\x00\x01\x00\x00\x00x"...)
	case 4:
		b[0] = "rdfa"[a.rng.IntN(4)]
	case 5:
		a.answer()
		return
	default:
		b = binary.LittleEndian.AppendUint64([]byte{'f'}, uint64(a.rng.IntN(100)))
		b = binary.LittleEndian.AppendUint64(b, 0x3fe0000000000000) // a half
	}
	_ = unix.Sendmsg(a.side, b, unix.UnixRights(2), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// answer takes a question that is there, and answers something else.
func (a *attacker) answer() {
	b, oob := make([]byte, 1<<10), make([]byte, 64)
	_, n, _, _, err := unix.Recvmsg(a.side, b, oob, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	if err != nil || n == 0 {
		return
	}
	messages, _ := unix.ParseSocketControlMessage(oob[:n])
	for _, m := range messages {
		fds, _ := unix.ParseUnixRights(&m)
		for _, fd := range fds {
			head := binary.LittleEndian.AppendUint64([]byte{"+-x"[a.rng.IntN(3)]}, a.nasty(uint64(a.rng.IntN(100))))
			_, _ = unix.Write(fd, append(head, b[:a.rng.IntN(len(b))]...))
			if a.rng.IntN(2) == 0 {
				_ = unix.Close(fd) // else the asker has to give up
			}
		}
	}
}

// shout writes to the streams, and spoils the crash report.
func (a *attacker) shout() {
	b := make([]byte, a.rng.IntN(2000))
	for i := range b {
		b[i] = byte(a.rng.Uint32())
	}
	switch a.rng.IntN(6) {
	case 0:
		b = []byte("fatal error: runtime: out of memory\n")
	case 1:
		b = []byte("panic: forged\n\x1b[2J\x00")
	case 2:
		_, _ = unix.Pwrite(a.crash, b, int64(a.rng.IntN(1<<17)))
		return
	case 3:
		_ = unix.Ftruncate(a.crash, a.rng.Int64N(1<<40)) // takes no memory
		return
	}
	_, _ = unix.Write(1+a.rng.IntN(2), b)
}
