//go:build linux

package block

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// What a block costs from its creation to its end, untouched: its memory is taken all the same.
func BenchmarkCreate(b *testing.B) {
	for _, size := range []int{1, 1 << 20, 64 << 20} {
		b.Run(fmt.Sprint("bytes=", size), func(b *testing.B) {
			if size > 1 {
				b.SetBytes(int64(size))
			}
			for b.Loop() {
				block, err := Create("", size)
				if err != nil {
					b.Fatal(err)
				}
				_ = block.Close()
			}
		})
	}
}

// The same with every page written to once.
func BenchmarkCreateTouch(b *testing.B) {
	const size = 64 << 20
	for _, how := range []string{"reserved", "sparse"} {
		b.Run(how, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				touch(b, how == "sparse", size)
			}
		})
	}
}

func touch(b *testing.B, sparse bool, size int) {
	fd, err := openNameless()
	if err != nil {
		b.Skip(err)
	}
	defer unix.Close(fd)
	if sparse {
		err = unix.Ftruncate(fd, int64(size))
	} else {
		err = reserve(fd, size)
	}
	if err != nil {
		b.Fatal(err)
	}
	data, err := mapFile(fd, size)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < size; i += 4096 {
		data[i] = 1
	}
	_ = unmap(data)
}

func BenchmarkOpen(b *testing.B) {
	block, err := Create("", 4096)
	if err != nil {
		b.Fatal(err)
	}
	defer block.Close()
	for b.Loop() {
		other, err := Open(block.Name())
		if err != nil {
			b.Fatal(err)
		}
		_ = other.Close()
	}
}

// A sweep that finds only living blocks, and one that finds files of others.
func BenchmarkSweep(b *testing.B) {
	for _, n := range []int{0, 100} {
		for _, kept := range []bool{false, true} {
			b.Run(fmt.Sprint("blocks=", n, "/kept=", kept), func(b *testing.B) {
				for range n {
					block, err := Create("", 1)
					if err != nil {
						b.Fatal(err)
					}
					if kept {
						_ = block.Keep()
						defer block.Unlink()
					}
					defer block.Close()
				}
				for b.Loop() {
					Sweep()
				}
			})
		}
	}
}
