//go:build rivals && linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// roleOrphans opens every rival twice, says so, and waits to be killed.
const roleOrphans = "@orphans"

func init() {
	rivalRoles[roleOrphans] = func([]string) error {
		atParentsEnd(func() { os.Exit(1) })
		for _, name := range rpcNames {
			if _, err := openRemotes(name, workers); err != nil {
				return err
			}
		}
		fmt.Println("ready")
		select {}
	}
}

// However the parent ends, its rivals end.
func TestRivalsDieWithTheirParent(t *testing.T) {
	cmd := exec.Command(own(), roleOrphans)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	here, there, err := tie(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	defer there.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		_ = cmd.Process.Kill()
		t.Fatal(line, err, cmd.Wait())
	}
	var fds []int
	for _, pid := range childrenOf(t, cmd.Process.Pid) {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatal(pid, err)
		}
		defer unix.Close(fd)
		fds = append(fds, fd)
	}
	if want := workers * len(rpcNames); len(fds) != want {
		t.Errorf("%d rivals, want %d", len(fds), want)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	for _, fd := range fds {
		if !ends(fd) {
			t.Error("a rival lives on")
			_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
		}
	}
}

// ends waits for the end of a process, but not for ever.
func ends(fd int) bool {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 60_000) // it is readable when the process has ended
		if !errors.Is(err, unix.EINTR) {
			return n == 1
		}
	}
}

func childrenOf(t *testing.T, parent int) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, name := range stats {
		text, _ := os.ReadFile(name) // it may have ended
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}
