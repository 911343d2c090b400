//go:build rivals

package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fixture is what two lines and two points of a curve might have come to.
func fixture() *results {
	r := &results{Machine: "a machine", Groups: make(map[string]*measured)}
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r.put("map", &measured{Began: began, Rounds: 3, Seconds: 1, Others: 0.5, Skipped: map[string]string{"futures": "want of it"}, Figures: map[string][]float64{
		"ours": {7e6, 8e6, 9e6}, "python": {27e3, 28e3, 29e3}, "channels": {20e6, 20e6, 20e6},
	}})
	r.put("efficiency", &measured{Began: began.AddDate(0, 0, 1), Rounds: 3, Figures: map[string][]float64{"ours 10": {0.8, 0.8, 0.8}}})
	r.put("curve-elements", &measured{Began: began, Rounds: 2, Figures: map[string][]float64{
		at("default", 10): {1e-6, 3e-6}, at("default", 1000): {2e-8}, at("channels", 10): {3e-7, 3e-7},
	}})
	return r
}

// The page tells what there is and how it stands; its pictures are whole, not large, and always the same.
func TestRedraw(t *testing.T) {
	files, err := fixture().render()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"goals", "ratios", "elements"} {
		if files["plots/"+name+".svg"] == nil {
			t.Errorf("no picture of %s among %d files", name, len(files))
		}
	}
	text := string(files[reportFile])
	for _, want := range []string{
		"a machine. Measured on 2026-01-02 to 2026-01-03;",
		"In 1 of 3 groups",
		"Of 3 lines that have goals, 1 reach the stretch goal, 1 more hold what is asked at least, and 1 miss it:\n\n- map: vs 2 goroutines, unbuffered",
		"| no-op Map, ChunkSize(1), vs Python Pool.map(chunksize=1) | 8.00 M/s | 28 k/s | 286x (",
		"| 10 | 2.00 µs | | 300 ns | | | 2 |\n| 1k | 20 ns | | | | | 1 |\n",
		"- Left out: futures, for want of it.\n- Disturbed: while map was measured, other programs used 0.50 CPUs.\n",
		"](plots/goals.svg)", "](plots/ratios.svg)", "](plots/elements.svg)",
		"| `map` | 2026-01-02 03:04 | 3 | 1 s | 0.50 |\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	for name, svg := range files {
		if filepath.Ext(name) != ".svg" {
			continue
		}
		if len(svg) > 100<<10 {
			t.Errorf("%s has %d bytes", name, len(svg))
		}
		wellFormed(t, name, svg)
	}
	again, err := fixture().render()
	if err != nil || !maps.EqualFunc(files, again, bytes.Equal) {
		t.Errorf("the same figures give other files: %v", err)
	}
}

func wellFormed(t *testing.T, name string, svg []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	texts := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "text" {
			texts++
		}
	}
	if texts < 5 {
		t.Errorf("%s: %d texts", name, texts)
	}
}

// What is in docs was drawn from what is in docs: after a change of lines or of the text, go run . -redraw ../docs.
func TestPageCorrespondsToFigures(t *testing.T) {
	const dir = "../docs"
	r, err := loadResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	files, err := r.render()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the figures give: %v; go run . -redraw ../docs", name, err)
		}
	}
	there, err := filepath.Glob(filepath.Join(dir, plotsDir, "*"))
	if err != nil || len(there) != len(files)-1 {
		t.Errorf("%d pictures of %d: %v", len(there), len(files)-1, err)
	}
}

// A later run of some groups replaces these and leaves the others. Nothing is mixed with figures of another machine.
func TestResultsAreMerged(t *testing.T) {
	dir := t.TempDir()
	if err := fixture().save(dir); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(dir, plotsDir, "old.svg")
	if err := replaceFile(old, nil); err != nil {
		t.Fatal(err)
	}
	r, err := loadResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.on("another machine"); err == nil {
		t.Error("another machine's figures are put among these")
	}
	if err := r.on("a machine"); err != nil {
		t.Error(err)
	}
	r.put("map", &measured{Figures: map[string][]float64{"ours": {1.23456789e6}}})
	if err := r.save(dir); err != nil {
		t.Fatal(err)
	}
	if err := redrawIn(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("a picture that no page shows is still there")
	}
	r, err = loadResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Groups["map"].Figures["ours"]; len(got) != 1 || got[0] != 1.2346e6 {
		t.Errorf("map: %v", got)
	}
	if got := r.Groups["efficiency"].Figures["ours 10"]; len(got) != 3 || got[0] != 0.8 {
		t.Errorf("efficiency: %v", got)
	}
	if err := redrawIn(t.TempDir()); err == nil {
		t.Error("a page without figures")
	}
}

func TestBetter(t *testing.T) {
	if got := (line{sense: overhead}).better(4); got != 0.25 {
		t.Errorf("four times the rival's time is %v times better", got)
	}
	if got := (line{sense: timesUp}).better(4); got != 4 {
		t.Errorf("a fourth of the rival's time is %v times better", got)
	}
	if got := (line{sense: limit}).better(0); got != 0 {
		t.Errorf("no bound is %v", got)
	}
}

func TestTicks(t *testing.T) {
	labels := func(low, high float64) string {
		var out []string
		for _, tick := range (logTicks{count}).Ticks(low, high) {
			if tick.Value < low*0.99 || tick.Value > high*1.01 {
				t.Errorf("a tick at %v, outside of %v-%v", tick.Value, low, high)
			}
			if tick.Label != "" {
				out = append(out, tick.Label)
			}
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct {
		a         axis
		low, high float64
		want      string
	}{
		{axis{unit: byteCount, binary: true, linear: true}, 0, 14e6, "0 B 2 MiB 4 MiB 6 MiB 8 MiB 10 MiB 12 MiB"},
		{axis{unit: byteCount, binary: true}, 100, 9000, "128 B 256 B 512 B 1 KiB 2 KiB 4 KiB 8 KiB"},
		{axis{unit: fraction, linear: true}, 0, 1, "0.00 0.50 1.00"},
	} {
		var out []string
		for _, tick := range c.a.ticks().Ticks(c.low, c.high) {
			if tick.Label != "" {
				out = append(out, tick.Label)
			}
		}
		if got := strings.Join(out, " "); got != c.want {
			t.Errorf("%v-%v: %s, want %s", c.low, c.high, got, c.want)
		}
	}
	if got := labels(3, 60); got != "5 10 20 50" {
		t.Errorf("3-60: %s", got)
	}
	if got := labels(1, 1e7); got != "1 10 100 1k 10k 100k 1M 10M" {
		t.Errorf("1-1e7: %s", got)
	}
	if got := labels(1, 1e16); len(strings.Fields(got)) > 9 {
		t.Errorf("1-1e16: %s", got)
	}
}
