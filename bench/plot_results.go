package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

const resultsFile = "benchmarks.json"

// results are what was measured on one machine, maybe in several runs. The page and its pictures are made from them alone.
type results struct {
	Machine string               `json:"machine"`
	Groups  map[string]*measured `json:"groups"`
}

// measured is one group in one run.
type measured struct {
	Began   time.Time            `json:"began"`
	Rounds  int                  `json:"rounds"`
	Seconds float64              `json:"seconds"` // it lasted so long
	Others  float64              `json:"others"`  // CPUs that other programs used meanwhile
	Short   bool                 `json:"short"`   // figures that mean nothing
	Skipped map[string]string    `json:"skipped"`
	Figures map[string][]float64 `json:"figures"`
}

func (m *measured) samples() *samples { return &samples{of: m.Figures, skipped: m.Skipped} }

// loadResults reads those of the directory; if there are none yet, they are empty.
func loadResults(dir string) (*results, error) {
	r := &results{Groups: make(map[string]*measured)}
	text, err := os.ReadFile(filepath.Join(dir, resultsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, r)
	}
	return r, err
}

// on sets the machine, which must be the one of what is there already: figures of two are not to be mixed.
func (r *results) on(machine string) error {
	if len(r.Groups) > 0 && r.Machine != machine {
		return fmt.Errorf("%s is of another machine, or of other versions: remove it to begin anew\n\tthere: %s\n\there:  %s",
			resultsFile, r.Machine, machine)
	}
	r.Machine = machine
	return nil
}

// put replaces what there is of a group.
func (r *results) put(group string, m *measured) {
	for _, values := range m.Figures {
		for i, v := range values {
			values[i] = rounded(v)
		}
	}
	m.Seconds, m.Others = rounded(m.Seconds), rounded(m.Others)
	r.Groups[group] = m
}

// rounded has five digits, more than any clock here is good for.
func rounded(v float64) float64 {
	out, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 5, 64), 64)
	if err != nil || math.IsInf(out, 0) || math.IsNaN(out) { // JSON has no words for these
		return 0
	}
	return out
}

// save writes one line for each figure, so that a change is a change of few lines.
func (r *results) save(dir string) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\n\"machine\": %s,\n\"groups\": {", quoted(r.Machine))
	for i, name := range slices.Sorted(maps.Keys(r.Groups)) {
		m := r.Groups[name]
		fmt.Fprintf(&out, "%s\n%s: {\"began\": %s, \"rounds\": %d, \"seconds\": %v, \"others\": %v, \"short\": %v,\n  \"skipped\": %s,\n  \"figures\": {",
			comma(i), quoted(name), quoted(m.Began), m.Rounds, m.Seconds, m.Others, m.Short, quoted(m.Skipped))
		for j, figure := range slices.Sorted(maps.Keys(m.Figures)) {
			fmt.Fprintf(&out, "%s\n    %s: %s", comma(j), quoted(figure), quoted(m.Figures[figure]))
		}
		fmt.Fprint(&out, "\n  }}")
	}
	fmt.Fprint(&out, "\n}}\n")
	return replaceFile(filepath.Join(dir, resultsFile), out.Bytes())
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// quoted is v in JSON. What goes in can be encoded.
func quoted(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// replaceFile leaves the old file or the new one, also when the run is interrupted.
func replaceFile(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // pages for everybody
		return err
	}
	fresh := name + ".new"
	if err := os.WriteFile(fresh, text, 0o644); err != nil { //nolint:gosec // a page for everybody
		return err
	}
	return os.Rename(fresh, name)
}

func sortedSet(v []int) []int {
	slices.Sort(v)
	return slices.Compact(v)
}
