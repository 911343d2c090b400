//go:build linux

package guide_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
)

// roleVar makes this test binary the program that is replaced while it runs.
const roleVar = "MP_GUIDE_ROLE"

var double = mp.Func("guide.double", func(_ context.Context, x int) (int, error) { return 2 * x, nil })

func TestMain(m *testing.M) {
	mp.Main()
	if os.Getenv(roleVar) != "" {
		fmt.Println(replaced())
		return
	}
	os.Exit(m.Run())
}

// replaced starts workers before and after it is told to go on.
func replaced() (sum int, err error) {
	for i := range 2 {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
		if err != nil {
			return 0, err
		}
		defer pool.Close()
		y, err := double.Call(context.Background(), pool, 1)
		if err != nil {
			return 0, err
		}
		sum += y
		if i == 0 {
			fmt.Println("up")
			if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
				return 0, err
			}
		}
	}
	return sum, nil
}

// What deploy.md says of upgrades: the file of a running program can be replaced, but not written to, and its later workers are the old program.
func TestGuideUpgrade(t *testing.T) {
	name := filepath.Join(t.TempDir(), "program")
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, self, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name)
	cmd.Env = append(os.Environ(), roleVar+"=replaced")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "up\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := os.OpenFile(name, os.O_WRONLY, 0); !errors.Is(err, syscall.ETXTBSY) {
		t.Errorf("writing to the running program: %v", err)
	}
	if err := os.WriteFile(name+".new", []byte("#!/bin/false\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(in); err != nil {
		t.Fatal(err)
	}
	if line, err := lines.ReadString('\n'); line != "4 <nil>\n" {
		t.Errorf("%q, %v", line, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
