package codec

import (
	"errors"
	"testing"
)

func chain(n int) *list {
	var l *list
	for i := range n {
		l = &list{i, l}
	}
	return l
}

func TestDepthUpToItsLimit(t *testing.T) {
	c := codecOf[*list](t)
	for _, n := range []int{1, MaxDepth - 1, MaxDepth, MaxDepth + 1, 10 * MaxDepth} {
		l := chain(n)
		buf, err := c.Append(nil, &l)
		if n > MaxDepth {
			if !errors.Is(err, ErrCycle) {
				t.Errorf("a chain of %d: %v", n, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("a chain of %d: %v", n, err)
		}
		var out *list
		if _, err := c.Decode(buf, &out); err != nil {
			t.Fatalf("a chain of %d: %v", n, err)
		}
		if !equalChains(l, out) {
			t.Errorf("a chain of %d came back as another", n)
		}
	}
}

func equalChains(a, b *list) bool {
	for a != nil && b != nil && a.A == b.A {
		a, b = a.Next, b.Next
	}
	return a == nil && b == nil
}

// withLeaf is n pointers deep and ends in what counts as a level of its own.
type withLeaf struct {
	Next   *withLeaf
	Flat   []byte
	Slice  []string
	Map    map[string]int
	Other  map[int8]int8
	Any    any
	Err    error
	Nobody *int
}

// What can be encoded at the deepest level must be decodable there, and the other way round.
func TestBothSidesAgreeOnTheDeepestLevel(t *testing.T) {
	withErrors(t)
	c := codecOf[withLeaf](t)
	for name, leaf := range map[string]withLeaf{
		"nothing": {}, "flat slice": {Flat: []byte{1}}, "slice": {Slice: []string{}}, "common map": {Map: map[string]int{}},
		"map": {Other: map[int8]int8{1: 2}}, "interface": {Any: 1}, "error": {Err: errFailing}, "pointer": {Nobody: new(int)},
	} {
		for above := MaxDepth - 1; above <= MaxDepth; above++ {
			v := leaf
			for range above {
				below := v
				v = withLeaf{Next: &below}
			}
			fits := name == "nothing" || above < MaxDepth
			buf, err := c.Append(nil, &v)
			if (err == nil) != fits || (err != nil && !errors.Is(err, ErrCycle)) {
				t.Fatalf("%s below %d levels: %v", name, above, err)
			}
			if err != nil {
				continue
			}
			var out withLeaf
			if _, err := c.Decode(buf, &out); err != nil {
				t.Fatalf("%s below %d levels was encoded, but: %v", name, above, err)
			}
		}
	}
}

func TestCyclesOfEveryKind(t *testing.T) {
	l := &list{}
	l.Next = l
	fails(t, l)
	p := selfPtr(nil)
	p = &p
	fails(t, p)
	s := selfSlice{nil}
	s[0] = s
	fails(t, s)
	m := selfMap{}
	m["me"] = m
	fails(t, m)
	fails(t, cyclic())
	a := map[string]any{}
	a["a"] = []any{a}
	fails(t, a)
	x := arrayOfSelf{Rest: new([2]arrayOfSelf)}
	x.Rest[1].Rest = x.Rest
	fails(t, x)
}

func fails[T any](t *testing.T, v T) {
	t.Helper()
	if out, err := codecOf[T](t).Append(nil, &v); !errors.Is(err, ErrCycle) || len(out) != 0 {
		t.Errorf("%T: %d bytes, %v", v, len(out), err)
	}
}

// withErrors sets hooks that know errFailing only, for the time of a test.
func withErrors(t *testing.T) {
	old := hooks
	t.Cleanup(func() { hooks = old })
	SetErrorHooks(
		func(dst []byte, err error, _ int) ([]byte, error) {
			if err != errFailing { //nolint:errorlint // identity is the question
				return dst, err
			}
			return append(dst, 'F'), nil
		},
		func(src []byte, _ int) (error, []byte, error) {
			if len(src) == 0 || src[0] != 'F' {
				return nil, src, ErrCorrupt
			}
			return errFailing, src[1:], nil
		})
}

func TestErrorsGoThroughTheHooks(t *testing.T) {
	type result struct {
		Err  error
		Errs []error
	}
	c := codecOf[result](t)
	v := result{Err: errFailing}
	if out, err := c.Append(nil, &v); err == nil {
		t.Errorf("encoded to %x without hooks", out)
	}
	if _, err := c.Decode([]byte{1, 'F', 0}, &v); !errors.Is(err, ErrCorrupt) {
		t.Errorf("decoded without hooks: %v", err)
	}
	withErrors(t)
	v = result{errFailing, []error{nil, errFailing}}
	if out := roundTrip(t, v); !errors.Is(out.Err, errFailing) || len(out.Errs) != 2 || out.Errs[0] != nil || !errors.Is(out.Errs[1], errFailing) {
		t.Errorf("%+v", out)
	}
	dst := []byte("kept")
	if out, err := c.Append(dst, &result{Err: errors.ErrUnsupported}); !errors.Is(err, errors.ErrUnsupported) || string(out) != "kept" {
		t.Errorf("a hook's error: %q, %v", out, err)
	}
}
