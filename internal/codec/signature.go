package codec

import (
	"reflect"
	"strconv"
	"strings"
)

// A part is what a plan refers to: an element, a key, a value, a field.
type part struct {
	name string // of a field
	plan *Plan
}

func (p *Plan) setParts(head string, parts ...part) { p.head, p.parts = head, parts }

// Signature describes the encoding of the type. If it is equal in two processes, each understands what the other
// encodes; marshallers and interfaces are taken at their word, that is by their names. It does not depend on what
// other types are known or in which order they came.
func (p *Plan) Signature() string {
	var s strings.Builder
	describe(&s, p, make(map[*Plan]int))
	return s.String()
}

// describe describes each plan once, at its first place, and refers to it by its number at all others: recursive types
// have an end, and the length is that of the types' declarations together.
func describe(s *strings.Builder, p *Plan, seen map[*Plan]int) {
	if p.parts == nil {
		s.WriteString(p.head)
		return
	}
	if n, ok := seen[p]; ok {
		s.WriteString("#" + strconv.Itoa(n))
		return
	}
	seen[p] = len(seen)
	s.WriteString(p.head)
	s.WriteByte('{')
	for i, part := range p.parts {
		if i > 0 {
			s.WriteByte(';')
		}
		if part.name != "" {
			s.WriteString(part.name)
			s.WriteByte(' ')
		}
		describe(s, part.plan, seen)
	}
	s.WriteByte('}')
}

// fullName is the name of a type with the whole path of its package.
func fullName(t reflect.Type) string {
	if t.Name() == "" {
		return t.String()
	}
	return t.PkgPath() + "." + t.Name()
}
