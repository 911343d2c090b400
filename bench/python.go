package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed peers.py
var peers []byte

// python runs one measurement of peers.py in an interpreter of its own, so that nothing of it is left while others are measured.
func python(what string, args ...int) (figures, error) { return pythonModule("peers", what, args...) }

//go:embed curves.py
var curvesModule []byte

// pythonModule is the same for another module beside it.
func pythonModule(module, what string, args ...int) (figures, error) {
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		return nil, skip("there is no python3")
	}
	file, err := peersFile()
	if err != nil {
		return nil, err
	}
	// Imported, not run: else a process that spawn or the fork server starts would have to compile and run it first.
	line := []string{"-c", fmt.Sprintf("import %s; %s.main()", module, module), what}
	for _, a := range args {
		line = append(line, strconv.Itoa(a))
	}
	cmd := exec.Command(interpreter, line...)
	cmd.Stderr = os.Stderr
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "PYTHONDONTWRITEBYTECODE=") // it would have every process compile it
	}), "PYTHONPATH="+filepath.Dir(file))
	return reading(cmd)
}

// pythonSide is python as a side of a comparison.
func pythonSide(name, what string, args ...int) side {
	return side{name, func() (figures, error) { return python(what, args...) }}
}

// reading runs a program that prints one JSON object of figures.
func reading(cmd *exec.Cmd) (figures, error) {
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %w", cmd.Args, err)
	}
	var f figures
	if err := json.Unmarshal(out, &f); err != nil {
		return nil, fmt.Errorf("%v printed %q: %w", cmd.Args, out, err)
	}
	if len(f) == 0 {
		return nil, errors.New("no figures")
	}
	return f, nil
}

// scratchDir is where rivals that have to be files are put.
var scratchDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "mp-bench-") })

func removeScratch() {
	if dir, err := scratchDir(); err == nil {
		_ = os.RemoveAll(dir) // what is left of it hurts nobody
	}
}

// peersFile is a file, for workers that Python spawns import it.
var peersFile = sync.OnceValues(func() (string, error) {
	if _, err := writeScratch("curves.py", curvesModule); err != nil {
		return "", err
	}
	return writeScratch("peers.py", peers)
})

func writeScratch(name string, text []byte) (string, error) {
	dir, err := scratchDir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, name)
	return file, os.WriteFile(file, text, 0o600)
}
