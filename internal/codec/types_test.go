package codec

import (
	"encoding/binary"
	"errors"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"time"
)

// Types of every kind, and those that went wrong once.
type (
	basics struct {
		B    bool
		I    int
		I8   int8
		I16  int16
		I32  int32
		I64  int64
		U    uint
		U8   uint8
		U16  uint16
		U32  uint32
		U64  uint64
		Up   uintptr
		F32  float32
		F64  float64
		C64  complex64
		C128 complex128
		S    string
	}
	flatStruct struct { // no padding: one copy
		A uint64
		B [2]uint32
		C struct{ X, Y int16 }
		D uint32
	}
	padded struct { // padding within and at the end
		A    uint8
		B    uint64
		C, D uint16
		E    float32
		F    bool
		G    int64
		H    uint8
	}
	blanks struct {
		A uint32
		_ uint32
		B string
		_ [3]func()
		_ [0]func()
		C int8
		_ [56]byte
	}
	onlyBlank struct{ _ [64]int8 }
	inner     struct{ P, Q int }
	Exported  struct{ R string }
	Pointed   struct{ Z []int8 }
	embedding struct {
		inner
		Exported
		*Pointed
		S []inner
	}
	list struct {
		A    int
		Next *list
	}
	// The element of an array behind a pointer is a type that is being built.
	arrayOfSelf struct {
		A    int
		Rest *[2]arrayOfSelf
	}
	mutualA struct {
		N int
		B *mutualB
	}
	mutualB struct {
		A mutualA
		X uint8
	}
	forest struct {
		Name  string
		Trees []forest
		ByKey map[string]forest
	}
	selfSlice []selfSlice
	selfMap   map[string]selfMap
	selfPtr   *selfPtr
	manyMaps  struct {
		A map[string]int
		B map[int]string
		C map[[2]int8]map[bool][]byte
		D map[float64]struct{}
		E map[any]any
		F map[struct {
			X any
			Y string
		}]*int
		G map[netip.Addr]time.Time
		H map[struct{}]int8
		I map[string]any
		J map[uint64][]string
		K map[onlyBlank]bool
	}
	nothings struct {
		A []struct{}
		B [][0]string
		C []onlyBlank
		D [3]struct{}
		E *struct{}
		F map[struct{}]struct{}
	}
	marshalled struct {
		T  time.Time
		Tp *time.Time
		I  big.Int
		Ip *big.Int
		F  big.Float
		U  url.URL
		N  netip.Addr
		V  valueMarshaller
		P  pointerMarshaller
		Vs []valueMarshaller
		Ps map[string]pointerMarshaller
		PP **pointerMarshaller
	}
	// A marshaller that knows only of one of the fields.
	named struct {
		time.Time
		Name string
	}
	namedPointer struct {
		Port uint16
		*big.Int
	}
	interfaces struct {
		A any
		S interface{ String() string }
		L []any
		M map[string]any
	}
	pointers struct {
		P **int
		S *[]string
		A *[3]*string
		N *struct{ X *bool }
	}
	named8   uint8
	bytes8   []named8
	longList [300]string
	// Much memory, few bytes.
	sparse struct {
		X valueMarshaller
		_ [4096]byte
	}
)

// valueMarshaller has MarshalBinary on the value and UnmarshalBinary, as it must be, on the pointer.
type valueMarshaller struct{ n int }

func (v valueMarshaller) MarshalBinary() ([]byte, error) {
	if v.n == failing {
		return nil, errFailing
	}
	return binary.AppendVarint(nil, int64(v.n)), nil
}

func (v *valueMarshaller) UnmarshalBinary(b []byte) error {
	n, k := binary.Varint(b)
	if k <= 0 {
		return errFailing
	}
	v.n = int(n)
	return nil
}

const failing = 1 << 40

var errFailing = errors.New("this one fails")

// pointerMarshaller has both methods on the pointer, and keeps the text that it gets.
type pointerMarshaller struct{ s string }

func (p *pointerMarshaller) MarshalText() ([]byte, error) { return []byte(p.s), nil }
func (p *pointerMarshaller) UnmarshalText(b []byte) error { p.s = string(b); return nil }

// allTypes is what the random tests go through.
var allTypes = []reflect.Type{
	reflect.TypeFor[basics](), reflect.TypeFor[flatStruct](), reflect.TypeFor[[]flatStruct](), reflect.TypeFor[padded](),
	reflect.TypeFor[[]padded](), reflect.TypeFor[blanks](), reflect.TypeFor[[]blanks](), reflect.TypeFor[embedding](),
	reflect.TypeFor[list](), reflect.TypeFor[arrayOfSelf](), reflect.TypeFor[*[2]arrayOfSelf](), reflect.TypeFor[mutualA](),
	reflect.TypeFor[*mutualB](), reflect.TypeFor[[]mutualB](), reflect.TypeFor[forest](), reflect.TypeFor[selfSlice](),
	reflect.TypeFor[selfMap](), reflect.TypeFor[selfPtr](), reflect.TypeFor[manyMaps](), reflect.TypeFor[nothings](),
	reflect.TypeFor[marshalled](), reflect.TypeFor[named](), reflect.TypeFor[namedPointer](), reflect.TypeFor[interfaces](),
	reflect.TypeFor[pointers](), reflect.TypeFor[bytes8](), reflect.TypeFor[longList](), reflect.TypeFor[[]sparse](),
	reflect.TypeFor[[]float32](), reflect.TypeFor[[]string](), reflect.TypeFor[[][]byte](), reflect.TypeFor[map[string]string](),
	reflect.TypeFor[any](), reflect.TypeFor[string](), reflect.TypeFor[[5]complex128](), reflect.TypeFor[point](), reflect.TypeFor[*node](),
}
