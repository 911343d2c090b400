package block

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unlinkMarked removes a name unless the block is kept, which only who is past the gate can tell.
func unlinkMarked(fd int, name string) error {
	st, err := fileStat(fd)
	if err == nil && !goes(&st) {
		err = errKept
	}
	if err != nil {
		return err
	}
	return unlinkName(name)
}

// removeOwn is for the creator itself. It needs no further descriptor, so that it works when there is none to be had.
func removeOwn(name string, id Identity, life int) error {
	return exclusivelyOn(life, name, id, func(fd int) error { return unlinkMarked(fd, name) })
}

// remove is for a creator that is believed to be dead.
func remove(name string, id Identity) error {
	err := removeOrphan(name, id)
	for deadline := time.Now().Add(patience); errors.Is(err, errLives) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
		err = removeOrphan(name, id)
	}
	return err
}

// errLives is why there is nothing to remove yet.
var errLives = fmt.Errorf("its creator lives: %w", unix.EAGAIN)

// removeOrphan waits for the gate only if the creator is dead.
func removeOrphan(name string, id Identity) error {
	fd, err := openFile(name)
	if err != nil {
		return err
	}
	defer closeFile(fd)
	if st, err := fileStat(fd); err != nil || identity(&st) != id {
		return orNotExist(err)
	}
	if lifeByte.taken(fd) {
		return errLives
	}
	step("orphan")
	return exclusivelyOn(fd, name, id, func(fd int) error {
		if lifeByte.taken(fd) { // it is a draft, which came to life just now
			return errLives
		}
		return unlinkMarked(fd, name)
	})
}

// sweep looks at the mark before it opens anything: files of others are none of its business.
func sweep() {
	entries, _ := os.ReadDir(dir) // what could be read
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil || info.Mode() != os.ModeSticky|0o600 {
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) == os.Geteuid() {
			id := Identity{uint64(st.Dev), st.Ino} //nolint:unconvert // not everywhere
			_ = removeOrphan(e.Name(), id)         // alive, kept or gone: all are fine
		}
	}
}

// sweeps is when the last sweep ended and how long it took, in one: when the next is due.
var sweeps struct {
	mu  sync.Mutex
	due time.Time
}

// sweepAtTimes sweeps if less than a hundredth of the time went into it so far. Who comes while another is at it goes on.
func sweepAtTimes() {
	if !sweeps.mu.TryLock() {
		return
	}
	defer sweeps.mu.Unlock()
	start := time.Now()
	if start.Before(sweeps.due) {
		return
	}
	sweep()
	end := time.Now()
	sweeps.due = end.Add(100 * end.Sub(start))
}

// freeOfOrphan reports whether the name that is taken may be free now.
func freeOfOrphan(name string) bool {
	var st unix.Stat_t
	if err := unix.Lstat(dir+name, &st); err != nil {
		return true
	}
	if !goes(&st) {
		return false
	}
	err := removeOrphan(name, identity(&st))
	return err == nil || errors.Is(err, fs.ErrNotExist)
}
