package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/progress"
)

const (
	statsInputs = 400
	statsEvery  = 100 // every hundredth is long
	statsShort  = 20_000
	statsLong   = 100_000_000
)

func stats(ctx context.Context, p *page) error {
	p.say("A bar shows how far a map is, and then a pool can say what it did. Here %d inputs, of which every %dth takes %d times as long",
		statsInputs, statsEvery, statsLong/statsShort)
	p.say("as the others: which were they?\n")
	inputs := make([]int, statsInputs)
	for i := range inputs {
		if inputs[i] = statsShort; i%statsEvery == statsEvery-1 {
			inputs[i] = statsLong
		}
	}
	workers, err := mp.NewPool(mp.PoolConfig{})
	if err != nil {
		return err
	}
	defer workers.Close()
	before := workers.Stats()
	if _, err := processData.Map(ctx, workers, inputs, progress.Bar(p.w, progress.Name("inputs"))); err != nil {
		return err
	}
	s := workers.Stats()
	if err := checkStats(s); err != nil {
		return err
	}

	p.say("")
	rows := [][]string{{"slowest", "argument", "worker", "time"}}
	for _, e := range s.Slowest[:min(statsInputs/statsEvery, len(s.Slowest))] {
		rows = append(rows, []string{fmt.Sprint("element ", e.Index), e.Argument, fmt.Sprint(e.Worker), ms(e.Duration)})
	}
	p.table(rows...)
	p.say("")
	rows = [][]string{{"worker", "started in", "worked", "waited", "elements", "MiB"}}
	for _, w := range s.Workers {
		rows = append(rows, []string{
			fmt.Sprint(w.Index), ms(w.Time.Starting + w.Time.Init), ms(w.Time.Working), ms(w.Time.Waiting), fmt.Sprint(w.Done), fmt.Sprint(w.PeakRSS >> 20),
		})
	}
	p.table(rows...)
	p.say("\n  running   %v", s.RunningTimes)
	p.say("  waiting   %v", s.WaitingTimes)
	p.say("  bytes     %s to the workers, %s back", number(int(s.BytesSent)), number(int(s.BytesReceived)))
	p.say("  used      %.0f%% of the time during the map", 100*s.Time.Since(before.Time).Utilisation())
	p.say("\nAll %d are accounted for.", s.Done)
	return nil
}

// checkStats says what is wrong with what a pool says of itself.
func checkStats(s mp.PoolStats) error {
	working := time.Duration(0)
	for _, w := range s.Workers {
		working += w.Time.Working
	}
	switch {
	case s.Accepted != statsInputs || s.Done != statsInputs || s.RunningTimes.Count() != statsInputs:
		return fmt.Errorf("of %d inputs %d were accepted, %d done and %d measured", statsInputs, s.Accepted, s.Done, s.RunningTimes.Count())
	case working != s.Time.Working:
		return fmt.Errorf("the workers have worked for %v, the pool for %v", working, s.Time.Working)
	case len(s.Slowest) == 0 || s.Slowest[0].Duration != s.RunningTimes.Max():
		return fmt.Errorf("the slowest are %+v; %v", s.Slowest, s.RunningTimes)
	}
	return nil
}
