package mp

// Key binds a call, or all elements of a map, to one worker of the pool: calls with equal keys run on the worker of the same index, one
// after the other, as long as there is one with this index; after a death its successor gets them, also those that had not begun. So what a
// worker keeps for a customer, or a file, is found again by the next call for it.
//
// Elements with a key come before others of their priority on their worker, and wait for it, though others may be idle: many with
// one key use one worker. A worker that has none is used as any. Nothing is kept for a key: its worker is computed from the
// indexes there are. Resize moves the keys of the workers that go, and to a worker that comes its share of the others' keys. The empty
// key is none.
type Key string

func (o Key) call(s *settings)    { s.key = string(o) }
func (o Key) mapping(s *settings) { s.key = string(o) }
