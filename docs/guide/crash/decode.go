//go:build linux

package main

import (
	"strings"
	"syscall"
)

// decodePicture stands in for the wrapper of a C library. As such libraries do, it uses memory that it has given back when a file
// is not as it expects: the process gets SIGSEGV, which no recover catches.
func decodePicture(file string) (pixels int, err error) {
	picture, err := syscall.Mmap(-1, 0, 1<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return 0, err
	}
	if strings.HasPrefix(file, "broken") {
		if err := syscall.Mprotect(picture, syscall.PROT_NONE); err != nil {
			return 0, err
		}
	}
	for i := range picture {
		picture[i] = 0xff
	}
	return len(picture), syscall.Munmap(picture)
}
