package codec

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// point is what people mean by a small struct.
type point struct {
	ID    int64
	Name  string
	X, Y  float64
	Live  bool
	Tags  []string
	Score uint32
}

type node struct {
	Value       int
	Left, Right *node
}

func tree(depth int) *node {
	if depth == 0 {
		return nil
	}
	return &node{depth, tree(depth - 1), tree(depth - 1)}
}

func benchWords(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	s := make([]string, n)
	for i := range s {
		s[i] = fmt.Sprintf("word %x", r.Uint64())
	}
	return s
}

// compare times T encoded and decoded, here and by gob on one stream, which sends the type only once.
func compare[T any](b *testing.B, v T) {
	b.Helper()
	c, err := For[T]()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("codec", func(b *testing.B) {
		var buf []byte
		b.ReportAllocs()
		for b.Loop() {
			buf, err = c.Append(buf[:0], &v)
			if err != nil {
				b.Fatal(err)
			}
			var out T
			if _, err = c.Decode(buf, &out); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(len(buf)))
	})
	b.Run("gob", func(b *testing.B) {
		var stream bytes.Buffer
		enc, dec := gob.NewEncoder(&stream), gob.NewDecoder(&stream)
		b.ReportAllocs()
		for b.Loop() {
			if err := enc.Encode(&v); err != nil {
				b.Fatal(err)
			}
			var out T
			if err := dec.Decode(&out); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkStruct(b *testing.B) {
	compare(b, point{1, "a name of some length", 1.5, -2.5, true, []string{"red", "green"}, 7})
}

func BenchmarkNumbers(b *testing.B) {
	v := make([]float64, 1_000_000)
	for i := range v {
		v[i] = float64(i) / 3
	}
	compare(b, v)
}

func BenchmarkStrings(b *testing.B) { compare(b, benchWords(1000)) }

func BenchmarkMap(b *testing.B) {
	v := make(map[string]int)
	for i, w := range benchWords(1000) {
		v[w] = i
	}
	compare(b, v)
}

func BenchmarkMapOfStructs(b *testing.B) {
	type key struct{ A, B int32 }
	v := make(map[key]node)
	for i := range 1000 {
		v[key{int32(i), int32(-i)}] = node{Value: i}
	}
	compare(b, v)
}

func BenchmarkStructs(b *testing.B) {
	v := make([]point, 1000)
	for i := range v {
		v[i] = point{ID: int64(i), Name: "name", X: 1, Y: 2, Score: uint32(i)}
	}
	compare(b, v)
}

func BenchmarkTree(b *testing.B) { compare(b, tree(10)) }

func BenchmarkTimes(b *testing.B) {
	v := make([]time.Time, 1000)
	for i := range v {
		v[i] = time.Unix(int64(i), 0).UTC()
	}
	compare(b, v)
}

func BenchmarkInterfaces(b *testing.B) {
	v := make([]any, 1000)
	for i := range v {
		v[i] = i
	}
	for _, x := range v[:1] {
		gob.Register(x)
	}
	compare(b, v)
}
