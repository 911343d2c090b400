package manager

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-multiproc/mp"
)

// control is what a client tells its server without waiting for an answer, in order: which objects this process has proxies of.
type control struct {
	mu       sync.Mutex
	proxies  map[uint64]int // by object
	messages [][]byte       // not yet sent
	some     atomic.Bool    // there are messages
	down     bool           // there is no session now
	over     bool           // and will be none

	sending  chan struct{} // has room for who sends them
	settling atomic.Bool   // somebody is about to
}

// retain counts one more proxy of an object.
func (o *control) retain(id uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.proxies == nil {
		o.proxies = make(map[uint64]int)
	}
	if o.proxies[id]++; o.proxies[id] == 1 {
		o.addLocked(header(nil, 0, opRetain, 0, id))
	}
}

// release counts one less.
func (o *control) release(id uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.proxies[id]--; o.proxies[id] == 0 {
		delete(o.proxies, id)
		o.addLocked(header(nil, 0, opRelease, 0, id))
	}
}

func (o *control) add(message []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.addLocked(message)
}

func (o *control) addLocked(message []byte) {
	if o.over || o.down && message[4] != opLend { // the next session is told of the rest by again
		return
	}
	o.messages = append(o.messages, message)
	o.some.Store(true)
}

// flush sends what is to be sent.
func (o *control) flush(ctx context.Context, c conn) error {
	select {
	case o.sending <- struct{}{}:
		defer func() { <-o.sending }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return o.send(func(m []byte) error { return c.SendBytes(ctx, m) })
}

// tryFlush is flush for who does not wait: it is mp.ErrFull if there is no room, or others are at it.
func (o *control) tryFlush(c conn) error {
	if !o.some.Load() {
		return nil
	}
	select {
	case o.sending <- struct{}{}:
		defer func() { <-o.sending }()
	default:
		return mp.ErrFull
	}
	return o.send(c.TrySendBytes)
}

func (o *control) send(send func(m []byte) error) error {
	for {
		o.mu.Lock()
		if len(o.messages) == 0 {
			o.some.Store(false)
			o.mu.Unlock()
			return nil
		}
		m := o.messages[0]
		o.mu.Unlock()
		if err := send(m); err != nil {
			return err
		}
		o.mu.Lock()
		if len(o.messages) > 0 && &o.messages[0][0] == &m[0] { // else they were reset
			o.messages = o.messages[1:]
		}
		o.mu.Unlock()
	}
}

// reset forgets what was to be said to a session that has ended. What is under way to other processes, the next one is told, unless
// there will be none.
func (o *control) reset(over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down, o.over = true, over
	o.messages = slices.DeleteFunc(o.messages, func(m []byte) bool { return over || m[4] != opLend })
	o.some.Store(false)
}

// again tells a new session what this process has proxies of.
func (o *control) again() {
	o.mu.Lock()
	defer o.mu.Unlock()
	ids := slices.Sorted(maps.Keys(o.proxies))
	messages := make([][]byte, 0, len(ids))
	for _, id := range ids {
		messages = append(messages, header(nil, 0, opRetain, 0, id))
	}
	o.down = false
	o.messages = append(messages, slices.DeleteFunc(o.messages, func(m []byte) bool { return m[4] != opLend })...)
	o.some.Store(len(o.messages) > 0)
}

// settle has what is to be sent sent by another goroutine, one at a time: when proxies come and go nobody can wait. That one dials
// if need be.
func (c *client) settle() {
	if !c.control.settling.CompareAndSwap(false, true) {
		return
	}
	go func() {
		for again := true; again; {
			conn, err := c.connection(context.Background())
			if err == nil {
				if err := c.control.flush(context.Background(), conn); err != nil {
					c.broke(conn, err)
					continue
				}
			}
			c.control.settling.Store(false)
			again = err == nil && c.control.some.Load() && c.control.settling.CompareAndSwap(false, true)
		}
	}()
}

// settleIfUp is settle for what is of no interest to a server that is not connected.
func (c *client) settleIfUp() {
	if c.up() != nil {
		c.settle()
	}
}

// settleNow sends what is to be sent, if that is possible soon.
func (c *client) settleNow() {
	if conn := c.up(); conn != nil && c.control.tryFlush(conn) == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cancelWait)
	defer cancel()
	if conn, err := c.connection(ctx); err == nil {
		_ = c.control.flush(ctx, conn)
	}
}

// flush sends what is to be sent, if there is a connection.
func (c *client) flush(ctx context.Context) {
	if conn := c.up(); conn != nil {
		_ = c.control.flush(ctx, conn)
	}
}

// up is the connection there is; nil if there is none.
func (c *client) up() conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn
}
