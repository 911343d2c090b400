// Package robust tells who is alive, by the one thing that cannot be forgotten: a word that the kernel itself marks
// when a process ends, however it ends.
//
// A worker keeps one thread for ever and registers with it a robust list (set_robust_list(2)) of one entry, the
// alive word in its channel, which holds the thread's id. The kernel walks the list when the thread exits, before it
// tears the address space down, and sets bit 30. The parent sees that about 0.4 ms after a kill, while a pidfd waits for the
// teardown, which takes 110 µs for each MiB that the victim used.
//
// The mark means suspect: the other threads of the victim may still run for some microseconds. Nothing more may be
// given to such a worker; what it had begun is settled when its pidfd says so. A worker can forge the word either
// way. To feign death costs it its own work; to feign life changes nothing, for the pidfd decides.
package robust

import (
	"runtime"
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

// Announce makes the calling process the one that the word tells of. list is memory of at least 32 bytes beside it,
// which must stay mapped. It starts a thread that ends with the process.
func Announce(alive *atomic.Uint32, list []byte) error {
	failed := make(chan error)
	go func() {
		runtime.LockOSThread()
		head := link(list, alive)
		alive.Store(threadID() & tidMask)
		err := osenv.SetRobustList(head)
		failed <- err
		if err == nil {
			select {} // the thread must outlive everything
		}
	}()
	return <-failed
}
