//go:build linux

package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/mptest"
)

// The workers of these tests are this test binary: it must find mp.Main before it runs tests.
func TestMain(m *testing.M) { mptest.Main(m) }

// files makes two files with two lines, and an empty one between them.
func files(t *testing.T) []string {
	t.Helper()
	t.Chdir(t.TempDir())
	names := []string{"a", "empty", "b"}
	for _, name := range names {
		text := "one\ntwo\n"
		if name == "empty" {
			text = ""
		}
		if err := os.WriteFile(filepath.Join(".", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// Most tests need no process: goroutines, with the same encoding, limits and errors.
func TestReport(t *testing.T) {
	total, report := report(t.Context(), mptest.InProcess(t), files(t))
	if want := []string{"empty: nothing in it"}; total != 4 || !slices.Equal(report, want) {
		t.Errorf("%d lines, %q", total, report)
	}
}

// What does the program make of a crash? The worker of the first file really crashes.
func TestReportAfterACrash(t *testing.T) {
	mptest.NoLeaks(t)                                                                  // and it leaves no process, descriptor or goroutine behind
	pool := mptest.FaultyPool(t, mp.PoolConfig{Stderr: io.Discard}, mptest.CrashOn(1)) // its crash report is in the error
	total, report := report(t.Context(), pool, files(t))
	if want := []string{"a: the worker died", "empty: nothing in it"}; total != 2 || !slices.Equal(report, want) {
		t.Errorf("%d lines, %q", total, report)
	}
}
