//go:build rivals

package main

import (
	"bytes"
	"image/color"
	"math"
	"regexp"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Colours that also those can tell apart who see fewer (Okabe and Ito); what is ours is blue or green.
var (
	blue       = color.RGBA{0x00, 0x72, 0xb2, 0xff}
	sky        = color.RGBA{0x56, 0xb4, 0xe9, 0xff}
	green      = color.RGBA{0x00, 0x9e, 0x73, 0xff}
	orange     = color.RGBA{0xe6, 0x9f, 0x00, 0xff}
	vermillion = color.RGBA{0xd5, 0x5e, 0x00, 0xff}
	purple     = color.RGBA{0xcc, 0x79, 0xa7, 0xff}
	grey       = color.RGBA{0x77, 0x77, 0x77, 0xff}
	pale       = color.RGBA{0xe6, 0xe6, 0xe6, 0xff}
)

// look is how each kind of series is drawn.
var look = map[kind]struct {
	colour color.RGBA
	shape  draw.GlyphDrawer
	width  vg.Length
	dashes []vg.Length
}{
	oursMain:       {blue, draw.CircleGlyph{}, 2.2, nil},
	oursToo:        {sky, draw.BoxGlyph{}, 2.2, nil},
	oursThird:      {green, draw.PyramidGlyph{}, 2.2, nil},
	oursFourth:     {purple, draw.SquareGlyph{}, 2.2, nil},
	oursFifth:      {grey, draw.PlusGlyph{}, 2.2, nil},
	goroutinesKind: {orange, draw.SquareGlyph{}, 1.4, []vg.Length{6, 3}},
	pythonKind:     {vermillion, draw.TriangleGlyph{}, 1.4, []vg.Length{6, 3}},
	pythonToo:      {purple, draw.CrossGlyph{}, 1.4, []vg.Length{6, 3}},
	systemKind:     {grey, draw.RingGlyph{}, 1.4, []vg.Length{2, 2}},
}

const (
	chartWidth  vg.Length = 680
	chartHeight vg.Length = 330
	legendLine  vg.Length = 15
)

// svg draws the chart; it is nil if there is nothing to be drawn. The legend stands below, where there are no data.
func (c chart) svg(s *samples) ([]byte, error) {
	p := newPlot(c.title)
	p.X.Label.Text, p.Y.Label.Text = c.x.label, c.y.label
	xs := c.xs(s)
	p.X.Tick.Marker = pointsOf(xs, c.x.unit)
	c.x.scale(&p.X)
	c.y.scale(&p.Y)
	p.Y.Tick.Marker = c.y.ticks()
	p.Add(grid())
	legend := plot.NewLegend()
	legend.Top, legend.Left, legend.ThumbnailWidth, legend.Padding = true, true, 30, 4
	legend.TextStyle.Font = textFont(10)
	drawn := 0
	for _, one := range c.series {
		var points plotter.XYs
		for _, x := range xs {
			y := median(s.of[at(one.figure, x)])
			if !math.IsNaN(y) && (y > 0 || c.y.linear) {
				points = append(points, plotter.XY{X: float64(x), Y: y})
			}
		}
		if len(points) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		l := look[one.kind]
		line.Color, line.Width, line.Dashes = l.colour, l.width, l.dashes
		dots.Color, dots.Shape, dots.Radius = l.colour, l.shape, 3
		p.Add(line, dots)
		legend.Add(one.name, line, dots)
		drawn++
	}
	if drawn == 0 {
		return nil, nil
	}
	if c.y.linear {
		p.Y.Min = min(0, p.Y.Min)
	}
	below := legendLine*vg.Length(drawn) + 10
	return picture(chartWidth, chartHeight+below, func(dc draw.Canvas) {
		p.Draw(draw.Crop(dc, 8, -14, below, -8))
		legend.Draw(draw.Crop(dc, 60, 0, 6, -(chartHeight + 2)))
	})
}

func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle.Font = textFont(13)
	p.Title.Padding = 8
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = textFont(11)
		a.Tick.Label.Font = textFont(9)
		a.Padding = 4
	}
	return p
}

func textFont(size font.Length) font.Font {
	f := font.From(plot.DefaultFont, size)
	f.Variant = "Sans"
	return f
}

func grid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Horizontal.Color, g.Vertical.Color = pale, pale
	return g
}

// picture is an SVG with a white ground, so that it can be read on a dark page too.
func picture(width, height vg.Length, paint func(draw.Canvas)) ([]byte, error) {
	canvas := vgsvg.New(width, height)
	dc := draw.New(canvas)
	dc.SetColor(color.White)
	dc.Fill(dc.Path())
	paint(dc)
	var out bytes.Buffer
	_, err := canvas.WriteTo(&out)
	return fonts.ReplaceAll(out.Bytes(), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;font-size")), err
}

// fonts is how the library names its one font. Readers who do not have it have another of the same widths, but must be told.
var fonts = regexp.MustCompile("font-family:Liberation Sans;font-variant:normal;font-weight:normal;font-style:normal;font-size")

func (a axis) scale(to *plot.Axis) {
	if !a.linear {
		to.Scale = plot.LogScale{}
	}
}

// ticks are at round numbers, which for bytes are powers of two and their multiples.
func (a axis) ticks() plot.Ticker {
	switch {
	case a.linear && a.binary:
		return plot.TickerFunc(func(low, high float64) []plot.Tick { return binarySteps(low, high, a.unit) })
	case a.linear:
		return linearTicks{a.unit}
	case a.binary:
		return plot.TickerFunc(func(low, high float64) []plot.Tick { return binaryPowers(low, high, a.unit) })
	default:
		return logTicks{a.unit}
	}
}

const mostTicks = 8

// binaryPowers marks powers of two.
func binaryPowers(low, high float64, u unit) (ticks []plot.Tick) {
	first, last := math.Ceil(math.Log2(low)-0.01), math.Floor(math.Log2(high)+0.01)
	step := max(1, math.Ceil((last-first)/mostTicks))
	for e := math.Ceil(first/step) * step; e <= last; e += step {
		ticks = append(ticks, plot.Tick{Value: math.Exp2(e), Label: u(math.Exp2(e))})
	}
	return ticks
}

// binarySteps marks multiples of a power of two.
func binarySteps(low, high float64, u unit) (ticks []plot.Tick) {
	step := math.Exp2(math.Ceil(math.Log2(max(high-low, 1) / mostTicks)))
	for v := math.Ceil(low/step) * step; v <= high; v += step {
		ticks = append(ticks, plot.Tick{Value: v, Label: u(v)})
	}
	return ticks
}

// pointsOf marks the points themselves.
func pointsOf(xs []int, u unit) plot.Ticker {
	ticks := make(plot.ConstantTicks, 0, len(xs))
	for _, x := range xs {
		ticks = append(ticks, plot.Tick{Value: float64(x), Label: u(float64(x))})
	}
	return ticks
}

// logTicks marks each power of ten, or, if these are few, what lies between them as well.
type logTicks struct{ unit unit }

func (t logTicks) Ticks(low, high float64) []plot.Tick {
	first, last := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	every := math.Ceil((last - first) / 8)
	few := math.Log10(high/low) < 2
	var ticks []plot.Tick
	for e := first; e <= last; e++ {
		for m := 1.0; m < 10; m++ {
			tick := plot.Tick{Value: m * math.Pow(10, e)}
			if m == 1 && math.Mod(e-first, every) == 0 || few && (m == 2 || m == 5) {
				tick.Label = t.unit(tick.Value)
			}
			if tick.Value >= low*0.999 && tick.Value <= high*1.001 {
				ticks = append(ticks, tick)
			}
		}
	}
	return ticks
}

type linearTicks struct{ unit unit }

func (t linearTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = t.unit(ticks[i].Value)
		}
	}
	return ticks
}
