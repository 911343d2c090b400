//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
)

// startsVar names a file to which every process of a test adds its pid as soon as it lives.
const startsVar = "MP_TEST_STARTS"

// registryVar tells a worker what is to be different about its registry.
const registryVar = "MP_TEST_REGISTRY"

func init() {
	logStart()
	switch os.Getenv(registryVar) {
	case "missing":
		return
	case "other":
		mp.Func("sometimes", func(context.Context, string) (int, error) { return 0, nil })
		return
	case "more":
		mp.Func("another", func(context.Context, int) (int, error) { return 0, nil })
	}
	mp.Func("sometimes", func(context.Context, int) (int, error) { return 0, nil })
}

func logStart() {
	name := os.Getenv(startsVar)
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
		_ = f.Close()
	}
	if err != nil {
		panic(err)
	}
}

// started returns the pids in such a file, and checks that none of them is alive but this process.
func started(t *testing.T, name string) []int {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for line := range strings.FieldsSeq(string(b)) {
		pid, err := strconv.Atoi(line)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	all := processes(t)
	for _, pid := range pids {
		if p, ok := all[pid]; ok && p.state != "Z" && pid != os.Getpid() {
			t.Errorf("process %d is left", pid)
		}
	}
	return pids
}

const bombProgram = `// A program that forgets mp.Main, in a way that is told by BOMB.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/go-multiproc/mp"
)

var square = mp.Func("square", func(_ context.Context, x int) (int, error) { return x * x, nil })

var _ = func() int {
	f, err := os.OpenFile(os.Getenv("` + startsVar + `"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	fmt.Fprintln(f, os.Getpid())
	return 0
}()

func init() {
	if os.Getenv("BOMB") == "init" {
		pool()
	}
}

func pool() {
	p, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	tell(err)
	p.Close()
}

func tell(err error) {
	if err == nil {
		return
	}
	fmt.Println(err)
	if errors.Is(err, mp.ErrNotMain) {
		os.Exit(3)
	}
	os.Exit(4)
}

func main() {
	switch os.Getenv("BOMB") {
	case "pool":
		pool()
	case "start":
		p, err := square.Start(context.Background(), 2)
		tell(err)
		_, err = p.Wait(context.Background())
		tell(err)
	case "late":
		p, err := square.Start(context.Background(), 2)
		tell(err)
		_, err = p.Wait(context.Background())
		tell(err)
		mp.Main()
	case "ends":
		// Only the first process makes a pool; the others end well, without a word.
		f, err := os.OpenFile(os.Getenv("BOMB_ONCE"), os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return
		}
		f.Close()
		pool()
	case "init":
		mp.Main()
	}
	fmt.Println("no error")
}
`

const bombTest = `package bomb

import (
	"errors"
	"os"
	"testing"

	"github.com/go-multiproc/mp"
)

func init() { run("` + startsVar + `") }

func run(variable string) {
	f, err := os.OpenFile(os.Getenv(variable), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.WriteString("0\n"); err != nil {
		panic(err)
	}
}

func TestOne(t *testing.T) { run("BOMB_TESTS") }

func TestPool(t *testing.T) {
	run("BOMB_TESTS")
	_, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if !errors.Is(err, mp.ErrNotMain) {
		t.Error(err)
	}
}

func BenchmarkNone(b *testing.B) { run("BOMB_TESTS") }

func Example() {
	run("BOMB_TESTS")
	// Output:
}
`

// buildBombs makes a program and a test binary that use this module and forget mp.Main.
func buildBombs(t *testing.T) (program, test string) {
	t.Helper()
	dir := buildModule(t, map[string]string{"main/main.go": bombProgram, "bomb.go": "package bomb\n", "bomb_test.go": bombTest})
	program, test = filepath.Join(dir, "program"), filepath.Join(dir, "checks") // not bomb.test: nothing in its name tells
	build(t, dir, "build", "-o", program, "./main")
	build(t, dir, "test", "-c", "-o", test, ".")
	return program, test
}

// buildModule writes a module that uses this one, with these files.
func buildModule(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds programs")
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	files["go.mod"] = strings.Replace(string(mod), "module github.com/go-multiproc/mp", "module bomb", 1) +
		"\nrequire github.com/go-multiproc/mp v0.0.0\nreplace github.com/go-multiproc/mp => " + strconv.Quote(root) + "\n"
	files["go.sum"] = string(sum)
	for name, content := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// build runs the go command in a module of buildModule.
func build(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
}

// T203, W25: a program without mp.Main, or with it too late, starts its workers once, and is told what to write where.
func TestForkBomb(t *testing.T) {
	noLeaks(t)
	program, test := buildBombs(t)
	for _, c := range []struct {
		bomb   string
		starts int // at most, with the program itself
	}{{"pool", 3}, {"start", 2}, {"late", 2}, {"ends", 3}, {"init", 3}} {
		t.Run(c.bomb, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "starts")
			cmd := exec.Command(program)
			cmd.Env = append(os.Environ(), startsVar+"="+log, "BOMB="+c.bomb, "BOMB_ONCE="+log+".once")
			out, _ := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != 3 {
				t.Errorf("exit code %d: %s", cmd.ProcessState.ExitCode(), out)
			}
			for _, want := range []string{"mp.Main", "first in main", "TestMain(m *testing.M) { mp.Main(); os.Exit(m.Run()) }"} {
				if !strings.Contains(string(out), want) {
					t.Errorf("the message does not tell %q: %s", want, out)
				}
			}
			if n := len(started(t, log)); n < 2 || n > c.starts {
				t.Errorf("%d processes were started: %s", n, out)
			}
		})
	}
	t.Run("test binary without a hook", func(t *testing.T) {
		dir := t.TempDir()
		log, tests := filepath.Join(dir, "starts"), filepath.Join(dir, "tests")
		cmd := exec.Command(test)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), startsVar+"="+log, "BOMB_TESTS="+tests)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		if n := len(started(t, log)); n < 2 || n > 3 {
			t.Errorf("%d processes were started", n)
		}
		if b, err := os.ReadFile(tests); err != nil || len(b) != 3*len("0\n") { // two tests and the example, by the first process
			t.Errorf("%d tests ran, %v", len(b)/2, err)
		}
	})
}

// deeper starts itself in a worker of its own, and so on.
var deeper *mp.Function[struct{}, string]

func init() {
	deeper = mp.Func("deeper", func(ctx context.Context, _ struct{}) (string, error) {
		p, err := deeper.Start(ctx, struct{}{})
		if err != nil {
			return fmt.Sprintf("depth %d: %v", mp.Current().Depth, err), nil
		}
		return p.Wait(ctx)
	})
}

// Workers start workers, down to a limit that only a mistake reaches.
func TestDepthIsLimited(t *testing.T) {
	noLeaks(t)
	log := filepath.Join(t.TempDir(), "starts")
	p, err := deeper.Start(ctx, struct{}{}, mp.Env([]string{startsVar + "=" + log}))
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.Wait(ctx)
	if err != nil || !strings.HasPrefix(text, "depth 8: ") || !strings.Contains(text, "limit is 8") {
		t.Errorf("%q, %v", text, err)
	}
	if n := len(started(t, log)); n != 8 {
		t.Errorf("%d processes were started", n)
	}
}

// environ is the environment with which the process came into the world, not what it made of it, and what it hands on.
var environ = mp.Func("environ", func(ctx context.Context, name string) ([2]string, error) {
	b, err := os.ReadFile("/proc/self/environ")
	if err != nil {
		return [2]string{}, err
	}
	var found []string
	for kv := range strings.SplitSeq(string(b), "\x00") {
		if strings.HasPrefix(kv, name+"=") {
			found = append(found, kv)
		}
	}
	out, err := exec.CommandContext(ctx, "env").Output()
	n := 0
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, name+"=") {
			n++
		}
	}
	return [2]string{strings.Join(found, " "), strconv.Itoa(n)}, err
})

// grandchild is environ in a worker's worker.
var grandchild = mp.Func("grandchild", func(ctx context.Context, name string) ([2]string, error) {
	p, err := environ.Start(ctx, name, mp.Env([]string{name + "=forged.1"}))
	if err != nil {
		return [2]string{}, err
	}
	return p.Wait(ctx)
})

// T025: each process has exactly one marker, its own, and hands none on; of what is given twice the last counts.
func TestMarkerIsReplaced(t *testing.T) {
	noLeaks(t)
	const marker = "GO_MP_WORKER"
	for depth, f := range map[string]*mp.Function[string, [2]string]{".1": environ, ".2": grandchild} {
		p, err := f.Start(ctx, marker, mp.Env([]string{marker + "=forged.1", marker + "=forged.7"}))
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Wait(ctx)
		if err != nil || strings.Count(got[0], marker) != 1 || strings.Contains(got[0], "forged") || !strings.HasSuffix(got[0], depth) || got[1] != "0" {
			t.Errorf("%q, %v", got, err)
		}
	}
	t.Setenv("MP_TEST_A", "parent's")
	p, err := environ.Start(ctx, "MP_TEST_A", mp.Env([]string{"MP_TEST_A=1", "MP_TEST_A=2"}))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Wait(ctx); err != nil || got[0] != "MP_TEST_A=2" || got[1] != "1" {
		t.Errorf("%q, %v", got, err)
	}
}

// T025: a marker that no parent gave starts nothing.
func TestForgedMarker(t *testing.T) {
	noLeaks(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, marker := range []string{"", "x", "x.0", "x.-1", "x.9", "x.1"} {
		for _, extra := range []*os.File{null, r} { // what is where the socket should be
			cmd := role("none", "GO_MP_WORKER="+marker)
			cmd.ExtraFiles = []*os.File{extra}
			cmd.Stderr = nil
			out, err := cmd.CombinedOutput()
			var ee *exec.ExitError
			if !errors.As(err, &ee) || ee.ExitCode() != 113 || !strings.HasPrefix(string(out), "mp: ") {
				t.Errorf("marker %q: %v: %s", marker, err, out)
			}
		}
	}
}

// A worker whose registry is not its parent's serves nobody, and the error tells the difference. No second one is tried.
func TestRegistryDiffers(t *testing.T) {
	noLeaks(t)
	for how, want := range map[string]string{
		"missing": `"sometimes" is registered in the parent only`,
		"other":   `"sometimes" has another signature in the worker`,
		"more":    `"another" is registered in the worker only`,
	} {
		log := filepath.Join(t.TempDir(), "starts")
		env := []string{registryVar + "=" + how, startsVar + "=" + log}
		_, err := mp.NewPool(mp.PoolConfig{Workers: 1, Env: env})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: pool: %v", how, err)
		}
		p, err := square.Start(ctx, 1, mp.Env(env))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Wait(ctx); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: process: %v", how, err)
		}
		if n := len(started(t, log)); n != 2 {
			t.Errorf("%s: %d processes were started", how, n)
		}
	}
}
