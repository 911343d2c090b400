package codec

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"
)

func codecOf[T any](t testing.TB) Codec[T] {
	t.Helper()
	c, err := For[T]()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// roundTrip returns what becomes of v.
func roundTrip[T any](t testing.TB, v T) T {
	t.Helper()
	c := codecOf[T](t)
	buf, err := c.Append(nil, &v)
	if err != nil {
		t.Fatalf("%T: %v", v, err)
	}
	var out T
	rest, err := c.Decode(buf, &out)
	if err != nil || len(rest) != 0 {
		t.Fatalf("%T: %d bytes left, %v", v, len(rest), err)
	}
	return out
}

func crosses[T any](t *testing.T, values ...T) {
	t.Helper()
	for _, v := range values {
		if out := roundTrip(t, v); !same(reflect.ValueOf(&v), reflect.ValueOf(&out)) {
			t.Errorf("%#v became %#v", v, out)
		}
	}
}

func TestEveryBasicKindAtItsExtremes(t *testing.T) {
	crosses(t, true, false)
	crosses(t, 0, math.MinInt, math.MaxInt)
	crosses(t, int8(math.MinInt8), math.MaxInt8)
	crosses(t, int16(math.MinInt16), math.MaxInt16)
	crosses(t, int32(math.MinInt32), math.MaxInt32)
	crosses(t, int64(math.MinInt64), math.MaxInt64)
	crosses(t, uint(0), math.MaxUint)
	crosses(t, uint8(0), math.MaxUint8)
	crosses(t, uint16(0), math.MaxUint16)
	crosses(t, uint32(0), math.MaxUint32)
	crosses(t, uint64(0), math.MaxUint64)
	crosses(t, uintptr(0), math.MaxUint)
	crosses(t, float32(math.MaxFloat32), math.SmallestNonzeroFloat32, float32(math.Inf(-1)), float32(math.Copysign(0, -1)))
	crosses(t, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Copysign(0, -1), math.NaN())
	crosses(t, complex64(complex(1, -2)))
	crosses(t, complex(math.Inf(1), math.NaN()))
	crosses(t, "", "a", "\x00\xff not UTF-8", strings.Repeat("long", 1<<16))
	crosses(t, time.Duration(math.MinInt64), time.Nanosecond)
}

// A NaN has 2^52 payloads, and a signalling one must not be made quiet by going through a register.
func TestPayloadsOfNaN(t *testing.T) {
	for _, bits := range []uint64{0x7ff0_0000_0000_0001, 0x7ff8_0000_0000_0000, 0xffff_ffff_ffff_ffff, 0xfff4_0000_dead_beef} {
		if got := math.Float64bits(roundTrip(t, math.Float64frombits(bits))); got != bits {
			t.Errorf("%x became %x", bits, got)
		}
	}
	for _, bits := range []uint32{0x7f80_0001, 0x7fc0_0000, 0xffff_ffff} {
		if got := math.Float32bits(roundTrip(t, []float32{math.Float32frombits(bits)})[0]); got != bits {
			t.Errorf("%x became %x", bits, got)
		}
	}
}

func TestNilIsNotEmpty(t *testing.T) {
	crosses(t, []int(nil), []int{}, make([]int, 0, 5))
	crosses(t, []string(nil), []string{}, []string{""})
	crosses(t, []struct{}(nil), []struct{}{}, []struct{}{{}})
	crosses(t, map[string]int(nil), map[string]int{}, map[string]int{"": 0})
	crosses(t, map[[1]bool]int8(nil), map[[1]bool]int8{}, map[[1]bool]int8{{true}: 1})
	crosses(t, (*int)(nil), new(int))
	crosses(t, (**int)(nil), new(*int))
	crosses[any](t, nil, []any(nil), []any{}, []any{nil}, []byte(nil), []byte{}, map[string]any(nil))
	crosses(t, [][]byte{nil, {}, {1}})
}

func TestSliceHasNoSpareRoom(t *testing.T) {
	for _, n := range []int{1, 3, 1000, 5000} {
		if out := roundTrip(t, make([]int16, n, 2*n)); len(out) != n || cap(out) != n {
			t.Errorf("%d elements came with length %d and capacity %d", n, len(out), cap(out))
		}
	}
}

func TestFlatSlicesAreAligned(t *testing.T) {
	var keep [][]uint64
	for n := range 400 {
		out := roundTrip(t, make([]uint64, n+1))
		if at := reflect.ValueOf(out).Pointer(); at%8 != 0 {
			t.Fatalf("%d words lie at %x", n+1, at)
		}
		keep = append(keep, out)
	}
	_ = keep
}

func TestMarshallersOnValuesAndPointers(t *testing.T) {
	crosses(t, valueMarshaller{-5})
	crosses(t, &valueMarshaller{5}, nil)
	crosses(t, []valueMarshaller{{1}, {2}})
	crosses(t, map[valueMarshaller]pointerMarshaller{{1}: {"one"}})
	crosses(t, pointerMarshaller{"text"})
	crosses(t, []*pointerMarshaller{{"a"}, nil, {""}})
	crosses(t, time.Unix(1, 2).UTC(), time.Time{}, time.Now().Round(0))
	crosses(t, *big.NewInt(0), *new(big.Int).Lsh(big.NewInt(-3), 1000))
	crosses(t, big.NewRat(-1, 3), nil)
	crosses(t, net.IPv4(10, 0, 0, 1), net.IP(nil))
	tenth, _, err := big.ParseFloat("0.1", 10, 333, big.ToZero)
	if err != nil {
		t.Fatal(err)
	}
	if out := roundTrip(t, *tenth); out.Cmp(tenth) != 0 || out.Prec() != 333 || out.Mode() != big.ToZero {
		t.Errorf("a big.Float of 333 bits became %s of %d, %s", out.String(), out.Prec(), out.Mode())
	}
}

// The marshaller of time.Time is that of the whole struct to reflect, and would drop the name.
func TestEmbeddedMarshallerDoesNotHideFields(t *testing.T) {
	crosses(t, named{time.Unix(3, 0).UTC(), "three"})
	crosses(t, namedPointer{80, big.NewInt(3)}, namedPointer{Port: 1})
	crosses(t, struct{ time.Time }{time.Unix(5, 0).UTC()})
	if p := planOf(t, reflect.TypeFor[struct{ time.Time }]()); !strings.HasPrefix(p.head, "binary ") {
		t.Errorf("a struct of nothing but a time is a %q", p.head)
	}
	if p := planOf(t, reflect.TypeFor[overriding]()); !strings.HasPrefix(p.head, "text ") {
		t.Errorf("a struct with a MarshalText of its own is a %q", p.head)
	}
	var refused *TypeError
	if _, err := For[hiding](); !errors.As(err, &refused) || refused.Path != "codec.hiding.zone" {
		t.Errorf("an unexported field beside an embedded marshaller: %v", err)
	}
}

type overriding struct {
	pointerMarshaller //nolint:unused // what is overridden
	N                 int
}

func (o overriding) MarshalText() ([]byte, error) { return fmt.Append(nil, o.N), nil }
func (o *overriding) UnmarshalText(b []byte) error {
	_, err := fmt.Sscan(string(b), &o.N)
	return err
}

type hiding struct {
	time.Time
	zone string
}

var _ = hiding{zone: ""}

func TestAppendLeavesDstAloneOnError(t *testing.T) {
	c := codecOf[[]any](t)
	dst := append(make([]byte, 0, 100), "kept"...)
	for name, v := range map[string][]any{
		"a type that is not registered": {1, struct{ X int }{1}},
		"an error of a marshaller":      {1, &valueMarshaller{failing}},
		"a cycle":                       cyclic(),
	} {
		out, err := c.Append(dst, &v)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if string(out) != "kept" || cap(out) != cap(dst) {
			t.Errorf("%s: %q of %d, was %q of %d", name, out, cap(out), dst, cap(dst))
		}
	}
	if err := RegisterInterface("*valueMarshaller", reflect.TypeFor[*valueMarshaller]()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Append(dst, &[]any{&valueMarshaller{failing}}); !errors.Is(err, errFailing) {
		t.Errorf("the marshaller's error is not in %v", err)
	}
}

func cyclic() []any {
	s := []any{nil}
	s[0] = s
	return s
}

func TestUnmarshallersErrorIsReported(t *testing.T) {
	var v valueMarshaller
	if _, err := codecOf[valueMarshaller](t).Decode([]byte{0}, &v); !errors.Is(err, errFailing) {
		t.Errorf("decoded nothing: %v", err)
	}
}

func TestDecodeOverwritesWhatWasThere(t *testing.T) {
	c := codecOf[pointers](t)
	buf, err := c.Append(nil, &pointers{})
	if err != nil {
		t.Fatal(err)
	}
	old := pointers{S: &[]string{"old"}, P: new(*int)}
	if _, err := c.Decode(buf, &old); err != nil || old.S != nil || old.P != nil {
		t.Errorf("%+v, %v", old, err)
	}
}

func TestManyElementsWithoutBytes(t *testing.T) {
	if out := roundTrip(t, make([]struct{}, 1<<20)); len(out) != 1<<20 {
		t.Errorf("%d left of 2^20 struct{}", len(out))
	}
	if out := roundTrip(t, make([]onlyBlank, 100_000)); len(out) != 100_000 {
		t.Errorf("%d left of 100,000 blank structs", len(out))
	}
}

func TestHugeArray(t *testing.T) {
	v := new([1 << 20]uint32)
	v[0], v[1<<20-1] = 1, 2
	if out := roundTrip(t, v); *out != *v {
		t.Error("an array of 2^20 came back as another")
	}
	if n, ok := codecOf[[1 << 20]uint32](t).Plan().FixedSize(); !ok || n != 4<<20 {
		t.Errorf("its size is %d, %v", n, ok)
	}
}

// What gob and this package can both carry must come out of both alike.
func TestAgreesWithGob(t *testing.T) {
	for seed := range uint64(200) {
		var in point
		newGenerator(seed, 4).fill(reflect.ValueOf(&in).Elem(), 4)
		if in.X == 0 || in.Y == 0 {
			continue // gob loses the sign
		}
		var stream bytes.Buffer
		var viaGob point
		if err := gob.NewEncoder(&stream).Encode(in); err != nil {
			t.Fatal(err)
		}
		if err := gob.NewDecoder(&stream).Decode(&viaGob); err != nil {
			t.Fatal(err)
		}
		got := roundTrip(t, in)
		if len(got.Tags) == 0 {
			got.Tags = nil // gob does not tell nil from empty
		}
		if !same(reflect.ValueOf(got), reflect.ValueOf(viaGob)) {
			t.Fatalf("seed %d: %+v, by gob %+v", seed, got, viaGob)
		}
	}
}
