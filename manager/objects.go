package manager

import (
	"slices"
	"sync"
	"time"
)

// An object is what the server holds. All its methods are called with its lock, and none of them waits.
type object interface {
	// call carries out c: it answers it, or keeps it (call.keep) and answers it later, or has it run (call.run).
	call(c *call)
	// cancel answers a call that was kept, with context.Canceled, and forgets it.
	cancel(c *call)
	// leave takes out a session that has ended: what it holds. Its calls were cancelled before.
	leave(s *session)
	// free ends the object: it answers the calls that it keeps with errGone, and returns the values that it kept.
	free() []value
}

// simple is what objects embed that keep no calls and in which sessions hold nothing.
type simple struct{}

func (simple) cancel(*call)   {}
func (simple) leave(*session) {}

// An entry is an object in its server.
type entry struct {
	id   uint64
	kind uint8
	sig  uint64

	mu   sync.Mutex // the object's lock
	obj  object     // guarded by mu
	gone bool       // guarded by mu

	refs int       // guarded by the server's lock: sessions, values and names that refer to it
	lent time.Time // guarded by the server's lock: until then it is not freed
}

// with calls fn with the object's lock, and drops afterwards what fn let go of. It reports false if the object is gone.
func (e *entry) with(srv *server, fn func(garbage *[]value)) bool {
	var garbage []value
	e.mu.Lock()
	gone := e.gone
	if !gone {
		fn(&garbage)
	}
	e.mu.Unlock()
	srv.drop(garbage)
	return !gone
}

// add makes an object known, retained by the session that made it.
func (srv *server) add(s *session, kind uint8, sig uint64, o object) (*entry, error) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if len(srv.objects) >= srv.cfg.MaxObjects {
		return nil, ErrLimit
	}
	if s.refs == nil {
		return nil, errGone // and so is who asked for it
	}
	srv.last++
	e := &entry{id: srv.last, kind: kind, sig: sig, obj: o}
	srv.objects[e.id] = e
	srv.made++
	srv.byKind[kind]++
	s.retainLocked(e)
	return e, nil
}

// find is an object by its number, nil if there is none.
func (srv *server) find(id uint64) *entry {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.objects[id]
}

// hold adds a reference to an object, if there is such.
func (srv *server) hold(id uint64) *entry {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	e := srv.objects[id]
	if e != nil {
		e.refs++
	}
	return e
}

// lend keeps an object alive for a while.
func (srv *server) lend(id uint64) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if e := srv.objects[id]; e != nil {
		srv.lendLocked(e)
	}
}

func (srv *server) lendLocked(refs ...*entry) {
	until := time.Now().Add(srv.cfg.Lease)
	for _, e := range refs {
		e.lent = until
	}
}

// lendRefs lends what a value refers to that is given out.
func (srv *server) lendRefs(v value) {
	for _, e := range v.refs {
		srv.lend(e.id)
	}
}

// drop gives back values that are kept no more, and what only they referred to. Call it without locks.
func (srv *server) drop(garbage []value) {
	for len(garbage) > 0 {
		var unreferred []*entry
		for _, v := range garbage {
			if v.data != nil {
				_ = srv.charge(-int64(len(v.data)) - valueOverhead)
			}
			for refs := range slices.Chunk(v.refs, 1000) { // others need the server's lock, too
				unreferred = append(unreferred, srv.unrefer(refs...)...)
			}
		}
		garbage = srv.free(unreferred)
	}
}

// dropRef is drop for one reference.
func (srv *server) dropRef(e *entry) { srv.drop(srv.free(srv.unrefer(e))) }

// unrefer takes references away, and the objects that have none any more out of the server.
func (srv *server) unrefer(refs ...*entry) (unreferred []*entry) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	now := time.Now()
	for _, e := range refs {
		switch e.refs--; {
		case e.refs > 0 || srv.objects[e.id] == nil:
		case e.lent.After(now):
			srv.idle[e] = struct{}{}
			if !srv.reaping {
				srv.reaping = true
				time.AfterFunc(srv.cfg.Lease, srv.reap)
			}
		default:
			srv.removeLocked(e)
			unreferred = append(unreferred, e)
		}
	}
	return unreferred
}

// removeLocked takes an object out of the server. It is on the list of those that are idle also if it was referred to again.
func (srv *server) removeLocked(e *entry) {
	delete(srv.idle, e)
	delete(srv.objects, e.id)
	srv.byKind[e.kind]--
}

// free ends objects that nothing refers to.
func (srv *server) free(unreferred []*entry) (garbage []value) {
	for _, e := range unreferred {
		e.mu.Lock()
		e.gone = true
		garbage = append(garbage, e.obj.free()...)
		e.mu.Unlock()
	}
	return garbage
}

// reap frees what was lent and came back from nowhere.
func (srv *server) reap() {
	var unreferred []*entry
	srv.mu.Lock()
	now := time.Now()
	for e := range srv.idle {
		switch {
		case e.refs > 0:
			delete(srv.idle, e)
		case !e.lent.After(now):
			srv.removeLocked(e)
			unreferred = append(unreferred, e)
		}
	}
	srv.reaping = len(srv.idle) > 0 && srv.ctx.Err() == nil
	if srv.reaping {
		time.AfterFunc(srv.cfg.Lease/4, srv.reap)
	}
	srv.mu.Unlock()
	srv.drop(srv.free(unreferred))
}
