package progress

import (
	"fmt"
	"strings"
	"time"
)

// status is what stands beside a bar, and what a line says where there is none.
func (m *moment) status() string {
	var b strings.Builder
	if m.endless {
		fmt.Fprintf(&b, "%d done", m.done)
	} else {
		fmt.Fprintf(&b, "%d/%d %3.0f%%", m.done, m.total, 100*m.part())
	}
	fmt.Fprintf(&b, " %s/s", number(m.rate))
	if left, ok := m.left(); ok {
		fmt.Fprintf(&b, " %s left", clock(left))
	} else {
		fmt.Fprintf(&b, " %s", clock(m.elapsed))
	}
	b.WriteString(m.failures())
	return b.String()
}

func (m *moment) failures() string {
	if m.failed == 0 {
		return ""
	}
	return fmt.Sprintf(" %d failed", m.failed)
}

// summary is the last line.
func (m *moment) summary(err error) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d", m.name, m.done)
	if !m.endless && m.done != m.total {
		fmt.Fprintf(&b, " of %d", m.total)
	}
	fmt.Fprintf(&b, " done in %s", took(m.elapsed))
	if s := m.elapsed.Seconds(); s > 0 && m.done > 0 {
		fmt.Fprintf(&b, ", %s/s", number(float64(m.done)/s))
	}
	if m.failed > 0 {
		fmt.Fprintf(&b, ",%s", m.failures())
	}
	if err != nil {
		fmt.Fprintf(&b, ": %s", line(err.Error()))
	}
	return b.String()
}

// maxLine is how much of an error is shown.
const maxLine = 200

// line is the first line of a text, and not too much of it.
func line(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > maxLine {
		s = strings.ToValidUTF8(s[:maxLine], "") + "…"
	}
	return s
}

// number is three digits that can be read at a glance.
func number(x float64) string {
	for _, unit := range []string{"", "k", "M", "G"} {
		if x < 1000 || unit == "G" {
			switch {
			case x >= 100 || x == 0:
				return fmt.Sprintf("%.0f%s", x, unit)
			case x >= 10:
				return fmt.Sprintf("%.1f%s", x, unit)
			}
			return fmt.Sprintf("%.2f%s", x, unit)
		}
		x /= 1000
	}
	return ""
}

// clock is a time as a watch shows it.
func clock(d time.Duration) string {
	s := int64(d.Round(time.Second).Seconds())
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// took is how long something took, without digits that nobody reads.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
