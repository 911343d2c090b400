//go:build linux

package guide_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	dotted = regexp.MustCompile(`\b(mp|shared|pipe|manager|mptest|progress|sandbox)\.([A-Z]\w*)`)
	member = regexp.MustCompile(`\b(PoolConfig|WorkerError|TimeoutError|QueueConfig)\.([A-Z]\w*)`)
)

// Names of the library that pages have outside of code that is built are names that it has.
func TestGuideNames(t *testing.T) {
	known := make(map[string]bool)
	for pkg, dir := range map[string]string{
		"mp": "../..", "shared": "../../shared", "pipe": "../../pipe", "manager": "../../manager", "mptest": "../../mptest",
		"progress": "../../progress", "sandbox": "../../sandbox",
	} {
		exported(t, pkg, dir, known)
	}
	found := 0
	for name, page := range pages(t) {
		for _, m := range append(dotted.FindAllStringSubmatch(page, -1), member.FindAllStringSubmatch(page, -1)...) {
			found++
			if strings.HasPrefix(m[2], "Test") || strings.HasPrefix(m[2], "Example") || strings.HasPrefix(m[2], "Benchmark") || strings.HasPrefix(m[2], "Fuzz") {
				continue // those that the tables of conformance name are checked there
			}
			if !known[m[0]] {
				t.Errorf("%s: there is no %s", name, m[0])
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d names were found", found)
	}
}

// exported adds a package's names, and those of its types' fields, as pages write them.
func exported(t *testing.T, pkg, dir string, known map[string]bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil {
					known[pkg+"."+n.Name.Name] = true
				}
				return false
			case *ast.TypeSpec:
				known[pkg+"."+n.Name.Name] = true
				if s, ok := n.Type.(*ast.StructType); ok {
					for _, field := range s.Fields.List {
						for _, name := range field.Names {
							known[n.Name.Name+"."+name.Name] = true
						}
					}
				}
			case *ast.ValueSpec:
				for _, name := range n.Names {
					known[pkg+"."+name.Name] = true
				}
			}
			return true
		})
	}
}

// Texts that pages quote in passing are texts of the library.
func TestGuideQuotes(t *testing.T) {
	texts := pages(t)
	for _, c := range []struct{ page, quote, source, literal string }{
		{"queue.md", "`mp: full`", "../../internal/engine/engine.go", `"mp: full"`},
		{"queue.md", "`mp/shared: empty`", "../../shared/errors.go", `"mp/shared: empty"`},
		{"array.md", "`shared memory is full`", "../../internal/arena/cells.go", `"shared memory is full"`},
		{"state.md", "`mp: Init (load): ...`", "../../pool.go", `"mp: %s (%s): %w"`},
		{"faq.md", "`mp: the pool has failed: ...`", "../../errors.go", `"mp: the pool has failed: %w"`},
		{"crash.md", "`exited with code 1`", "../../errors.go", `"exited with code %d"`},
		{"crash.md", "`was ended by signal: killed`", "../../errors.go", `"was ended by signal: %v"`},
		{"faq.md", "mp: cannot start worker worker-1: process: exec", "../../internal/spawn/start_linux.go", `"mp: cannot start worker %s: %s: %w"`},
	} {
		source, err := os.ReadFile(c.source)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(texts[c.page], c.quote) || !strings.Contains(string(source), c.literal) {
			t.Errorf("%s quotes %s: is it still %s in %s?", c.page, c.quote, c.literal, c.source)
		}
	}
}
