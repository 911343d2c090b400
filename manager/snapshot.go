package manager

import (
	"bytes"
	"encoding/binary"
)

// pageSize is how much of a snapshot travels at once, about.
const pageSize = 256 << 10

// A snapshot is what an object held at one moment, given out in pages. Its values are held meanwhile.
type snapshot struct {
	left  int                   // items
	bytes int64                 // that it keeps
	item  func(b []byte) []byte // appends the next one
	over  []byte                // an item that was too large for the page before
	refs  []*entry
}

// snapshot answers with the first page of n items. item appends the next of them each time it is called, and does not look into what
// the object may change later: the object is unlocked then. size is how many bytes that keeps, for all snapshots together may keep
// as many as all objects. values are those that the items are made of.
//
//	page: number of the snapshot, 0 if this is the last page | items in this page | items
func (c *call) snapshot(n int, size int64, values []value, item func(b []byte) []byte) {
	srv := c.s.srv
	if total := srv.shown.Add(size); total > srv.cfg.MaxBytes || len(c.s.snapshots) >= srv.cfg.MaxCalls {
		srv.shown.Add(-size)
		c.fail(ErrLimit)
		return
	}
	sn := &snapshot{left: n, bytes: size, item: item}
	for _, v := range values {
		for _, e := range v.refs {
			if srv.hold(e.id) != nil {
				sn.refs = append(sn.refs, e)
			}
		}
	}
	c.page(0, sn)
}

// page answers with the next page, and keeps the snapshot if that is not the last.
func (c *call) page(id uint64, sn *snapshot) {
	s := c.s
	most := min(pageSize, int(s.srv.cfg.MaxMessage/2)) // or one item, which came in a message itself
	items := append(make([]byte, 0, max(4<<10, len(sn.over))), sn.over...)
	n := min(1, len(sn.over))
	sn.over = nil
	for sn.left > 0 && len(items) < most {
		before := len(items)
		items = sn.item(items)
		sn.left--
		if n > 0 && len(items) > most {
			sn.over = bytes.Clone(items[before:])
			items = items[:before]
			break
		}
		n++
	}
	for _, e := range sn.refs {
		s.srv.lend(e.id)
	}
	switch {
	case sn.left == 0 && sn.over == nil:
		delete(s.snapshots, id)
		s.srv.lose(sn)
		id = 0
	case id == 0:
		id = s.srv.lastSnap.Add(1) // no later session of the client has another with this number
		s.snapshots[id] = sn
	}
	b := binary.AppendUvarint(make([]byte, 0, len(items)+16), id)
	b = append(binary.AppendUvarint(b, uint64(n)), items...)
	if int64(len(b)) > s.srv.cfg.MaxMessage-answerHeader { // an item that a function made: the answer is an error
		s.endSnapshot(id)
	}
	c.answer(statusOK, b)
}

// cost is what values cost that are kept.
func cost(values []value) (n int64) {
	for _, v := range values {
		n += int64(len(v.data)) + valueOverhead
	}
	return n
}

func (s *session) next(c *call) {
	sn := s.snapshots[c.number]
	if sn == nil {
		c.fail(errGone)
		return
	}
	c.page(c.number, sn)
}

func (s *session) endSnapshot(id uint64) {
	if sn := s.snapshots[id]; sn != nil {
		delete(s.snapshots, id)
		s.srv.lose(sn)
	}
}

// lose gives back what a snapshot holds. It may be called with the lock of an object that is being read, so it is left to others.
func (srv *server) lose(sn *snapshot) {
	srv.shown.Add(-sn.bytes)
	if len(sn.refs) > 0 {
		go srv.drop([]value{{refs: sn.refs}})
	}
}
