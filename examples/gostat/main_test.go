//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
)

func TestMain(m *testing.M) {
	mp.Main()
	if os.Getenv("GOSTAT_TEST_RUN") != "" { // the program itself, for tests that run it
		main()
		return
	}
	os.Exit(m.Run())
}

const good = `package p

func short() {}

func (t T) longer() int {
	return 1
}
`

// tree makes a directory of well-formed files and of what the test adds to it.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for i := range 50 {
		write(t, filepath.Join(dir, fmt.Sprintf("d%d", i%5), fmt.Sprintf("good%d.go", i)), good)
	}
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs the program as its users do, and returns what it prints.
func run(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), "GOSTAT_TEST_RUN=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func expect(t *testing.T, output string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if n := len(regexp.MustCompile("(?m)"+p).FindAllString(output, -1)); n != 1 {
			t.Errorf("%d lines are like %q in\n%s", n, p, output)
		}
	}
}

// Whatever a file does, it costs one line among the failures; every other file counts.
func TestHostileFiles(t *testing.T) {
	dir := tree(t, map[string]string{
		// The first two are too deep for the parser, the third for a walk through its result.
		"calls.go":         "package p\nvar x = " + strings.Repeat("f(", 45_000) + strings.Repeat(")", 45_000) + "\n",
		"parens.go":        "package p\nvar x = " + strings.Repeat("(", 200_000) + "1" + strings.Repeat(")", 200_000) + "\n",
		"sum.go":           "package p\nvar x = 1" + strings.Repeat("+1", 99_000) + "\n",
		"nonsense.go":      "package p\nfunc {\n",
		"empty.go":         "",
		"claims.go":        "package p\nfunc claims() {\n//line other.go:999999\n}\n",
		"folder.go/sub.go": good,
		"notes.txt":        "not Go",
	})
	sparse(t, filepath.Join(dir, "huge.go"))
	link(t, filepath.Join(dir, "gone"), filepath.Join(dir, "dangling.go"))
	link(t, dir, filepath.Join(dir, "loop.go"))
	unreadable := filepath.Join(dir, "secret.go")
	write(t, unreadable, good)
	if err := os.Chmod(unreadable, 0); err != nil {
		t.Fatal(err)
	}

	out, errs, err := run(t, "-timeout", "1m", "-workers", "2", dir)
	if err != nil || errs != "" {
		t.Fatalf("%v\n%s\n%s", err, errs, out)
	}
	wellFormed, failures := 52, 8
	if _, err := os.ReadFile(unreadable); err == nil { // root can read everything
		wellFormed++
	} else {
		failures++
		expect(t, out, `^  secret\.go: open .*: permission denied$`)
	}
	expect(t, out,
		fmt.Sprintf(`^  files        %d$`, wellFormed),
		fmt.Sprintf(`^  lines        %d$`, (wellFormed-1)*7+4),
		fmt.Sprintf(`^  functions    %d$`, (wellFormed-1)*2+1),
		`^  longest      (longer|claims) with 3 lines, at .*\.go:\d$`,
		fmt.Sprintf(`^  failures     %d$`, failures),
		`^  calls\.go: it needed more than 32 MiB of stack$`,
		`^  parens\.go: it needed more than 32 MiB of stack$`,
		`^  sum\.go: it needed more than 32 MiB of stack$`,
		`^  huge\.go: it needed more than 512 MiB of memory$`,
		`^  nonsense\.go: 2:6: `,
		`^  empty\.go: `,
		`^  dangling\.go: open .*: no such file or directory$`,
		`^  loop\.go: read .*: is a directory$`,
		fmt.Sprintf(`^The %d files that did no harm, once more:$`, wellFormed),
	)
}

// A file that cannot be opened, for nobody writes to it, is given up at its time limit.
func TestFileThatBlocks(t *testing.T) {
	dir := tree(t, nil)
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.go"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, err := run(t, "-hostile", "-timeout", "3s", "-workers", "2", dir)
	if err != nil || errs != "" {
		t.Fatalf("%v\n%s\n%s", err, errs, out)
	}
	expect(t, out, `^  files        50$`, `^  failures     1$`, `^  pipe\.go: it took longer than 3s$`)
	if strings.Contains(out, "once more") {
		t.Errorf("-hostile, and it parsed in its own process:\n%s", out)
	}
}

func TestCommandLine(t *testing.T) {
	empty := t.TempDir()
	out, errs, err := run(t, empty)
	if err != nil || errs != "" {
		t.Errorf("an empty directory: %v\n%s", err, errs)
	}
	expect(t, out, `^  files        0$`, `^  failures     0$`)

	for _, args := range [][]string{{filepath.Join(empty, "missing")}, {empty, empty}, {"-timeout", "soon"}, {"-workers", "-1", empty}} {
		_, errs, err := run(t, args...)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.HasPrefix(errs, "gostat: ") {
			t.Errorf("%q: %v, %q", args, err, errs)
		}
	}
	if err := gostat(context.Background(), &bytes.Buffer{}, []string{filepath.Join(empty, "missing")}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// sparse makes a file of 1 GiB that takes no room.
func sparse(t *testing.T, name string) {
	t.Helper()
	write(t, name, "package p\n")
	if err := os.Truncate(name, 1<<30); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}
