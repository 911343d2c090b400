//go:build linux

package mp_test

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp"
)

// A shape is what arguments are of: each of a type that a worker must know to decode it.
type shape interface{ Area() float64 }

type rectangle struct{ Width, Height float64 }

func (r rectangle) Area() float64 { return r.Width * r.Height }

type tile struct{ Side float64 }

func (s tile) Area() float64 { return s.Side * s.Side }

func init() {
	mp.RegisterType[rectangle]("example.rectangle")
	mp.RegisterType[tile]("example.tile")
}

var area = mp.Func("example.area", func(_ context.Context, s shape) (float64, error) { return s.Area(), nil })

func ExampleRegisterType() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	fmt.Println(area.Map(context.Background(), pool, []shape{rectangle{2, 3}, tile{3}}))
	// Output: [6 9] <nil>
}
