package mp_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The rules of the house that a machine can look after. Those about imports are in arrows_test.go.

// ourFiles are the Go files of this module, for whatever system they are.
func ourFiles(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && notOurs(name):
			return filepath.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, ".go"):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

var (
	syncPoint = regexp.MustCompile(`// .*?SYNC POINT ([a-z]+(?: [a-z]+)*)`)
	storing   = regexp.MustCompile(`\.(Store|Add|Or|And|Swap|CompareAndSwap)\(`)
	loading   = regexp.MustCompile(`\.(Load|CompareAndSwap|Swap)\(`)
)

// What orders two processes is a store and a load of the same word, marked with the same name. A name that stands at one of them only
// orders nothing.
func TestSyncPointsHavePartners(t *testing.T) {
	type marks struct{ places, stores, loads int }
	points := map[string]marks{}
	for _, name := range ourFiles(t) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		for i, line := range lines {
			m := syncPoint.FindStringSubmatch(line)
			if m == nil || !strings.Contains(line, "\t") { // what is at the left margin explains the marks
				continue
			}
			code, _, _ := strings.Cut(line, "//")
			if strings.TrimSpace(code) == "" { // it stands above the line that it marks
				code = lines[i+1]
			}
			p := points[m[1]]
			p.places++
			if storing.MatchString(code) {
				p.stores++
			}
			if loading.MatchString(code) {
				p.loads++
			}
			points[m[1]] = p
		}
	}
	if len(points) < 12 {
		t.Fatalf("found only %v", points)
	}
	for name, p := range points {
		if p.places < 2 || p.stores == 0 || p.loads == 0 {
			t.Errorf("SYNC POINT %s stands at %d places: %d stores and %d loads", name, p.places, p.stores, p.loads)
		}
	}
}

// Each exported field of a configuration says what it is if it is not set.
func TestConfigFieldsTellTheirDefaults(t *testing.T) {
	found := 0
	for _, name := range ourFiles(t) {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "internal") || strings.HasPrefix(name, "examples") || strings.HasPrefix(name, "docs") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || !strings.HasSuffix(spec.Name.Name, "Config") {
				return true
			}
			s, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range s.Fields.List {
				doc := strings.Join(strings.Fields(field.Doc.Text()), " ")
				last := doc[strings.LastIndex(doc, "Defaults to ")+1:]
				if found++; !strings.Contains(doc, "Defaults to ") || strings.Contains(last, ". ") {
					t.Errorf(`%s: the comment of %s.%s does not end "Defaults to ...": %s`, name, spec.Name, field.Names[0], doc)
				}
			}
			return true
		})
	}
	if found < 40 {
		t.Errorf("only %d fields were found", found)
	}
}
