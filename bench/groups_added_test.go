package main

import "testing"

// One tiny round: each side checks its own results, and no line waits for a figure that nobody measures.
func TestPoolGroupsMeasureWhatTheirLinesCompare(t *testing.T) {
	for _, g := range []group{asyncGroup, poolStartGroup} {
		t.Run(g.name, func(t *testing.T) {
			r := &runner{rounds: 1, scale: 200}
			s, err := r.group(g)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range g.lines {
				if len(s.of[l.ours]) != 1 || s.of[l.ours][0] <= 0 {
					t.Errorf("%s: ours, %q, is %v", l.what, l.ours, s.of[l.ours])
				}
				if len(s.of[l.rival]) != 1 && len(s.skipped) == 0 {
					t.Errorf("%s: the rival, %q, is %v", l.what, l.rival, s.of[l.rival])
				}
			}
		})
	}
}

// In this program, which is built without them, the groups of the rivals have lines to print and nothing to measure: so the other one does.
func TestRivalsAreElsewhere(t *testing.T) {
	for _, g := range []group{rivalsCallGroup, rivalsMapGroup, rivalsStartGroup, rivalsCrashGroup} {
		if g.open != nil {
			t.Errorf("%s is measured here", g.name)
		}
		seen := make(map[string]bool)
		for _, l := range g.lines {
			if key := l.ours + "/" + l.rival; l.rival == "" || seen[key] {
				t.Errorf("%s: %q compares %s", g.name, l.what, key)
			} else {
				seen[key] = true
			}
		}
	}
	if _, err := (order{Group: rivalsCallGroup.name, Rounds: 1, Scale: 1000}).measure(); len(rivalRoles) == 0 && err == nil {
		t.Error("it was measured by nobody")
	}
}
