package block

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
)

// A Block is memory that has a name, mapped into this process. All methods are safe for concurrent use.
//
// A Block that is forgotten without Close stays mapped until the process ends, and if this process created it, the
// block's name stays as long.
type Block struct {
	name string   // immutable
	id   Identity // immutable
	size int      // immutable

	mu   sync.Mutex
	data []byte // guarded by mu: the mapping, as mmap returned it; nil once it is closed
	life int    // guarded by mu: the creator's descriptor, which holds the lock on lifeByte; else noFile
}

// noFile stands for no descriptor.
const noFile = -1

// Identity tells a block from others that have its name before or after it. The zero value is no block's.
type Identity struct{ Dev, Ino uint64 }

// Create makes a block of exactly this size in bytes, all zero, and its name. If there is one of this name, it returns
// an error that is fs.ErrExist, unless that one is an orphan, which is then replaced. An empty name stands for a free
// one, mp_ and eight hexadecimal digits. All of the memory is taken here and now: if there is not enough, the error is
// ENOSPC and says how much there is.
//
// A name is of 1 to 255 bytes and neither "." nor ".."; it has no NUL and no slash, but for one in front, which
// does not count.
func Create(name string, size int) (*Block, error) {
	if size <= 0 {
		return nil, fmt.Errorf("mp: cannot create block %q: a size of %d bytes", name, size)
	}
	if name != "" {
		var err error
		if name, err = cleanName(name); err != nil {
			return nil, fmt.Errorf("mp: cannot create block: %w", err)
		}
	}
	sweepAtTimes()
	b, err := create(name, size)
	if err != nil {
		return nil, fmt.Errorf("mp: cannot create block %q: %w", name, err)
	}
	return b, nil
}

// Open maps the block of this name, whoever created it: this library, Python's SharedMemory or shm_open(3). If there is
// none, it returns an error that is fs.ErrNotExist; an orphan is none, nor is a file that has no bytes, for it has no
// size yet. To open and to close a block that another created never destroys it.
func Open(name string) (*Block, error) {
	name, err := cleanName(name)
	if err != nil {
		return nil, fmt.Errorf("mp: cannot open block: %w", err)
	}
	sweepAtTimes()
	b, err := attach(name)
	if err != nil {
		return nil, fmt.Errorf("mp: cannot open block %q: %w", name, err)
	}
	return b, nil
}

// Remove removes the name of a block whose creator is dead, if that name is still this very block's and nobody has
// called Keep; otherwise there is nothing to do, and it returns nil. It never removes the block of a creator that lives:
// it waits for its end for a second, and returns an error that is EAGAIN.
func Remove(name string, id Identity) error {
	name, err := cleanName(name)
	if err == nil {
		err = remove(name, id)
	}
	if err != nil && !settled(err) {
		return fmt.Errorf("mp: cannot remove block %q: %w", name, err)
	}
	return nil
}

// errKept is why a name is not removed that could be.
var errKept = errors.New("it is kept")

// settled reports whether an error of a removal says that there is nothing to remove.
func settled(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errKept) }

// Sweep removes the names of all orphans of this user: when it returns, those that there were at its call are gone.
// Create and Open do so of their own accord, the first time and then as often as it takes a hundredth of the time.
func Sweep() { sweep() }

// Name returns the block's name, without a slash.
func (b *Block) Name() string { return b.name }

// Size returns the number of bytes in the block.
func (b *Block) Size() int { return b.size }

// Identity returns what Remove knows the block by.
func (b *Block) Identity() Identity { return b.id }

// Bytes returns the memory itself, and nil after Close. What one process writes the others see, with no more order than
// that of any memory that threads share. Nobody may touch the slice after Close: that is no panic but the end of the
// process by SIGSEGV. So would be a SIGBUS if somebody cut the file shorter, which nothing in this library does.
func (b *Block) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.data
}

// Keep makes the block stay when its creator ends, until Unlink. Any process that has the block may call it, also after
// Close. It returns an error that is fs.ErrNotExist if the name is gone.
func (b *Block) Keep() error {
	if err := keep(b.name, b.id); err != nil {
		return fmt.Errorf("mp: cannot keep block %q: %w", b.name, err)
	}
	return nil
}

// Unlink removes the block's name: nobody can open it any more, and whoever has it goes on with it. Any process that
// has the block may call it, also after Close. It returns an error that is fs.ErrNotExist if the name is gone, or
// another block's.
func (b *Block) Unlink() error {
	if err := unlink(b.name, b.id); err != nil {
		return fmt.Errorf("mp: cannot unlink block %q: %w", b.name, err)
	}
	return nil
}

// Close unmaps the block, and if this is the Block that Create returned, removes the name, unless somebody called
// Keep. A second Close does nothing. If Close returns an error, the name could not be removed, and the next sweep does
// it; the memory is unmapped all the same.
func (b *Block) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.data == nil {
		return nil
	}
	var err error
	if b.life != noFile {
		if err = removeOwn(b.name, b.id, b.life); settled(err) {
			err = nil
		}
	}
	err = errors.Join(err, release(b.data, b.life))
	b.data, b.life = nil, noFile
	if err != nil {
		return fmt.Errorf("mp: cannot close block %q: %w", b.name, err)
	}
	return nil
}
