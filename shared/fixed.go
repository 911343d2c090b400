package shared

import (
	"fmt"
	"hash/fnv"
	"reflect"
	"strings"
	"sync"
)

// fixed reports whether values of t are memory of a fixed size that means the same in every process, and names the part that
// is not.
func fixed(t reflect.Type) error {
	return walk(t, t.String())
}

func walk(t reflect.Type, path string) error {
	bad := func(why string) error {
		return fmt.Errorf("mp/shared: %s (%s) cannot lie in shared memory: %s", path, t, why)
	}
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr,
		reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return nil
	case reflect.Array:
		if t.Len() == 0 {
			return nil
		}
		return walk(t.Elem(), path+"[]")
	case reflect.Struct:
		if t.PkgPath() == "sync" {
			return bad("it works within one process")
		}
		for f := range t.Fields() {
			if err := walk(f.Type, path+"."+f.Name); err != nil {
				return err
			}
		}
		return nil
	case reflect.String:
		return bad("its bytes lie elsewhere; use an array of bytes")
	case reflect.Slice:
		return bad("its elements lie elsewhere; use an array")
	default:
		return bad("it refers to memory of one process")
	}
}

var hashes sync.Map // reflect.Type to uint64

// typeHash tells types apart whose memory could be taken for each other's.
func typeHash(t reflect.Type) uint64 {
	if h, ok := hashes.Load(t); ok {
		return h.(uint64)
	}
	h := fnv.New64a()
	var b strings.Builder
	describe(&b, t)
	_, _ = h.Write([]byte(b.String())) // never fails
	hashes.Store(t, h.Sum64())
	return h.Sum64()
}

func describe(b *strings.Builder, t reflect.Type) {
	fmt.Fprintf(b, "%s/%s %s %d;", t.PkgPath(), t.String(), t.Kind(), t.Size())
	switch t.Kind() { //nolint:exhaustive // others have no parts
	case reflect.Array:
		describe(b, t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			fmt.Fprintf(b, "%s %d ", f.Name, f.Offset)
			describe(b, f.Type)
		}
	}
}
