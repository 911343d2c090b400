package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"
)

// What decoding may allocate: a multiple of the input, and some for errors, iterators and the like.
const (
	perByte  = 128
	constant = 32 << 10
)

// allowance is perByte, or more where a type has more memory for each of its bytes: what has come may be kept.
func allowance(typ reflect.Type) int {
	if typ == reflect.TypeFor[[]sparse]() {
		return perByte + 4*int(typ.Elem().Size())
	}
	return perByte
}

// checkHostile decodes bytes that somebody made up. That may fail, and nothing else may happen.
func checkHostile(t testing.TB, typ reflect.Type, src []byte, perByte int) {
	t.Helper()
	p := planOf(t, typ)
	// Between two others of its kind, so that a write beside it shows.
	row := reflect.New(reflect.ArrayOf(3, typ)).Elem()
	at := row.Index(1).Addr().UnsafePointer()
	// In front of bytes that would let a read beyond the end succeed.
	src = append(bytes.Clone(src), 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)[:len(src)]
	before := bytes.Clone(src)

	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	allocated := m.TotalAlloc
	rest, err := p.dec(src, at, MaxDepth)
	runtime.ReadMemStats(&m)
	allocated = m.TotalAlloc - allocated

	if limit := uint64(perByte*len(src) + constant); allocated > limit {
		t.Errorf("%s: %d bytes allocated for %d received, limit %d: %x", typ, allocated, len(src), limit, src)
	}
	if !row.Index(0).IsZero() || !row.Index(2).IsZero() {
		t.Errorf("%s: wrote beside the value: %x", typ, src)
	}
	if !bytes.Equal(src, before) {
		t.Errorf("%s: changed its input", typ)
	}
	clipped := reflect.New(typ)
	if _, err2 := p.dec(slices.Clip(src), clipped.UnsafePointer(), MaxDepth); (err2 == nil) != (err == nil) {
		t.Errorf("%s: %v, but without anything behind it %v", typ, err, err2)
	}
	if err != nil {
		return
	}
	if len(rest) > len(src) || !bytes.HasSuffix(src, rest) {
		t.Errorf("%s: the rest is not the end of the input", typ)
	}
	// What was accepted is a value like any other.
	if foreign[typ] {
		return
	}
	again, err := p.enc(nil, at, MaxDepth)
	if err != nil {
		t.Fatalf("%s: decoded, but not encoded again: %v", typ, err)
	}
	out := reflect.New(typ)
	if _, err := p.dec(again, out.UnsafePointer(), MaxDepth); err != nil || !same(row.Index(1), out.Elem()) {
		t.Errorf("%s: not the same the second time: %v", typ, err)
	}
}

// foreign are types with marshallers of the standard library, some of which accept what they would not write.
var foreign = map[reflect.Type]bool{
	reflect.TypeFor[marshalled]():   true,
	reflect.TypeFor[manyMaps]():     true,
	reflect.TypeFor[named]():        true,
	reflect.TypeFor[namedPointer](): true,
	reflect.TypeFor[interfaces]():   true,
	reflect.TypeFor[any]():          true,
}

// spoil changes an encoding as a bug or an enemy would: lengths above all.
func spoil(r *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + r.IntN(3) {
		at := r.IntN(len(b) + 1)
		switch r.IntN(6) {
		case 0:
			b = b[:at]
		case 1:
			if at < len(b) {
				b[at] = byte(r.Uint32())
			}
		case 2:
			if at < len(b) {
				b[at] ^= 1 << r.IntN(8)
			}
		case 3:
			length := binary.AppendUvarint(nil, []uint64{0, 1, uint64(len(b)), uint64(len(b)) * 8, 1 << 16, 1 << 31, 1 << 40, math.MaxInt64, math.MaxUint64}[r.IntN(9)])
			b = append(b[:at:at], append(length, b[min(at+1, len(b)):]...)...)
		case 4:
			b = append(b[:at:at], bytes.Repeat([]byte{byte(r.IntN(3))}, r.IntN(50))...)
		case 5:
			b = append(b, b[at:]...)
		}
	}
	return b
}

func TestSpoiledEncodings(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	rounds := 100
	if testing.Short() {
		rounds = 10
	}
	for _, typ := range allTypes {
		p := planOf(t, typ)
		for range rounds {
			v := reflect.New(typ)
			newGenerator(r.Uint64(), 4).fill(v.Elem(), 4)
			buf, err := p.enc(nil, v.UnsafePointer(), MaxDepth)
			if err != nil {
				t.Fatal(err)
			}
			checkHostile(t, typ, spoil(r, buf), allowance(typ))
		}
	}
}

func FuzzHostile(f *testing.F) {
	for i, typ := range allTypes {
		v := reflect.New(typ)
		newGenerator(uint64(i), 3).fill(v.Elem(), 3)
		buf, err := planOf(f, typ).enc(nil, v.UnsafePointer(), MaxDepth)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), buf)
		f.Add(uint8(i), bytes.Repeat([]byte{1}, 100))
		f.Add(uint8(i), bytes.Repeat([]byte{0xff}, 20))
	}
	f.Fuzz(func(t *testing.T, which uint8, src []byte) {
		typ := allTypes[int(which)%len(allTypes)]
		checkHostile(t, typ, src, allowance(typ))
	})
}

// A few bytes that announce a lot.
func TestAnnouncementsAreNotBelieved(t *testing.T) {
	huge := binary.AppendUvarint(nil, 1<<40)
	many := append(binary.AppendUvarint(nil, 1<<16), bytes.Repeat([]byte{1}, 1<<16)...)
	zeros := append(binary.AppendUvarint(nil, 1<<15), make([]byte, 1<<16)...)
	for _, c := range []struct {
		typ reflect.Type
		src []byte
	}{
		{reflect.TypeFor[string](), huge},
		{reflect.TypeFor[[]byte](), huge},
		{reflect.TypeFor[[]string](), huge},
		{reflect.TypeFor[[]string](), many},
		{reflect.TypeFor[[][]string](), many},
		{reflect.TypeFor[[]map[string]string](), many},
		{reflect.TypeFor[map[string]string](), many},
		{reflect.TypeFor[map[bool]padded](), many},
		{reflect.TypeFor[*[1 << 20]string](), []byte{1}},
		{reflect.TypeFor[**[1 << 20]uint64](), []byte{1, 1, 0, 0}},
		// Lengths within lengths, each of all that is left.
		{reflect.TypeFor[selfSlice](), nested(nil)},
		{reflect.TypeFor[[]any](), nested([]byte("\x01\x0e[]interface {}"))},
		{reflect.TypeFor[any](), append([]byte("\x01\x0e[]interface {}"), nested([]byte("\x01\x0e[]interface {}"))...)},
		{reflect.TypeFor[forest](), nested([]byte{0})[1:]},
		{reflect.TypeFor[nextFirst](), bytes.Repeat([]byte{1}, MaxDepth)},
		{reflect.TypeFor[[]sparse](), zeros}, // each announced with one byte, and failing at once
		{reflect.TypeFor[map[int8]sparse](), zeros},
		{reflect.TypeFor[[][]struct{}](), bytes.Repeat([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, 100)},
		{reflect.TypeFor[map[struct{}]struct{}](), huge},
		{reflect.TypeFor[any](), append([]byte{1}, huge...)},
		{reflect.TypeFor[any](), append(append([]byte{1, 0xff, 0xff, 0x03}, bytes.Repeat([]byte{'x'}, 1<<16)...), 0)},
	} {
		checkHostile(t, c.typ, c.src, perByte)
	}
}

// nested is 5000 lengths of all that follows, with something between.
func nested(between []byte) []byte {
	const levels = 5000
	var b []byte
	for i := range levels {
		b = append(binary.AppendUvarint(b, uint64(levels-i)*uint64(len(between)+2)), between...)
	}
	return b
}

// nextFirst makes much memory for the byte that announces the next.
type nextFirst struct {
	Next *nextFirst
	Rest [100]string
}

func TestCorruptEncodings(t *testing.T) {
	for _, c := range []struct {
		name string
		typ  reflect.Type
		src  []byte
	}{
		{"a bool of 2", reflect.TypeFor[bool](), []byte{2}},
		{"a bool in a struct of 255", reflect.TypeFor[struct {
			A int8
			B bool
		}](), []byte{1, 255}},
		{"half a number", reflect.TypeFor[int32](), []byte{1, 2}},
		{"no number", reflect.TypeFor[int64](), nil},
		{"a length without an end", reflect.TypeFor[string](), bytes.Repeat([]byte{0x80}, 20)},
		{"a length above 64 bits", reflect.TypeFor[[]byte](), bytes.Repeat([]byte{0xff}, 10)},
		{"nil in two bytes", reflect.TypeFor[[]byte](), []byte{0x80, 0}},
		{"a pointer of 2", reflect.TypeFor[*int8](), []byte{2, 1}},
		{"an unknown type", reflect.TypeFor[any](), []byte{1, 3, 'f', 'o', 'o', 0}},
		{"a type that does not fit the interface", reflect.TypeFor[interface{ String() string }](), []byte{1, 3, 'i', 'n', 't', 0, 0, 0, 0, 0, 0, 0, 0}},
		{"a key that cannot be compared", reflect.TypeFor[map[any]bool](), append([]byte{2, 1, 7}, "[]uint8\x00\x01"...)},
		{"the same key twice, of one that has only one", reflect.TypeFor[map[struct{}]struct{}](), []byte{3}},
		{"something for nothing", reflect.TypeFor[onlyBlank](), []byte{1}},
		{"too deep", reflect.TypeFor[selfPtr](), bytes.Repeat([]byte{1}, 10*MaxDepth)},
		{"too deep in any", reflect.TypeFor[any](), bytes.Repeat(append([]byte{1, 14}, "[]interface {}\x02"...), 2*MaxDepth)},
	} {
		v := reflect.New(c.typ)
		if _, err := planOf(t, c.typ).dec(c.src, v.UnsafePointer(), MaxDepth); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: became %v, %v", c.name, v.Elem(), err)
		} else if len(err.Error()) > 500 {
			t.Errorf("%s: an error of %d bytes", c.name, len(err.Error()))
		}
	}
}
