package mp_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var (
	citedNumber  = regexp.MustCompile(`\b(?:[TF]\d{3}|W\d{2})\b`)
	testFunction = regexp.MustCompile(`^(?:Test|Fuzz|Benchmark)(?:[^a-z]|$)`)
)

// citations tells which tests cite each number in a comment before them or within, and the names of all tests, as "shared.TestQueueLen";
// those of the directory "." are "mp.Test...". Directories with a go.mod of their own are looked into if they are given.
func citations(roots ...string) (cites map[string][]string, names map[string]bool, err error) {
	cites, names = make(map[string][]string), make(map[string]bool)
	for _, root := range roots {
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && name != root && notOurs(name):
				return filepath.SkipDir
			case d.IsDir() || !strings.HasSuffix(name, "_test.go"):
				return nil
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			in := path.Dir(filepath.ToSlash(name))
			if in == "." {
				in = "mp"
			}
			for test, numbers := range citedIn(f) {
				test = in + "." + test
				names[test] = true
				for _, n := range numbers {
					cites[n] = append(cites[n], test)
				}
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	for n := range cites {
		slices.Sort(cites[n])
		cites[n] = slices.Compact(cites[n]) // one that has a file for each system
	}
	return cites, names, nil
}

// citedIn tells which numbers each test of a file cites.
func citedIn(f *ast.File) map[string][]string {
	tests := make(map[string][]string)
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Recv != nil || !testFunction.MatchString(fn.Name.Name) {
			continue
		}
		begin := fn.Pos()
		if fn.Doc != nil {
			begin = fn.Doc.Pos()
		}
		tests[fn.Name.Name] = nil
		for _, c := range f.Comments {
			if c.Pos() >= begin && c.End() <= fn.End() {
				tests[fn.Name.Name] = append(tests[fn.Name.Name], citedNumber.FindAllString(c.Text(), -1)...)
			}
		}
	}
	return tests
}

// exportedNames are the exported identifiers of packages, fields and methods too, with what embedding promotes: "shared.Queue", "shared.Queue.Put".
func exportedNames(dirs ...string) (map[string]bool, error) {
	names := make(map[string]bool)
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return nil, err
		}
		p := declared{members: make(map[string][]string), embedded: make(map[string][]string)}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			p.add(f)
		}
		pkg := map[bool]string{true: "mp", false: dir}[dir == "."]
		for _, name := range p.top {
			names[pkg+"."+name] = true
			for _, m := range p.all(name) {
				names[pkg+"."+name+"."+m] = true
			}
		}
	}
	return names, nil
}

// declared is what a package declares: names at its top, and the members of its types.
type declared struct {
	top               []string
	members, embedded map[string][]string
}

// all are the members of a type, and those of the types that it embeds.
func (p *declared) all(name string) []string {
	all := p.members[name]
	for _, e := range p.embedded[name] {
		all = append(slices.Clone(all), p.all(e)...)
	}
	return all
}

func (p *declared) add(f *ast.File) {
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				p.top = append(p.top, d.Name.Name)
			} else if of := typeName(d.Recv.List[0].Type); of != "" {
				p.members[of] = append(p.members[of], d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.ValueSpec:
					for _, n := range s.Names {
						p.top = append(p.top, n.Name)
					}
				case *ast.TypeSpec:
					p.top = append(p.top, s.Name.Name)
					p.addFields(s.Name.Name, s.Type)
				}
			}
		}
	}
}

func (p *declared) addFields(of string, typ ast.Expr) {
	var list *ast.FieldList
	switch x := typ.(type) {
	case *ast.StructType:
		list = x.Fields
	case *ast.InterfaceType:
		list = x.Methods
	default:
		return
	}
	for _, field := range list.List {
		for _, n := range field.Names {
			p.members[of] = append(p.members[of], n.Name)
		}
		if len(field.Names) == 0 {
			p.embedded[of] = append(p.embedded[of], typeName(field.Type))
		}
	}
}

// typeName is the name of a type of this package, without pointers and type arguments.
func typeName(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return typeName(x.X)
	case *ast.IndexExpr:
		return typeName(x.X)
	case *ast.IndexListExpr:
		return typeName(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}
