package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// A page is where the tour is told. That it cannot be written to is nothing the tour could tell anybody.
type page struct {
	w io.Writer
}

func (p *page) say(format string, args ...any) { _, _ = fmt.Fprintf(p.w, format+"\n", args...) }

func (p *page) title(n int, s section) {
	head := fmt.Sprintf("%d. %s (%s)", n, s.title, s.name)
	p.say("\n%s\n%s", head, strings.Repeat("=", utf8.RuneCountInString(head)))
}

// table prints rows below each other: the first column to the left, the others to the right.
func (p *page) table(rows ...[]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				b.WriteString("  " + cell + pad)
			} else {
				b.WriteString("   " + pad + cell)
			}
		}
		p.say("%s", strings.TrimRight(b.String(), " "))
		if n == 0 {
			p.say("  %s", strings.Repeat("-", utf8.RuneCountInString(b.String())-2))
		}
	}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

// times is how often b goes into a, for a column of speeds.
func times(a, b time.Duration) string { return fmt.Sprintf("%.2fx", a.Seconds()/b.Seconds()) }

// digits puts a comma before every three digits.
func digits(n fmt.Stringer) string { return group(n.String()) }

func number(n int) string { return group(fmt.Sprint(n)) }

func group(s string) string {
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
