// Package robust tells who is alive, by the one thing that cannot be forgotten: a word that the kernel itself marks
// when a process ends, however it ends.
//
// A thread may register with the kernel a list of words that hold its id (set_robust_list(2)). The kernel walks the
// list when the thread exits, before it tears the address space down, and sets bit 30 of each. A worker registers one
// word, in its channel, with a thread that ends only with the process. The parent sees the mark about 0.4 ms after a
// kill, while a pidfd waits for the teardown, which takes 110 µs for each MiB that the victim used.
//
// That thread is the main thread, which the Go runtime never ends, and which runs package initialization: Prepare
// registers the list there while it is still empty, and Announce later puts the word on it. Where the main thread has
// a list already, for a C library keeps one, Announce starts a thread for it.
//
// The mark means suspect: the other threads of the victim may still run for some microseconds. Nothing more may be
// given to such a worker; what it had begun is settled when its pidfd says so. A worker can forge the word either
// way. To feign death costs it its own work; to feign life changes nothing, for the pidfd decides. A process that
// becomes another program by execve is marked, too: it is no worker any more.
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
