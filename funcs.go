package mp

import "context"

// Args2 is the argument of a function of two.
type Args2[A, B any] struct {
	A A
	B B
}

// Args3 is the argument of a function of three.
type Args3[A, B, C any] struct {
	A A
	B B
	C C
}

// Args4 is the argument of a function of four.
type Args4[A, B, C, D any] struct {
	A A
	B B
	C C
	D D
}

// Pack2 makes one argument of two.
func Pack2[A, B any](a A, b B) Args2[A, B] { return Args2[A, B]{a, b} }

// Pack3 makes one argument of three.
func Pack3[A, B, C any](a A, b B, c C) Args3[A, B, C] { return Args3[A, B, C]{a, b, c} }

// Pack4 makes one argument of four.
func Pack4[A, B, C, D any](a A, b B, c C, d D) Args4[A, B, C, D] {
	return Args4[A, B, C, D]{a, b, c, d}
}

// Func2 is Func for a function of two arguments, which are packed for a call: what Python calls starmap.
//
//	sums, err := add.Map(ctx, pool, []mp.Args2[int, int]{mp.Pack2(1, 2), mp.Pack2(3, 4)})
func Func2[A, B, Out any](name string, fn func(context.Context, A, B) (Out, error)) *Function[Args2[A, B], Out] {
	return newFunction(name, func(ctx context.Context, a Args2[A, B]) (Out, error) { return fn(ctx, a.A, a.B) }, caller())
}

// Func3 is Func for a function of three arguments.
func Func3[A, B, C, Out any](name string, fn func(context.Context, A, B, C) (Out, error)) *Function[Args3[A, B, C], Out] {
	return newFunction(name, func(ctx context.Context, a Args3[A, B, C]) (Out, error) { return fn(ctx, a.A, a.B, a.C) }, caller())
}

// Func4 is Func for a function of four arguments.
func Func4[A, B, C, D, Out any](name string, fn func(context.Context, A, B, C, D) (Out, error)) *Function[Args4[A, B, C, D], Out] {
	return newFunction(name, func(ctx context.Context, a Args4[A, B, C, D]) (Out, error) {
		return fn(ctx, a.A, a.B, a.C, a.D)
	}, caller())
}
