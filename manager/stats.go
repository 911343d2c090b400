package manager

import (
	"context"

	"github.com/go-multiproc/mp/internal/codec"
)

// A Stats is what a server has, and has done.
type Stats struct {
	Clients int   // connected now, this one included
	Served  int64 // connected so far
	Objects int
	Made    int64          // objects so far
	Bytes   int64          // that objects keep, and what each value costs beside, and arguments of calls that wait or run
	Calls   int64          // requests so far
	Waiting int            // calls that wait for something in the server
	Running int64          // functions that run in the server
	Names   int            // published
	ByKind  map[string]int // objects, by kind
}

var statsCodec, _ = codec.For[Stats]()

// Stats asks the server. The figures need not be of the same moment.
func (m *Manager) Stats(ctx context.Context) (Stats, error) {
	c, err := m.use()
	if err != nil {
		return Stats{}, err
	}
	r := c.ask(opStats, 0, 0)
	r.safe = true
	return get(ctx, r, statsCodec)
}

func (c *call) stats() {
	srv := c.s.srv
	st := Stats{Bytes: srv.bytes.Load(), Calls: srv.calls.Load(), Running: srv.running.Load(), ByKind: make(map[string]int)}
	srv.mu.Lock()
	st.Clients, st.Served, st.Objects, st.Made, st.Names = len(srv.sessions), srv.served, len(srv.objects), srv.made, len(srv.names)
	for kind, n := range srv.byKind { // they are not counted here: any client may ask, as often as it likes
		if n > 0 {
			st.ByKind[kinds[kind].name] = n
		}
	}
	sessions := make([]*session, 0, len(srv.sessions))
	for s := range srv.sessions {
		sessions = append(sessions, s)
	}
	srv.mu.Unlock()
	for _, s := range sessions {
		s.mu.Lock()
		for _, c := range s.pending {
			if c.stop == nil { // else it runs
				st.Waiting++
			}
		}
		s.mu.Unlock()
	}
	b, err := statsCodec.Append(nil, &st)
	if err != nil {
		c.fail(err)
		return
	}
	c.answer(statusOK, b)
}
