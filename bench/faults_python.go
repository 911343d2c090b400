package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

//go:embed faults.py
var faultsPy []byte

var faultsFile = sync.OnceValues(func() (string, error) { return writeScratch("faults.py", faultsPy) })

// pythonFault is what becomes of one of Python's pools. The interpreter leads a process group, which is killed when it has
// answered: a pool that hangs would stay.
func pythonFault(fault, kind string, limit time.Duration) (fate, error) {
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		return fate{}, skip("there is no python3")
	}
	file, err := faultsFile()
	if err != nil {
		return fate{}, err
	}
	cmd := exec.Command(interpreter, file, fault, kind, strconv.FormatFloat(limit.Seconds(), 'f', -1, 64))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Its workers hold the pipe as well: it is not to be read to the end, but to the end of the answer.
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fate{}, err
	}
	if err := cmd.Start(); err != nil {
		return fate{}, err
	}
	// Whatever it does, it does no longer than that.
	stop := time.AfterFunc(time.Minute+10*limit, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer stop.Stop()
	var f fate
	err = json.NewDecoder(out).Decode(&f)
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // before it is reaped: the number is its own until then
	_ = cmd.Wait()                                      // it was killed
	if err != nil {
		return fate{}, fmt.Errorf("python3 faults.py %s %s: %w", fault, kind, err)
	}
	return f, nil
}
