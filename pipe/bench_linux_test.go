package pipe

import "testing"

func BenchmarkStream64(b *testing.B) { benchStream(b, 64) }
func BenchmarkStream1M(b *testing.B) { benchStream(b, 1<<20) }

// benchStream is one goroutine that sends and one that receives.
func benchStream(b *testing.B, size int) {
	x, y := pair(b)
	m := make([]byte, size)
	b.ReportAllocs()
	b.SetBytes(int64(size))
	b.ResetTimer()
	go func() {
		for range b.N {
			_ = x.SendBytes(ctx, m)
		}
	}()
	var buf []byte
	for range b.N {
		buf, _ = y.RecvAppend(ctx, buf[:0])
	}
}

func BenchmarkPingPong64(b *testing.B) {
	x, y := pair(b)
	go func() {
		var m []byte
		var err error
		for err == nil {
			m, err = x.RecvAppend(ctx, m[:0])
			_ = x.SendBytes(ctx, m)
		}
	}()
	buf := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		_ = y.SendBytes(ctx, buf)
		buf, _ = y.RecvAppend(ctx, buf[:0])
	}
}

func BenchmarkProcessPingPong(b *testing.B) {
	c, _ := startPeer(b, "echo")
	buf := make([]byte, 64)
	ok(b, c.SendBytes(ctx, buf))
	buf, _ = c.RecvAppend(ctx, buf[:0])
	b.ReportAllocs()
	for b.Loop() {
		_ = c.SendBytes(ctx, buf)
		buf, _ = c.RecvAppend(ctx, buf[:0])
	}
}

func benchSource(b *testing.B, role string) {
	c, _ := startPeer(b, role)
	buf, _ := c.RecvAppend(ctx, nil)
	b.ReportAllocs()
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		buf, _ = c.RecvAppend(ctx, buf[:0])
	}
}

func BenchmarkProcessStream(b *testing.B) { benchSource(b, "source64") }
func BenchmarkProcessMiB(b *testing.B)    { benchSource(b, "source1M") }
