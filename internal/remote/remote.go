// Package remote is how packages that stand above package mp run what is registered with it: they know a function's name,
// and its arguments and results as bytes.
package remote

import "context"

// A Registry is what package mp sets in its initialization.
type Registry struct {
	// Signature describes the types of a function; false if there is no such function here.
	Signature func(name string) (string, bool)
	// Run runs a function in this process and returns its encoded result. What goes wrong, a panic included, is the error.
	Run func(ctx context.Context, name string, arg []byte) ([]byte, error)
	// Panic is the error for a panic with v.
	Panic func(v any, stack string) error
}

// Functions is package mp's.
var Functions Registry
