package mp_test

import (
	"go/ast"
	gobuild "go/build"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// excused are those that no example shows, and why.
var excused = map[string]string{
	"shared.ErrDetached":     "takes a program of another family",
	"pipe.ErrDetached":       "takes a program of another family",
	"manager.ErrDetached":    "takes a program of another family",
	"manager.ErrInterrupted": "takes a network that breaks in the middle of a call",
	"pipe.ErrCorrupt":        "takes a peer that breaks the protocol",
	"mptest.Main":            "does not return, and is the whole of a TestMain: the package's comment shows it",
}

// plumbing are methods that other code calls: packages errors and fmt, the encoding of arguments, calls of functions, pipe.Wait.
var plumbing = []string{"Error", "Unwrap", "String", "MarshalBinary", "UnmarshalBinary", "Backend", "AwaitReady"}

// Every exported type and function of every package that programs import is named by an example; every method, constructor and
// variable by one, or it is used in one. And every example has an output, and is shown as a program that is complete.
func TestExamplesAreComplete(t *testing.T) {
	needed := make(map[string]bool)
	for _, dir := range publicPackages(t) {
		for name, complaint := range examine(documented(t, dir)) {
			if needed[name] = true; excused[name] == "" {
				t.Errorf("%s %s", name, complaint)
			}
		}
	}
	for name := range excused {
		if !needed[name] {
			t.Errorf("%s needs no excuse", name)
		}
	}
}

// examine tells what is wrong with a package's examples.
func examine(p *doc.Package) map[string]string {
	wrong, used := make(map[string]string), make(map[string]bool)
	complain := func(name, what string) { wrong[p.Name+"."+name] = what }
	for _, f := range p.Funcs {
		if len(f.Examples) == 0 {
			complain(f.Name, "has no example")
		}
	}
	shown := slices.Clone(p.Examples)
	for _, f := range p.Funcs {
		shown = append(shown, f.Examples...)
	}
	for _, typ := range p.Types {
		of := slices.Clone(typ.Examples) // those that stand below the type
		for _, f := range slices.Concat(typ.Funcs, typ.Methods) {
			of = append(of, f.Examples...)
		}
		if len(of) == 0 {
			complain(typ.Name, "has no example")
		}
		shown = append(shown, of...)
	}
	for _, e := range shown {
		if complaint := examineExample(e, p.Name, used); complaint != "" {
			complain("Example"+e.Name, complaint)
		}
	}
	for _, typ := range p.Types {
		for _, f := range slices.Concat(typ.Funcs, typ.Methods) {
			if len(f.Examples) == 0 && !used[f.Name] && !slices.Contains(plumbing, f.Name) {
				complain(strings.TrimLeft(typ.Name+"."+f.Name, "."), "is used in no example")
			}
		}
	}
	for _, v := range slices.Concat(p.Vars, p.Consts) {
		for _, name := range v.Names {
			if !used[name] {
				complain(name, "is used in no example")
			}
		}
	}
	return wrong
}

// examineExample tells what is wrong with one, and adds what it uses. Documentation shows an example as a program of its own if all
// that it uses is in its file, or imported.
func examineExample(e *doc.Example, pkg string, used map[string]bool) string {
	if e.Play == nil {
		return "uses what is in another file"
	}
	starts, first, qualified := false, (*ast.ExprStmt)(nil), make(map[string]bool)
	var imports []string
	ast.Inspect(e.Play, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "main" && len(n.Body.List) > 0 {
				first, _ = n.Body.List[0].(*ast.ExprStmt)
			}
		case *ast.ImportSpec:
			if n.Name == nil {
				imports = append(imports, strings.Trim(path.Base(n.Path.Value), `"`))
			}
		case *ast.SelectorExpr:
			used[n.Sel.Name] = true
			if x, ok := n.X.(*ast.Ident); ok {
				qualified[x.Name] = true
			}
			starts = starts || n.Sel.Name == "NewPool" || n.Sel.Name == "Start"
		}
		return true
	})
	for _, name := range imports {
		if !qualified[name] {
			return "imports " + name + " for nothing, for it takes a part of a group of variables: declare each apart"
		}
	}
	switch {
	case starts && pkg != "mptest" && !callsMain(first): // those of mptest are the bodies of tests
		return "starts processes, so it begins with mp.Main()"
	case e.Output == "" && !e.EmptyOutput:
		return "has no output: a comment that begins with Output: and stands alone"
	}
	return ""
}

// callsMain reports whether a statement is mp.Main().
func callsMain(s *ast.ExprStmt) bool {
	if s == nil {
		return false
	}
	call, ok := s.X.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	return ok && f.Sel.Name == "Main"
}

// publicPackages finds the directories of the packages that programs import.
func publicPackages(t *testing.T) []string {
	t.Helper()
	found := make(map[string]bool)
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (notOurs(name) || slices.Contains([]string{"internal", "bench", "examples", "docs", "models"}, name)):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			found[path.Dir(filepath.ToSlash(name))] = true
		}
		return nil
	})
	if err != nil || len(found) < 7 {
		t.Fatal(len(found), "packages,", err)
	}
	return slices.Sorted(maps.Keys(found))
}

// documented reads a package with its tests, as for Linux.
func documented(t *testing.T, dir string) *doc.Package {
	t.Helper()
	linux := gobuild.Default
	linux.GOOS, linux.GOARCH = "linux", "amd64"
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	sources := make(map[string]any)
	for _, e := range entries {
		if ok, err := linux.MatchFile(dir, e.Name()); err != nil {
			t.Fatal(err)
		} else if ok && strings.HasSuffix(e.Name(), ".go") {
			sources[filepath.Join(dir, e.Name())] = nil
		}
	}
	return document(t, path.Join(module, dir), sources)
}

// document parses sources, by name; one that is nil is in the file.
func document(t *testing.T, importPath string, sources map[string]any) *doc.Package {
	t.Helper()
	set, files := token.NewFileSet(), []*ast.File(nil)
	for name, source := range sources {
		f, err := parser.ParseFile(set, name, source, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(set, files, importPath)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
