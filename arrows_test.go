package mp_test

import (
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/go-multiproc/mp"

// layers are the packages of this module from the bottom up. A package imports only what is below its own layer: that
// keeps a protocol apart from those who use it, and every package testable without what stands on it.
var layers = [][]string{
	{"internal/abi", "internal/fifo", "internal/histo", "internal/osenv", "internal/proctest", "internal/race", "internal/remote"},
	{"internal/park"},
	{"internal/ring", "internal/robust", "internal/side"},
	{"internal/arena", "internal/block", "internal/codec", "internal/probe", "internal/sched", "internal/spawn"},
	{"internal/engine", "internal/office"},
	{"internal/link"},
	{"."},
	{"pipe", "profile", "progress", "sandbox", "shared"},
	{"manager"},
	{"mptest"},
	{"internal/endure"},
	{"docs/...", "examples/..."},
}

// required are the modules that may be imported beside the standard library.
var required = []string{
	"golang.org/x/sys", "github.com/google/pprof", "github.com/vbauerster/mpb/v8", "github.com/landlock-lsm/go-landlock", "github.com/elastic/go-seccomp-bpf",
	"kernel.org/pub/linux/libs/security/libcap/cap",
}

// alone are those of which one package only is to know: a program that does not import it does not get them.
var alone = map[string]string{
	"github.com/google/pprof": "profile", "github.com/vbauerster/mpb/v8": "progress",
	"github.com/landlock-lsm/go-landlock": "sandbox", "github.com/elastic/go-seccomp-bpf": "sandbox",
	"kernel.org/pub/linux/libs/security/libcap/cap": "sandbox",
}

// An importing is one import in one file of this module, whatever system the file is for.
type importing struct {
	file, pkg, path string // pkg is relative to the module
}

// Dependencies point downwards only, unsafe stays in the files that are named for it, and there is no cgo.
func TestArrows(t *testing.T) {
	arrows := imports(t)
	if len(arrows) < 100 {
		t.Fatalf("only %d imports were found", len(arrows))
	}
	for _, a := range arrows {
		if complaint := judge(a); complaint != "" {
			t.Errorf("%s imports %q: %s", a.file, a.path, complaint)
		}
	}
}

// The judge must be able to say no.
func TestArrowsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		importing
		want string
	}{
		{importing{"internal/ring/x.go", "internal/ring", module + "/internal/spawn"}, "above"},
		{importing{"internal/ring/x.go", "internal/ring", module + "/internal/robust"}, "beside"},
		{importing{"internal/spawn/x.go", "internal/spawn", module}, "above"},
		{importing{"internal/robust/x.go", "internal/robust", module + "/internal/arena"}, "above"},
		{importing{"pool.go", ".", module + "/shared"}, "above"},
		{importing{"shared/x.go", "shared", module + "/pipe"}, "beside"},
		{importing{"pipe/x.go", "pipe", module + "/shared"}, "beside"},
		{importing{"internal/new/x.go", "internal/new", module + "/internal/abi"}, "has no layer"},
		{importing{"pool.go", ".", module + "/internal/new"}, "has no layer"},
		{importing{"pool.go", ".", "unsafe"}, "_unsafe.go"},
		{importing{"pool.go", ".", "C"}, "cgo"},
		{importing{"pool.go", ".", "example.com/other"}, "not required"},
		{importing{"pool.go", ".", "github.com/vbauerster/mpb/v8"}, "package progress"},
		{importing{"shared/x.go", "shared", "github.com/landlock-lsm/go-landlock/landlock"}, "package sandbox"},
		{importing{"examples/a/x.go", "examples/a", module + "/internal/ring"}, "user"},
		{importing{"docs/guide/a/x.go", "docs/guide/a", module + "/internal/ring"}, "user"},
		{importing{"pool.go", ".", module + "/internal/link"}, ""},
		{importing{"pipe/x_test.go", "pipe", module + "/shared"}, ""},
		{importing{"pool_test.go", ".", module + "/shared"}, ""},
		{importing{"pipe/x_test.go", "pipe", module + "/manager"}, "above"},
		{importing{"shared/x.go", "shared", module}, ""},
		{importing{"shared/x.go", "shared", module + "/internal/arena"}, ""},
		{importing{"examples/a/x.go", "examples/a", module}, ""},
		{importing{"internal/ring/x_unsafe.go", "internal/ring", "unsafe"}, ""},
		{importing{"internal/ring/x_unsafe_test.go", "internal/ring", "unsafe"}, ""},
	} {
		if got := judge(c.importing); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s importing %q: %q", c.file, c.path, got)
		}
	}
}

// judge says what is wrong with an import; nothing if it is fine.
func judge(a importing) string {
	switch {
	case a.path == "C":
		return "there is no cgo in this module"
	case a.path == "unsafe":
		if !strings.HasSuffix(a.file, "_unsafe.go") && !strings.HasSuffix(a.file, "_unsafe_test.go") {
			return "unsafe stays in files named *_unsafe.go"
		}
		return ""
	case a.path != module && !strings.HasPrefix(a.path, module+"/"):
		return foreign(a.pkg, a.path)
	}
	target := strings.TrimPrefix(strings.TrimPrefix(a.path, module), "/")
	if target == "" {
		target = "."
	}
	if target == a.pkg { // its external test
		return ""
	}
	from, to := layer(a.pkg), layer(target)
	switch {
	case from < 0:
		return a.pkg + " has no layer in arrows_test.go: give it one"
	case to < 0:
		return target + " has no layer in arrows_test.go: give it one"
	case (strings.HasPrefix(a.pkg, "docs/") || strings.HasPrefix(a.pkg, "examples/")) && strings.HasPrefix(target, "internal/"):
		return "an example does what a user can do"
	case to == from && strings.HasSuffix(a.file, "_test.go"):
		return "" // how two packages get along with each other
	case to > from && a.pkg == "." && strings.HasSuffix(a.file, "_test.go"):
		return "" // the same: its functions run with what programs give them
	case to == from:
		return "that is beside it, not below"
	case to > from:
		return "that is above it"
	}
	return ""
}

// foreign judges an import from outside this module.
func foreign(pkg, imported string) string {
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	for _, r := range required {
		if imported != r && !strings.HasPrefix(imported, r+"/") {
			continue
		}
		if only := alone[r]; only != "" && only != pkg {
			return "that is for package " + only
		}
		return ""
	}
	return "that module is not required here"
}

// layer is the index of a package's layer, or -1.
func layer(pkg string) int {
	for i, l := range layers {
		for _, p := range l {
			if tree, ok := strings.CutSuffix(p, "..."); p == pkg || ok && strings.HasPrefix(pkg, tree) {
				return i
			}
		}
	}
	return -1
}

// imports lists every import of every Go file of this module, for whatever system the file is.
func imports(t *testing.T) []importing {
	t.Helper()
	var arrows []importing
	for _, name := range ourFiles(t) {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.ToSlash(name)
		for _, i := range f.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			arrows = append(arrows, importing{name, path.Dir(name), imported})
		}
	}
	return arrows
}

// notOurs tells directories that the go command ignores, and modules of their own.
func notOurs(dir string) bool {
	base := filepath.Base(dir)
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil || base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")
}
