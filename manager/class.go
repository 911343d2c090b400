package manager

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/codec"
)

// A ClassOf is a type whose values live in servers, each made by the function that was given to Class.
type ClassOf[T, In any] struct {
	*class

	in codec.Codec[In]
}

// An Object is a value of a class in a server. It travels like any proxy.
type Object[T any] struct{ proxy }

// A ClassOption changes what Class makes.
type ClassOption func(*class)

// Exclusive makes the methods of an object run one at a time, in the order in which they were called. Else they run at once, and the
// object has to be safe for that.
func Exclusive() ClassOption { return func(c *class) { c.exclusive = true } }

// class is what the registry holds of a ClassOf.
type class struct {
	name      string
	site      string // where it was registered
	sig       uint64
	exclusive bool
	create    func(ctx context.Context, arg []byte) (any, error)
	methods   map[string]*method // guarded by classes
}

// method is what the registry holds of a method.
type method struct {
	site string
	sig  uint64
	run  func(ctx context.Context, object any, arg []byte) ([]byte, error)
}

var classes struct {
	sync.Mutex
	byName map[string]*class
}

// Class registers a type whose values are to live in servers. Do it at package level, as with mp.Func, and in every process alike:
//
//	var counters = manager.Class("counter", func(ctx context.Context, start int) (*Counter, error) { return &Counter{n: start}, nil })
//	var add = manager.Method(counters, "add", (*Counter).Add)
//
// fn runs in the server, with a context that ends when its caller's does. T itself never travels; In must be able to. If T has a
// method Close() error, the server calls it when nothing refers to the object any more. A panic, there or in a method, is an error of its
// caller, and the server lives on. Class panics if the name is taken or In cannot cross.
func Class[T, In any](name string, fn func(context.Context, In) (T, error), opts ...ClassOption) *ClassOf[T, In] {
	site := caller()
	in := mustCodec[In](site, "the argument of class "+name)
	c := &class{name: name, site: site, sig: hashText(in.Plan().Signature()), methods: make(map[string]*method)}
	for _, o := range opts {
		o(c)
	}
	c.create = func(ctx context.Context, arg []byte) (any, error) {
		v, err := decode(in, arg)
		if err != nil {
			return nil, fmt.Errorf("mp/manager: class %q: %w", name, err)
		}
		return fn(ctx, v)
	}
	classes.Lock()
	defer classes.Unlock()
	if old := classes.byName[name]; old != nil {
		panic(fmt.Sprintf("mp/manager: class %q is registered twice: at %s and at %s", name, old.site, site))
	}
	if classes.byName == nil {
		classes.byName = make(map[string]*class)
	}
	classes.byName[name] = c
	return &ClassOf[T, In]{c, in}
}

// Name is the name under which the class is registered.
func (k *ClassOf[T, In]) Name() string { return k.name }

// New makes an object in a server. When ctx ends, so does the context of the function that makes it.
func (k *ClassOf[T, In]) New(ctx context.Context, m *Manager, in In) (*Object[T], error) {
	o := new(Object[T])
	return newProxyFor(ctx, m, o, &o.proxy, kindObject, hashText(k.name), func(r *request) {
		add(r.text(k.name).uint(k.sig), k.in, &in)
	})
}

// MarshalBinary implements encoding.BinaryMarshaler: the proxy travels.
func (o *Object[T]) MarshalBinary() ([]byte, error) { return o.marshal() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler. Which class it is of, the server checks.
func (o *Object[T]) UnmarshalBinary(b []byte) error {
	return o.unmarshal(b, kindObject, 0)
}

// String names the object.
func (o *Object[T]) String() string { return o.name("Object") }

// A MethodOf is a method of a class that takes one argument.
type MethodOf[T, In, Out any] struct {
	name string
	sig  uint64
	in   codec.Codec[In]
	out  codec.Codec[Out]
}

// Method registers a method of a class under a name. It may be a method of T, as (*Counter).Add, or any function of that form. It panics
// if the name is taken or a type cannot cross.
func Method[T, Init, In, Out any](k *ClassOf[T, Init], name string, fn func(T, context.Context, In) (Out, error)) *MethodOf[T, In, Out] {
	return newMethod(k, name, caller(), fn)
}

func newMethod[T, Init, In, Out any](k *ClassOf[T, Init], name, site string, fn func(T, context.Context, In) (Out, error)) *MethodOf[T, In, Out] {
	what := fmt.Sprintf("method %q of class %q", name, k.name)
	in, out := mustCodec[In](site, "an argument of "+what), mustCodec[Out](site, "the result of "+what)
	m := &method{site: site, sig: signature(in.Plan(), out.Plan())}
	m.run = func(ctx context.Context, object any, arg []byte) ([]byte, error) {
		v, err := decode(in, arg)
		if err != nil {
			return nil, fmt.Errorf("mp/manager: %s: %w", what, err)
		}
		result, err := fn(object.(T), ctx, v)
		if err != nil {
			return nil, err
		}
		return out.Append([]byte{}, &result)
	}
	classes.Lock()
	defer classes.Unlock()
	if old := k.methods[name]; old != nil {
		panic(fmt.Sprintf("mp/manager: %s is registered twice: at %s and at %s", what, old.site, site))
	}
	k.methods[name] = m
	return &MethodOf[T, In, Out]{name, m.sig, in, out}
}

// Call calls the method of an object, in the server, and returns what came of it. When ctx ends, so does that of the method; Call
// waits for it a second and no longer. Errors are the method's as *mp.RemoteError, *mp.PanicError, and ErrNotFound if the object
// is gone.
func (m *MethodOf[T, In, Out]) Call(ctx context.Context, o *Object[T], in In) (Out, error) {
	r := add(o.ask(objectCall).text(m.name).uint(m.sig), m.in, &in)
	return get(ctx, r, m.out)
}

// A MethodOf0 is a method without arguments.
type MethodOf0[T, Out any] struct{ m *MethodOf[T, struct{}, Out] }

// Method0 is Method for one without arguments.
func Method0[T, Init, Out any](k *ClassOf[T, Init], name string, fn func(T, context.Context) (Out, error)) MethodOf0[T, Out] {
	return MethodOf0[T, Out]{newMethod(k, name, caller(), func(o T, ctx context.Context, _ struct{}) (Out, error) { return fn(o, ctx) })}
}

// Call is as that of MethodOf.
func (m MethodOf0[T, Out]) Call(ctx context.Context, o *Object[T]) (Out, error) {
	return m.m.Call(ctx, o, struct{}{})
}

// A MethodOf2 is a method with two arguments.
type MethodOf2[T, A, B, Out any] struct {
	m *MethodOf[T, mp.Args2[A, B], Out]
}

// Method2 is Method for one with two arguments.
func Method2[T, Init, A, B, Out any](k *ClassOf[T, Init], name string, fn func(T, context.Context, A, B) (Out, error)) MethodOf2[T, A, B, Out] {
	return MethodOf2[T, A, B, Out]{newMethod(k, name, caller(), func(o T, ctx context.Context, in mp.Args2[A, B]) (Out, error) {
		return fn(o, ctx, in.A, in.B)
	})}
}

// Call is as that of MethodOf.
func (m MethodOf2[T, A, B, Out]) Call(ctx context.Context, o *Object[T], a A, b B) (Out, error) {
	return m.m.Call(ctx, o, mp.Pack2(a, b))
}

// A MethodOf3 is a method with three arguments.
type MethodOf3[T, A, B, C, Out any] struct {
	m *MethodOf[T, mp.Args3[A, B, C], Out]
}

// Method3 is Method for one with three arguments.
func Method3[T, Init, A, B, C, Out any](k *ClassOf[T, Init], name string, fn func(T, context.Context, A, B, C) (Out, error)) MethodOf3[T, A, B, C, Out] {
	return MethodOf3[T, A, B, C, Out]{newMethod(k, name, caller(), func(o T, ctx context.Context, in mp.Args3[A, B, C]) (Out, error) {
		return fn(o, ctx, in.A, in.B, in.C)
	})}
}

// Call is as that of MethodOf.
func (m MethodOf3[T, A, B, C, Out]) Call(ctx context.Context, o *Object[T], a A, b B, c C) (Out, error) {
	return m.m.Call(ctx, o, mp.Pack3(a, b, c))
}

func mustCodec[T any](site, what string) codec.Codec[T] {
	c, err := codec.For[T]()
	if err != nil {
		panic(fmt.Sprintf("mp/manager: %s: %s: %v", site, what, err))
	}
	return c
}

// caller is the file and line of whoever called the exported function that calls it.
func caller() string {
	_, file, line, ok := runtime.Caller(2)
	if !ok {
		return "unknown"
	}
	return fmt.Sprintf("%s:%d", file, line)
}
