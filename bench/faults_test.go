package main

import (
	"strings"
	"testing"
	"time"
)

func TestFate(t *testing.T) {
	for _, c := range []struct {
		f    fate
		want string
	}{
		{fate{OK: 8, Usable: true, Ends: true}, "nothing is lost"},
		{fate{OK: 7, Failed: 1, Usable: true, Ends: true}, "one element fails"},
		{fate{OK: 7, Failed: 1, Lives: true, Usable: true, Ends: true}, "one element fails; its worker runs on"},
		{fate{OK: 2, Failed: 6, Ends: true}, "6 of 8 elements fail; no later call works"},
		{fate{Failed: 8, Ends: true}, "everything fails; no later call works"},
		{fate{OK: 7, None: 1, Usable: true, Ends: true}, "**hangs**: the element never gets an answer"},
		{fate{OK: 2, None: 6, Ends: true}, "**hangs**: 6 of 8 elements never get an answer; no later call works"},
		{fate{None: 8}, "**hangs**: no element gets an answer; no later call works; it cannot be ended"},
		{fate{Text: "all is well", None: 1}, "all is well"},
	} {
		if got := c.f.String(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.f, got, c.want)
		}
	}
}

// What differs from round to round is told, the most frequent first, and a time only where there was always an answer.
func TestFates(t *testing.T) {
	well, badly := fate{Text: "well", Seconds: 0.001}, fate{Text: "badly", Seconds: 0.003}
	for _, c := range []struct {
		f               fates
		outcome, answer string
	}{
		{fates{well}, "well", "1.00 ms"},
		{fates{well, well, badly}, "well (2 of 3); or badly (1 of 3)", "1.00 ms, worst 3.00 ms"},
		{fates{badly, {Text: "never", None: 1}}, "badly (1 of 2); or never (1 of 2)", ""},
	} {
		if got := c.f.outcome(); got != c.outcome {
			t.Errorf("%+v: outcome %q, want %q", c.f, got, c.outcome)
		}
		if got := c.f.answer(); got != c.answer {
			t.Errorf("%+v: answer %q, want %q", c.f, got, c.answer)
		}
	}
}

// Every line has a cell for each side, those that were not seen too, and Python takes part in so many rounds only.
func TestFaultTable(t *testing.T) {
	tab := &faultTable{fates: make(map[string]fates), short: true}
	met := 0
	s := tab.side("Pool", 2, func(fault) (fate, error) { met++; return fate{Text: "seen"}, nil })
	quick := 0
	for _, f := range faultList {
		if !f.slow {
			quick++
		}
	}
	for range 3 {
		if _, err := s.measure(); err != nil {
			t.Fatal(err)
		}
	}
	if met != 2*quick {
		t.Errorf("met %d faults, want %d", met, 2*quick)
	}
	var out strings.Builder
	if err := tab.print(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2+len(faultList) {
		t.Fatalf("%d lines", len(lines))
	}
	for _, l := range lines {
		if strings.Count(l, "|") != 5 {
			t.Error(l)
		}
	}
}

// Ours: the caller of the element that is hurt is told, and nobody else is.
func TestOursMeetsFaults(t *testing.T) {
	for _, f := range faultList {
		switch f.name {
		case "busy", "exit", "goexit", "error", "result":
			got, err := f.ours(time.Minute)
			if err != nil || got.String() != "one element fails" {
				t.Errorf("%s: %v, %v", f.name, got, err)
			}
		}
	}
}
