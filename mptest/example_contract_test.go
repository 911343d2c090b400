//go:build linux

package mptest_test

import (
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/mptest"
)

// That these compile is the test: they are what programs are written against.
var (
	_ func(*testing.M)                           = mptest.Main
	_ func(testing.TB) mp.Executor               = mptest.InProcess
	_ func(testing.TB, ...mptest.Fault) *mp.Pool = mptest.Faulty
	_ func(int) mptest.Fault                     = mptest.CrashOn
	_ func(int) mptest.Fault                     = mptest.HangOn
	_ func(int, time.Duration) mptest.Fault      = mptest.SlowOn
	_ func(int) mptest.Fault                     = mptest.CorruptOn
	_ func(testing.TB)                           = mptest.NoLeaks
)
