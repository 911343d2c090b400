package codec

import (
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"time"
)

// A generator makes random values of any type that can cross.
type generator struct {
	*rand.Rand
	length int // of strings, slices and maps, at most
}

func newGenerator(seed uint64, length int) *generator {
	return &generator{rand.New(rand.NewPCG(seed, 1)), length}
}

// extremes are what a random number hits too seldom.
var extremes = []uint64{
	0, 1, math.MaxUint64, 1 << 63, 1<<63 - 1, 1<<31 - 1, 1 << 31, 1<<15 - 1, 0x80, 0x7f,
	math.Float64bits(math.Inf(1)), math.Float64bits(math.Copysign(0, -1)), math.Float64bits(math.SmallestNonzeroFloat64),
	0x7ff8_0000_0000_0001, 0x7ff0_0000_0000_0001, 0xfff8_dead_beef_0001, 0x7fc0_0001, 0x7f80_0001,
}

func (g *generator) bits() uint64 {
	if g.IntN(2) == 0 {
		return extremes[g.IntN(len(extremes))]
	}
	return g.Uint64()
}

func (g *generator) bytes() []byte {
	b := make([]byte, g.IntN(g.length+1))
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return b
}

// fill sets v, which must be addressable; pointers go at most depth deep.
func (g *generator) fill(v reflect.Value, depth int) {
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.Unix(g.Int64N(1<<33), g.Int64N(1e9)).UTC()
		return
	case *big.Int:
		p.SetBytes(g.bytes())
		if g.IntN(2) == 0 {
			p.Neg(p)
		}
		return
	case *big.Float:
		p.SetPrec(200).Quo(big.NewFloat(g.Float64()), big.NewFloat(3))
		return
	case *url.URL:
		*p = url.URL{Scheme: "https", Host: "example.org", Path: "/a b", RawQuery: "q=1"}
		return
	case *netip.Addr:
		*p = netip.AddrFrom4([4]byte{10, 0, 0, byte(g.Uint32())})
		return
	case *valueMarshaller:
		p.n = int(g.Int32())
		return
	case *pointerMarshaller:
		p.s = string(g.bytes())
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(g.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(g.bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(g.bits())
	case reflect.Float32:
		*(v.Addr().Interface().(*float32)) = math.Float32frombits(uint32(g.bits()))
	case reflect.Float64:
		v.SetFloat(math.Float64frombits(g.bits()))
	case reflect.Complex64, reflect.Complex128:
		v.SetComplex(complex(g.NormFloat64(), math.Inf(-1)))
	case reflect.String:
		v.SetString(string(g.bytes()))
	case reflect.Slice:
		if n := g.IntN(g.length+2) - 1; n >= 0 && depth > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n+g.IntN(3)))
			for i := range n {
				g.fill(v.Index(i), depth-1)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			g.fill(v.Index(i), depth)
		}
	case reflect.Map:
		if n := g.IntN(g.length+2) - 1; n >= 0 && depth > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				g.fill(key, depth-1)
				g.fill(value, depth-1)
				if key.Comparable() {
					v.SetMapIndex(key, value)
				}
			}
		}
	case reflect.Pointer:
		if depth > 0 && g.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			g.fill(v.Elem(), depth-1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				g.fill(f, depth)
			} else if v.Type().Field(i).Anonymous {
				for _, field := range f.Fields() { // of an unexported type, but exported themselves
					g.fill(field, depth)
				}
			}
		}
	case reflect.Interface:
		if depth > 0 && g.IntN(4) > 0 && v.Type() != errorType {
			types := registry.Load().types
			names := []string{"int", "string", "float64", "[]interface {}", "map[string]interface {}", "time.Time", "bool"}
			for t, r := range types {
				if r.name == names[g.IntN(len(names))] && t.AssignableTo(v.Type()) {
					x := reflect.New(t)
					g.fill(x.Elem(), depth-1)
					v.Set(x.Elem())
					return
				}
			}
		}
	}
}

// same reports whether two values are equal bit by bit: as reflect.DeepEqual, but a NaN equals itself, and what has a
// marshaller has its own idea of equality.
func same(a, b reflect.Value) bool {
	if a.IsValid() != b.IsValid() {
		return false
	}
	if !a.IsValid() {
		return true
	}
	if a.Type() != b.Type() {
		return false
	}
	switch a.Kind() {
	case reflect.Float32, reflect.Float64:
		return math.Float64bits(a.Float()) == math.Float64bits(b.Float())
	case reflect.Complex64, reflect.Complex128:
		return math.Float64bits(real(a.Complex())) == math.Float64bits(real(b.Complex())) &&
			math.Float64bits(imag(a.Complex())) == math.Float64bits(imag(b.Complex()))
	case reflect.Slice:
		if a.IsNil() != b.IsNil() || a.Len() != b.Len() {
			return false
		}
		if a.Type().Elem().Size() == 0 {
			return true // there may be any number
		}
		fallthrough
	case reflect.Array:
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		return a.IsNil() == b.IsNil() && a.Len() == b.Len() && sameEntries(a, b)
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() && b.IsNil()
		}
		return same(a.Elem(), b.Elem())
	case reflect.Interface:
		return same(a.Elem(), b.Elem())
	case reflect.Struct:
		switch a.Type() {
		case reflect.TypeFor[time.Time]():
			return a.Interface().(time.Time).Equal(b.Interface().(time.Time))
		case reflect.TypeFor[big.Int]():
			x, y := a.Interface().(big.Int), b.Interface().(big.Int)
			return x.Cmp(&y) == 0
		case reflect.TypeFor[big.Rat]():
			x, y := a.Interface().(big.Rat), b.Interface().(big.Rat)
			return x.Cmp(&y) == 0
		case reflect.TypeFor[big.Float]():
			x, y := a.Interface().(big.Float), b.Interface().(big.Float)
			return x.Cmp(&y) == 0 && x.Prec() == y.Prec()
		}
		for i := range a.NumField() {
			if a.Type().Field(i).Name != "_" && !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	}
	if a.CanInterface() {
		return reflect.DeepEqual(a.Interface(), b.Interface())
	}
	return a.Equal(b)
}

// sameEntries finds for each entry of a one of b that no other has; keys may be NaN, or pointers.
func sameEntries(a, b reflect.Value) bool {
	type entry struct{ k, v reflect.Value }
	var left []entry
	for y := b.MapRange(); y.Next(); {
		left = append(left, entry{y.Key(), y.Value()})
	}
	for x := a.MapRange(); x.Next(); {
		at := slices.IndexFunc(left, func(e entry) bool { return same(x.Key(), e.k) && same(x.Value(), e.v) })
		if at < 0 {
			return false
		}
		left = slices.Delete(left, at, at+1)
	}
	return true
}
