// Command pictures draws each text of this directory, NAME.txt, as NAME.svg. It is a module of its own: what it needs is no business of mp.
//
//	go generate ./...
package main

//go:generate go run .

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bep/goat"
)

// The page is white on purpose: SVGs in a README are images, and know little of the page that they are on.
const (
	head = `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="%s" width="%d" height="%d" viewBox="%d %d %d %d">
<!-- drawn from %s, sha256 %x: change that, and run go generate in docs/pictures -->
<style>
text { font: 13px Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2937; white-space: pre }
path { fill: none; stroke: #47689b; stroke-width: 1.4; stroke-linecap: round }
polygon, circle { fill: #47689b }
rect { fill: #fbfcfe; stroke: #dbe3ee }
</style>
<rect x="%d" y="%d" width="%d" height="%d" rx="10"/>
`
	margin = 24
)

func main() {
	texts, err := filepath.Glob("*.txt")
	if err != nil || len(texts) == 0 {
		log.Fatalf("pictures: there are no texts here: %v", err)
	}
	for _, name := range texts {
		if err := draw(name); err != nil {
			log.Fatal("pictures: ", err)
		}
	}
}

func draw(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	base := strings.TrimSuffix(name, ".txt")
	svg := goat.BuildSVG(bytes.NewReader(text))
	width, height := svg.Width+2*margin, svg.Height+2*margin
	out := fmt.Sprintf(head, base, width, height, -margin, -margin, width, height, name, sha256.Sum256(text),
		-margin, -margin, width, height) + joined(svg.Body) + "</svg>\n"
	return os.WriteFile(base+".svg", []byte(out), 0o644) //nolint:gosec // it is for everybody
}

// goat writes one element for each character, which nobody can search or read aloud.
var character = regexp.MustCompile(`(?m)^<text text-anchor='middle' x='(\d+)' y='(\d+)' [^>]*>(.+?)</text>\n`)

// cell is how wide a character is.
const cell = 8

// A run is characters beside each other, with at most one space between two.
type run struct {
	x, y int
	text string
	n    int // characters
}

// joined is an SVG's body with runs in place of characters. What is all capitals is bold.
func joined(body string) string {
	found := character.FindAllStringSubmatch(body, -1)
	runs := make([]run, 0, len(found))
	for _, m := range found {
		x, _ := strconv.Atoi(m[1]) // digits, by the expression
		y, _ := strconv.Atoi(m[2])
		runs = append(runs, run{x - cell/2, y, m[3], 1})
	}
	slices.SortFunc(runs, func(a, b run) int { return cmp.Or(a.y-b.y, a.x-b.x) })
	var texts strings.Builder
	for i := 0; i < len(runs); {
		r := runs[i]
		for i++; i < len(runs) && runs[i].y == r.y && runs[i].x <= r.x+(r.n+1)*cell; i++ {
			if runs[i].x > r.x+r.n*cell {
				r.text, r.n = r.text+" ", r.n+1
			}
			r.text, r.n = r.text+runs[i].text, r.n+1
		}
		weight := ""
		if r.n > 1 && r.text == strings.ToUpper(r.text) {
			weight = ` style="font-weight: bold"`
		}
		fmt.Fprintf(&texts, "<text x=\"%d\" y=\"%d\" textLength=\"%d\"%s>%s</text>\n", r.x, r.y, r.n*cell, weight, r.text)
	}
	return strings.Replace(character.ReplaceAllString(body, ""), "</g>", texts.String()+"</g>", 1)
}
