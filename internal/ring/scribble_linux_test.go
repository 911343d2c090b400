package ring

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
)

// mapped is memory as two processes share it, which the race detector does not see. So nothing but the checks below tells
// whether what happens in it is right.
func mapped(t *testing.T, size int) Memory {
	t.Helper()
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(mem); err != nil {
			t.Error(err)
		}
	})
	return mem
}

// A worker overwrites every word of its channel, with values near what would be right and far from it, while the parent
// works with it. Everything that the parent does must come to an end with a possible answer or ErrCorrupt.
func TestParentAgainstAScribbler(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	layout := Layout{Slots: 8, In: 16, Out: 16}
	mem := mapped(t, layout.Size())
	found := 0
	for round := range 300 {
		clear(mem)
		c, err := Cut(mem, layout)
		if err != nil {
			t.Fatal(err)
		}
		var stop atomic.Bool
		var scribbler sync.WaitGroup
		scribbler.Go(func() { scribble(c, rand.New(rand.NewPCG(seed, uint64(round))), &stop) })
		if parent(t, c, rand.New(rand.NewPCG(seed, uint64(-1-round)))) {
			found++
		}
		stop.Store(true)
		scribbler.Wait()
	}
	if found < 200 {
		t.Errorf("only %d of 300 scribblers were found out", found)
	}
}

func scribble(c *Channel, r *rand.Rand, stop *atomic.Bool) {
	words := []int{abi.OffSlotTail, abi.OffSlotHead, abi.OffInTail, abi.OffInHead, abi.OffOutTail, abi.OffOutHead}
	for !stop.Load() {
		switch r.IntN(8) {
		case 0:
			c.U64(words[r.IntN(len(words))]).Store(r.Uint64() >> r.IntN(64))
		case 1, 2:
			c.U64(words[r.IntN(len(words))]).Add(uint64(r.IntN(20)))
		case 3:
			word := c.SlotMem.U64(r.IntN(8) * abi.SlotSize)
			word.Store(word.Load() + uint64(r.IntN(3))<<(16*r.IntN(3)))
		case 4:
			c.SlotMem.U64(r.IntN(8) * abi.SlotSize).Store(uint64(abi.MakeCursor(uint32(r.IntN(20)), uint16(r.IntN(10)), uint16(r.IntN(10)))))
		case 5:
			c.OutMem[r.IntN(16)] = byte(r.Uint32())
		case 6:
			c.Memory[r.IntN(len(c.Memory))] = byte(r.Uint32())
		case 7:
			yield()
		}
	}
}

// parent does all that a parent can, until it notices or has done enough, and reports whether it noticed.
func parent(t *testing.T, c *Channel, r *rand.Rand) (noticed bool) {
	slots, in, out := c.ParentEnds()
	var counts []int
	check := func(what string, n, most int, err error) {
		if err != nil && !errors.Is(err, ErrCorrupt) || n < 0 || n > most {
			t.Errorf("%s: %d, %v", what, n, err)
		}
		noticed = noticed || err != nil
	}
	buf := make([]byte, 32)
	for range 20_000 {
		switch r.IntN(6) {
		case 0:
			free, err := slots.Free()
			check("free slots", free, 8, err)
			if free > 0 {
				counts = append(counts, r.IntN(8))
				slots.Put(Batch{Count: counts[len(counts)-1], Inline: buf[:r.IntN(32)]})
			}
			slots.Publish()
		case 1:
			if len(counts) > 0 {
				i := max(0, len(counts)-1-r.IntN(12))
				check("begun", slots.Begun(uint64(i), counts[i]), counts[i], nil)
				check("kept", slots.TakeBack(uint64(i), counts[i]), counts[i], nil)
			}
		case 2:
			b := buf[:r.IntN(32)]
			n, err := in.Write(b)
			check("written", n, len(b), err)
			in.Publish()
		case 3:
			n, err := out.Available()
			check("available", n, 16, err)
		case 4:
			check("read", out.Read(buf[:r.IntN(32)]), 16, nil)
			out.Release()
		case 5:
			yield()
		}
		if noticed && r.IntN(10) == 0 { // not at once: nothing may depend on the caller's stopping
			return true
		}
	}
	return noticed
}
