package codec

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"testing"
)

func planOf(t testing.TB, typ reflect.Type) *Plan {
	t.Helper()
	p, err := PlanOf(typ)
	if err != nil {
		t.Fatalf("%s: %v", typ, err)
	}
	return p
}

// slowAppend is the format as doc.go has it, by reflection and nothing else.
func slowAppend(t testing.TB, dst []byte, v reflect.Value) []byte {
	some := func(isNil bool) bool {
		if isNil {
			dst = append(dst, 0)
		} else {
			dst = append(dst, 1)
		}
		return !isNil
	}
	if m := marshallerOf(v.Type()); m != nil {
		body, err := m.marshal(reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Interface())
		if err != nil {
			t.Fatal(err)
		}
		return append(binary.AppendUvarint(dst, uint64(len(body))), body...)
	}
	switch v.Kind() {
	case reflect.Bool:
		some(!v.Bool())
	case reflect.String:
		return append(binary.AppendUvarint(dst, uint64(v.Len())), v.String()...)
	case reflect.Slice:
		if v.IsNil() {
			return append(dst, 0)
		}
		dst = binary.AppendUvarint(dst, uint64(v.Len())+1)
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			dst = slowAppend(t, dst, v.Index(i))
		}
	case reflect.Map:
		if v.IsNil() {
			return append(dst, 0)
		}
		dst = binary.AppendUvarint(dst, uint64(v.Len())+1)
		for it := v.MapRange(); it.Next(); {
			for _, x := range []reflect.Value{it.Key(), it.Value()} {
				box := reflect.New(x.Type()).Elem()
				box.Set(x)
				dst = slowAppend(t, dst, box)
			}
		}
	case reflect.Pointer:
		if some(v.IsNil()) {
			return slowAppend(t, dst, v.Elem())
		}
	case reflect.Interface:
		if some(v.IsNil()) {
			box := reflect.New(v.Elem().Type()).Elem()
			box.Set(v.Elem())
			name := registry.Load().types[box.Type()].name
			dst = append(binary.AppendUvarint(dst, uint64(len(name))), name...)
			return slowAppend(t, dst, box)
		}
	case reflect.Struct:
		left := 0
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "_" {
				dst = slowAppend(t, dst, v.Field(i))
				left++
			}
		}
		if left == 0 && v.Type().Size() > 0 {
			return append(dst, 0)
		}
	default: // a number
		var b bytes.Buffer
		x := reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem()
		switch v.Kind() {
		case reflect.Int, reflect.Int64:
			x = reflect.ValueOf(x.Int())
		case reflect.Uint, reflect.Uintptr:
			x = reflect.ValueOf(x.Uint())
		}
		if err := binary.Write(&b, binary.NativeEndian, x.Interface()); err != nil {
			t.Fatal(err)
		}
		return append(dst, b.Bytes()...)
	}
	return dst
}

// checkRoundTrip encodes a random value, compares the bytes with the slow way where no map has an order of its own, and
// decodes it between other things.
func checkRoundTrip(t testing.TB, typ reflect.Type, seed uint64, length int) {
	t.Helper()
	p := planOf(t, typ)
	in := reflect.New(typ)
	newGenerator(seed, length).fill(in.Elem(), 6)
	prefix, suffix := []byte("before"), []byte("after")
	buf, err := p.enc(prefix, in.UnsafePointer(), MaxDepth)
	if err != nil {
		t.Fatalf("%s, seed %d: %v", typ, seed, err)
	}
	if !bytes.HasPrefix(buf, prefix) {
		t.Fatalf("%s, seed %d: what stood in front is gone", typ, seed)
	}
	body := buf[len(prefix):]
	if length <= 1 {
		if slow := slowAppend(t, nil, in.Elem()); !bytes.Equal(slow, body) {
			t.Fatalf("%s, seed %d: encoded as\n%x, want\n%x", typ, seed, body, slow)
		}
	}
	if len(body) < p.min || (p.fixed >= 0 && len(body) != p.fixed) {
		t.Fatalf("%s, seed %d: %d bytes, but min %d fixed %d", typ, seed, len(body), p.min, p.fixed)
	}
	src := append(body, suffix...)
	out := reflect.New(typ)
	rest, err := p.dec(src, out.UnsafePointer(), MaxDepth)
	if err != nil {
		t.Fatalf("%s, seed %d: %v", typ, seed, err)
	}
	if !bytes.Equal(rest, suffix) {
		t.Fatalf("%s, seed %d: left %q of the next value", typ, seed, rest)
	}
	for i := range src {
		src[i] ^= 0x55 // nothing may refer to it
	}
	if !same(in.Elem(), out.Elem()) {
		t.Fatalf("%s, seed %d: became\n%#v, want\n%#v", typ, seed, out.Elem(), in.Elem())
	}
}

func TestRandomValuesComeBack(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seeds from %d", seed)
	rounds := uint64(200)
	if testing.Short() {
		rounds = 20
	}
	for _, typ := range allTypes {
		for i := range rounds {
			checkRoundTrip(t, typ, seed+i, 1)
			checkRoundTrip(t, typ, seed+i, 4)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	for i := range allTypes {
		f.Add(uint8(i), uint64(i), uint8(3))
	}
	f.Fuzz(func(t *testing.T, which uint8, seed uint64, length uint8) {
		checkRoundTrip(t, allTypes[int(which)%len(allTypes)], seed, int(length%5))
	})
}
