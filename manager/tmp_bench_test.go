package manager_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
)

var tmpServe = mp.Func("tmpServe", func(ctx context.Context, a string) (int, error) {
	return 0, manager.Serve(ctx, manager.Config{Address: a})
})

func BenchmarkCrossGet(b *testing.B) {
	p, err := tmpServe.Start(ctx, "@tmp-bench")
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	var m *manager.Manager
	for {
		m, err = manager.Connect(ctx, "@tmp-bench", manager.Config{})
		if err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	d := must(manager.NewDict[string, int](m))
	_ = d.Set(ctx, "a", 1)
	for range 10000 {
		must(d.Get(ctx, "a"))
	}
	b.ReportAllocs()
	for b.Loop() {
		must(d.Get(ctx, "a"))
	}
	m.Stop(ctx)
}
