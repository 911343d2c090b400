//go:build linux

package arena

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
)

// A user allocates and frees at random, and looks after what it has.
type user struct {
	a    *Arena
	rnd  *rand.Rand
	have []*abi.Cell
	bad  string // the first thing that was wrong
}

func newUser(a *Arena, seed, n uint64) *user {
	return &user{a: a, rnd: rand.New(rand.NewPCG(seed, n))}
}

// mark is what an object's memory is filled with: no other's is the same.
func (u *user) mark(c *abi.Cell) byte {
	return byte(u.a.Ref(c)*0x9e3779b97f4a7c15>>56) | 1
}

func (u *user) complain(format string, args ...any) {
	if u.bad == "" {
		u.bad = fmt.Sprintf(format, args...)
	}
}

// all reports whether b holds nothing but v.
func all(b []byte, v byte) bool {
	return bytes.Count(b, []byte{v}) == len(b)
}

// fill makes b nothing but v.
func fill(b []byte, v byte) {
	for n := copy(b, []byte{v}); n > 0 && n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

func (u *user) step() {
	if n := len(u.have); n > 0 && (n > 60 || u.rnd.IntN(5) < 2) {
		u.free(u.rnd.IntN(n))
		return
	}
	size := u.rnd.Uint64N(1000)
	switch u.rnd.IntN(10) {
	case 0:
		size = u.rnd.Uint64N(3 << 20)
	case 1, 2:
		size = u.rnd.Uint64N(100 << 10)
	case 3:
		size = abi.Granule << u.rnd.IntN(10)
	}
	c, err := u.a.New(plainKind, size)
	if err != nil {
		u.complain("%v", err)
		return
	}
	b := u.memory(c)
	if !all(b, 0) {
		u.complain("%d bytes at %#x are not zero", size, c.Offset.Load())
	}
	fill(b, u.mark(c))
	u.a.Publish(c)
	u.have = append(u.have, c)
}

func (u *user) memory(c *abi.Cell) []byte { return u.a.Bytes(c.Offset.Load(), c.Size.Load()) }

func (u *user) look(c *abi.Cell) {
	if b := u.memory(c); c.Size.Load() > 0 && !all(b, u.mark(c)) {
		u.complain("%d bytes at %#x have changed", len(b), c.Offset.Load())
	}
}

func (u *user) free(i int) {
	c := u.have[i]
	u.look(c)
	u.have = append(u.have[:i], u.have[i+1:]...)
	if !u.a.Remove(c, c.Meta.Load()) {
		u.complain("cell %d was freed by another", u.a.Number(c))
	}
}

func (u *user) lookAtAll() {
	for _, c := range u.have {
		u.look(c)
	}
}

func init() {
	// use allocates and frees so many times, waits, and frees the rest.
	roles["use"] = func(args []string) {
		seed, _ := strconv.ParseUint(args[0], 10, 64)
		number, _ := strconv.ParseUint(args[1], 10, 64)
		steps, _ := strconv.Atoi(args[2])
		u := newUser(inherited(), seed, number)
		say("up")
		listen()
		for range steps {
			u.step()
		}
		u.lookAtAll()
		say("holds", len(u.have), u.bad)
		listen()
		u.lookAtAll()
		for len(u.have) > 0 {
			u.free(len(u.have) - 1)
		}
		say("done", u.bad)
		listen()
	}
}

// T083, H24: whatever several processes allocate and free, blocks never overlap, what is alive never changes, what is given out is
// zero, and all of it comes back.
func TestRandomAllocations(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	a := newArena(t)
	const processes, steps = 4, 1250
	var procs []*proc
	for i := range processes {
		procs = append(procs, start(t, a, "use", strconv.FormatUint(seed, 10), strconv.Itoa(i), strconv.Itoa(steps)))
	}
	u := newUser(a, seed, processes)
	for _, p := range procs {
		p.hears("up")
	}
	for _, p := range procs {
		p.says("go")
	}
	for i := range steps {
		u.step()
		if i%200 == 0 {
			consistent(t, a) // in the middle of what the others do
		}
	}
	u.lookAtAll()
	objects := int64(len(u.have))
	for _, p := range procs {
		var n int64
		if line := p.line(); line != fmt.Sprintf("holds %d", scan(line, &n)) {
			t.Errorf("process %d: %s", p.Process.Pid, line)
		}
		objects += n
	}
	consistent(t, a)
	if got := a.Stats().Objects; got != objects {
		t.Errorf("%d objects, and the processes have %d", got, objects)
	}
	// Some go in order, some are killed with all they have, which then is nobody's and stays.
	for _, p := range procs {
		p.says("go")
	}
	for _, p := range procs {
		p.hears("done")
		p.kill()
		a.F.Ended(p.Process.Pid)
	}
	u.lookAtAll()
	for len(u.have) > 0 {
		u.free(len(u.have) - 1)
	}
	if u.bad != "" {
		t.Error(u.bad)
	}
	empty(t, a)
	if s := a.Stats(); s.Allocs != s.Frees || s.Sweeps != processes {
		t.Errorf("%+v", s)
	}
}

// scan reads the number in a line.
func scan(line string, n *int64) int64 {
	_, _ = fmt.Sscanf(line, "holds %d", n)
	return *n
}
