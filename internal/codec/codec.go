package codec

import (
	"errors"
	"fmt"
	"reflect"
)

// ErrCorrupt reports bytes that no Append has written.
var ErrCorrupt = errors.New("corrupt encoding")

// ErrCycle reports a value that contains itself, or is nested deeper than MaxDepth.
var ErrCycle = errors.New("the value contains itself or is nested too deeply")

// MaxDepth is how deep pointers, slices, maps and interfaces may be nested in a value: deep enough for trees, and
// shallow enough that neither side's stack is in danger.
const MaxDepth = 10_000

// TypeError reports a type that cannot cross a process boundary.
type TypeError struct {
	Path   string // from the type that was asked for to the part that is to blame: "main.Job.Done", "[]chan int[]"
	Reason string
	Type   reflect.Type // the part
}

// Error implements error.
func (e *TypeError) Error() string {
	return fmt.Sprintf("%s (%s) cannot cross a process boundary: %s", e.Path, e.Type, e.Reason)
}

// Codec encodes and decodes values of T. It is immutable and safe for concurrent use.
type Codec[T any] struct{ plan *Plan }

// For returns the codec for T, or a *TypeError.
func For[T any]() (Codec[T], error) {
	p, err := PlanOf(reflect.TypeFor[T]())
	return Codec[T]{p}, err
}

// Plan is the plan of T.
func (c Codec[T]) Plan() *Plan { return c.plan }

// Plan is how values of one type are encoded. Immutable once PlanOf has returned it.
type Plan struct {
	typ   reflect.Type
	flat  bool   // its memory is its encoding: no pointers, no padding, no bytes that are invalid
	fixed int    // the encoded size, -1 if it varies
	min   int    // the least encoded size; 0 only for a type without memory
	nests bool   // lengths in it make memory before what they count was seen; see lend
	head  string // what it is, and of what: see Signature
	parts []part
	// foreign tells that code of others encodes and decodes it.
	foreign bool
	view    uint8   // see View
	enc     encoder // of the value at a pointer; nil in a plan that is not complete
	dec     decoder
}

// FixedSize is the encoded size of every value, if it is the same for all.
func (p *Plan) FixedSize() (int, bool) { return max(p.fixed, 0), p.fixed >= 0 }

// Plain reports whether no code of others takes part in encoding and decoding.
func (p *Plan) Plain() bool { return p.plain(make(map[*Plan]bool)) }

func (p *Plan) plain(seen map[*Plan]bool) bool {
	if seen[p] {
		return true
	}
	seen[p] = true
	if p.foreign {
		return false
	}
	for _, part := range p.parts {
		if !part.plan.plain(seen) {
			return false
		}
	}
	return true
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}
