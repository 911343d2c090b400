//go:build rivals

package main

import (
	"fmt"
	"image/color"
	"math"
	"strings"
	"unicode/utf8"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A standing is where one line of the table stands, so turned that more is better.
type standing struct {
	label, value     string
	at               float64
	atLeast, stretch float64 // 0: none
	verdict          string
}

// againstRivals are the lines that have a rival: how many times better than that.
func againstRivals(g group, s *samples) []standing {
	var out []standing
	for _, l := range g.lines {
		v := median(l.ratios(s))
		if l.rival == "" || math.IsNaN(v) || v <= 0 {
			continue
		}
		out = append(out, standing{l.label(g), l.format(v), l.better(v), l.better(l.atLeast), l.better(l.stretch), l.verdict(v)})
	}
	return out
}

// againstGoals are the lines that have bounds: how many times better than "at least".
func againstGoals(g group, s *samples) []standing {
	var out []standing
	for _, l := range g.lines {
		v := median(l.ratios(s))
		if l.atLeast == 0 || math.IsNaN(v) || v <= 0 {
			continue
		}
		goal := l.better(l.atLeast)
		out = append(out, standing{l.label(g), l.format(v), l.better(v) / goal, 1, l.better(l.stretch) / goal, l.verdict(v)})
	}
	return out
}

// better turns a ratio so that more is better; no bound stays none.
func (l line) better(ratio float64) float64 {
	if l.sense.lessIsBetter() && ratio != 0 {
		return 1 / ratio
	}
	return ratio
}

const longestLabel = 84

func (l line) label(g group) string {
	label := g.name + ": " + l.what
	if n := utf8.RuneCountInString(label); n > longestLabel {
		label = string([]rune(label)[:longestLabel-3]) + "..."
	}
	return label
}

const (
	overviewWidth vg.Length = 860
	overviewRow   vg.Length = 12
)

var verdictColour = map[string]color.RGBA{"stretch": green, "held": blue, "MISSED": vermillion, "": grey}

// overview draws standings, one below the other, on a logarithmic axis. It is nil if there are none.
func overview(title, xLabel string, all []standing) ([]byte, error) {
	if len(all) == 0 {
		return nil, nil
	}
	p := newPlot(title)
	p.X.Label.Text = xLabel
	p.X.Scale = plot.LogScale{}
	p.X.Tick.Marker = logTicks{func(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%gx", v), ".0") }}
	low, high := 1.0, 1.0
	var names plot.ConstantTicks
	for i, s := range all {
		names = append(names, plot.Tick{Value: -float64(i), Label: s.label})
		for _, v := range []float64{s.at, s.atLeast, s.stretch} {
			if v > 0 {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	p.X.Min, p.X.Max = low/1.3, high*1.9 // the value stands to the right of the last dot
	p.Y.Min, p.Y.Max = -float64(len(all))+0.3, 0.7
	p.Y.Tick.Marker = names
	p.Y.Tick.Label.Font = textFont(8)
	p.Y.Tick.Length = 0
	p.Y.Width, p.Y.Padding = 0, 24 // where the font is another, its words may be longer
	g := grid()
	g.Horizontal.Width = 0
	p.Add(g, standings(all))
	height := overviewRow*vg.Length(len(all)) + 110
	return picture(overviewWidth, height, func(dc draw.Canvas) {
		p.Draw(draw.Crop(dc, 8, -10, 34, -8))
		overviewLegend(draw.Crop(dc, 8, -10, 8, -(height - 26)))
	})
}

// standings paints the rows of an overview.
type standings []standing

func (all standings) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	one := toX(1)
	c.StrokeLine2(draw.LineStyle{Color: color.Black, Width: 1}, one, c.Min.Y, one, c.Max.Y)
	style := text.Style{Color: color.Black, Font: textFont(8), Handler: p.Title.TextStyle.Handler, YAlign: draw.YCenter}
	for i, s := range all {
		y, x := toY(-float64(i)), toX(s.at)
		colour := verdictColour[s.verdict]
		c.StrokeLine2(draw.LineStyle{Color: colour, Width: 3}, one, y, x, y)
		c.DrawGlyph(draw.GlyphStyle{Color: colour, Radius: 3.5, Shape: draw.CircleGlyph{}}, vg.Point{X: x, Y: y})
		right := max(x, one)
		if s.atLeast > 0 {
			mark := toX(s.atLeast)
			c.StrokeLine2(draw.LineStyle{Color: color.Black, Width: 1.5}, mark, y-4.5, mark, y+4.5)
			right = max(right, mark)
		}
		if s.stretch > 0 {
			mark := toX(s.stretch)
			c.DrawGlyph(draw.GlyphStyle{Color: color.Black, Radius: 4, Shape: draw.TriangleGlyph{}}, vg.Point{X: mark, Y: y})
			right = max(right, mark)
		}
		c.FillText(style, vg.Point{X: right + 7, Y: y}, s.value)
	}
}

// overviewLegend tells in one row what the marks mean.
func overviewLegend(c draw.Canvas) {
	style := text.Style{Color: color.Black, Font: textFont(9), Handler: plot.DefaultTextHandler, YAlign: draw.YCenter}
	y := (c.Min.Y + c.Max.Y) / 2
	x := c.Min.X + 120
	for _, e := range []struct {
		name string
		sign func(vg.Point)
	}{
		{"reaches the stretch goal", dot(c, green)},
		{"holds", dot(c, blue)},
		{"misses", dot(c, vermillion)},
		{"no goal", dot(c, grey)},
		{"at least", func(p vg.Point) {
			c.StrokeLine2(draw.LineStyle{Color: color.Black, Width: 1.5}, p.X, p.Y-4.5, p.X, p.Y+4.5)
		}},
		{"stretch", func(p vg.Point) {
			c.DrawGlyph(draw.GlyphStyle{Color: color.Black, Radius: 4, Shape: draw.TriangleGlyph{}}, p)
		}},
	} {
		e.sign(vg.Point{X: x, Y: y})
		c.FillText(style, vg.Point{X: x + 8, Y: y}, e.name)
		x += style.Width(e.name) + 34
	}
}

func dot(c draw.Canvas, colour color.RGBA) func(vg.Point) {
	return func(p vg.Point) {
		c.DrawGlyph(draw.GlyphStyle{Color: colour, Radius: 3.5, Shape: draw.CircleGlyph{}}, p)
	}
}
