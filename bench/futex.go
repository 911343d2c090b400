package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"time"
)

//go:embed c/pingpong.c
var pingpong []byte

// pingpongBinary compiles the rival in C.
var pingpongBinary = sync.OnceValues(func() (string, error) {
	if runtime.GOOS != "linux" {
		return "", skip("there are no futexes")
	}
	compiler, err := exec.LookPath("cc")
	if err != nil {
		return "", skip("there is no cc")
	}
	source, err := writeScratch("pingpong.c", pingpong)
	if err != nil {
		return "", err
	}
	binary := source + ".out"
	if out, err := exec.Command(compiler, "-O2", "-o", binary, source).CombinedOutput(); err != nil {
		return "", fmt.Errorf("cc: %w\n%s", err, out)
	}
	return binary, nil
})

// futex measures a ping-pong between two processes on two CPUs. How the caller waits for the answer is "sleep" or "spin"; the other
// side always sleeps.
func futex(how string, n int, pause time.Duration) (figures, error) {
	binary, err := pingpongBinary()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, how, strconv.Itoa(n), strconv.Itoa(int(pause.Microseconds())))
	cmd.Stderr = os.Stderr
	return reading(cmd)
}
