package codec

import (
	"errors"
	"reflect"
)

// AppendAny appends the encoding of v, whose type is known only now, without a name: who decodes it knows its type. It returns the
// plan of the type.
func AppendAny(dst []byte, v any) ([]byte, *Plan, error) {
	t := reflect.TypeOf(v)
	if t == nil {
		return dst, nil, errors.New("nil has no type")
	}
	plan, err := PlanOf(t)
	if err != nil {
		return dst, nil, err
	}
	p := reflect.New(t)
	p.Elem().Set(reflect.ValueOf(v))
	out, err := plan.enc(dst, p.UnsafePointer(), MaxDepth)
	if err != nil {
		GiveUp(out[min(len(dst), len(out)):])
		return dst, nil, err
	}
	return out, plan, nil
}

// PlanOfPointed is the plan of what a pointer points to.
func PlanOfPointed(into any) (*Plan, error) {
	p := reflect.ValueOf(into)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return nil, errors.New("it is no pointer to a value")
	}
	return PlanOf(p.Type().Elem())
}

// DecodeAny sets what into points to from the front of src and returns the rest. After an error it is part old, part new.
func DecodeAny(src []byte, into any) (rest []byte, err error) {
	plan, err := PlanOfPointed(into)
	if err != nil {
		return src, err
	}
	p := reflect.ValueOf(into)
	p.Elem().SetZero()
	return plan.dec(src, p.UnsafePointer(), MaxDepth)
}
