//go:build linux

package shared_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/proctest"
	"github.com/go-multiproc/mp/shared"
)

const (
	sailors      = 8 // processes
	hands        = 2 // goroutines of each
	permits      = 3
	maxItems     = 1 << 20 // of each queue
	maxDead      = 1 << 16
	stormyWeight = 100_000 // operations
)

// kills is how many processes are killed: MP_CHAOS=1000 is the long form.
func kills(short int) int {
	if n, err := strconv.Atoi(os.Getenv("MP_CHAOS")); err == nil {
		return n
	}
	if testing.Short() {
		return short / 4
	}
	return short
}

// A crew is the processes of a chaos test.
type crew struct {
	*testing.T
	storm storm
	rng   *rand.Rand
	ships [sailors]*mp.Process[struct{}]
	next  uint32 // incarnation of the next process
	wg    sync.WaitGroup
	dead  int
}

// launch starts a process in a place.
func (c *crew) launch(who int) {
	s := c.storm
	c.next++
	s.Who, s.Incarnation, s.Seed = who, c.next, c.rng.Uint64()
	atomic.StoreUint64(&s.Ops.Slice()[who], 0)
	p, err := sail.Start(ctx, s)
	if err != nil {
		c.Fatal(err)
	}
	c.ships[who] = p
	inc := c.next
	c.wg.Go(func() {
		_, err := p.Wait(ctx)
		we, ended := errors.AsType[*mp.WorkerError](err)
		killed := ended && we.Signal == syscall.SIGKILL && atomic.LoadUint32(&s.Doomed.Slice()[inc]) == 1
		if err != nil && !killed {
			c.Errorf("process %d: %v", inc, err)
		}
	})
}

// sink kills the process in a place, if that has done something.
func (c *crew) sink(who int, incs *[sailors]uint32) bool {
	if atomic.LoadUint64(&c.storm.Ops.Slice()[who]) < c.rng.Uint64N(300) {
		return false
	}
	atomic.StoreUint32(&c.storm.Doomed.Slice()[incs[who]], 1) // before: what it holds may be another's from its end on
	if c.ships[who].Kill() != nil {
		return false
	}
	c.dead++
	return true
}

// W04, W05, W06: processes do all that there is to do with a set of objects, and are killed at random moments, one or several at
// once. What each object promises holds, nobody hangs, and nothing is left.
func TestChaosShared(t *testing.T) {
	noLeaks(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	fds, members := len(proctest.OpenFiles()), len(shared.Memory().F.Members())
	before := shared.Cells()
	c := &crew{T: t, rng: rand.New(rand.NewPCG(seed, 0))}
	free := c.build()
	want, total := kills(600), uint64(0)
	var incs [sailors]uint32
	for who := range sailors {
		c.launch(who)
		incs[who] = c.next
	}
	pause := time.NewTicker(3 * time.Millisecond)
	defer pause.Stop()
	for (c.dead < want || total < stormyWeight) && !t.Failed() && c.next < maxDead-sailors {
		<-pause.C
		total = atomic.LoadUint64(&c.storm.Ops.Slice()[sailors])
		if c.dead >= want {
			continue // they work to the end
		}
		var sunk []int
		for range 1 + c.rng.IntN(4)/3*2 { // sometimes three at once
			if who := c.rng.IntN(sailors); c.sink(who, &incs) {
				sunk = append(sunk, who)
			}
		}
		for _, who := range sunk {
			c.launch(who)
			incs[who] = c.next
		}
	}
	atomic.StoreUint64(&c.storm.Ops.Slice()[sailors+1], 1)
	c.wg.Wait()
	t.Logf("%d operations, %d kills", total, c.dead)
	if t.Failed() {
		return
	}
	c.counted()
	for _, f := range free {
		if err := f(); err != nil {
			t.Error(err)
		}
	}
	c.tidied(before, members, fds)
}

// build makes the objects.
func (c *crew) build() (free []func() error) {
	p := &play{T: c.T}
	s := &c.storm
	s.Ops = made[*shared.Array[uint64]](p)(shared.NewArray[uint64](sailors + 2))
	s.Doomed = made[*shared.Array[uint32]](p)(shared.NewArray[uint32](maxDead))
	s.Ledger = made[*shared.Array[int64]](p)(shared.NewArray[int64](ledgerBy + sailors))
	s.Pages = made[*shared.Array[int64]](p)(shared.NewArray[int64](2))
	s.RW = made[*shared.RWMutex](p)(shared.NewRWMutex())
	s.Re = made[*shared.RMutex](p)(shared.NewRMutex())
	s.Sem = made[*shared.Semaphore](p)(shared.NewBoundedSemaphore(permits))
	s.Tokens = made[*shared.Array[uint64]](p)(shared.NewArray[uint64](permits))
	s.Mutex = made[*shared.Mutex](p)(shared.NewMutex())
	s.Cond = made[*shared.Cond](p)(shared.NewCond(s.Mutex))
	s.Stock = made[*shared.Value[int64]](p)(shared.NewValue[int64](0))
	s.Event = made[*shared.Event](p)(shared.NewEvent())
	s.Barrier = made[*shared.Barrier](p)(shared.NewBarrier(2))
	s.Group = made[*shared.WaitGroup](p)(shared.NewWaitGroup())
	s.Value = made[*shared.Value[large]](p)(shared.NewValue(filled(0)))
	s.Number = made[*shared.Value[uint64]](p)(shared.NewValue[uint64](0))
	s.Get = made[*shared.Queue[item]](p)(shared.NewQueue[item](shared.QueueConfig{Capacity: 500}))
	s.Take = made[*shared.Queue[string]](p)(shared.NewQueue[string](shared.QueueConfig{Bytes: 1 << 20}))
	s.Items = made[*shared.Array[uint32]](p)(shared.NewArray[uint32](maxItems))
	return p.free
}

// counted looks at what is left in the objects when everybody has gone.
func (c *crew) counted() {
	s := c.storm
	if err := s.transfer(0); err != nil {
		c.Error(err)
	}
	if s.Sem.Value() != permits {
		c.Errorf("%v", s.Sem)
	}
	if err := errors.Join(noted(s.RW.Lock(ctx)), s.RW.Unlock(), s.RW.RLock(ctx), s.RW.RUnlock()); err != nil {
		c.Errorf("%v: %v", s.RW, err)
	}
	if err := errors.Join(s.Barrier.Reset(), s.Event.Set(), s.Event.Wait(ctx), s.Cond.Broadcast()); err != nil {
		c.Error(err)
	}
	for s.Group.Done() == nil { // what the dead have not done
	}
	if err := s.Group.Wait(ctx); err != nil {
		c.Error(err)
	}
	if err := whole(s.Value.Load()); err != nil {
		c.Error(err)
	}
	rest := s.Get.Len()
	for {
		it, err := s.Get.TryGet()
		if err != nil {
			break
		}
		rest--
		if err := s.got(it.N); err != nil {
			c.Error(err)
		}
	}
	taken := s.Take.Len()
	for {
		d, err := s.Take.TryTake()
		if err != nil {
			break
		}
		taken--
		n, err := unpack(d.Value)
		atomic.AddUint32(&s.Items.Slice()[n], oneGot)
		if err = errors.Join(err, d.Ack()); err != nil {
			c.Error(err)
		}
	}
	if rest != 0 || taken != 0 {
		c.Errorf("the lengths of the queues were wrong by %d and %d", rest, taken)
	}
	lost, put := 0, 0
	for n, state := range s.Items.Slice() {
		if state&itemPut == 0 {
			continue
		}
		put++
		switch {
		case state >= oneGot:
		case state&itemTaken != 0:
			c.Errorf("item %d of the queue from which nothing must be lost is lost", n)
		default:
			lost++
		}
	}
	if lost > hands*c.dead {
		c.Errorf("%d items are lost, %d processes were killed", lost, c.dead)
	}
	c.Logf("%d items put, %d lost with who had got them", put, lost)
}

// tidied looks whether the arena is what it was, but for what the dead have made and told nobody of.
func (c *crew) tidied(before map[uint32]uint64, members, fds int) {
	left := 0
	for n, meta := range shared.Cells() {
		if before[n] != meta && abi.State(meta) == abi.CellLive {
			left++
			shared.FreeCell(n, meta)
		}
	}
	if most := 4 * hands * c.dead; left > most { // a queue is two, and has a segment
		c.Errorf("%d objects are left, more than %d", left, most)
	}
	eventually(c.T, "the arena is what it was", func() bool { return len(shared.Cells()) <= len(before) && shared.Untidy() == nil })
	eventually(c.T, "all slots are free", func() bool { return len(shared.Memory().F.Members()) <= members })
	eventually(c.T, "no descriptor is left", func() bool { return len(proctest.OpenFiles()) <= fds })
}
