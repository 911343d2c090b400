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

// A cProgram is a rival in C, compiled when it is first needed.
type cProgram func() (binary string, err error)

func newCProgram(name string, source []byte) cProgram {
	return sync.OnceValues(func() (string, error) {
		if runtime.GOOS != "linux" {
			return "", skip("there are no futexes")
		}
		compiler, err := exec.LookPath("cc")
		if err != nil {
			return "", skip("there is no cc")
		}
		file, err := writeScratch(name+".c", source)
		if err != nil {
			return "", err
		}
		binary := file + ".out"
		if out, err := exec.Command(compiler, "-O2", "-pthread", "-o", binary, file).CombinedOutput(); err != nil {
			return "", fmt.Errorf("cc: %w\n%s", err, out)
		}
		return binary, nil
	})
}

func (c cProgram) run(args ...string) (figures, error) {
	binary, err := c()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, args...)
	cmd.Stderr = os.Stderr
	return reading(cmd)
}

//go:embed c/pingpong.c
var pingpongSource []byte

var pingpong = newCProgram("pingpong", pingpongSource)

// futex measures a ping-pong between two processes on two CPUs. How the caller waits for the answer is "sleep" or "spin"; the other
// side always sleeps.
func futex(how string, n int, pause time.Duration) (figures, error) {
	return pingpong.run(how, strconv.Itoa(n), strconv.Itoa(int(pause.Microseconds())))
}

//go:embed c/robust.c
var robustSource []byte

var robustMutex = newCProgram("robust", robustSource)

// robust measures a robust pthread mutex in shared memory: pairs of lock and unlock with nobody else there, and processes that
// make n increments each under it.
func robust(pairs, processes, n int) (figures, error) {
	return robustMutex.run(strconv.Itoa(pairs), strconv.Itoa(processes), strconv.Itoa(n))
}
