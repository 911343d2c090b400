package mp

// Priority says what goes first among what has not begun: of all calls and maps of a pool, elements of the higher priority. It is 0
// where nothing is said, and may be negative. What has been handed to a worker and has not begun gives way, what runs is never
// interrupted.
//
// It is strict: while elements of a higher priority wait, none of a lower begins, so a steady load of them keeps the others waiting for as long
// as it lasts. Among equals, calls and maps share the workers by time.
type Priority int

func (o Priority) call(s *settings)    { s.priority = int(o) }
func (o Priority) mapping(s *settings) { s.priority = int(o) }
