//go:build !rivals

package main

import (
	"fmt"
	"os"
	"os/exec"
)

// redrawIn has the page and the pictures made by the program that has the tag rivals: what draws would, once linked, make every start
// of a process that is measured here a third longer.
func redrawIn(dir string) error {
	program, err := rivalsProgram()
	if err != nil {
		return fmt.Errorf("drawing: %w", err)
	}
	cmd := exec.Command(program, "-redraw", dir)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
