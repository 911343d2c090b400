//go:build linux

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("HELLO_TEST_RUN") != "" { // the program itself, or a worker of it
		main()
		return
	}
	os.Exit(m.Run())
}

// The program in the README is this one, and it prints what it says there.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```go\n"+string(program)+"```\n") {
		t.Error("the README shows another program")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), "HELLO_TEST_RUN=1")
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "[1 4 9] <nil>\n" {
		t.Errorf("%v, %q", err, out)
	}
}
