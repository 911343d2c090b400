package codec

import (
	"encoding/binary"
	"reflect"
	"unsafe"
)

// mapPlan returns how maps of type t are encoded: the common ones directly, the others by reflection.
func mapPlan(t reflect.Type, key, value *Plan) (encoder, decoder) {
	if common, ok := commonMaps[t]; ok {
		return common(key, value)
	}
	return encodeMap(t, key, value), decodeMap(t, key, value)
}

var commonMaps = func() map[reflect.Type]func(key, value *Plan) (encoder, decoder) {
	m := make(map[reflect.Type]func(key, value *Plan) (encoder, decoder))
	mapsOf[string](m)
	mapsOf[int](m)
	mapsOf[int64](m)
	mapsOf[uint64](m)
	return m
}()

func mapsOf[K comparable](m map[reflect.Type]func(key, value *Plan) (encoder, decoder)) {
	m[reflect.TypeFor[map[K]string]()] = mapOf[K, string]
	m[reflect.TypeFor[map[K]int]()] = mapOf[K, int]
	m[reflect.TypeFor[map[K]int64]()] = mapOf[K, int64]
	m[reflect.TypeFor[map[K]float64]()] = mapOf[K, float64]
	m[reflect.TypeFor[map[K]bool]()] = mapOf[K, bool]
	m[reflect.TypeFor[map[K]struct{}]()] = mapOf[K, struct{}]
	m[reflect.TypeFor[map[K]any]()] = mapOf[K, any]
	m[reflect.TypeFor[map[K][]byte]()] = mapOf[K, []byte]
	m[reflect.TypeFor[map[K][]string]()] = mapOf[K, []string]
}

func mapOf[K comparable, V any](key, value *Plan) (encoder, decoder) {
	enc := func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		m := *(*map[K]V)(p)
		switch {
		case m == nil:
			return append(dst, 0), nil
		case depth == 0:
			return dst, ErrCycle
		}
		dst = binary.AppendUvarint(dst, uint64(len(m))+1)
		var at struct { // one allocation for the map
			k K
			v V
		}
		var err error
		for at.k, at.v = range m {
			if dst, err = key.enc(dst, unsafe.Pointer(&at.k), depth-1); err != nil {
				return dst, err
			}
			if dst, err = value.enc(dst, unsafe.Pointer(&at.v), depth-1); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
	dec := func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		least := key.min + value.min
		n, isNil, src, err := lengthOrNil(src, least, depth)
		if err != nil || isNil {
			return src, err
		}
		var at, zero struct {
			k K
			v V
		}
		m := make(map[K]V, trusted(n, unsafe.Sizeof(at), src))
		*(*map[K]V)(p) = m
		for i := range n {
			at = zero
			after := (n - 1 - i) * least
			if src, err = key.lend(src, unsafe.Pointer(&at.k), depth-1, after+value.min); err != nil {
				return src, err
			}
			if src, err = value.lend(src, unsafe.Pointer(&at.v), depth-1, after); err != nil {
				return src, err
			}
			m[at.k] = at.v
		}
		return src, nil
	}
	return enc, dec
}

func encodeMap(t reflect.Type, key, value *Plan) encoder {
	return func(dst []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		m := reflect.NewAt(t, p).Elem()
		switch {
		case m.IsNil():
			return append(dst, 0), nil
		case depth == 0:
			return dst, ErrCycle
		}
		dst = binary.AppendUvarint(dst, uint64(m.Len())+1)
		k, v := reflect.New(t.Key()), reflect.New(t.Elem())
		kp, vp, ke, ve := k.UnsafePointer(), v.UnsafePointer(), k.Elem(), v.Elem()
		var err error
		for it := m.MapRange(); it.Next(); {
			ke.SetIterKey(it)
			ve.SetIterValue(it)
			if dst, err = key.enc(dst, kp, depth-1); err != nil {
				return dst, err
			}
			if dst, err = value.enc(dst, vp, depth-1); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
}

func decodeMap(t reflect.Type, key, value *Plan) decoder {
	entry := t.Key().Size() + t.Elem().Size()
	check := holdsInterface(t.Key())
	return func(src []byte, p unsafe.Pointer, depth int) ([]byte, error) {
		least := key.min + value.min
		n, isNil, src, err := lengthOrNil(src, least, depth)
		if err != nil || isNil {
			return src, err
		}
		if least == 0 && n > 1 {
			return src, corrupt("%d keys of the only value that a %s has", n, t.Key())
		}
		m := reflect.MakeMapWithSize(t, trusted(n, entry, src))
		reflect.NewAt(t, p).Elem().Set(m)
		k, v := reflect.New(t.Key()), reflect.New(t.Elem())
		kp, vp, ke, ve := k.UnsafePointer(), v.UnsafePointer(), k.Elem(), v.Elem()
		for i := range n {
			ke.SetZero()
			ve.SetZero()
			after := (n - 1 - i) * least
			if src, err = key.lend(src, kp, depth-1, after+value.min); err != nil {
				return src, err
			}
			if src, err = value.lend(src, vp, depth-1, after); err != nil {
				return src, err
			}
			if check && !ke.Comparable() {
				return src, corrupt("a map key of type %s", ke.Type())
			}
			m.SetMapIndex(ke, ve)
		}
		return src, nil
	}
}

// holdsInterface reports whether a key of type t may hold what cannot be compared.
func holdsInterface(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Array:
		return holdsInterface(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if holdsInterface(f.Type) {
				return true
			}
		}
		return false
	default:
		return false
	}
}
