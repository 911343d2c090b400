//go:build linux

package mp_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
)

var anything = mp.Func("anything", func(context.Context, any) (int, error) { return 0, nil })

// T109, T121, T255: what no pool can be is refused, with the field's name.
func TestPoolConfigIsChecked(t *testing.T) {
	for field, c := range map[string]mp.PoolConfig{
		"Workers": {Workers: -1}, "StartTimeout": {StartTimeout: -1}, "MaxTasks": {MaxTasks: -1}, "MaxAge": {MaxAge: -1},
		"MaxRSS": {MaxRSS: -1}, "MemoryLimit": {MemoryLimit: -1}, "TaskTimeout": {TaskTimeout: -1}, "Grace": {Grace: -1},
		"Retries": {Retries: -1}, "Window": {Window: -1}, "WindowBytes": {WindowBytes: -1}, "MaxProcs": {MaxProcs: -1}, "Nice": {Nice: -1},
		"Init": {Init: anything.With(make(chan int))}, "Exit": {Exit: anything.With(func() {})},
	} {
		pool, err := mp.NewPool(c)
		if pool != nil || err == nil || !strings.Contains(err.Error(), "PoolConfig."+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// A limit in mebibytes, where bytes are meant, is refused with a hint.
func TestMemoryLimitInMebibytes(t *testing.T) {
	_, pool := mp.NewPool(mp.PoolConfig{MemoryLimit: 512})
	_, process := square.Start(ctx, 1, mp.MemoryLimit(512))
	for _, err := range []error{pool, process} {
		if err == nil || !strings.Contains(err.Error(), "MemoryLimit") || !strings.Contains(err.Error(), "512<<20") {
			t.Error(err)
		}
	}
}

// T250, W17: misuse panics with the place in the caller's source, and what is wrong there.
func TestMisuse(t *testing.T) {
	type inner struct{ C chan int }
	type outer struct{ Field []inner }
	for what, c := range map[string]struct {
		misuse func()
		want   []string
	}{
		"nil":    {func() { mp.Func[int, int]("misuse-nil", nil) }, []string{"misuse-nil", "is nil"}},
		"twice":  {func() { mp.Func("square", func(context.Context, int) (int, error) { return 0, nil }) }, []string{"square", "twice", "functions_test.go:"}},
		"arg":    {func() { mp.Func("misuse-arg", func(context.Context, outer) (int, error) { return 0, nil }) }, []string{"misuse-arg", "argument", "Field", "C"}},
		"result": {func() { mp.Func("misuse-result", func(context.Context, int) (func(), error) { return nil, nil }) }, []string{"misuse-result", "result"}},
	} {
		func() {
			defer func() {
				text := fmt.Sprint(recover())
				for _, w := range append(c.want, "mp: ", "misuse_test.go:") {
					if !strings.Contains(text, w) {
						t.Errorf("%s: %q is not in %q", what, w, text)
					}
				}
			}()
			c.misuse()
		}()
	}
}

// A function that is registered when the workers are there already cannot be called in them, and the error says why; a pool
// that is made after it finds that its workers have another registry.
func TestRegisteredTooLate(t *testing.T) {
	out, err := role("late").Output()
	for _, want := range []string{`first: mp: function "late" was registered (at `, "misuse_test.go:", "after the pool was started", `"late" is registered in the parent only`} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%q is not in %q, %v", want, out, err)
		}
	}
}

func init() {
	roles["late"] = func() int {
		pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
		if err != nil {
			fmt.Println(err)
			return 1
		}
		late := mp.Func("late", func(context.Context, int) (int, error) { return 0, nil })
		_, err = late.Call(ctx, pool, 1)
		fmt.Println("first:", err)
		_ = pool.Close()
		_, err = mp.NewPool(mp.PoolConfig{Workers: 1})
		fmt.Println("then:", err)
		return 0
	}
}
