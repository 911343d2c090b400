//go:build linux

package mp_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/go-multiproc/mp"
)

// sideLogs logs so many records of a level.
var sideLogs = mp.Func2("sideLogs", func(ctx context.Context, level slog.Level, n int) (int, error) {
	l := mp.Logger(ctx)
	for i := range n {
		l.Log(ctx, level, "message", "i", i)
	}
	return n, nil
})

// What a record costs the function that logs it; the parent's handler, which drops it, runs beside.
func BenchmarkLogger(b *testing.B) {
	for _, c := range []struct {
		name  string
		level slog.Level
	}{{"record", slog.LevelInfo}, {"disabled", slog.LevelDebug}} {
		b.Run(c.name, func(b *testing.B) {
			g := newSideGate()
			close(g.open)
			pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, Logger: slog.New(sideAtInfo{g})})
			if err != nil {
				b.Fatal(err)
			}
			defer pool.Close()
			b.ResetTimer()
			if _, err := sideLogs.Call(ctx, pool, mp.Pack2(c.level, b.N)); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			_ = pool.Close()
			b.ReportMetric(float64(g.dropped.Load())/float64(b.N), "dropped/op")
		})
	}
}

// sideAtInfo takes what counts.
type sideAtInfo struct{ sideGate }

func (h sideAtInfo) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (h sideAtInfo) WithAttrs([]slog.Attr) slog.Handler               { return h }
func (h sideAtInfo) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "message" {
		r.Message = "flood"
	}
	return h.sideGate.Handle(ctx, r)
}

// What it costs to report how far one is.
func BenchmarkReportProgress(b *testing.B) {
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	b.ResetTimer()
	if _, err := sideReport.Call(ctx, pool, sideReported{Times: b.N}); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkStacks(b *testing.B) {
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	for b.Loop() {
		if dump, err := pool.Stacks(ctx, 0); err != nil {
			b.Fatal(fmt.Errorf("%d bytes: %w", len(dump), err))
		}
	}
}
