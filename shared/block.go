package shared

import (
	"encoding/binary"
	"fmt"
	"io/fs"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/arena"
	"github.com/go-multiproc/mp/internal/block"
)

// A Block is memory that has a name, for programs that are no relatives: any program of this user can open it, and so can
// Python's multiprocessing.shared_memory. It has nothing to do with the family's memory.
//
// The name goes when the creator closes the block or ends. If it was killed, the survivors of its family remove the name, or, if
// there are none, the next program that uses blocks. Keep leaves it to Unlink. To open a block, and to close one that another
// created, never destroys it. (Python's own resource tracker does: a script that attaches should say track=False.)
//
// A Block may be sent to another process: what travels is its name, and there the same block is opened, or it is an error that is
// fs.ErrNotExist. All methods are safe for concurrent use.
type Block struct {
	b    *block.Block
	cell *abi.Cell // that tells the family; nil if it has no other process, or another created the block
	meta uint64
}

// The cell of a block: its memory is the name, A and B are the identity, Owner the creator.
func init() {
	arena.Kinds[kindBlock] = arena.Kind{Bury: buryBlock}
}

func buryBlock(a *arena.Arena, c *abi.Cell, meta uint64, dead uint32) {
	if c.Owner.Load() != dead {
		return
	}
	name := string(a.Bytes(c.Offset.Load(), c.Size.Load()))
	_ = block.Remove(name, block.Identity{Dev: c.A.Load(), Ino: c.B.Load()}) // else the next program does
	a.Remove(c, meta)
}

// CreateBlock makes a block of exactly size bytes, all zero. All of the memory is taken here and now. An empty name
// stands for a free one. If there is a block of this name, the error is fs.ErrExist.
func CreateBlock(name string, size int) (*Block, error) {
	b, err := block.Create(name, size)
	if err != nil {
		return nil, err
	}
	created := &Block{b: b}
	if err := created.tell(); err != nil {
		_ = b.Close()
		return nil, fmt.Errorf("mp/shared: CreateBlock: %w", err)
	}
	return created, nil
}

// tell leaves word with the family, if there is one, whose name it is to remove.
func (b *Block) tell() error {
	a, err := own.inherited()
	if err != nil || a == nil {
		return err
	}
	name, id := b.b.Name(), b.b.Identity()
	c, err := a.New(kindBlock, uint64(len(name)))
	if err != nil {
		return err
	}
	copy(a.Bytes(c.Offset.Load(), c.Size.Load()), name)
	c.A.Store(id.Dev)
	c.B.Store(id.Ino)
	a.Publish(c) // Owner stays
	b.cell, b.meta = c, c.Meta.Load()
	return nil
}

// untell takes it back.
func (b *Block) untell() {
	if b.cell != nil {
		own.joined.Load().Remove(b.cell, b.meta)
	}
}

// OpenBlock opens the block of this name, whoever created it. If there is none, the error is fs.ErrNotExist.
func OpenBlock(name string) (*Block, error) {
	b, err := block.Open(name)
	if err != nil {
		return nil, err
	}
	return &Block{b: b}, nil
}

// Name is the block's name.
func (b *Block) Name() string { return b.b.Name() }

// Size is the number of its bytes.
func (b *Block) Size() int { return b.b.Size() }

// Bytes is the memory itself, nil after Close. Nobody may touch it after Close.
func (b *Block) Bytes() []byte { return b.b.Bytes() }

// Keep makes the block stay when its creator ends, until Unlink.
func (b *Block) Keep() error {
	err := b.b.Keep()
	if err == nil {
		b.untell()
	}
	return err
}

// Close unmaps the block here. The creator's Close removes the name as well, but after Keep. A second Close does nothing.
func (b *Block) Close() error {
	err := b.b.Close()
	b.untell()
	return err
}

// Unlink removes the name: nobody can open the block any more, and who has it goes on with it. If there is no such name, the
// error is fs.ErrNotExist.
func (b *Block) Unlink() error {
	err := b.b.Unlink()
	if err == nil {
		b.untell()
	}
	return err
}

// String names the block and its size.
func (b *Block) String() string { return fmt.Sprintf("Block %q (%d bytes)", b.Name(), b.Size()) }

// MarshalBinary implements encoding.BinaryMarshaler.
func (b *Block) MarshalBinary() ([]byte, error) {
	if b.b == nil {
		return nil, errZero
	}
	id := b.b.Identity()
	return append(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, id.Dev), id.Ino), b.Name()...), nil
}

var errReplaced = fmt.Errorf("mp/shared: the block is gone, and another has its name: %w", fs.ErrNotExist)

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (b *Block) UnmarshalBinary(data []byte) error {
	if len(data) < 16 {
		return errCorrupt
	}
	opened, err := OpenBlock(string(data[16:]))
	if err != nil {
		return err
	}
	want := block.Identity{Dev: binary.LittleEndian.Uint64(data), Ino: binary.LittleEndian.Uint64(data[8:])}
	if opened.b.Identity() != want {
		_ = opened.Close()
		return errReplaced
	}
	*b = *opened
	return nil
}
