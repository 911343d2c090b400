package progress

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestTexts(t *testing.T) {
	m := moment{name: "x", total: 2000, done: 812, parts: 8, failed: 3, rate: 13.24, elapsed: time.Minute}
	for _, c := range []struct{ got, want string }{
		{m.status(), "812/2000  41% 13.2/s 1:29 left 3 failed"},
		{m.summary(nil), "x: 812 of 2000 done in 1m0s, 13.5/s, 3 failed"},
		{m.summary(errors.New("one\ntwo")), "x: 812 of 2000 done in 1m0s, 13.5/s, 3 failed: one"},
		{(&moment{endless: true, done: 5, elapsed: time.Second}).status(), "5 done 0/s 0:01"},
		{(&moment{total: 10, elapsed: time.Hour + time.Second}).status(), "0/10   0% 0/s 1:00:01"},
		{(&moment{name: "y", elapsed: 1234567}).summary(nil), "y: 0 done in 1ms"},
		{number(999.6), "1000"},
		{number(1234567), "1.23M"},
		{number(3e13), "30000G"},
		{took(12345 * time.Millisecond), "12.3s"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	if s := line(strings.Repeat("é", 150)); len(s) > maxLine+3 || !strings.HasSuffix(s, "é…") {
		t.Errorf("%q", s)
	}
	for _, rate := range []float64{0, 1e-9, math.Inf(1)} {
		m := moment{total: math.MaxInt64, rate: rate}
		if left, ok := m.left(); ok && left < 0 || ok != math.IsInf(rate, 1) {
			t.Errorf("at %v/s: %v, %v", rate, left, ok)
		}
	}
}

// The pace is that of late: it follows a change, and does not jump.
func TestPace(t *testing.T) {
	start := time.Now()
	p := pace{last: start}
	now, units := start, 0.0
	run := func(rate float64, d time.Duration) (last float64) {
		for end := now.Add(d); now.Before(end); {
			now = now.Add(redraw)
			units += rate * redraw.Seconds()
			last = p.of(start, units, now)
		}
		return last
	}
	if r := run(100, time.Second); math.Abs(r-100) > 1 {
		t.Errorf("at 100/s: %v", r)
	}
	if r := p.of(start, units+1000, now.Add(time.Millisecond)); math.Abs(r-100) > 1 {
		t.Errorf("looked at again at once: %v", r)
	}
	if r := run(10, redraw); r < 50 {
		t.Errorf("it jumps to %v", r)
	}
	if r := run(10, 30*time.Second); math.Abs(r-10) > 1 {
		t.Errorf("at 10/s: %v", r)
	}
	if r := run(0, time.Minute); r > 0.1 {
		t.Errorf("at a standstill: %v", r)
	}
}
