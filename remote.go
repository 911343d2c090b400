package mp

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp/internal/engine"
	"github.com/go-multiproc/mp/internal/remote"
)

func init() {
	remote.Functions = remote.Registry{
		Signature: func(name string) (string, bool) {
			if f := lookUp(name); f != nil {
				return f.signature, true
			}
			return "", false
		},
		Run: func(ctx context.Context, name string, arg []byte) ([]byte, error) {
			f := lookUp(name)
			if f == nil {
				return nil, fmt.Errorf("mp: function %q is not registered here", name)
			}
			status, out := f.runner().Run(ctx, arg, nil)
			return out, remoteError(engine.Result{Status: status, Payload: out}, name, -1)
		},
		Panic: func(v any, stack string) error { return decodeError(appendPanic(nil, v, stack)) },
	}
}

func lookUp(name string) *function {
	registry.Lock()
	defer registry.Unlock()
	return registry.functions[name]
}
