package pipe

import (
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// flood is how many silent connections there are. MP_FLOOD sets it.
func flood() int {
	if n, err := strconv.Atoi(os.Getenv("MP_FLOOD")); err == nil {
		return n
	}
	return 500
}

// H22, W35: whoever means it connects, and is served, among any number of those who say nothing.
func TestNetFlood(t *testing.T) {
	onAll(t, func(t *testing.T, n network) {
		l := n.listen(t)
		go func() {
			for {
				c, err := l.Accept(ctx)
				if err != nil {
					return
				}
				go serveEcho(c)
			}
		}()
		var silent atomic.Int64
		var mu sync.Mutex
		var conns []net.Conn
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for silent.Add(1) <= int64(flood()) {
					c, err := connect(ctx, l.Addr().Network(), l.Addr().String())
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					conns = append(conns, c)
					mu.Unlock()
				}
			})
		}
		for range 2 {
			all.Go(func() {
				for range 20 {
					c, err := Dial(ctx, n.network, n.where(l), n.dialer)
					if err != nil {
						t.Errorf("among %d silent connections: %v", silent.Load(), err)
						return
					}
					ok(t, c.SendBytes(ctx, []byte("hello")))
					_, err = c.RecvBytes(ctx)
					ok(t, err)
					ok(t, c.Close())
				}
			})
		}
		all.Wait()
		l.mu.Lock()
		shaking := len(l.shaking)
		l.mu.Unlock()
		if shaking > defaultMaxHandshakes {
			t.Errorf("%d are in the handshake", shaking)
		}
		for _, c := range conns {
			_ = c.Close()
		}
	})
}
