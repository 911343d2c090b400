package codec

import (
	"fmt"
	"maps"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
)

// registered is a concrete type that may travel in an interface.
type registered struct {
	name string
	typ  reflect.Type
	plan *Plan
}

// A table of what is registered never changes: who adds makes another, and who looks takes no lock.
type table struct {
	types map[reflect.Type]*registered
	names map[string]*registered
}

var (
	registry   atomic.Pointer[table]
	registryMu sync.Mutex // held to replace registry
)

func init() {
	registry.Store(&table{make(map[reflect.Type]*registered), make(map[string]*registered)})
	for _, v := range []any{
		false, 0, int8(0), int16(0), int32(0), int64(0), uint(0), uint8(0), uint16(0), uint32(0), uint64(0), uintptr(0),
		float32(0), 0.0, complex64(0), complex128(0), "", []byte(nil), []any(nil), map[string]any(nil),
		[]string(nil), []int(nil), []float64(nil), time.Time{}, time.Duration(0),
	} {
		t := reflect.TypeOf(v)
		if err := RegisterInterface(t.String(), t); err != nil {
			panic(err) // the list above is wrong
		}
	}
}

// RegisterInterface lets values of type t travel in interfaces, under a name that is the same in every process.
func RegisterInterface(name string, t reflect.Type) error {
	p, err := PlanOf(t)
	if err != nil {
		return err
	}
	registryMu.Lock()
	defer registryMu.Unlock()
	old := registry.Load()
	if r, ok := old.names[name]; ok && r.typ != t {
		return fmt.Errorf("the name %q is taken by %s", name, r.typ)
	}
	if r, ok := old.types[t]; ok && r.name != name {
		return fmt.Errorf("%s is registered as %q", t, r.name)
	}
	next := &table{maps.Clone(old.types), maps.Clone(old.names)}
	r := &registered{name: name, typ: t, plan: p}
	next.names[name], next.types[t] = r, r
	registry.Store(next)
	return nil
}

func registeredType(t reflect.Type) (*registered, error) {
	if r, ok := registry.Load().types[t]; ok {
		return r, nil
	}
	return nil, fmt.Errorf("a %s in an interface cannot cross a process boundary: register its type with mp.RegisterType", t)
}

func registeredName(name []byte) (*registered, bool) {
	r, ok := registry.Load().names[string(name)]
	return r, ok
}

// hooks encode values of the type error. They are told how deep an error may still be nested.
var hooks struct {
	append func(dst []byte, err error, depth int) ([]byte, error)
	decode func(src []byte, depth int) (error, []byte, error)
}

// SetErrorHooks sets how values of the type error are encoded. Call it once, in an init.
func SetErrorHooks(appendErr func([]byte, error, int) ([]byte, error), decodeErr func([]byte, int) (error, []byte, error)) {
	hooks.append, hooks.decode = appendErr, decodeErr
}
