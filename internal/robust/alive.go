package robust

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/go-multiproc/mp/internal/osenv"
)

// The bits of a robust futex word, from <linux/futex.h>.
const (
	ownerDied = 0x40000000
	tidMask   = 0x3fffffff
)

// Dead reports whether the kernel has marked the word.
func Dead(alive *atomic.Uint32) bool { return alive.Load()&ownerDied != 0 }

// keeper is the thread that has the list, 0 for none yet.
var keeper struct {
	mu  sync.Mutex
	tid int // guarded by mu, but in package initialization
}

// Prepare gives the main thread the list, if it is the calling one. It is for package initialization.
func Prepare() {
	if tid := osenv.ThreadID(); tid == os.Getpid() && !osenv.HasRobustList() && osenv.SetRobustList(head()) == nil {
		keeper.tid = tid
	}
}

// Announce makes the calling process the one that the word tells of, once for each word. The word must stay mapped, and
// abi.RobustEntry behind it 8 bytes are the kernel's. If the kernel keeps no such lists, the word never tells of a death,
// and only the pidfd does. When it returns, the word tells of the end of the process, however soon that comes.
func Announce(alive *atomic.Uint32) {
	keeper.mu.Lock()
	defer keeper.mu.Unlock()
	if keeper.tid == 0 {
		tid := make(chan int)
		go keep(tid)
		keeper.tid = <-tid
	}
	alive.Store(uint32(keeper.tid) & tidMask)
	link(alive)
}

// keep gives the list to a thread of its own, which is not the main thread, for that has one.
func keep(tid chan<- int) {
	runtime.LockOSThread()
	if osenv.ThreadID() == os.Getpid() {
		defer runtime.UnlockOSThread()
		other := make(chan int)
		go keep(other) // on another: this one is held here
		tid <- <-other
		return
	}
	err := osenv.SetRobustList(head())
	tid <- osenv.ThreadID()
	if err == nil {
		select {} // the thread must outlive everything
	}
}
