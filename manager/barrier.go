package manager

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp/shared"
)

// A Barrier lets a number of parties go on when all have come, round after round. It breaks for all of them when one of them
// dies or loses its connection, gives up because its context ended, or calls Abort. A process is a party from its first Wait on; in a
// worker until the function that called Wait returns. One that dies before is none, and the others wait for it until a context
// ends. All methods are safe for concurrent use.
type Barrier struct{ proxy }

// NewBarrier makes a barrier for at least one party.
func NewBarrier(m *Manager, parties int) (*Barrier, error) {
	if parties < 1 {
		return nil, fmt.Errorf("mp/manager: NewBarrier: %d parties: %w", parties, shared.ErrBound)
	}
	b := new(Barrier)
	return newProxy(m, b, &b.proxy, kindBarrier, 0, func(r *request) { r.int(parties) })
}

// Wait waits until all parties have come, and returns a number from 0 that each of them gets another of: 0 for who came first. It is
// shared.ErrBroken if the barrier is broken, or breaks. When ctx ends first, it breaks for all.
func (b *Barrier) Wait(ctx context.Context) (arrival int, err error) {
	r := b.ask(barrierWait)
	if r.err == nil {
		attended.add(&b.proxy)
	}
	return getInt(ctx, r)
}

// Abort breaks the barrier until Reset.
func (b *Barrier) Abort(ctx context.Context) error { return do(ctx, b.ask(barrierAbort)) }

// Reset makes the barrier whole and without parties. Who waits gets shared.ErrBroken.
func (b *Barrier) Reset(ctx context.Context) error { return do(ctx, b.ask(barrierReset)) }

// Parties is how many have to come.
func (b *Barrier) Parties(ctx context.Context) (int, error) {
	return getInt(ctx, b.read(barrierParties))
}

// Waiting is how many have come in this round.
func (b *Barrier) Waiting(ctx context.Context) (int, error) {
	return getInt(ctx, b.read(barrierWaiting))
}

// Broken reports whether the barrier is broken.
func (b *Barrier) Broken(ctx context.Context) (bool, error) {
	return getBool(ctx, b.read(barrierBroken))
}

// MarshalBinary implements encoding.BinaryMarshaler: the proxy travels.
func (b *Barrier) MarshalBinary() ([]byte, error) { return b.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (b *Barrier) UnmarshalBinary(data []byte) error {
	return b.unmarshal(data, kindBarrier, 0)
}

// String names the barrier.
func (b *Barrier) String() string { return b.name("Barrier") }
