//go:build linux

package shared_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

var countTo = mp.Func("example.countTo", func(_ context.Context, counter *shared.Value[int64]) (int64, error) {
	var last int64
	for range 1000 {
		last = shared.Add(counter, 1)
	}
	return last, nil
})

// Four processes count in one number, without a lock.
func ExampleValue() {
	mp.Main()
	counter, err := shared.NewValue(int64(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	_, err = countTo.Map(context.Background(), pool, []*shared.Value[int64]{counter, counter, counter, counter})
	fmt.Println(counter.Load(), err)
	// Output: 4000 <nil>
}

// A value may be a struct: it is loaded and stored as a whole.
func ExampleValue_Update() {
	type progress struct {
		Done, Failed int
		Last         [16]byte
	}
	v, err := shared.NewValue(progress{})
	if err != nil {
		fmt.Println(err)
		return
	}
	now, err := v.Update(context.Background(), func(p progress) progress {
		p.Done++
		copy(p.Last[:], "part 7")
		return p
	})
	fmt.Println(now.Done, string(now.Last[:6]), err)
	_, err = shared.NewValue(struct{ Name string }{})
	fmt.Println(err)
	// Output:
	// 1 part 7 <nil>
	// mp/shared: struct { Name string }.Name (string) cannot lie in shared memory: its bytes lie elsewhere; use an array of bytes
}

func ExampleAdd() {
	v, err := shared.NewValue(uint8(250))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(shared.Add(v, 5), shared.Add(v, 5)) // as the type does, it wraps around
	// Output: 255 4
}

func ExampleCompareAndSwap() {
	v, err := shared.NewValue(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(shared.CompareAndSwap(v, 1, 2), shared.CompareAndSwap(v, 1, 3), v.Load())
	// Output: true false 2
}

type stripe struct {
	Array    *shared.Array[float64]
	From, To int
}

var halveAll = mp.Func("example.halveAll", func(_ context.Context, s stripe) (int, error) {
	part := s.Array.Slice()[s.From:s.To] // the memory itself: no copy
	for i := range part {
		part[i] /= 2
	}
	return len(part), nil
})

// Two processes change the two halves of one array.
func ExampleArray() {
	mp.Main()
	array, err := shared.ArrayOf([]float64{2, 4, 6, 8})
	if err != nil {
		fmt.Println(err)
		return
	}
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	_, err = halveAll.Map(context.Background(), pool, []stripe{{array, 0, 2}, {array, 2, 4}})
	fmt.Println(array.Slice(), err)
	// Output: [1 2 3 4] <nil>
}

// An array of two dimensions is one of rows. Rows of a length that is known when the program runs are parts of one slice.
func ExampleArray_twoDimensional() {
	grid, err := shared.NewArray[[3]int](2)
	if err != nil {
		fmt.Println(err)
		return
	}
	grid.Slice()[1][2] = 7
	fmt.Println(grid.Slice())

	const rows, columns = 2, 3
	flat, err := shared.NewArray[int](rows * columns)
	if err != nil {
		fmt.Println(err)
		return
	}
	row := func(i int) []int { return flat.Slice()[i*columns : (i+1)*columns] }
	row(1)[2] = 7
	fmt.Println(row(0), row(1))
	// Output:
	// [[0 0 0] [0 0 7]]
	// [0 0 0] [0 0 7]
}

type lines struct {
	In  *shared.Queue[string]
	Out *shared.Queue[int]
}

var measure = mp.Func("example.measure", func(ctx context.Context, l lines) (int, error) {
	n := 0
	for line, err := range l.In.All(ctx) { // until In is closed and empty
		if err == nil {
			err = l.Out.Put(ctx, len(line))
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, l.Out.Close()
})

// Items go to another process through one queue, and come back through another.
func ExampleQueue() {
	mp.Main()
	ctx := context.Background()
	in, err := shared.NewQueue[string](shared.QueueConfig{Capacity: 100})
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := shared.NewQueue[int](shared.QueueConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	process, err := measure.Start(ctx, lines{in, out})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range []string{"one", "three", "fifteen"} {
		if err := in.Put(ctx, line); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := in.Close(); err != nil {
		fmt.Println(err)
		return
	}
	for n, err := range out.All(ctx) {
		fmt.Println(n, err)
	}
	fmt.Println(process.Wait(ctx))
	// Output:
	// 3 <nil>
	// 5 <nil>
	// 7 <nil>
	// 3 <nil>
}

func ExampleQueue_TryPut() {
	queue, err := shared.NewQueue[int](shared.QueueConfig{Capacity: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(queue.TryPut(1))
	fmt.Println(errors.Is(queue.TryPut(2), shared.ErrFull))
	fmt.Println(queue.TryGet())
	_, err = queue.TryGet()
	fmt.Println(errors.Is(err, shared.ErrEmpty))
	// Output:
	// <nil>
	// true
	// 1 <nil>
	// true
}

// Join waits until all that was put is done.
func ExampleQueue_Join() {
	ctx := context.Background()
	queue, err := shared.NewQueue[string](shared.QueueConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := queue.Put(ctx, "to do"); err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		item, err := queue.Get(ctx)
		fmt.Println(item, err)
		_ = queue.TaskDone()
	}()
	fmt.Println(queue.Join(ctx))
	fmt.Println(errors.Is(queue.TaskDone(), shared.ErrBound))
	// Output:
	// to do <nil>
	// <nil>
	// true
}

// An item that Take gave is lost to nobody: it comes back if it is returned, or if this process dies.
func ExampleDelivery() {
	ctx := context.Background()
	queue, err := shared.NewQueue[string](shared.QueueConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := queue.Put(ctx, "parcel"); err != nil {
		fmt.Println(err)
		return
	}
	for _, accept := range []bool{false, true} {
		delivery, err := queue.Take(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		if accept {
			fmt.Println(delivery.Value, "is accepted:", delivery.Ack())
		} else {
			fmt.Println(delivery.Value, "goes back:", delivery.Return())
		}
	}
	fmt.Println(queue.Len(), "are left")
	// Output:
	// parcel goes back: <nil>
	// parcel is accepted: <nil>
	// 0 are left
}

func ExampleStats() {
	before, err := shared.Stats()
	if err != nil {
		fmt.Println(err)
		return
	}
	array, err := shared.NewArray[byte](1000)
	if err != nil {
		fmt.Println(err)
		return
	}
	during, err := shared.Stats()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(during.Objects-before.Objects, "object,", during.Used-before.Used, "bytes")
	fmt.Println(array.Free(), array.Len())
	// Output:
	// 1 object, 1024 bytes
	// <nil> 0
}

// A block has a name, by which programs that are no relatives find it: Python's SharedMemory, too.
func ExampleBlock() {
	block, err := shared.CreateBlock("", 1000) // "" draws a name that is free
	if err != nil {
		fmt.Println(err)
		return
	}
	defer block.Close() // and with it goes the name, for this process created it
	copy(block.Bytes(), "hello")

	same, err := shared.OpenBlock(block.Name())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(same.Size(), string(same.Bytes()[:5]))
	fmt.Println(same.Close())
	// Output:
	// 1000 hello
	// <nil>
}
