package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// What the rivals of Go's module proxy link makes the start of a program half as long again, and so the start of each worker, which is
// the same program. So that they take part in no other group, their code is left out but for the build tag that has their name, and
// their groups are measured, worker and all, by a second program: this one with that tag, built when it is first needed.
const (
	rivalsTag   = "rivals"
	benchModule = "github.com/go-multiproc/mp/bench"

	roleGroup = "@group" // measures a group, and prints what came of it
)

// rivalRoles are the roles that only that program has. They get their arguments and return an error.
var rivalRoles = map[string]func(args []string) error{}

// An order is what that program is told, and a findings what it prints.
type (
	order struct {
		Group         string
		Rounds, Scale int
		Short         bool
	}
	findings struct {
		Of      map[string][]float64
		Skipped map[string]string
		Below   string
	}
)

var rivalsProgram = sync.OnceValues(func() (string, error) {
	dir, err := scratchDir()
	if err != nil {
		return "", err
	}
	if module, err := exec.Command("go", "list", "-m").Output(); err != nil || strings.TrimSpace(string(module)) != benchModule {
		return "", skip("it can be built only by Go, and in bench/")
	}
	if out, err := exec.Command("go", "list", "-deps", "-tags", rivalsTag, benchModule).CombinedOutput(); err != nil {
		return "", skip("its modules cannot be had: " + lastLine(out))
	}
	program := filepath.Join(dir, "bench-rivals")
	if out, err := exec.Command("go", "build", "-tags", rivalsTag, "-ldflags=-s -w", "-o", program, benchModule).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
})

func lastLine(text []byte) string {
	s := strings.TrimSpace(string(text))
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// elsewhere has a group measured by the program that can.
func (r *runner) elsewhere(g group) (*samples, error) {
	program, err := rivalsProgram()
	if why, ok := errors.AsType[skip](err); ok {
		return &samples{skipped: map[string]string{g.name: string(why)}}, nil
	}
	if err != nil {
		return nil, err
	}
	return r.measuredBy(program, g)
}

func (r *runner) measuredBy(program string, g group) (*samples, error) {
	what, err := json.Marshal(order{g.name, r.rounds, r.scale, r.short})
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, roleGroup, string(what))
	cmd.Stderr = os.Stderr
	dir, err := scratchDir()
	if err != nil {
		return nil, err
	}
	cmd.Env = append(os.Environ(), "TMPDIR="+dir) // what it leaves behind, should it be killed, goes with ours
	here, there, err := tie(cmd)
	if err != nil {
		return nil, err
	}
	defer here.Close()
	defer there.Close()
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	var f findings
	if err := json.Unmarshal(out, &f); err != nil {
		return nil, err
	}
	r.below.WriteString(f.Below)
	return &samples{of: f.Of, skipped: f.Skipped}, nil
}

// measureGroup is that program's part.
func measureGroup(what string) error {
	atParentsEnd(func() { os.Exit(1) })
	defer removeScratch()
	var o order
	if err := json.Unmarshal([]byte(what), &o); err != nil {
		return err
	}
	f, err := o.measure()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

func (o order) measure() (findings, error) {
	chosen, err := choose(o.Group, o.Short)
	if err != nil {
		return findings{}, err
	}
	if chosen[0].open == nil {
		return findings{}, fmt.Errorf("%s is measured by nobody", o.Group) // and not by one program after another
	}
	r := &runner{rounds: o.Rounds, scale: o.Scale, short: o.Short, log: os.Stderr}
	s, err := r.group(chosen[0])
	if err != nil {
		return findings{}, err
	}
	return findings{s.of, s.skipped, r.below.String()}, nil
}

// lifelineFD is the descriptor of a child's lifeline: a pipe of which only its parent holds the other end, so that it ends with the
// parent, however the parent ends.
const lifelineFD = 3

// tie gives a command that is to be started a lifeline. Its end there is to be closed when the command was started; closing the end here
// ends the child.
func tie(cmd *exec.Cmd) (here, there *os.File, err error) {
	there, here, err = os.Pipe()
	if err == nil {
		cmd.ExtraFiles = []*os.File{there}
	}
	return here, there, err
}

// atParentsEnd calls end, in a child, when the parent has closed the lifeline, or is no more.
func atParentsEnd(end func()) {
	go func() {
		_, _ = io.Copy(io.Discard, os.NewFile(lifelineFD, "lifeline")) // nobody writes: it ends when there is nobody who could
		end()
	}()
}
