package block

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// create makes a file without a name, puts everything right, and names it last.
func create(name string, size int) (*Block, error) {
	if err := enough(size); err != nil {
		return nil, err
	}
	d, err := newDraft()
	if err != nil {
		return nil, err
	}
	b, err := d.finish(name, size)
	d.forget()
	if err != nil {
		lifeByte.unlock(d.fd)
		closeFile(d.fd)
		return nil, err
	}
	return b, nil
}

func (d draft) finish(name string, size int) (*Block, error) {
	if err := reserve(d.fd, size); err != nil {
		return nil, err
	}
	step("reserved")
	st, err := fileStat(d.fd)
	if err != nil {
		return nil, err
	}
	b := &Block{id: identity(&st), size: size, life: d.fd}
	if b.data, err = mapFile(d.fd, size); err != nil {
		return nil, err
	}
	step("mapped")
	if b.name, err = d.publish(name); err != nil {
		return nil, errors.Join(err, unmap(b.data))
	}
	step("named")
	return b, nil
}

// publish gives the file its name, which an empty one leaves to it.
func (d draft) publish(name string) (string, error) {
	if name != "" {
		err := d.link(name)
		if errors.Is(err, fs.ErrExist) && freeOfOrphan(name) {
			err = d.link(name)
		}
		return name, err
	}
	for range maxDraws {
		name := drawName()
		if err := d.link(name); !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
	return "", fmt.Errorf("%d names were not free: %w", maxDraws, fs.ErrExist)
}

// A draft is a file on its way to be a block: marked, with its life locked, and without the block's name.
type draft struct {
	fd   int
	temp string // the name that it has where a file must have one, else empty
}

func newDraft() (draft, error) {
	fd, err := openNameless()
	if err != nil {
		return newNamedDraft()
	}
	step("nameless")
	d := draft{fd: fd}
	if err = lifeByte.lock(fd, 0); err == nil {
		step("locked")
		err = os.NewSyscallError("fchmod", unix.Fchmod(fd, modeMarked))
	}
	if err != nil {
		closeFile(fd)
	}
	return d, err
}

// openNameless opens a file that has no name and can get one. Tests make it fail.
var openNameless = func() (int, error) {
	return unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
}

// newNamedDraft is for a file system that has no nameless files. The file is marked when it is made, but its life is not yet
// locked, so a sweep may take it for an orphan.
func newNamedDraft() (draft, error) {
	for range maxDraws {
		d := draft{temp: drawName()}
		var err error
		d.fd, err = unix.Open(dir+d.temp, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR|unix.O_CLOEXEC, modeMarked)
		if errors.Is(err, unix.EEXIST) {
			continue
		}
		if err != nil {
			return d, os.NewSyscallError("open", err)
		}
		step("temporary")
		swept, err := d.revive()
		if err == nil && !swept {
			return d, nil
		}
		closeFile(d.fd)
		if err != nil {
			d.forget()
			return d, err
		}
	}
	return draft{}, fmt.Errorf("%d names were not free: %w", maxDraws, fs.ErrExist)
}

// revive locks the draft's life, and finds out whether it was swept before. A sweep asks for the life from behind the gate:
// whoever has locked it, gets through the gate and still finds the name has got ahead of all sweeps.
func (d draft) revive() (swept bool, err error) {
	if err := lifeByte.lock(d.fd, 0); err != nil {
		return false, err
	}
	if err := gateByte.lock(d.fd, patience); err != nil {
		return false, err
	}
	defer gateByte.unlock(d.fd)
	if err := unix.Fchmod(d.fd, modeMarked); err != nil { // the umask may have had its say
		return false, os.NewSyscallError("fchmod", err)
	}
	st, err := fileStat(d.fd)
	return st.Nlink == 0, err
}

// link gives the file a name that no other file has.
func (d draft) link(name string) error {
	if d.temp != "" {
		return os.NewSyscallError("link", unix.Link(dir+d.temp, dir+name))
	}
	err := unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(d.fd), unix.AT_FDCWD, dir+name, unix.AT_SYMLINK_FOLLOW)
	if err == unix.ENOENT { // no /proc; the other way is open to root, and to others since Linux 6.10
		err = unix.Linkat(d.fd, "", unix.AT_FDCWD, dir+name, unix.AT_EMPTY_PATH)
	}
	return os.NewSyscallError("linkat", err)
}

// forget removes the temporary name.
func (d draft) forget() {
	if d.temp != "" {
		_ = unix.Unlink(dir + d.temp)
	}
}
