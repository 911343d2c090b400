package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A group is what has to be measured in turn because its parts are compared with each other.
type group struct {
	name, about string
	// open makes what the sides need and keeps over all rounds. Without it the group is measured by the program that is built with the rivals.
	open  func(*runner) (*bench, error)
	lines []line
	// charts are what a group shows that measures curves instead of lines.
	charts []chart
	// rounds, if not 0, is the most that make sense.
	rounds int
	// apart: it takes long, and is measured only if it is named, or in a short run.
	apart bool
}

// A bench is an opened group.
type bench struct {
	sides  []side
	close  func()
	report func(io.Writer) error // what does not fit into the table; it comes below
}

// A side is one of those that are compared. A measurement can yield several figures, each under its name.
type side struct {
	name    string
	measure func() (figures, error)
}

type figures map[string]float64

// A skip is why a side cannot be measured here. It is no failure.
type skip string

func (s skip) Error() string { return string(s) }

type runner struct {
	rounds int
	scale  int // amounts of work are divided by it
	short  bool
	log    io.Writer

	faultsDoc string          // the file to which the table of faults goes
	curves    bool            // the curves are measured too, if no group is named
	report    string          // the directory to which the page with everything goes
	below     strings.Builder // what comes below the table
}

// n is an amount of work.
func (r *runner) n(full int) int { return max(2, full/r.scale) }

// all measures the groups that only names and prints the table.
func (r *runner) all(w io.Writer, only string) error {
	chosen, err := choose(only, r.short)
	if err != nil {
		return err
	}
	if r.curves && only == "" && !r.short { // a short run has them anyway
		chosen = append(chosen, curves()...)
	}
	var all *results
	if r.report != "" {
		if all, err = loadResults(r.report); err == nil {
			err = all.on(machine())
		}
		if err != nil {
			return err
		}
	}
	printMachine(w, r)
	printHead(w)
	var notes []string
	for _, g := range chosen {
		before := takeUsage()
		s, err := r.group(g)
		if err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		for _, l := range g.lines {
			l.print(w, s, r.short)
		}
		for _, c := range g.charts {
			fmt.Fprintf(&r.below, "%s\n\n", c.title)
			c.print(&r.below, s)
		}
		others := before.others()
		if all != nil && len(s.of) > 0 {
			all.put(g.name, &measured{Began: before.at.UTC().Truncate(time.Second), Rounds: r.roundsOf(g), Short: r.short,
				Seconds: time.Since(before.at).Seconds(), Others: others, Skipped: s.skipped, Figures: s.of})
			if err := all.save(r.report); err != nil { // each at once, for the next may fail
				return err
			}
		}
		notes = append(notes, s.notes()...)
		if note := disturbance(g.name, others); note != "" {
			notes = append(notes, note)
		}
		fmt.Fprintf(r.log, "%-12s %5.1f s, others used %.2f CPUs\n", g.name, time.Since(before.at).Seconds(), others)
	}
	if r.below.Len() > 0 {
		fmt.Fprintf(w, "\n%s", r.below.String())
	}
	for _, note := range notes {
		fmt.Fprintf(w, "\n%s\n", note)
	}
	if all != nil {
		return redrawIn(r.report)
	}
	return nil
}

// curves are the groups that measure some.
func curves() []group {
	return slices.DeleteFunc(slices.Clone(groups), func(g group) bool { return len(g.charts) == 0 })
}

func (r *runner) roundsOf(g group) int {
	if g.rounds > 0 {
		return min(r.rounds, g.rounds)
	}
	return r.rounds
}

func choose(only string, short bool) ([]group, error) {
	if only == "" {
		return slices.DeleteFunc(slices.Clone(groups), func(g group) bool { return g.apart && !short }), nil
	}
	var chosen []group
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(groups, func(g group) bool { return g.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no group %q; -list shows which there are", name)
		}
		chosen = append(chosen, groups[i])
	}
	return chosen, nil
}

// group measures one group.
func (r *runner) group(g group) (*samples, error) {
	if g.open == nil {
		return r.elsewhere(g)
	}
	s := &samples{of: make(map[string][]float64), skipped: make(map[string]string)}
	b, err := g.open(r)
	if err != nil {
		return s, err
	}
	if b.close != nil {
		defer b.close()
	}
	order := slices.Clone(b.sides)
	for range r.roundsOf(g) {
		for _, side := range order {
			if _, ok := s.skipped[side.name]; ok {
				continue
			}
			runtime.GC() // what one side leaves behind is not the next one's to sweep
			f, err := side.measure()
			var why skip
			switch {
			case errors.As(err, &why):
				s.skipped[side.name] = string(why)
			case err != nil:
				return s, fmt.Errorf("%s: %w", side.name, err)
			default:
				s.add(f)
			}
		}
		// Nobody is always the one who comes after somebody else.
		slices.Reverse(order)
	}
	if b.report != nil {
		return s, b.report(&r.below)
	}
	return s, nil
}
