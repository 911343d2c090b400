package codec

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

type seenStruct struct {
	A int32
	B uint32
}

type gappedStruct struct {
	A int8
	B int64
}

// What View shows is what Append writes, and shows it as it is, without a copy of the body.
func TestViewIsTheEncoding(t *testing.T) {
	views(t, true, "", "x", "héllo")
	views(t, true, []byte(nil), []byte{}, []byte("abc"), make([]byte, 300))
	views(t, true, []float64{1, 2, 3})
	views(t, true, []seenStruct{{1, 2}, {3, 4}}, nil)
	views(t, true, [4]byte{1, 2, 3, 4})
	views(t, true, seenStruct{5, 6})
	views(t, true, int64(-7))
	views(t, true, struct{}{})
	views(t, false, true)
	views(t, false, gappedStruct{1, 2})
	views(t, false, []string{"a"})
	views(t, false, []bool{true})
	views(t, false, map[string]int{"a": 1})
	views(t, false, time.Unix(1, 2))
}

func views[T any](t *testing.T, want bool, values ...T) {
	t.Helper()
	c, err := For[T]()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		encoded, err := c.Append(nil, &v)
		if err != nil {
			t.Fatal(err)
		}
		var room [10]byte
		head, body, ok := c.View(&v, room[:0])
		if ok != want {
			t.Errorf("%T: viewed: %v", v, ok)
		}
		if ok && !bytes.Equal(append(bytes.Clone(head), body...), encoded) {
			t.Errorf("%T: %q and %q, want %q", v, head, body, encoded)
		}
		if memory := c.Memory(&v); memory != nil && !bytes.Equal(memory, encoded) {
			t.Errorf("%T: memory %q, want %q", v, memory, encoded)
		}
	}
}

func TestPlain(t *testing.T) {
	type tree struct {
		Name string
		Kids []*tree
	}
	plain[tree](t, true)
	plain[map[string][]int](t, true)
	plain[[]time.Time](t, false)
	plain[map[string]struct{ E error }](t, false)
	plain[*struct{ V fmt.Stringer }](t, false)
}

func plain[T any](t *testing.T, want bool) {
	t.Helper()
	c, err := For[T]()
	if err != nil {
		t.Fatal(err)
	}
	if c.Plan().Plain() != want {
		t.Errorf("%T: plain: %v", *new(T), !want)
	}
}
