package pipe

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/go-multiproc/mp/internal/robust"
)

// A Conn is one end of a connection. It is safe for concurrent use; messages of several senders do not mix, and each message
// goes to one receiver. It must be closed, unless it was sent to another process.
type Conn struct {
	c       carrier
	tx, rx  lane
	scratch [wordSize]byte // guarded by tx
	in      receiver       // guarded by rx
	gone    error          // why nothing can be done any more; written with both lanes locked
	inside  sync.WaitGroup // who does something, or waits to, without a lane's lock; from when gone is set on it only falls
	ending  sync.Mutex     // held by who ends it

	departure departure       // see MarshalBinary
	lost      runtime.Cleanup // see closeWhenLost; owner: who made the Conn, then who ends it
}

// A lane is one direction of a Conn, at this end. Whoever has mu, and finds it not taken, may use the direction, but must not
// wait. Who has to wait enters the gate, where one at a time waits, and takes the lane while a message is half done.
type lane struct {
	mu    sync.Mutex
	taken bool // guarded by mu
	gate  robust.Gate
}

// newConn makes a Conn of a carrier. maxMessage is the largest message that is received; 0 is no limit.
func newConn(c carrier, maxMessage int64) *Conn {
	conn := &Conn{c: c, in: receiver{c: c, max: limit(maxMessage)}}
	conn.closeWhenLost()
	return conn
}

// enter counts the caller as inside and leaves it with the gate and the lock of a lane that nobody has taken.
func (c *Conn) enter(ctx context.Context, l *lane) error {
	if err := l.gate.Enter(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	if c.gone != nil {
		l.mu.Unlock()
		l.gate.Exit()
		return c.gone
	}
	c.inside.Add(1)
	return nil
}

// leave undoes enter.
func (c *Conn) leave(l *lane) {
	l.mu.Unlock()
	c.inside.Done()
	l.gate.Exit()
}

// exclusively does something that takes a lane and may wait.
func (c *Conn) exclusively(ctx context.Context, l *lane, do func() error) error {
	if err := c.enter(ctx, l); err != nil {
		return err
	}
	l.taken = true
	l.mu.Unlock()
	err := do()
	l.mu.Lock()
	l.taken = false
	c.leave(l)
	return err
}

// Poll waits until there is something to receive: a message, whole, or an error, the end included. It returns false and
// ctx's error if that ends first; one that has ended already makes it look without waiting. Nothing is consumed.
func (c *Conn) Poll(ctx context.Context) (bool, error) {
	for {
		c.rx.mu.Lock()
		if c.gone != nil {
			c.rx.mu.Unlock()
			return false, c.gone
		}
		taken := c.rx.taken
		if !taken && c.in.ready() {
			c.rx.mu.Unlock()
			return true, nil
		}
		if err := ctx.Err(); err != nil {
			c.rx.mu.Unlock()
			return false, err
		}
		c.inside.Add(1)
		c.rx.mu.Unlock()
		err := c.awaitReceiver(ctx, taken)
		c.inside.Done()
		if err != nil {
			return false, err
		}
	}
}

// awaitReceiver waits until whoever has taken the receiving lane is done with his message, or, if nobody has, until more has come.
func (c *Conn) awaitReceiver(ctx context.Context, taken bool) error {
	if !taken {
		return c.c.awaitBytes(ctx)
	}
	if err := c.rx.gate.Enter(ctx); err != nil {
		return err
	}
	c.rx.gate.Exit()
	return nil
}

// AwaitReady is Poll for Wait: an end that is closed is ready, too.
func (c *Conn) AwaitReady(ctx context.Context) error {
	if _, err := c.Poll(ctx); err != nil && !errors.Is(err, ErrClosed) {
		return err
	}
	return nil
}

// Close gives the end up. Who waits here comes back with ErrClosed. The other end receives what was sent before, and then
// io.EOF. A second Close changes nothing.
func (c *Conn) Close() error {
	c.ending.Lock()
	defer c.ending.Unlock()
	if !c.end(ErrClosed) {
		return nil
	}
	return c.c.close()
}

// end lets nobody in any more and waits until all who were inside have left, unless that was done before.
func (c *Conn) end(why error) bool {
	c.tx.mu.Lock()
	c.rx.mu.Lock()
	first := c.gone == nil
	if first {
		c.gone = why
	}
	c.rx.mu.Unlock()
	c.tx.mu.Unlock()
	if first {
		c.lost.Stop()
		c.c.interrupt(why)
		c.inside.Wait()
	}
	return first
}
