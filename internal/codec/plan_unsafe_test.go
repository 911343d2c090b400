package codec

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"unsafe"
)

type (
	hasChan    struct{ Inner struct{ Done chan int } }
	hasFunc    struct{ Call map[string][]func() }
	hasPrivate struct {
		Public  int
		private string
	}
	deep      struct{ A [2]map[hasPrivate]*int }
	embedsBad struct {
		inner
		*unexportedPointer
	}
	unexportedPointer struct{ X int }
	number            int
	embedsNumber      struct{ number } //nolint:unused // refused
)

var _ = hasPrivate{private: ""}

func TestRefusesWithThePath(t *testing.T) {
	for _, c := range []struct {
		typ  reflect.Type
		path string
		part reflect.Type
	}{
		{reflect.TypeFor[chan int](), "chan int", reflect.TypeFor[chan int]()},
		{reflect.TypeFor[[]chan int](), "[]chan int[]", reflect.TypeFor[chan int]()},
		{reflect.TypeFor[func()](), "func()", reflect.TypeFor[func()]()},
		{reflect.TypeFor[unsafe.Pointer](), "unsafe.Pointer", reflect.TypeFor[unsafe.Pointer]()},
		{reflect.TypeFor[hasChan](), "codec.hasChan.Inner.Done", reflect.TypeFor[chan int]()},
		{reflect.TypeFor[hasFunc](), "codec.hasFunc.Call value[]", reflect.TypeFor[func()]()},
		{reflect.TypeFor[hasPrivate](), "codec.hasPrivate.private", reflect.TypeFor[string]()},
		{reflect.TypeFor[deep](), "codec.deep.A[] key.private", reflect.TypeFor[string]()},
		{reflect.TypeFor[struct{ P **chan bool }](), "**struct { P **chan bool }.P", reflect.TypeFor[chan bool]()},
		{reflect.TypeFor[[0]func()](), "[0]func()[]", reflect.TypeFor[func()]()},
		{reflect.TypeFor[embedsBad](), "codec.embedsBad.unexportedPointer", reflect.TypeFor[*unexportedPointer]()},
		{reflect.TypeFor[embedsNumber](), "codec.embedsNumber.number", reflect.TypeFor[number]()},
		{reflect.TypeFor[struct{ Mu sync.Mutex }](), "struct { Mu sync.Mutex }.Mu.mu", nil},
	} {
		for range 2 { // a failure leaves nothing behind that would pass the second time
			_, err := PlanOf(c.typ)
			var refused *TypeError
			if !errors.As(err, &refused) {
				t.Fatalf("%s: %v", c.typ, err)
			}
			if refused.Path != c.path || refused.Reason == "" || (c.part != nil && refused.Type != c.part) {
				t.Errorf("%s: %v, want the path %s and the type %v", c.typ, err, c.path, c.part)
			}
		}
	}
}

type (
	goodPart struct{ X *badWhole }
	badWhole struct {
		G goodPart
		S []goodPart
		C chan int
	}
)

// What was built before the trouble was found refers to what has failed.
func TestFailureLeavesNoPlansBehind(t *testing.T) {
	if _, err := PlanOf(reflect.TypeFor[badWhole]()); err == nil {
		t.Fatal("a channel can cross")
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[goodPart](), reflect.TypeFor[[]goodPart](), reflect.TypeFor[*badWhole](), reflect.TypeFor[badWhole]()} {
		if _, err := PlanOf(typ); err == nil {
			t.Errorf("%s has a plan, but refers to a channel", typ)
		}
	}
	plans.ready.Range(func(typ, p any) bool {
		if p.(*Plan).enc == nil {
			t.Errorf("the plan of %s is published and empty", typ)
		}
		return true
	})
}

// forget makes all plans unknown, so that they can be built in another order.
func forget(t *testing.T) {
	t.Helper()
	plans.mu.Lock()
	defer plans.mu.Unlock()
	plans.ready.Clear()
}

// shape is what the plans that refer to a plan go by.
func shape(p *Plan) string {
	return fmt.Sprintf("flat %v fixed %d min %d %s", p.flat, p.fixed, p.min, p.Signature())
}

// The plan of a type must not depend on which type it was built for. A type that was looked at half built once gave
// its pointers away as numbers.
func TestPlansDoNotDependOnTheOrder(t *testing.T) {
	types := []reflect.Type{
		reflect.TypeFor[arrayOfSelf](), reflect.TypeFor[[2]arrayOfSelf](), reflect.TypeFor[*[2]arrayOfSelf](),
		reflect.TypeFor[mutualA](), reflect.TypeFor[mutualB](), reflect.TypeFor[*mutualA](), reflect.TypeFor[[3]mutualB](),
		reflect.TypeFor[list](), reflect.TypeFor[*list](), reflect.TypeFor[forest](), reflect.TypeFor[map[string]forest](),
		reflect.TypeFor[selfSlice](), reflect.TypeFor[selfPtr](), reflect.TypeFor[selfMap](), reflect.TypeFor[[]selfMap](),
	}
	want := make(map[reflect.Type]string)
	for _, first := range types {
		forget(t)
		planOf(t, first)
		for _, typ := range types {
			got := shape(planOf(t, typ))
			if want[typ] == "" {
				want[typ] = got
			}
			if got != want[typ] {
				t.Errorf("after %s, %s is\n%s, else\n%s", first, typ, got, want[typ])
			}
		}
	}
	for _, c := range []struct {
		typ        reflect.Type
		flat       bool
		fixed, min int
	}{
		{reflect.TypeFor[[2]arrayOfSelf](), false, -1, 18}, {reflect.TypeFor[mutualB](), false, -1, 10}, {reflect.TypeFor[list](), false, -1, 9},
		{reflect.TypeFor[flatStruct](), true, 24, 24}, {reflect.TypeFor[padded](), false, 27, 27}, {reflect.TypeFor[onlyBlank](), false, 1, 1},
		{reflect.TypeFor[struct{}](), true, 0, 0}, {reflect.TypeFor[[0]string](), true, 0, 0}, {reflect.TypeFor[[3]bool](), false, 3, 3},
	} {
		if p := planOf(t, c.typ); p.flat != c.flat || p.fixed != c.fixed || p.min != c.min {
			t.Errorf("%s: %s", c.typ, shape(p))
		}
	}
}

func TestConcurrentPlanOf(t *testing.T) {
	for range 20 {
		forget(t)
		var all sync.WaitGroup
		for g := range 8 {
			all.Go(func() {
				for i := range allTypes {
					typ := allTypes[(i*7+g*5)%len(allTypes)]
					p, err := PlanOf(typ)
					if err != nil {
						t.Error(err)
						return
					}
					in, out := reflect.New(typ), reflect.New(typ)
					newGenerator(uint64(i), 2).fill(in.Elem(), 3)
					buf, err := p.enc(nil, in.UnsafePointer(), MaxDepth)
					if err == nil {
						_, err = p.dec(buf, out.UnsafePointer(), MaxDepth)
					}
					if err != nil || !same(in.Elem(), out.Elem()) {
						t.Errorf("%s: %v", typ, err)
					}
				}
			})
		}
		all.Wait()
	}
	a, b := planOf(t, reflect.TypeFor[forest]()), planOf(t, reflect.TypeFor[forest]())
	if a != b {
		t.Error("the same type has two plans")
	}
}

type (
	lettersA struct {
		X int
		N *lettersA
	}
	lettersB struct {
		X int
		N *lettersB
	}
	lettersC struct {
		X int
		N []lettersC
	}
	lettersD struct {
		N *lettersD
		X int
	}
	lettersE struct {
		X uint
		N *lettersE
	}
	lettersF struct {
		X int
		N *lettersA // back to another
		Y bool
	}
)

func TestSignatureTellsTypesApart(t *testing.T) {
	sig := func(typ reflect.Type) string { return planOf(t, typ).Signature() }
	if a, b := sig(reflect.TypeFor[lettersA]()), sig(reflect.TypeFor[lettersB]()); a != b {
		t.Errorf("types that differ in their name only: %s and %s", a, b)
	}
	seen := make(map[string]reflect.Type)
	for _, typ := range []reflect.Type{
		reflect.TypeFor[lettersA](), reflect.TypeFor[lettersC](), reflect.TypeFor[lettersD](), reflect.TypeFor[lettersE](), reflect.TypeFor[lettersF](),
		reflect.TypeFor[*lettersA](), reflect.TypeFor[[]lettersA](), reflect.TypeFor[[1]lettersA](), reflect.TypeFor[[2]lettersA](),
		reflect.TypeFor[map[string]lettersA](), reflect.TypeFor[map[lettersKey]string](), reflect.TypeFor[map[string]lettersKey](),
		reflect.TypeFor[struct{ A, B struct{ X int } }](), reflect.TypeFor[struct {
			A struct{ X int }
			B struct{ Y int }
		}](),
		reflect.TypeFor[int](), reflect.TypeFor[int64](), reflect.TypeFor[string](), reflect.TypeFor[[]byte](), reflect.TypeFor[any](), reflect.TypeFor[error](),
		reflect.TypeFor[fmt.Stringer](), reflect.TypeFor[valueMarshaller](), reflect.TypeFor[pointerMarshaller](), reflect.TypeFor[struct{}](), reflect.TypeFor[onlyBlank](),
		reflect.TypeFor[selfSlice](), reflect.TypeFor[selfPtr](), reflect.TypeFor[selfMap](), reflect.TypeFor[mutualA](), reflect.TypeFor[mutualB](),
	} {
		s := sig(typ)
		if other, ok := seen[s]; ok {
			t.Errorf("%s and %s are both %s", typ, other, s)
		}
		seen[s] = typ
	}
}

type lettersKey struct{ K string }

type (
	twice[T any]     struct{ A, B *T }
	fiveTimes[T any] = twice[twice[twice[twice[twice[T]]]]]
)

// Each type of the ladder has two fields of the next: written out, the last would be described 2^20 times.
func TestSignatureStaysShort(t *testing.T) {
	typ := reflect.TypeFor[fiveTimes[fiveTimes[fiveTimes[fiveTimes[int]]]]]()
	if n := len(planOf(t, typ).Signature()); n > 1000 {
		t.Errorf("%d bytes for 20 small structs", n)
	}
}
