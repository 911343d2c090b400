package manager

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// control is what a client tells its server without waiting for an answer, in order: which objects this process has proxies of.
type control struct {
	mu       sync.Mutex
	proxies  map[uint64]int // by object
	messages [][]byte       // not yet sent
	some     atomic.Bool    // there are messages

	sending sync.Mutex // held by who sends them
}

func (o *control) waiting() bool { return o.some.Load() }

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

// made counts the proxy of an object that this session has made, and so retains.
func (o *control) made(id uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.proxies == nil {
		o.proxies = make(map[uint64]int)
	}
	o.proxies[id]++
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
	o.messages = append(o.messages, message)
	o.some.Store(true)
}

// flush sends what is to be sent.
func (o *control) flush(ctx context.Context, c conn) error {
	o.sending.Lock()
	defer o.sending.Unlock()
	for {
		o.mu.Lock()
		if len(o.messages) == 0 {
			o.some.Store(false)
			o.mu.Unlock()
			return nil
		}
		m := o.messages[0]
		o.mu.Unlock()
		err := c.TrySendBytes(m)
		if noRoom(err) {
			err = c.SendBytes(ctx, m)
		}
		if err != nil {
			return err
		}
		o.mu.Lock()
		if len(o.messages) > 0 && &o.messages[0][0] == &m[0] { // else they were reset
			o.messages = o.messages[1:]
		}
		o.mu.Unlock()
	}
}

// reset forgets what was to be said to a session that has ended.
func (o *control) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.messages = nil
	o.some.Store(false)
}

// again tells a new session what this process has proxies of.
func (o *control) again(ctx context.Context, c conn) error {
	o.mu.Lock()
	ids := make([]uint64, 0, len(o.proxies))
	for id := range o.proxies {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	messages := make([][]byte, 0, len(ids))
	for _, id := range ids {
		messages = append(messages, header(nil, 0, opRetain, 0, id))
	}
	o.messages = append(messages, slices.DeleteFunc(o.messages, func(m []byte) bool { return m[4] == opRetain || m[4] == opRelease })...)
	o.some.Store(len(o.messages) > 0)
	o.mu.Unlock()
	return o.flush(ctx, c)
}

// settle sends what is to be sent, on a goroutine of its own: when proxies come and go nobody can wait. It dials if need be.
func (c *client) settle() {
	ctx := context.Background()
	if conn, err := c.connection(ctx); err == nil {
		_ = c.control.flush(ctx, conn)
	}
}
