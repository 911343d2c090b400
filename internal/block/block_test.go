//go:build linux

package block

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newBlock creates a block that is closed at the end of the test.
func newBlock(t *testing.T, name string, size int) *Block {
	t.Helper()
	b, err := Create(name, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeBlock(t, b) })
	return b
}

func openBlock(t *testing.T, name string) *Block {
	t.Helper()
	b, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeBlock(t, b) })
	return b
}

func closeBlock(t *testing.T, b *Block) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func mustNot(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// Every way to make the file, as a test to run.
func eachWay(t *testing.T, test func(t *testing.T)) {
	t.Run("nameless", test)
	t.Run("named", func(t *testing.T) {
		was, draw := openNameless, drawName
		openNameless = func() (int, error) { return -1, unix.EOPNOTSUPP }
		drawName = newName
		defer func() { openNameless, drawName = was, draw }()
		test(t)
	})
}

// A block is a file of exactly this size, zero, for its user alone, and everybody who opens it sees the same bytes.
func TestCreate(t *testing.T) {
	noLeaks(t)
	eachWay(t, func(t *testing.T) {
		for _, size := range []int{1, 4095, 4096, 4097, 3*reserveAtOnce + 1} {
			name := newName()
			b := newBlock(t, name, size)
			if len(b.Bytes()) != size || b.Size() != size || b.Name() != name || b.Identity() == (Identity{}) {
				t.Error(b.Name(), b.Size(), len(b.Bytes()), b.Identity())
			}
			if !bytes.Equal(b.Bytes(), make([]byte, size)) {
				t.Error("it is not zero")
			}
			var st unix.Stat_t
			if err := unix.Lstat(dir+name, &st); err != nil || st.Size != int64(size) || st.Mode != unix.S_IFREG|0o1600 || st.Nlink != 1 {
				t.Errorf("%v %+v", err, st)
			}
			if st.Blocks*512 < int64(size) {
				t.Errorf("%d bytes of %d are there", st.Blocks*512, size)
			}
			other := openBlock(t, "/"+name)
			b.Bytes()[size-1] = 7
			if other.Bytes()[size-1] != 7 || other.Size() != size || other.Name() != name || other.Identity() != b.Identity() {
				t.Error(other.Name(), other.Size(), other.Identity())
			}
			_, err := Create(name, 1)
			mustNot(t, "a second of the name", err, fs.ErrExist)
		}
	})
}

// T217, T219, T238: names of every kind are taken that the system takes, up to their longest; what is none is refused, by each call.
func TestNames(t *testing.T) {
	noLeaks(t)
	longest := prefix + strings.Repeat("x", maxName-len(prefix))
	for _, name := range []string{longest, prefix + ":", prefix + "a\nb", prefix + "\xff", prefix + "…", prefix + " "} {
		b := newBlock(t, "/"+name, 1)
		if openBlock(t, name).Identity() != b.Identity() || b.Name() != name {
			t.Errorf("%q", b.Name())
		}
	}
	for _, name := range []string{"/", ".", "..", "/..", "//" + prefix, prefix + "/a", prefix + "\x00", longest + "x", "../shm/" + prefix} {
		b, err := Create(name, 1)
		if err == nil || b != nil || !strings.HasPrefix(err.Error(), "mp: cannot create block: its name ") {
			t.Errorf("%q: %v", name, err)
		}
		if _, err = Open(name); err == nil || !strings.HasPrefix(err.Error(), "mp: cannot open block: its name ") {
			t.Errorf("%q: %v", name, err)
		}
		if err = Remove(name, Identity{}); err == nil || !strings.Contains(err.Error(), "its name ") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := Open(""); err == nil {
		t.Error("what has no name was opened")
	}
	for _, size := range []int{0, -1} {
		if _, err := Create(newName(), size); err == nil || !strings.HasSuffix(err.Error(), "bytes") {
			t.Errorf("%d: %v", size, err)
		}
	}
	_, err := Open(newName())
	mustNot(t, "a name that nobody made", err, fs.ErrNotExist)
}

// T218: a name that nobody asked for is one that is free.
func TestDrawnName(t *testing.T) {
	noLeaks(t)
	if ok, err := filepath.Match("mp_[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]", newBlock(t, "", 1).Name()); !ok || err != nil {
		t.Error(err)
	}
	taken := newBlock(t, newName(), 1).Name()
	free := newName()
	draws := 0
	defer func(was func() string) { drawName = was }(drawName)
	drawName = func() string {
		if draws++; draws < 10 {
			return taken
		}
		return free
	}
	if b := newBlock(t, "", 1); b.Name() != free || draws != 10 {
		t.Errorf("%q after %d", b.Name(), draws)
	}
	drawName = func() string { return taken }
	_, err := Create("", 1)
	mustNot(t, "no free name", err, fs.ErrExist)
}

// What is in the directory and is no block is not opened, not waited for, and not swept.
func TestNotABlock(t *testing.T) {
	noLeaks(t)
	folder, pipe, link, empty := newName(), newName(), newName(), newName()
	target := newBlock(t, newName(), 1).Name()
	for _, err := range []error{
		os.Mkdir(dir+folder, 0o700), unix.Mkfifo(dir+pipe, 0o600), os.Chmod(dir+pipe, os.ModeSticky|0o600), os.Symlink(target, dir+link),
		os.WriteFile(dir+empty, nil, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	Sweep()
	for _, name := range []string{folder, pipe, link, empty} {
		b, err := Open(name)
		if err == nil || b != nil || (name == empty) != errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		if err := os.Remove(dir + name); err != nil {
			t.Error(err)
		}
	}
}

// The creator's Close ends the name, and no other's does.
func TestClose(t *testing.T) {
	noLeaks(t)
	eachWay(t, func(t *testing.T) {
		name := newName()
		b := newBlock(t, name, 10)
		closeBlock(t, openBlock(t, name))
		other := openBlock(t, name)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { closeBlock(t, b) })
		}
		all.Wait()
		if exists(name) || b.Bytes() != nil {
			t.Error("it is still there")
		}
		other.Bytes()[9] = 1 // it is still mapped
		mustNot(t, "unlink", b.Unlink(), fs.ErrNotExist)
		mustNot(t, "unlink by another", other.Unlink(), fs.ErrNotExist)
		mustNot(t, "keep", other.Keep(), fs.ErrNotExist)
		_, err := Open(name)
		mustNot(t, "open", err, fs.ErrNotExist)
	})
}

func TestUnlink(t *testing.T) {
	noLeaks(t)
	name := newName()
	b := newBlock(t, name, 1)
	other := openBlock(t, name)
	closeBlock(t, other)
	if err := other.Unlink(); err != nil { // after Close, as in Python
		t.Error(err)
	}
	mustNot(t, "a second unlink", other.Unlink(), fs.ErrNotExist)
	mustNot(t, "a second unlink", b.Unlink(), fs.ErrNotExist)
	b.Bytes()[0] = 1
	next := newBlock(t, name, 2)
	mustNot(t, "unlink of the next", b.Unlink(), fs.ErrNotExist)
	mustNot(t, "keep of the next", b.Keep(), fs.ErrNotExist)
	closeBlock(t, b)
	if err := Remove(name, b.Identity()); err != nil {
		t.Error(err)
	}
	if openBlock(t, name).Identity() != next.Identity() {
		t.Error("the next is not there")
	}
}

// A kept block stays, whoever kept it, and nobody but Unlink removes it.
func TestKeep(t *testing.T) {
	noLeaks(t)
	eachWay(t, func(t *testing.T) {
		for _, by := range []string{"creator", "another", "another, closed"} {
			name := newName()
			b := newBlock(t, name, 1)
			keeper := b
			if by != "creator" {
				keeper = openBlock(t, name)
			}
			if by == "another, closed" {
				closeBlock(t, keeper)
			}
			for range 2 {
				if err := keeper.Keep(); err != nil {
					t.Error(err)
				}
			}
			closeBlock(t, b)
			Sweep()
			if err := Remove(name, b.Identity()); err != nil {
				t.Error(err)
			}
			_, err := Create(name, 1)
			mustNot(t, "create", err, fs.ErrExist)
			if err := openBlock(t, name).Unlink(); err != nil {
				t.Error(err)
			}
		}
	})
}

// impatient makes what waits give up soon, until the end of the test.
func impatient(t *testing.T) {
	t.Helper()
	was := patience
	patience = 10 * time.Millisecond
	t.Cleanup(func() { patience = was })
}

// A creator that lives is never taken for a dead one.
func TestRemoveOfLiving(t *testing.T) {
	noLeaks(t)
	impatient(t)
	eachWay(t, func(t *testing.T) {
		b := newBlock(t, newName(), 1)
		mustNot(t, "remove", Remove(b.Name(), b.Identity()), unix.EAGAIN)
		Sweep()
		if err := Remove(b.Name(), Identity{1, 2}); err != nil { // no such block, so it is gone
			t.Error(err)
		}
		if !exists(b.Name()) {
			t.Error("it is gone")
		}
	})
}

// A closed block's locks are free, even if a child between fork and exec has a copy of the descriptor.
func TestCopiedDescriptor(t *testing.T) {
	noLeaks(t)
	impatient(t)
	b := newBlock(t, newName(), 1)
	childs, err := unix.Dup(b.life)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFile(childs)
	other := openBlock(t, b.Name())
	if err := b.Keep(); err != nil {
		t.Error(err)
	}
	closeBlock(t, b)
	if err := other.Keep(); err != nil { // the gate
		t.Error(err)
	}
	if err := os.Chmod(dir+b.Name(), os.ModeSticky|0o600); err != nil {
		t.Fatal(err)
	}
	Sweep() // the life
	if exists(b.Name()) {
		t.Error("it counts as alive")
	}
}
