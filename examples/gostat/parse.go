package main

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"runtime/debug"
	"time"

	"github.com/go-multiproc/mp"
)

// fileStat is what there is to know of a file.
type fileStat struct {
	Lines     int
	Functions int
	Longest   function
	Took      time.Duration
}

type function struct {
	Name  string
	Line  int // where it begins
	Lines int
}

// These two run in workers.
var (
	parseFile = mp.Func("gostat.parseFile", parse)

	// limitStack makes deep recursion end sooner than at the 256 MiB of the library. go/parser itself gives up at 100,000
	// levels, but has used more than 100 MiB of stack by then.
	limitStack = mp.Func("gostat.limitStack", func(_ context.Context, size int) (struct{}, error) {
		debug.SetMaxStack(size)
		return struct{}{}, nil
	})
)

func parse(_ context.Context, name string) (fileStat, error) {
	start := time.Now()
	source, err := os.ReadFile(name)
	if err != nil {
		return fileStat{}, err
	}
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, "", source, parser.SkipObjectResolution)
	if err != nil {
		return fileStat{}, err
	}
	s := fileStat{Lines: bytes.Count(source, []byte("\n"))}
	ast.Inspect(tree, func(n ast.Node) bool {
		f, ok := n.(*ast.FuncDecl)
		if !ok {
			return true
		}
		s.Functions++
		// Not what //line comments claim: there are files that claim a million lines.
		first, last := files.PositionFor(f.Pos(), false).Line, files.PositionFor(f.End(), false).Line
		if lines := last - first + 1; lines > s.Longest.Lines {
			s.Longest = function{f.Name.Name, first, lines}
		}
		return true
	})
	s.Took = time.Since(start)
	return s, nil
}
