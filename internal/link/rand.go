package link

import (
	"context"
	"math/rand/v2"
)

// Rand is the random numbers of the element that ctx comes from: one stream for each element. In a map with a seed it follows
// from that and the element's index, else it is another each time, as outside an element.
func Rand(ctx context.Context) *rand.Rand {
	e, ok := ctx.Value(elementKey{}).(*element)
	if !ok {
		return anyRand()
	}
	r := e.context()
	e.of.mu.Lock()
	defer e.of.mu.Unlock()
	if r.rand == nil {
		r.rand = anyRand()
		if e.of.seeded {
			r.rand = seededRand(e.of.seed, e.index)
		}
	}
	return r.rand
}

func anyRand() *rand.Rand { return rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) }

// seededRand is the stream of element index. Programs rely on its numbers: it does not change. Neighbours in seed or index
// must not have similar states, for the streams of a PCG would be similar, too: hence the mixing. A call has the stream of element 0.
func seededRand(seed uint64, index int64) *rand.Rand {
	base := mix(seed)
	high := mix(base + golden*uint64(max(0, index)+1)) // what splitmix64 that starts at base gives at its index-th step
	return rand.New(rand.NewPCG(high, mix(high+base)))
}

// golden is 2^64 divided by the golden ratio: the step of splitmix64.
const golden = 0x9e3779b97f4a7c15

// mix is the finalizer of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014; the constants are
// Stafford's variant 13): each bit of x changes each of the result with probability one half.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
