package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

// A chart shows how figures grow with x: a picture, and a table with the same numbers. The figure of a curve at x is named by at.
type chart struct {
	file, title string // the file is in plots/, without .svg
	x, y        axis
	series      []series
}

// An axis is logarithmic unless it is linear. On a binary one powers of two are round numbers.
type axis struct {
	label          string
	unit           unit
	linear, binary bool
}

// A series is one curve.
type series struct {
	name   string // for the reader
	figure string
	kind   kind
}

// kind is whose a series is: how it is drawn follows from that.
type kind int

const (
	oursMain kind = iota
	oursToo
	oursThird
	oursFourth
	oursFifth
	goroutinesKind
	pythonKind
	pythonToo
	systemKind // what the operating system or the hardware has to offer
)

// at names the figure of a curve at x.
func at(figure string, x int) string { return fmt.Sprintf("%s @%d", figure, x) }

// xs are the values of x for which there is a figure of the chart, in order.
func (c chart) xs(s *samples) []int {
	var out []int
	for name := range s.of {
		figure, x, ok := strings.Cut(name, " @")
		n, err := strconv.Atoi(x)
		if ok && err == nil && c.has(figure) {
			out = append(out, n)
		}
	}
	return sortedSet(out)
}

func (c chart) has(figure string) bool {
	for _, s := range c.series {
		if s.figure == figure {
			return true
		}
	}
	return false
}

// growing is from, from*factor, ... up to the end; in a short run only up to the first or second of them.
func (r *runner) growing(from, factor, end int) []int {
	var out []int
	for x := from; x <= end && (!r.short || len(out) < 2); x *= factor {
		out = append(out, x)
	}
	return out
}

// atMost is a side that takes part in so many rounds at the most, because it costs much.
func atMost(rounds int, s side) side {
	round := 0
	return side{s.name, func() (figures, error) {
		if round++; round > rounds {
			return nil, nil
		}
		return s.measure()
	}}
}

// costly is how many rounds make sense for work that takes that much longer than what is cheap.
func costly(amount, cheap int) int {
	switch {
	case amount <= cheap:
		return math.MaxInt
	case amount <= 10*cheap:
		return 3
	default:
		return 2
	}
}

// renamed gives each figure the name of a curve at x.
func renamed(f figures, x int) figures {
	out := make(figures, len(f))
	for name, v := range f {
		out[at(name, x)] = v
	}
	return out
}

// roomFor is a skip if the machine has not that much memory to spare, for others may need what there is.
func roomFor(bytes int) error {
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return skip("nobody tells how much memory there is")
	}
	for l := range strings.Lines(string(info)) {
		if value, ok := strings.CutPrefix(l, "MemAvailable:"); ok {
			kib, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
			if err == nil && kib/2 < bytes>>10 { // half of what is available is left to others
				return skip(fmt.Sprintf("it needs %s of memory, and %s are available", byteCount(float64(bytes)), byteCount(float64(kib)*1024)))
			}
			return err
		}
	}
	return nil
}

func count(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'f', -1, 64) + "M"
	case v >= 1e3:
		return strconv.FormatFloat(v/1e3, 'f', -1, 64) + "k"
	default:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
}

// byteCount prints a size as people do.
func byteCount(v float64) string {
	for i, u := range []string{"B", "KiB", "MiB"} {
		if limit := float64(int(1) << (10 * (i + 1))); math.Abs(v) < limit {
			v = v * 1024 / limit
			if v == math.Trunc(v) {
				return fmt.Sprintf("%.0f %s", v, u)
			}
			return digits(v) + " " + u
		}
	}
	v /= 1 << 30
	if v == math.Trunc(v) {
		return fmt.Sprintf("%.0f GiB", v)
	}
	return digits(v) + " GiB"
}

// longer is seconds that may be many.
func longer(v float64) string {
	if v >= 1 {
		return digits(v) + " s"
	}
	return seconds(v)
}

// rateOfBytes is a bandwidth that may be small.
func rateOfBytes(v float64) string {
	switch {
	case v >= 1e9:
		return digits(v/1e9) + " GB/s"
	case v >= 1e6:
		return digits(v/1e6) + " MB/s"
	default:
		return digits(v/1e3) + " kB/s"
	}
}

// print writes the table of the chart: medians, and of how many rounds.
func (c chart) print(w io.Writer, s *samples) {
	fmt.Fprintf(w, "| %s |", c.x.label)
	for _, one := range c.series {
		fmt.Fprintf(w, " %s |", one.name)
	}
	fmt.Fprintf(w, " rounds |\n|%s\n", strings.Repeat(" --- |", len(c.series)+2))
	for _, x := range c.xs(s) {
		fmt.Fprintf(w, "| %s |", c.x.unit(float64(x)))
		rounds := 0
		for _, one := range c.series {
			values := s.of[at(one.figure, x)]
			rounds = max(rounds, len(values))
			if len(values) == 0 {
				fmt.Fprint(w, " |")
				continue
			}
			fmt.Fprintf(w, " %s |", c.y.unit(median(values)))
		}
		fmt.Fprintf(w, " %d |\n", rounds)
	}
	fmt.Fprintln(w)
}
