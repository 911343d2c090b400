package mp

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/go-multiproc/mp/internal/link"
	"github.com/go-multiproc/mp/internal/spawn"
)

// function is what the registry holds of a Function.
type function struct {
	name      string
	site      string // where it was registered
	signature string
	argSize   int // -1 if it varies
	runner    func() link.Runner
	chunk     chunkRun // nil if it takes one element at a time
}

var registry struct {
	sync.Mutex
	functions map[string]*function
	snapshot  *snapshot // nil when functions has changed since
}

// snapshot is the registry at one moment, in the order in which two processes number it. It implements link.Handler.
type snapshot struct {
	functions []*function
	index     map[*function]uint32
	lines     []string // "name signature", for the handshake
}

func register(f *function) {
	registry.Lock()
	defer registry.Unlock()
	if old, ok := registry.functions[f.name]; ok {
		panic(fmt.Sprintf("mp: function %q is registered twice: at %s and at %s", f.name, old.site, f.site))
	}
	if registry.functions == nil {
		registry.functions = make(map[string]*function)
	}
	registry.functions[f.name] = f
	registry.snapshot = nil
}

func takeSnapshot() *snapshot {
	registry.Lock()
	defer registry.Unlock()
	if registry.snapshot == nil {
		s := &snapshot{index: make(map[*function]uint32)}
		for i, name := range slices.Sorted(maps.Keys(registry.functions)) {
			f := registry.functions[name]
			s.functions = append(s.functions, f)
			s.index[f] = uint32(i)
			s.lines = append(s.lines, fmt.Sprintf("%s\t%s", name, spawn.Digest([]string{f.signature})))
		}
		registry.snapshot = s
	}
	return registry.snapshot
}

// ArgSize implements link.Handler.
func (s *snapshot) ArgSize(fn uint32) int { return s.functions[fn].argSize }

// Runner implements link.Handler.
func (s *snapshot) Runner(fn uint32) link.Runner { return s.functions[fn].runner() }

// Chunked implements link.Handler.
func (s *snapshot) Chunked(fn uint32) bool { return s.functions[fn].chunk != nil }

// RunChunk implements link.Handler.
func (s *snapshot) RunChunk(ctx context.Context, fn uint32, args [][]byte) func(int, []byte) (uint8, []byte) {
	return s.functions[fn].chunk(ctx, args)
}

// caller is the file and line of whoever called the exported function that calls it.
func caller() string {
	_, file, line, ok := runtime.Caller(2)
	if !ok {
		return "unknown"
	}
	return fmt.Sprintf("%s:%d", file, line)
}
