package main

import (
	"context"
	"errors"
	"testing"
	"time"
)

// One tiny round: each side checks its own results, and no line waits for a figure that nobody measures.
func TestSharedGroupsMeasureWhatTheirLinesCompare(t *testing.T) {
	for _, g := range []group{lockGroup, signalGroup, arrayGroup, queueGroup} {
		t.Run(g.name, func(t *testing.T) {
			r := &runner{rounds: 1, scale: 200}
			s, err := r.group(g)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				for _, note := range s.notes() {
					t.Log(note)
				}
			})
			for _, l := range g.lines {
				if len(s.of[l.ours]) != 1 || s.of[l.ours][0] <= 0 {
					t.Errorf("%s: ours, %q, is %v", l.what, l.ours, s.of[l.ours])
				}
				if len(s.of[l.rival]) != 1 && len(s.skipped) == 0 || len(s.of[l.rival]) == 1 && s.of[l.rival][0] <= 0 {
					t.Errorf("%s: the rival, %q, is %v", l.what, l.rival, s.of[l.rival])
				}
			}
		})
	}
}

// Who waits for one that has failed is ended, and the failure is told, not the end.
func TestTogetherEndsTheOthers(t *testing.T) {
	failure := errors.New("failure")
	waiting := make(chan struct{})
	err := together(
		func(ctx context.Context) error {
			close(waiting)
			<-ctx.Done()
			return ctx.Err()
		},
		func(context.Context) error {
			<-waiting
			return failure
		})
	if !errors.Is(err, failure) {
		t.Errorf("%v, want %v", err, failure)
	}
}

func TestInProcess(t *testing.T) {
	var a, b int
	if err := together(inProcess(noopMP, 3, &a), inProcess(noopMP, 4, &b)); err != nil {
		t.Fatal(err)
	}
	if a != 3 || b != 4 {
		t.Errorf("%d and %d, want 3 and 4", a, b)
	}
}

func TestWhole(t *testing.T) {
	if got := whole([]span{{20, 30}, {10, 15}, {12, 40}}); got != 30*time.Nanosecond {
		t.Errorf("%v, want 30ns", got)
	}
}
