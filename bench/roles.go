package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"time"
)

// A role is something else that this program does, when it is started as a rival or to have its memory looked at. Its name is
// the first argument.
const (
	rolePrefix = "@"
	roleNow    = "@now"    // writes the time at which main was reached, and ends
	roleSpin   = "@spin"   // says that it is there, and spins until killed
	roleMemory = "@memory" // prints how the peak of its memory has grown
	roleAnswer = "@answer" // answers messages on the socket that it inherits
	roleDoomed = "@doomed" // has a pool with busy workers, and waits to be killed
)

// playRole returns the exit code.
func playRole(role string, args []string) int {
	switch role {
	case roleNow:
		// The first thing after main was entered, for mp.Main returns at once.
		_ = binary.Write(os.Stdout, binary.NativeEndian, time.Now().UnixNano()) // that nobody reads it, the reader will know
		return 0
	case roleSpin:
		fmt.Println("ready")
		for n := 0; ; n++ {
			if n < 0 {
				return 0
			}
		}
	case roleMemory:
		if err := printMemory(args); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	case roleAnswer:
		n, err := integers(args)
		if err == nil {
			err = answerSocket(n[0])
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	case roleDoomed:
		if err := beDoomed(args[0]); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		return 1
	case roleWorkerMemory, roleSharing, roleInFlight:
		return curveRole(role, args)
	default:
		if play, ok := rivalRoles[role]; ok {
			if err := play(args); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			return 0
		}
		fmt.Fprintln(os.Stderr, "bench: no such role:", role)
		return 2
	}
}

func integers(args []string) ([]int, error) {
	out := make([]int, len(args))
	for i, a := range args {
		n, err := strconv.Atoi(a)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

// own is this very program, whatever its file is called by now.
func own() string {
	if _, err := os.Stat("/proc/self/exe"); err == nil {
		return "/proc/self/exe"
	}
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}
