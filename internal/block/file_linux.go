package block

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// dir is where shm_open(3) has its files.
const dir = "/dev/shm/"

// The permissions of a block are its state. A sticky regular file is nothing that the kernel or any other program knows.
const (
	modeKept   = 0o600                // the name stays until somebody unlinks it: what Python makes is like this, too
	modeMarked = unix.S_ISVTX | 0o600 // the name goes with the creator
)

// The locks are on two bytes where no block has any. They are of the kind that belongs to an open file (F_OFD_SETLK),
// not to a process, so that several Blocks in one process are as several processes.
const (
	gateByte lockByte = 1<<62 + iota // held for a moment, by whoever changes the mark or removes the name
	lifeByte                         // held by the creator, from before the block has a name until its end; others only ask
)

type lockByte int64

// patience is how long the gate is waited for, which is held for microseconds, unless its holder is stopped; and the end of
// a creator, whose descriptors a process that it was just starting has until its exec. Tests of it have less.
var patience = time.Second

// steps, if set, is told of each step that leaves a trace outside the process, so that tests can kill it there.
var steps func(string)

func step(name string) {
	if steps != nil {
		steps(name)
	}
}

// lock takes the lock. The error is EAGAIN if another has it all the time.
func (l lockByte) lock(fd int, wait time.Duration) error {
	err := l.fcntl(fd, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
	for deadline := time.Now().Add(wait); errors.Is(err, unix.EAGAIN) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
		err = l.fcntl(fd, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
	}
	return err
}

// unlock gives it back: to close the descriptor does not, as long as a process about to exec has a copy.
func (l lockByte) unlock(fd int) {
	_ = l.fcntl(fd, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK})
}

// taken reports whether another has the lock.
func (l lockByte) taken(fd int) bool {
	f := unix.Flock_t{Type: unix.F_WRLCK}
	return l.fcntl(fd, unix.F_OFD_GETLK, &f) != nil || f.Type != unix.F_UNLCK
}

func (l lockByte) fcntl(fd, cmd int, f *unix.Flock_t) error {
	f.Whence, f.Start, f.Len = io.SeekStart, int64(l), 1
	return os.NewSyscallError("fcntl", unix.FcntlFlock(uintptr(fd), cmd, f))
}

// openFile opens the file of this name, as shm_open does, and no other that a link leads to.
func openFile(name string) (int, error) {
	fd, err := unix.Open(dir+name, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	return fd, os.NewSyscallError("open", err)
}

// closeFile closes what was opened to look or to lock: there is nothing that could fail.
func closeFile(fd int) { _ = unix.Close(fd) }

func fileStat(fd int) (unix.Stat_t, error) {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	return st, os.NewSyscallError("fstat", err)
}

func identity(st *unix.Stat_t) Identity { return Identity{uint64(st.Dev), st.Ino} } //nolint:unconvert // not everywhere

// goes reports whether the file's name goes with its creator.
func goes(st *unix.Stat_t) bool {
	return st.Mode == unix.S_IFREG|modeMarked && st.Uid == uint32(os.Geteuid())
}

// exclusively has do called with a descriptor of the block that has this name and identity, while nobody else of this
// library can change its mark or remove its name. If there is none, the error is fs.ErrNotExist.
func exclusively(name string, id Identity, do func(fd int) error) error {
	fd, err := openFile(name)
	if err != nil {
		return err
	}
	defer closeFile(fd)
	return exclusivelyOn(fd, name, id, do)
}

// exclusivelyOn does it by a descriptor that there is already.
func exclusivelyOn(fd int, name string, id Identity, do func(fd int) error) error {
	if st, err := fileStat(fd); err != nil || identity(&st) != id {
		return orNotExist(err) // and not another block's gate waited for
	}
	if err := gateByte.lock(fd, patience); err != nil {
		return fmt.Errorf("it is in use: %w", err)
	}
	defer gateByte.unlock(fd)
	var st unix.Stat_t
	if err := unix.Lstat(dir+name, &st); err != nil || identity(&st) != id {
		return orNotExist(os.NewSyscallError("lstat", err))
	}
	step("gate")
	return do(fd)
}

func orNotExist(err error) error {
	if err == nil {
		return fs.ErrNotExist
	}
	return err
}

// unlinkName removes a name, at last.
func unlinkName(name string) error {
	err := unix.Unlink(dir + name)
	step("unlinked")
	return os.NewSyscallError("unlink", err)
}

func unlink(name string, id Identity) error {
	return exclusively(name, id, func(int) error { return unlinkName(name) })
}

func keep(name string, id Identity) error {
	return exclusively(name, id, func(fd int) error {
		st, err := fileStat(fd)
		if err != nil || st.Mode&unix.S_ISVTX == 0 {
			return err
		}
		err = unix.Fchmod(fd, modeKept)
		step("kept")
		return os.NewSyscallError("fchmod", err)
	})
}
