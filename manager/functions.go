package manager

import (
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/remote"
)

func hashText(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	return h.Sum64()
}

func functionError(name string, known, fits bool) error {
	switch {
	case !known:
		return fmt.Errorf("mp/manager: function %q is not registered in the server", name)
	case !fits:
		return fmt.Errorf("mp/manager: function %q has other types in the server", name)
	}
	return nil
}

// functionSignature is what a function is of, for the server to compare.
func functionSignature[In, Out any](fn *mp.Function[In, Out]) (uint64, error) {
	if fn == nil {
		return 0, errors.New("mp/manager: a nil function")
	}
	s, ok := remote.Functions.Signature(fn.Name())
	if !ok {
		return 0, functionError(fn.Name(), false, false)
	}
	return hashText(s), nil
}
