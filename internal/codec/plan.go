package codec

import (
	"reflect"
	"sync"
)

var plans struct {
	ready sync.Map   // reflect.Type to *Plan, complete ones
	mu    sync.Mutex // held while building
}

// PlanOf returns the plan for t, or a *TypeError. It is safe for concurrent use, and cheap the second time.
func PlanOf(t reflect.Type) (*Plan, error) {
	if p, ok := plans.ready.Load(t); ok {
		return p.(*Plan), nil
	}
	plans.mu.Lock()
	defer plans.mu.Unlock()
	b := builder{work: make(map[reflect.Type]*Plan)}
	p := b.refer(t, t.String())
	for len(b.later) > 0 {
		next := b.later[0]
		b.later = b.later[1:]
		if err := b.fill(next.plan, next.path); err != nil {
			return nil, err // nothing of it was published: what it was part of may be broken, too
		}
	}
	for t, p := range b.work {
		plans.ready.Store(t, p)
	}
	return p, nil
}

// A builder builds the plans that one type needs. Plans refer to each other by pointer, so that a type may contain
// itself. Only what lies in the memory of a type is built while the type is; what it points to comes later. A type
// cannot lie in its own memory, so a plan that is looked into is always complete.
type builder struct {
	work  map[reflect.Type]*Plan
	later []pending
}

type pending struct {
	plan *Plan
	path string
}

// refer returns the plan of what is pointed to. It may still be empty.
func (b *builder) refer(t reflect.Type, path string) *Plan {
	if p, ok := plans.ready.Load(t); ok {
		return p.(*Plan)
	}
	p, ok := b.work[t]
	if !ok {
		p = &Plan{typ: t, fixed: -1, min: 1}
		b.work[t] = p
		b.later = append(b.later, pending{p, path})
	}
	return p
}

// build returns the complete plan of what lies in the memory of another type.
func (b *builder) build(t reflect.Type, path string) (*Plan, error) {
	p := b.refer(t, path)
	return p, b.fill(p, path)
}

func (b *builder) fill(p *Plan, path string) error {
	if p.enc != nil {
		return nil
	}
	t := p.typ
	bad := func(reason string) error { return &TypeError{Path: path, Reason: reason, Type: t} }
	if m := marshallerOf(t); m != nil {
		p.enc, p.dec, p.head = encodeMarshalled(t, m), decodeMarshalled(t, m), m.name+" "+fullName(t)
		p.foreign = true
		return nil
	}
	switch t.Kind() {
	case reflect.Bool:
		p.fixed, p.head = 1, "bool"
		p.enc, p.dec = encodeFlat(1), decodeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr,
		reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		p.head = t.Kind().String()
		p.setFlat(int(t.Size()))
	case reflect.String:
		p.enc, p.dec, p.head = encodeString, decodeString, "string"
		p.view = viewString
	case reflect.Slice:
		elem := b.refer(t.Elem(), path+"[]")
		p.nests = true
		p.setParts("[]", part{"", elem})
		p.enc, p.dec = encodeSlice(t, elem), decodeSlice(t, elem)
		p.view = viewSlice
	case reflect.Pointer:
		elem := b.refer(t.Elem(), "*"+path)
		p.nests = true
		p.setParts("*", part{"", elem})
		p.enc, p.dec = encodePointer(elem), decodePointer(t, elem)
	case reflect.Map:
		key, value := b.refer(t.Key(), path+" key"), b.refer(t.Elem(), path+" value")
		p.nests = true
		p.setParts("map", part{"", key}, part{"", value})
		p.enc, p.dec = mapPlan(t, key, value)
	case reflect.Array:
		return b.fillArray(p, path)
	case reflect.Struct:
		return b.fillStruct(p, path)
	case reflect.Interface:
		p.nests, p.foreign = true, true
		if t == errorType {
			p.enc, p.dec, p.head = encodeError, decodeError, "error"
		} else {
			p.enc, p.dec, p.head = encodeInterface(t), decodeInterface(t), "interface "+fullName(t)
		}
	case reflect.Chan:
		return bad("a channel belongs to one process")
	case reflect.Func:
		return bad("a function belongs to one process; register it with mp.Func and send its name")
	default:
		return bad("an address means nothing in another process")
	}
	return nil
}

var errorType = reflect.TypeFor[error]()

func (p *Plan) setFlat(size int) {
	p.flat, p.fixed, p.min = true, size, size
	p.enc, p.dec = encodeFlat(size), decodeFlat(size)
}
