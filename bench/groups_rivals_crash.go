//go:build rivals

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// crashLimit is how many milliseconds there may be no answer from Python before that is called a hang.
const crashLimit = 3000

func openRivalsCrash(r *runner) (*bench, error) {
	t := &lossTable{n: r.n(1000), seen: make(map[string][]loss)}
	t.side("mp", "2 workers", func() (loss, error) { return oursCrash(t.n) })
	for _, rival := range rpcNames {
		for _, callers := range []int{1, noopsInFlight} {
			t.side(rival, fmt.Sprintf("2 processes, %d in flight to each", callers), func() (loss, error) { return remoteCrash(rival, callers, t.n) })
		}
	}
	for _, rival := range poolNames {
		t.side(rival, "2 goroutines", func() (loss, error) { return pooledCrash(rival, t.n) })
	}
	limit := crashLimit
	if r.short {
		limit /= 10
	}
	t.side("Python `Pool`", "2 workers", func() (loss, error) { return pythonCrash("crash_pool", t.n, limit) })
	t.side("Python `ProcessPoolExecutor`", "2 workers", func() (loss, error) { return pythonCrash("crash_futures", t.n, limit) })
	return &bench{sides: t.sides, report: t.print}, nil
}

// pythonCrash runs a measurement of peers.py whose figures are those of a loss.
func pythonCrash(what string, n, limit int) (loss, error) {
	f, err := python(what, workers, n, limit)
	if err != nil {
		return loss{}, err
	}
	l := loss{Right: int(f["right"]), Failed: int(f["failed"]), None: int(f["none"]), After: "no later call works"}
	if f["usable"] > 0 {
		l.After = "later calls work"
	}
	return l, nil
}

// A lossTable is what has been seen, by side.
type lossTable struct {
	n     int
	rows  [][2]string
	sides []side
	seen  map[string][]loss
}

// side adds a row and the side that fills it.
func (t *lossTable) side(who, with string, meet func() (loss, error)) {
	row := [2]string{who, with}
	name := strings.Join(row[:], ", ")
	t.rows = append(t.rows, row)
	t.sides = append(t.sides, side{name, func() (figures, error) {
		l, err := meet()
		if err == nil && l.Right+l.Failed+l.None != t.n {
			err = fmt.Errorf("%+v are not %d elements", l, t.n)
		}
		if err == nil {
			t.seen[name] = append(t.seen[name], l)
		}
		return nil, err
	}})
}

func (t *lossTable) print(w io.Writer) error {
	fmt.Fprintf(w, "%d elements, one of which kills its process: what the caller has after that\n\n", t.n)
	fmt.Fprintln(w, "| by | with | right | failed | no answer | left |")
	_, err := fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- |")
	for _, row := range t.rows {
		seen := t.seen[strings.Join(row[:], ", ")]
		if len(seen) == 0 {
			_, err = fmt.Fprintf(w, "| %s | %s | left out | | | |\n", row[0], row[1])
			continue
		}
		_, err = fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", row[0], row[1],
			between(seen, func(l loss) int { return l.Right }), between(seen, func(l loss) int { return l.Failed }),
			between(seen, func(l loss) int { return l.None }), afters(seen))
	}
	return err
}

// between is the least and the most of a count.
func between(seen []loss, of func(loss) int) string {
	var counts []int
	for _, l := range seen {
		counts = append(counts, of(l))
	}
	least, most := slices.Min(counts), slices.Max(counts)
	if least == most {
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d-%d", least, most)
}

// afters is what was left, each that was seen once.
func afters(seen []loss) string {
	var texts []string
	for _, l := range seen {
		if !slices.Contains(texts, l.After) {
			texts = append(texts, l.After)
		}
	}
	return strings.Join(texts, "; or ")
}
