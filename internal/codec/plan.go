package codec

import (
	"encoding"
	"fmt"
	"reflect"
	"sync"
)

var plans struct {
	ready sync.Map   // reflect.Type to *Plan, complete ones
	mu    sync.Mutex // held while building
	work  map[reflect.Type]*Plan
}

// PlanOf returns the plan for t, or a *TypeError. It is safe for concurrent use, and cheap the second time.
func PlanOf(t reflect.Type) (*Plan, error) {
	if p, ok := plans.ready.Load(t); ok {
		return p.(*Plan), nil
	}
	plans.mu.Lock()
	defer plans.mu.Unlock()
	plans.work = make(map[reflect.Type]*Plan)
	p, err := build(t, t.String())
	if err != nil {
		return nil, err // nothing of it was published: what it was part of may be broken, too
	}
	for t, p := range plans.work {
		plans.ready.LoadOrStore(t, p)
	}
	return p, nil
}

var (
	binaryMarshaler   = reflect.TypeFor[encoding.BinaryMarshaler]()
	binaryUnmarshaler = reflect.TypeFor[encoding.BinaryUnmarshaler]()
	textMarshaler     = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler   = reflect.TypeFor[encoding.TextUnmarshaler]()
	errorType         = reflect.TypeFor[error]()
)

// build builds the plan of t. Plans refer to each other by pointer, so that a type may contain itself.
func build(t reflect.Type, path string) (*Plan, error) {
	if p, ok := plans.ready.Load(t); ok {
		return p.(*Plan), nil
	}
	if p, ok := plans.work[t]; ok {
		return p, nil
	}
	p := &Plan{typ: t, fixed: -1, min: 1, building: true, sig: "@" + t.String()} // what a recursive use sees
	plans.work[t] = p
	err := p.fill(path)
	p.building = false
	return p, err
}

func (p *Plan) fill(path string) error {
	t := p.typ
	bad := func(reason string) error { return &TypeError{Path: path, Reason: reason, Type: t} }
	if ptr := reflect.PointerTo(t); t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		switch {
		case ptr.Implements(binaryMarshaler) && ptr.Implements(binaryUnmarshaler):
			p.enc, p.dec, p.sig = encodeBinary(t), decodeBinary(t), "binary "+t.String()
			return nil
		case ptr.Implements(textMarshaler) && ptr.Implements(textUnmarshaler):
			p.enc, p.dec, p.sig = encodeText(t), decodeText(t), "text "+t.String()
			return nil
		}
	}
	switch t.Kind() {
	case reflect.Bool:
		p.fixed, p.sig = 1, "bool"
		p.enc, p.dec = encodeFlat(1), decodeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr,
		reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		p.setFlat(int(t.Size()), t.Kind().String())
	case reflect.String:
		p.enc, p.dec, p.sig = encodeString, decodeString, "string"
	case reflect.Slice, reflect.Pointer, reflect.Array:
		return p.fillElem(path)
	case reflect.Map:
		key, err := build(t.Key(), path+" key")
		if err != nil {
			return err
		}
		value, err := build(t.Elem(), path+" value")
		if err != nil {
			return err
		}
		p.enc, p.dec = encodeMap(t, key, value), decodeMap(t, key, value)
		p.sig = "map[" + key.sig + "]" + value.sig
	case reflect.Struct:
		return p.fillStruct(path)
	case reflect.Interface:
		if t == errorType {
			p.enc, p.dec, p.sig = encodeError, decodeError, "error"
		} else {
			p.enc, p.dec, p.sig = encodeInterface(t), decodeInterface(t), "interface "+t.String()
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

func (p *Plan) setFlat(size int, sig string) {
	p.flat, p.fixed, p.min, p.sig = true, size, size, sig
	p.enc, p.dec = encodeFlat(size), decodeFlat(size)
}

func (p *Plan) fillElem(path string) error {
	t := p.typ
	elem, err := build(t.Elem(), map[reflect.Kind]string{reflect.Slice: path + "[]", reflect.Array: path + "[]", reflect.Pointer: "*" + path}[t.Kind()])
	if err != nil {
		return err
	}
	switch t.Kind() {
	case reflect.Slice:
		p.enc, p.dec, p.sig = encodeSlice(t, elem), decodeSlice(t, elem), "[]"+elem.sig
	case reflect.Pointer:
		p.enc, p.dec, p.sig = encodePointer(elem), decodePointer(t, elem), "*"+elem.sig
	default:
		n := t.Len()
		p.sig = fmt.Sprintf("[%d]%s", n, elem.sig)
		if elem.flat {
			p.setFlat(n*elem.fixed, p.sig)
			return nil
		}
		p.min = n * elem.min
		if p.fixed = -1; elem.fixed >= 0 {
			p.fixed = n * elem.fixed
		}
		p.enc, p.dec = encodeArray(n, elem), decodeArray(n, elem)
	}
	return nil
}

// A field is a step of a struct's plan: one field, or several flat ones that touch.
type field struct {
	offset uintptr
	plan   *Plan
}

func (p *Plan) fillStruct(path string) error {
	t := p.typ
	var fields []field
	sig, end := "struct "+t.String()+"{", uintptr(0)
	p.min, p.fixed, p.flat = 0, 0, true
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "_" {
			p.flat = false
			continue
		}
		at := path + "." + f.Name
		if !f.IsExported() && !(f.Anonymous && f.Type.Kind() == reflect.Struct) {
			return &TypeError{Path: at, Reason: "it is unexported, and " + t.String() + " has no MarshalBinary and UnmarshalBinary", Type: f.Type}
		}
		fp, err := build(f.Type, at)
		if err != nil {
			return err
		}
		sig += f.Name + " " + fp.sig + ";"
		if p.min += fp.min; p.fixed >= 0 && fp.fixed >= 0 {
			p.fixed += fp.fixed
		} else {
			p.fixed = -1
		}
		if !fp.flat || f.Offset != end {
			p.flat = false
		}
		end = f.Offset + f.Type.Size()
		// Flat neighbours without padding between them are one copy.
		if n := len(fields); n > 0 && fp.flat && fields[n-1].plan.flat && fields[n-1].offset+uintptr(fields[n-1].plan.fixed) == f.Offset {
			run := &Plan{typ: nil}
			run.setFlat(fields[n-1].plan.fixed+fp.fixed, "")
			fields[n-1].plan = run
			continue
		}
		fields = append(fields, field{f.Offset, fp})
	}
	sig += "}"
	if p.flat = p.flat && end == t.Size(); p.flat {
		p.setFlat(int(t.Size()), sig)
		return nil
	}
	p.sig = sig
	p.enc, p.dec = encodeStruct(fields), decodeStruct(fields)
	return nil
}
