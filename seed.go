package mp

import (
	"context"
	"math/rand/v2"

	"github.com/go-multiproc/mp/internal/link"
)

// Seed makes the random numbers of Rand repeatable: those of an element follow from the seed and its index alone. So they are
// the same with any number of workers, any ChunkSize, in process, and when an element is tried again; and they stay the same in
// later versions. A call has those of element 0. Without Seed they are others in each run.
type Seed uint64

func (o Seed) call(s *settings)    { s.seeded, s.seed = true, uint64(o) }
func (o Seed) mapping(s *settings) { s.seeded, s.seed = true, uint64(o) }

// Rand is the source of random numbers of the element that a function runs for; see Seed. ctx is the function's context or one
// derived from it. Each element has one stream: to call Rand again is to go on with it. It is not safe for concurrent use. In
// a Chunked function it is the stream of the batch's first element. Outside a function, as in a program's main, each call
// returns a new source, which no seed determines.
func Rand(ctx context.Context) *rand.Rand { return link.Rand(ctx) }
