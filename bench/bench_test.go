package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
)

func TestMain(m *testing.M) {
	mp.Main()
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], rolePrefix) {
		os.Exit(playRole(os.Args[1], os.Args[2:]))
	}
	code := m.Run()
	removeScratch()
	os.Exit(code)
}

func pool(b *testing.B, n int) *mp.Pool {
	b.Helper()
	p, err := newPool(n)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := p.Close(); err != nil {
			b.Error(err)
		}
	})
	return p
}

//nolint:thelper // it is called in what is measured, and Helper takes longer than that
func must(b *testing.B, err error) {
	if err != nil {
		b.Fatal(err)
	}
}

// An operation is an element of a map.
func BenchmarkMap(b *testing.B) {
	p := pool(b, workers)
	for _, chunk := range []int{1, 64, 0} {
		name, opts := "default", []mp.MapOption(nil)
		if chunk > 0 {
			name, opts = fmt.Sprintf("chunk=%d", chunk), []mp.MapOption{mp.ChunkSize(chunk)}
		}
		b.Run(name, func(b *testing.B) {
			in := numbers(b.N)
			b.ReportAllocs()
			b.ResetTimer()
			_, err := noopMP.Map(ctx, p, in, opts...)
			must(b, err)
		})
	}
}

// Its rival.
func BenchmarkChannels(b *testing.B) {
	for _, buffer := range []int{0, 128} {
		b.Run(fmt.Sprintf("buffer=%d", buffer), func(b *testing.B) {
			in := numbers(b.N)
			b.ReportAllocs()
			b.ResetTimer()
			_, err := overChannels(noop, buffer, in)
			must(b, err)
		})
	}
}

func BenchmarkStream(b *testing.B) {
	p := pool(b, workers)
	b.ReportAllocs()
	n := 0
	for _, err := range noopMP.Stream(ctx, p, upTo(b.N)) {
		must(b, err)
		n++
	}
	if n != b.N {
		b.Fatalf("%d outcomes of %d", n, b.N)
	}
}

func BenchmarkCall(b *testing.B) {
	p := pool(b, workers)
	b.ReportAllocs()
	for b.Loop() {
		_, err := noopMP.Call(ctx, p, 1)
		must(b, err)
	}
}

// Only the call counts, not the pause before it.
func BenchmarkCallAfterPause(b *testing.B) {
	p := pool(b, workers)
	var sum time.Duration
	for range b.N {
		time.Sleep(idle)
		begin := time.Now()
		_, err := noopMP.Call(ctx, p, 1)
		sum += time.Since(begin)
		must(b, err)
	}
	b.ReportMetric(float64(sum.Nanoseconds())/float64(b.N), "ns/call")
}

// W41: what bytes cost on their way there and back.
func BenchmarkEcho(b *testing.B) {
	p := pool(b, 1)
	for _, size := range []int{64, 4 << 10, 64 << 10, megabyte} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			data := make([]byte, size)
			b.SetBytes(2 * int64(size))
			b.ReportAllocs()
			for b.Loop() {
				_, err := echo.Call(ctx, p, data)
				must(b, err)
			}
		})
	}
}

// W23: what it costs to start a process, and to have its result.
func BenchmarkProcess(b *testing.B) {
	for b.Loop() {
		p, err := noopMP.Start(ctx, 1)
		must(b, err)
		_, err = p.Wait(ctx)
		must(b, err)
	}
}

func BenchmarkBareProcess(b *testing.B) {
	for b.Loop() {
		_, _, err := bareProcess()
		must(b, err)
	}
}
