//go:build rivals

package main

import (
	_ "embed"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
	"time"
)

// What is written by hand stands in plot_report.md; the figures go in between.
//
//go:embed plot_report.md
var reportText string

var reportPage = template.Must(template.New("benchmarks.md").Parse(reportText))

const (
	reportFile = "benchmarks.md"
	plotsDir   = "plots"
)

// blankLines are where sections of the template meet.
var blankLines = regexp.MustCompile("\n{3,}")

// page is what the template shows.
type page struct {
	Machine, Days           string
	Short                   bool
	Measured, Disturbed     int  // groups, and those that others disturbed
	Goals, Ratios           bool // whether there are these pictures
	Bounded, Stretch, Holds int
	Missed                  []string
	Groups, Curves          []section
	Notes                   []string
	Runs                    string
}

// section is a group of the page.
type section struct {
	Name, About, Text string
}

// redrawIn writes the page and the pictures from the figures that are there.
func redrawIn(dir string) error {
	r, err := loadResults(dir)
	if err != nil {
		return err
	}
	if len(r.Groups) == 0 {
		return fmt.Errorf("there are no figures in %s", filepath.Join(dir, resultsFile))
	}
	return r.write(dir)
}

// write writes the page and the pictures, and removes pictures of an older page.
func (r *results) write(dir string) error {
	files, err := r.render()
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(dir, plotsDir, "*.svg"))
	for _, name := range old {
		if _, ok := files[filepath.Join(plotsDir, filepath.Base(name))]; !ok {
			err = errors.Join(err, os.Remove(name))
		}
	}
	for name, text := range files {
		err = errors.Join(err, replaceFile(filepath.Join(dir, name), text))
	}
	return err
}

// render makes the page and the pictures. The same figures give the same bytes.
func (r *results) render() (files map[string][]byte, err error) {
	files = make(map[string][]byte)
	picture := func(name string, svg []byte, e error) bool {
		err = errors.Join(err, e)
		if len(svg) > 0 {
			files[filepath.Join(plotsDir, name+".svg")] = svg
		}
		return len(svg) > 0
	}
	p := page{Machine: r.Machine, Days: r.days()}
	var goals, ratios []standing
	var runs strings.Builder
	for _, g := range groups { // in their order; what is no longer one is not shown
		m := r.Groups[g.name]
		if m == nil {
			continue
		}
		s := m.samples()
		p.Short = p.Short || m.Short
		p.Measured++
		p.count(g, s)
		goals, ratios = append(goals, againstGoals(g, s)...), append(ratios, againstRivals(g, s)...)
		p.Notes = append(p.Notes, s.notes()...)
		if note := disturbance(g.name, m.Others); note != "" {
			p.Notes = append(p.Notes, note)
			p.Disturbed++
		}
		fmt.Fprintf(&runs, "| `%s` | %s | %d | %.0f s | %.2f |\n", g.name, m.Began.Format("2006-01-02 15:04"), m.Rounds, m.Seconds, m.Others)
		var text strings.Builder
		if len(g.lines) > 0 {
			printHead(&text)
			for _, l := range g.lines {
				l.print(&text, s, m.Short)
			}
			p.Groups = append(p.Groups, section{g.name, g.about, text.String()})
			continue
		}
		for _, c := range g.charts {
			svg, e := c.svg(s)
			if picture(c.file, svg, e) {
				fmt.Fprintf(&text, "![%s](%s/%s.svg)\n\n", c.title, plotsDir, c.file)
			}
			c.print(&text, s)
		}
		p.Curves = append(p.Curves, section{g.name, g.about, strings.TrimRight(text.String(), "\n") + "\n"})
	}
	p.Runs = runs.String()
	svg, e := overview("Where this stands: measured / \"at least\"", "times better than \"at least\"", goals)
	p.Goals = picture("goals", svg, e)
	svg, e = overview("Where this stands beside its rivals", "times better than the rival", ratios)
	p.Ratios = picture("ratios", svg, e)
	var out strings.Builder
	err = errors.Join(err, reportPage.Execute(&out, p))
	files[reportFile] = blankLines.ReplaceAll([]byte(out.String()), []byte("\n\n"))
	return files, err
}

// count adds the verdicts on a group.
func (p *page) count(g group, s *samples) {
	for _, l := range g.lines {
		v := median(l.ratios(s))
		if l.atLeast == 0 || math.IsNaN(v) {
			continue
		}
		p.Bounded++
		switch l.verdict(v) {
		case "stretch":
			p.Stretch++
		case "held":
			p.Holds++
		default:
			p.Missed = append(p.Missed, fmt.Sprintf("%s: %s: %s, not %s", g.name, strings.TrimPrefix(l.what, "... "), l.format(v), l.bound(l.atLeast)))
		}
	}
}

// days are the first and the last on which something was measured.
func (r *results) days() string {
	var first, last time.Time
	for _, m := range r.Groups {
		if first.IsZero() || m.Began.Before(first) {
			first = m.Began
		}
		if m.Began.After(last) {
			last = m.Began
		}
	}
	a, b := first.Format("2006-01-02"), last.Format("2006-01-02")
	if a == b {
		return a
	}
	return a + " to " + b
}
