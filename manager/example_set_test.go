package manager_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-multiproc/mp/manager"
)

// Sets that are made of two others, without an element of them travelling before it is asked for.
func ExampleSet_Union() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{}) // or Start: a process of its own
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	can, err1 := manager.NewSet(m, "read", "write")
	may, err2 := manager.NewSet(m, "read", "delete")
	if err := errors.Join(err1, err2); err != nil {
		fmt.Println(err)
		return
	}
	for _, combine := range []func(context.Context, *manager.Set[string]) (*manager.Set[string], error){
		can.Union, can.Intersect, can.Difference, can.SymmetricDifference,
	} {
		combined, err := combine(ctx, may)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(combined.Copy(ctx))
	}
	// Output:
	// [read write delete] <nil>
	// [read] <nil>
	// [write] <nil>
	// [write delete] <nil>
}

// A set that is changed by another one, as the operators |=, &=, -= and ^= of Python's do.
func ExampleSet_Update() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	seen, err1 := manager.NewSet(m, 1, 2)
	more, err2 := manager.NewSet(m, 2, 3)
	if err := errors.Join(err1, err2); err != nil {
		fmt.Println(err)
		return
	}
	for _, change := range []func(context.Context, *manager.Set[int]) error{
		seen.Update, seen.IntersectWith, seen.SymmetricDifferenceWith, seen.DifferenceWith,
	} {
		err := change(ctx, more)
		now, err2 := seen.Copy(ctx)
		fmt.Println(now, errors.Join(err, err2))
	}
	// Output:
	// [1 2 3] <nil>
	// [2 3] <nil>
	// [] <nil>
	// [] <nil>
}

// Files that workers have seen: who adds, looks and removes does not see the others' half-done steps.
func ExampleSet_Has() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	files, err1 := manager.NewSet(m, "a.txt", "b.txt")
	known, err2 := manager.NewSet(m, "b.txt")
	if err := errors.Join(err1, err2); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(known.IsSubset(ctx, files))
	fmt.Println(files.IsSuperset(ctx, known))
	fmt.Println(files.Add(ctx, "c.txt"), files.Remove(ctx, "a.txt"), files.Discard(ctx, "a.txt"))
	fmt.Println(errors.Is(files.Remove(ctx, "a.txt"), manager.ErrNotFound))
	fmt.Println(files.Has(ctx, "c.txt"))
	fmt.Println(files.Len(ctx))
	fmt.Println(files.Equal(ctx, known))
	fmt.Println(known.Pop(ctx))
	fmt.Println(files.Clear(ctx))
	// Output:
	// true <nil>
	// true <nil>
	// <nil> <nil> <nil>
	// true
	// true <nil>
	// 2 <nil>
	// false <nil>
	// b.txt <nil>
	// <nil>
}
