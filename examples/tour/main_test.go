//go:build linux

package main

import (
	"context"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
)

func TestMain(m *testing.M) {
	mp.Main()
	os.Exit(m.Run())
}

// The whole tour goes well, and every section is on it.
func TestTour(t *testing.T) {
	var out strings.Builder
	if err := tour(context.Background(), &out, nil); err != nil {
		t.Fatalf("%v, after\n%s", err, out.String())
	}
	for _, want := range []string{
		"(cpu)", "(pool)", "(args)", "(async)",
		"333,333,283,333,335,000,000", "fatal error: stack overflow", "go on     the next call on the same pool: 332,833,500",
		"333,332,833,333,500,000", "166,666,166,667",
		"error callback     input 3   Invalid input: 3", "success callback   input 5   result 25", "4 succeeded and 1 failed",
		"Everything was as it should be",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the tour does not say %q:\n%s", want, out.String())
		}
	}
}

func TestSectionsByName(t *testing.T) {
	var out strings.Builder
	if err := tour(context.Background(), &out, []string{"args", "pool"}); err != nil {
		t.Fatal(err)
	}
	first, second := strings.Index(out.String(), "(args)"), strings.Index(out.String(), "(pool)")
	if first < 0 || second < first || strings.Contains(out.String(), "(cpu)") {
		t.Errorf("args and pool were asked for:\n%s", out.String())
	}
}

func TestUnknownSection(t *testing.T) {
	var out strings.Builder
	err := tour(context.Background(), &out, []string{"args", "nonsense"})
	if err == nil || out.Len() > 0 {
		t.Fatalf("%v, and it ran:\n%s", err, out.String())
	}
	for _, want := range []string{`"nonsense"`, "cpu", "pool", "args", "async"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

// A wrong result is not passed over.
func TestWrongResultsAreNoticed(t *testing.T) {
	right := squaresBelow(squarings)
	wrong := squaresBelow(squarings - 1)
	if err := checkSquares([]*big.Int{right, right, right, right}); err != nil {
		t.Error(err)
	}
	for _, sums := range [][]*big.Int{{right, right, right}, {right, right, wrong, right}} {
		if checkSquares(sums) == nil {
			t.Errorf("%v was taken for right", sums)
		}
	}
	for _, c := range []struct {
		n, square int
		err       error
	}{{1, 2, nil}, {badInput, 9, nil}, {2, 0, context.Canceled}, {badInput, 0, context.Canceled}} {
		if checkAsync(c.n, c.square, c.err) == nil {
			t.Errorf("%+v was taken for right", c)
		}
	}
}

func TestGroup(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", -100: "-100", 1234567: "1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
