//go:build linux

package shared_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-multiproc/mp/internal/robust"
)

// A scene is an operation of a victim, with others around it. Its set is called for each case anew.
type scene struct {
	name string
	set  func(*play)
	// early: what is looked at is how the victim comes up. few: each step once is enough, for a case takes long. only: steps that
	// begin otherwise are other scenes'.
	early, few bool
	only       string
	steps      []string // that are passed only if nobody else is faster
}

// The ways in which a victim ends, when it has come to its place and the others wait.
const (
	byParent   = iota // its parent kills it
	byItself          // it kills itself
	abandoned         // somebody kills it while its parent is stopped, so that others have to notice
	numberWays = iota
)

var wayNames = [numberWays]string{"killed by its parent", "killed by itself", "killed while its parent is stopped"}

// W04, W05, W06: it kills a process in every scene, at every step that it passes there, and after all. Which steps these are, a first run
// tells. Every step that there is in the source must have been somebody's end.
func TestSteps(t *testing.T) {
	noLeaks(t)
	stage := newStage(t)
	killed := make(map[string]bool)
	all := true
	cases := 0
	for _, sc := range scenes {
		if !all {
			break // the bystanders may hang
		}
		all = t.Run(strings.ReplaceAll(sc.name, " ", "_"), func(t *testing.T) {
			steps := stage.run(t, sc, place{}, byParent).steps
			cases++
			if !sc.early && !sc.few {
				stage.run(t, sc, place{}, abandoned)
				cases++
			}
			for i, at := range places(append(sc.steps, steps...)) {
				for way := byParent; way <= byItself; way++ {
					if sc.few && (way != i%2 || at.nth > 1) || t.Failed() || !strings.HasPrefix(at.step, sc.only) {
						continue
					}
					cases++
					if stage.reach(t, sc, at, way) {
						killed[at.step] = true
					}
				}
			}
		})
	}
	t.Logf("%d cases", cases)
	if !all || len(stage.seen) < len(scenes) {
		return // or some were left out by -run
	}
	for _, step := range sourceSteps(t) {
		if !killed[step] {
			t.Errorf("nobody was killed at the step %q: it needs a scene", step)
		}
		delete(killed, step)
	}
	for step := range killed {
		t.Errorf("the step %q is not found in the source", step)
	}
}

// places are the first two passages of each step.
func places(steps []string) (at []place) {
	count := make(map[string]int)
	for _, s := range steps {
		if count[s]++; count[s] <= 2 {
			at = append(at, place{s, count[s]})
		}
	}
	return at
}

// reach runs a case until the victim gets to its place: which steps are passed may depend on who is faster.
func (s *stage) reach(t *testing.T, sc scene, at place, way int) bool {
	for range 20 {
		if r := s.run(t, sc, at, way); r.stopped || t.Failed() {
			return true
		}
		if at.nth > 1 {
			return false
		}
	}
	t.Logf("the victim does not pass %q any more", at.step)
	return false
}

// sourceSteps are the names of all steps in the source.
func sourceSteps(t *testing.T) (steps []string) {
	t.Helper()
	for _, dir := range []string{"../internal/robust", "../internal/arena", "."} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && callsAt(call) {
					literal, ok := call.Args[0].(*ast.BasicLit)
					if !ok {
						t.Fatalf("%s: a step has no constant name", name)
					}
					step, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					steps = append(steps, step)
				}
				return true
			})
		}
	}
	slices.Sort(steps)
	if steps = slices.Compact(steps); len(steps) < 50 {
		t.Fatalf("only %d steps were found: %q", len(steps), steps)
	}
	return steps
}

// callsAt reports whether that is a call of robust.At.
func callsAt(call *ast.CallExpr) bool {
	switch f := call.Fun.(type) {
	case *ast.Ident: // in package robust
		return f.Name == "At" && len(call.Args) == 1
	case *ast.SelectorExpr:
		x, ok := f.X.(*ast.Ident)
		return ok && x.Name == "robust" && f.Sel.Name == "At"
	}
	return false
}

// Without a test nobody pays for the steps.
func TestNoStepInProduction(t *testing.T) {
	if robust.Step != nil {
		t.Error("Step is set")
	}
}
