package pipe

import (
	"net"
	"testing"
)

// onBench runs a benchmark over the networks that differ in speed.
func onBench(b *testing.B, bench func(b *testing.B, n network)) {
	b.Helper()
	for _, name := range []string{"path", "tcp", "TLS"} {
		b.Run(name, func(b *testing.B) { bench(b, by(b, name)) })
	}
}

func BenchmarkNetConnect(b *testing.B) {
	onBench(b, func(b *testing.B, n network) {
		l := n.listen(b)
		for b.Loop() {
			c, err := Dial(ctx, n.network, n.where(l), n.dialer)
			ok(b, err)
			s, err := l.Accept(ctx)
			ok(b, err)
			ok(b, c.Close())
			ok(b, s.Close())
		}
	})
}

func BenchmarkNetPingPong(b *testing.B) {
	onBench(b, func(b *testing.B, n network) {
		x, y := n.meet(b)
		go func() {
			var m []byte
			for {
				var err error
				if m, err = y.RecvAppend(ctx, m[:0]); err != nil {
					return
				}
				if y.SendBytes(ctx, m) != nil {
					return
				}
			}
		}()
		m := make([]byte, 64)
		b.ReportAllocs()
		for b.Loop() {
			ok(b, x.SendBytes(ctx, m))
			var err error
			m, err = x.RecvAppend(ctx, m[:0])
			ok(b, err)
		}
	})
}

func BenchmarkNetStream(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"64", 64}, {"1M", 1 << 20}} {
		b.Run(size.name, func(b *testing.B) {
			onBench(b, func(b *testing.B, n network) {
				x, y := n.meet(b)
				go func() {
					m := make([]byte, size.n)
					for x.SendBytes(ctx, m) == nil {
					}
				}()
				b.SetBytes(int64(size.n))
				b.ReportAllocs()
				var m []byte
				for b.Loop() {
					var err error
					m, err = y.RecvAppend(ctx, m[:0])
					ok(b, err)
				}
			})
		})
	}
}

// What a TCP connection does without this package.
func BenchmarkNetBare(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(b, err)
	defer l.Close()
	x, err := net.Dial("tcp", l.Addr().String())
	ok(b, err)
	defer x.Close()
	y, err := l.Accept()
	ok(b, err)
	defer y.Close()
	b.Run("pingpong", func(b *testing.B) {
		go func() {
			m := make([]byte, 64)
			for i := 0; i < b.N; i++ {
				n, err := y.Read(m)
				if err != nil {
					return
				}
				if _, err := y.Write(m[:n]); err != nil {
					return
				}
			}
		}()
		m := make([]byte, 64)
		for range b.N {
			_, err := x.Write(m)
			ok(b, err)
			_, err = x.Read(m)
			ok(b, err)
		}
	})
	b.Run("1M", func(b *testing.B) {
		go func() {
			m := make([]byte, 1<<20)
			for {
				if _, err := x.Write(m); err != nil {
					return
				}
			}
		}()
		m := make([]byte, 1<<20)
		b.SetBytes(1 << 20)
		for range b.N {
			for n := 0; n < len(m); {
				k, err := y.Read(m[n:])
				ok(b, err)
				n += k
			}
		}
	})
}
