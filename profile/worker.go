package profile

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"runtime/pprof"
	"time"

	"github.com/go-multiproc/mp/internal/side"
)

// The questions, as package side names them.
const (
	cpu    = "profile.cpu"
	lookup = "profile.lookup"
)

func init() {
	side.Answer(cpu, func(ctx context.Context, arg []byte) ([]byte, error) {
		var b bytes.Buffer
		if err := pprof.StartCPUProfile(&b); err != nil {
			return nil, err
		}
		enough := time.NewTimer(time.Duration(binary.LittleEndian.Uint64(arg)))
		defer enough.Stop()
		select {
		case <-enough.C:
		case <-ctx.Done():
		}
		pprof.StopCPUProfile()
		return b.Bytes(), nil
	})
	side.Answer(lookup, func(_ context.Context, arg []byte) ([]byte, error) {
		p := pprof.Lookup(string(arg))
		if p == nil {
			return nil, fmt.Errorf("there is no profile %q", arg)
		}
		var b bytes.Buffer
		err := p.WriteTo(&b, 0)
		return b.Bytes(), err
	})
}
