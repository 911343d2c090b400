package main

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		v       []float64
		q, want float64
	}{
		{[]float64{3, 1, 2}, 0.5, 2},
		{[]float64{4, 1, 2, 3}, 0.5, 2.5},
		{[]float64{7}, 0.99, 7},
		{[]float64{1, 2, 3, 4, 5}, 0.25, 2},
	} {
		if got := quantile(c.v, c.q); got != c.want {
			t.Errorf("quantile(%v, %v) = %v, want %v", c.v, c.q, got, c.want)
		}
	}
	if !math.IsNaN(median(nil)) {
		t.Error("the median of nothing is something")
	}
}

func TestVerdict(t *testing.T) {
	more := line{sense: speedup, atLeast: 4, stretch: 15}
	less := line{sense: overhead, atLeast: 1.4, stretch: 1.25}
	for _, c := range []struct {
		l    line
		v    float64
		want string
	}{
		{more, 3.9, "MISSED"}, {more, 4, "held"}, {more, 15, "stretch"},
		{less, 1.41, "MISSED"}, {less, 1.4, "held"}, {less, 1.2, "stretch"},
		{line{}, 1, ""},
	} {
		if got := c.l.verdict(c.v); got != c.want {
			t.Errorf("%v of %v..%v: %q, want %q", c.v, c.l.atLeast, c.l.stretch, got, c.want)
		}
	}
}

// The ratio is taken within each round, and its median after that.
func TestLineJudgesRoundByRound(t *testing.T) {
	s := &samples{of: map[string][]float64{"a": {10, 200, 30}, "b": {1, 100, 10}}}
	var out strings.Builder
	line{what: "w", ours: "a", rival: "b", unit: fraction, sense: speedup, atLeast: 2, stretch: 4}.print(&out, s, false)
	if want := "| w | 30 | 10 | 3.00x (2.50-6.50) | 2.00x | 4.00x | held |\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	out.Reset()
	line{what: "w", ours: "a", rival: "missing", unit: fraction, sense: speedup, atLeast: 2, stretch: 4}.print(&out, s, false)
	if !strings.Contains(out.String(), "left out") {
		t.Errorf("a rival that is missing: %q", out.String())
	}
}

// A side that cannot be measured here is left out and named; the others are measured, in alternating order.
func TestGroupSkipsAndAlternates(t *testing.T) {
	var order []string
	ok := func(name string) side {
		return side{name, func() (figures, error) {
			order = append(order, name)
			return figures{name: 1}, nil
		}}
	}
	r := &runner{rounds: 3, scale: 1}
	s, err := r.group(group{name: "g", open: func(*runner) (*bench, error) {
		return &bench{sides: []side{ok("a"), {"c", func() (figures, error) { return nil, skip("there is none") }}, ok("b")}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(order, ""), "abbaab"; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
	if notes := s.notes(); len(notes) != 1 || notes[0] != "Left out: c, for there is none." {
		t.Error(notes)
	}
}

func TestChannelsKeepOrder(t *testing.T) {
	in := numbers(1000)
	for _, buffer := range []int{0, 128} {
		out, err := overChannels(noop, buffer, in)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range out {
			if v != i {
				t.Fatalf("buffer %d: element %d is %d", buffer, i, v)
			}
		}
	}
}

func TestChoose(t *testing.T) {
	if g, err := choose("call,map", false); err != nil || len(g) != 2 || g[0].name != "call" || g[1].name != "map" {
		t.Error(g, err)
	}
	if _, err := choose("nothing", false); err == nil {
		t.Error("a group that does not exist is chosen")
	}
	for short, want := range map[bool]bool{true: true, false: false} {
		g, err := choose("", short)
		if got := slices.ContainsFunc(g, func(g group) bool { return g.apart }); got != want || err != nil {
			t.Errorf("short %v: chosen apart: %v, %v", short, got, err)
		}
	}
}

func TestDisturbance(t *testing.T) {
	if note := disturbance("map", 0.02); note != "" {
		t.Error(note)
	}
	if note := disturbance("map", 0.5); !strings.Contains(note, "map") || !strings.Contains(note, "0.50") {
		t.Errorf("%q", note)
	}
}
