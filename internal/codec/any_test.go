package codec

import (
	"reflect"
	"testing"
	"time"
)

type anyStruct struct {
	Name string
	Kids []int
}

func TestAnyIsWhatForEncodes(t *testing.T) {
	for _, v := range []any{7, "x", []string{"a", "b"}, anyStruct{"n", []int{1}}, &anyStruct{Name: "p"}, time.Unix(1, 2).UTC(), [3]byte{1, 2, 3}} {
		b, plan, err := AppendAny([]byte("head"), v)
		if err != nil {
			t.Fatalf("%T: %v", v, err)
		}
		into := reflect.New(reflect.TypeOf(v))
		pointed, err := PlanOfPointed(into.Interface())
		if err != nil || pointed != plan {
			t.Errorf("%T: another plan, %v", v, err)
		}
		rest, err := DecodeAny(b[len("head"):], into.Interface())
		if err != nil || len(rest) > 0 || !reflect.DeepEqual(into.Elem().Interface(), v) {
			t.Errorf("%T: %v, %v, %d left", v, into.Elem(), err, len(rest))
		}
	}
}

func TestAnyRefuses(t *testing.T) {
	if _, _, err := AppendAny(nil, nil); err == nil {
		t.Error("nil was encoded")
	}
	if _, _, err := AppendAny(nil, make(chan int)); err == nil {
		t.Error("a channel was encoded")
	}
	for _, into := range []any{nil, 7, (*int)(nil), new(chan int)} {
		if _, err := DecodeAny([]byte{0, 0, 0, 0, 0, 0, 0, 0}, into); err == nil {
			t.Errorf("%T was decoded into", into)
		}
	}
}
