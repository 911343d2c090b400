package codec

import (
	"reflect"
	"strconv"
)

// A field is a step of a struct's plan: one field, or several flat ones that touch.
type field struct {
	offset uintptr
	plan   *Plan
	after  int // the least that the fields after it take, if it nests
}

func (b *builder) fillArray(p *Plan, path string) error {
	t, n := p.typ, p.typ.Len()
	elem, err := b.build(t.Elem(), path+"[]")
	if err != nil {
		return err
	}
	p.setParts("["+strconv.Itoa(n)+"]", part{"", elem})
	switch {
	case n == 0:
		p.setFlat(0)
	case elem.flat:
		p.setFlat(n * elem.fixed)
	default:
		p.min, p.nests = n*elem.min, elem.nests
		if elem.fixed >= 0 {
			p.fixed = n * elem.fixed
		}
		p.enc, p.dec = encodeArray(n, elem), decodeArray(n, elem)
	}
	return nil
}

func (b *builder) fillStruct(p *Plan, path string) error {
	t := p.typ
	var (
		fields     []field
		parts      []part
		end        uintptr // of the last field
		least, all int     // min and fixed
		flat       = true
	)
	for f := range t.Fields() {
		if f.Name == "_" {
			flat = flat && f.Type.Size() == 0
			continue
		}
		at := path + "." + f.Name
		if !f.IsExported() && (!f.Anonymous || f.Type.Kind() != reflect.Struct) {
			return &TypeError{Path: at, Reason: "it is unexported, and " + t.String() + " has no MarshalBinary and UnmarshalBinary", Type: f.Type}
		}
		fp, err := b.build(f.Type, at)
		if err != nil {
			return err
		}
		parts = append(parts, part{f.Name, fp})
		if least += fp.min; all >= 0 && fp.fixed >= 0 {
			all += fp.fixed
		} else {
			all = -1
		}
		flat = flat && fp.flat && f.Offset == end
		end = f.Offset + f.Type.Size()
		// Flat neighbours without padding between them are one copy.
		if n := len(fields); n > 0 && fp.flat && fields[n-1].plan.flat && fields[n-1].offset+uintptr(fields[n-1].plan.fixed) == f.Offset {
			run := &Plan{}
			run.setFlat(fields[n-1].plan.fixed + fp.fixed)
			fields[n-1].plan = run
			continue
		}
		fields = append(fields, field{offset: f.Offset, plan: fp})
		p.nests = p.nests || fp.nests
	}
	for i, after := len(fields)-1, 0; i >= 0; i-- {
		if fields[i].plan.nests {
			fields[i].after = after
		}
		after += fields[i].plan.min
	}
	p.setParts("struct", parts...)
	switch {
	case flat && end == t.Size():
		p.setFlat(int(end))
	case all == 0:
		p.min, p.fixed, p.head = 1, 1, "nothing"
		p.enc, p.dec = encodeNothing, decodeNothing
	default:
		p.min, p.fixed = least, all
		p.enc, p.dec = encodeStruct(fields), decodeStruct(fields)
	}
	return nil
}
