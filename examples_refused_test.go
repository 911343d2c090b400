package mp_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// The judge must be able to say no.
func TestExamplesThatAreRefused(t *testing.T) {
	const library = `package p
		var ErrBad, ErrShown error
		func Lonely() {}
		func Shown() {}
		type T struct{}
		func NewT() T { return T{} }
		func MakeT() T { return T{} }
		func (T) Used() {}
		func (T) Unused() {}
		func (T) String() string { return "" }
		type U struct{}
		func NewU() U { return U{} }
		func Far() {}
		func Silent() {}
		func Start() {}
		func Grouped() {}`
	const examples = `package p_test
		func ExampleShown() { p.Shown(); _ = p.ErrShown
			// Output:
		}
		func ExampleNewT() { p.NewT().Used()
			// Output:
		}
		func ExampleFar() { p.Far(); helper()
			// Output:
		}
		func ExampleSilent() { p.Silent()
			// Not an Output: comment.
		}
		var (
			a = os.Args
			b = 1
		)
		func ExampleGrouped() { p.Grouped(); _ = b
			// Output:
		}
		func ExampleStart() { p.Start()
			// Output:
		}`
	got := examine(document(t, "example.com/p", map[string]any{
		"p.go":          library,
		"p_test.go":     strings.Replace(examples, "\n", "\nimport (\"example.com/p\"; \"os\")\n", 1),
		"other_test.go": "package p_test\nfunc helper() {}",
	}))
	want := []string{
		"p.ErrBad", "p.ExampleFar", "p.ExampleGrouped", "p.ExampleSilent", "p.ExampleStart", "p.Lonely",
		"p.T.MakeT", "p.T.Unused", "p.U", "p.U.NewU",
	}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
		t.Errorf("%q, not %q: %q", names, want, got)
	}
}
