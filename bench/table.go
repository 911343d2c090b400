package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/go-multiproc/mp"
)

// A line of the table compares two figures, or judges one.
type line struct {
	what        string
	ours, rival string // names of figures; no rival: ours is judged by itself
	unit        unit
	sense       sense
	// atLeast and stretch bound the ratio; 0 is no bound.
	atLeast, stretch float64
}

// sense is what the ratio of a line is, and which way is good.
type sense int

const (
	speedup  sense = iota // of rates: ours/rival, more is better
	timesUp               // of times: rival/ours, more is better
	overhead              // of times: ours/rival, less is better
	share                 // ours by itself, more is better
	limit                 // ours by itself, less is better
)

func (s sense) ratio(ours, rival float64) float64 {
	switch s {
	case speedup, overhead:
		return ours / rival
	case timesUp:
		return rival / ours
	default:
		return ours
	}
}

func (s sense) lessIsBetter() bool { return s == overhead || s == limit }

// format prints a ratio.
func (l line) format(v float64) string {
	switch l.sense {
	case speedup, timesUp:
		return digits(v) + "x"
	case limit:
		return l.unit(v)
	default:
		return digits(v)
	}
}

func (l line) bound(v float64) string {
	switch {
	case v == 0:
		return ""
	case l.sense.lessIsBetter():
		return "<= " + l.format(v)
	default:
		return l.format(v)
	}
}

func (l line) verdict(v float64) string {
	if l.atLeast == 0 {
		return ""
	}
	meets := func(bound float64) bool {
		if l.sense.lessIsBetter() {
			return v <= bound
		}
		return v >= bound
	}
	switch {
	case meets(l.stretch):
		return "stretch"
	case meets(l.atLeast):
		return "held"
	default:
		return "MISSED"
	}
}

func printHead(w io.Writer) {
	fmt.Fprintln(w, "| what | ours | rival | ratio (quartiles) | at least | stretch | verdict |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- |")
}

// ratios are those of the rounds; without a rival they are ours by itself.
func (l line) ratios(s *samples) []float64 {
	partner := l.rival
	if partner == "" {
		partner = l.ours
	}
	return s.ratios(l.ours, partner, l.sense.ratio)
}

func (l line) print(w io.Writer, s *samples, short bool) {
	ratios := l.ratios(s)
	ratio, verdict := "", "left out"
	if m := median(ratios); !math.IsNaN(m) {
		ratio = l.format(m)
		if len(ratios) > 2 {
			ratio += fmt.Sprintf(" (%s-%s)", digits(quantile(ratios, 0.25)), digits(quantile(ratios, 0.75)))
			if l.sense == limit {
				ratio = fmt.Sprintf("%s (%s-%s)", l.format(m), l.format(quantile(ratios, 0.25)), l.format(quantile(ratios, 0.75)))
			}
		}
		verdict = l.verdict(m)
		if short {
			verdict = "short"
		}
	}
	fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s |\n", l.what, l.figure(s, l.ours), l.figure(s, l.rival),
		ratio, l.bound(l.atLeast), l.bound(l.stretch), verdict)
}

func (l line) figure(s *samples, name string) string {
	if m := median(s.of[name]); !math.IsNaN(m) {
		return l.unit(m)
	}
	return ""
}

// A unit prints a figure.
type unit func(float64) string

func perSecond(v float64) string {
	switch {
	case v >= 1e6:
		return digits(v/1e6) + " M/s"
	case v >= 1e3:
		return digits(v/1e3) + " k/s"
	default:
		return digits(v) + " /s"
	}
}

func seconds(v float64) string {
	switch {
	case v < 1e-6:
		return digits(v*1e9) + " ns"
	case v < 1e-3:
		return digits(v*1e6) + " µs"
	default:
		return digits(v*1e3) + " ms"
	}
}

func bandwidth(v float64) string { return digits(v/1e9) + " GB/s" }

func mebibytes(v float64) string { return digits(v/(1<<20)) + " MiB" }

func fraction(v float64) string { return digits(v) }

// digits is three of them.
func digits(v float64) string {
	a := math.Abs(v)
	switch {
	case a >= 100 || a == math.Trunc(a) && a >= 10:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func printMachine(w io.Writer, r *runner) {
	fmt.Fprintf(w, "%s; rounds: %d\n\n", machine(), r.rounds)
}

// machine names what the figures depend on.
func machine() string {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease") // none elsewhere than on Linux
	python := "no Python"
	if out, err := exec.Command("python3", "--version").Output(); err == nil {
		python = strings.TrimSpace(string(out))
	}
	return fmt.Sprintf("%s, %d CPUs usable; %s %s; %s %s; %s", cpuModel(), mp.CPUCount(),
		runtime.GOOS, strings.TrimSpace(string(kernel)), runtime.Version(), runtime.GOARCH, python)
}

func cpuModel() string {
	info, _ := os.ReadFile("/proc/cpuinfo") // without it the model is unknown
	for l := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown CPU"
}
