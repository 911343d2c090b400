package main

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// A tiny round of every curve: each side checks its own results, and no series waits for a figure that nobody measures.
func TestCurvesMeasureWhatTheirChartsShow(t *testing.T) {
	for _, g := range curves() {
		t.Run(g.name, func(t *testing.T) {
			r := &runner{rounds: 1, scale: 200, short: true}
			s, err := r.group(g)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range g.charts {
				xs := c.xs(s)
				if len(xs) != 2 {
					t.Errorf("%s: points at %v", c.file, xs)
				}
				for _, one := range c.series {
					for _, x := range xs {
						v := s.of[at(one.figure, x)]
						if len(v) != 1 && len(s.skipped) == 0 || len(v) == 1 && (v[0] < 0 || math.IsNaN(v[0]) || math.IsInf(v[0], 0)) {
							t.Errorf("%s: %q at %d is %v", c.file, one.figure, x, v)
						}
					}
				}
			}
			for _, note := range s.notes() {
				t.Log(note)
			}
		})
	}
}

// Names of pictures are one for each chart.
func TestChartsHaveFilesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{"goals": true, "ratios": true}
	for _, g := range curves() {
		if !g.apart || len(g.lines) > 0 {
			t.Errorf("%s: a group of curves is measured apart and has no lines", g.name)
		}
		for _, c := range g.charts {
			if seen[c.file] {
				t.Errorf("%s: there are two", c.file)
			}
			seen[c.file] = true
			looks := make(map[kind]bool)
			for _, one := range c.series {
				if looks[one.kind] {
					t.Errorf("%s: %q looks like another", c.file, one.name)
				}
				looks[one.kind] = true
			}
		}
	}
}

func TestGrowing(t *testing.T) {
	if got := (&runner{}).growing(1, 8, 1<<30); len(got) != 11 || got[10] != 1<<30 {
		t.Error(got)
	}
	if got := (&runner{short: true}).growing(10, 10, 10_000_000); !slices.Equal(got, []int{10, 100}) {
		t.Error(got)
	}
}

func TestAtMost(t *testing.T) {
	s := atMost(2, side{"s", func() (figures, error) { return figures{"s": 1}, nil }})
	measured := 0
	for range 5 {
		f, err := s.measure()
		if err != nil {
			t.Fatal(err)
		}
		measured += len(f)
	}
	if measured != 2 {
		t.Errorf("measured in %d rounds, want 2", measured)
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		u    unit
		v    float64
		want string
	}{
		{count, 10, "10"}, {count, 1000, "1k"}, {count, 1e7, "10M"}, {count, 2.5e6, "2.5M"},
		{byteCount, 1, "1 B"}, {byteCount, 4096, "4 KiB"}, {byteCount, 1 << 30, "1 GiB"}, {byteCount, 1.5 * (1 << 20), "1.50 MiB"}, {byteCount, 0, "0 B"},
		{longer, 2.5, "2.50 s"}, {longer, 0.5, "500 ms"},
		{rateOfBytes, 3e9, "3.00 GB/s"}, {rateOfBytes, 3e6, "3.00 MB/s"}, {rateOfBytes, 300, "0.30 kB/s"},
	} {
		if got := c.u(c.v); got != c.want {
			t.Errorf("%v: %q, want %q", c.v, got, c.want)
		}
	}
}

// What the machine does not have is not asked for.
func TestRoomFor(t *testing.T) {
	if err := roomFor(1 << 20); err != nil {
		t.Error(err)
	}
	var why skip
	if err := roomFor(math.MaxInt); !errors.As(err, &why) {
		t.Errorf("%v, want a skip", err)
	}
}
