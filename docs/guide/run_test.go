//go:build linux

package guide_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// programs is the directory of the guide's programs, built.
type programs string

// build builds every program of the guide, once, as a user would.
func build(t *testing.T) programs {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", dir+"/", "./...").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return programs(dir)
}

// patience is for a program that hangs: none takes more than some seconds.
const patience = 2 * time.Minute

// run is what a program prints, started with these arguments. The pages say nothing of what it has on stdin and in its environment, but
// one of them shows it.
func (p programs) run(t *testing.T, line string) string {
	t.Helper()
	words := strings.Fields(line)
	return output(t, filepath.Join(string(p), words[0]), words[1:]...)
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "/tmp"
	cmd.Stdin = strings.NewReader("hello")
	cmd.Env = append(os.Environ(), "GUIDE_LEVEL=main")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s %v: %v\n%s%s", name, args, err, out, &stderr)
	}
	return string(out)
}

// The Python script prints what the page says of the Go program, which TestGuideBlocks looks after.
func TestGuidePython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("there is no python3")
	}
	script, err := filepath.Abs("python/count.py")
	if err != nil {
		t.Fatal(err)
	}
	theirs := output(t, python, script)
	page, err := os.ReadFile("python.md")
	if err != nil {
		t.Fatal(err)
	}
	if ours := "<!-- run: python -->\n```text\n" + theirs + "```\n"; theirs == "" || !strings.Contains(string(page), ours) {
		t.Errorf("the Python script prints, and the page does not say so:\n%s", theirs)
	}
}
