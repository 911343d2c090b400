package engine

import (
	"testing"
	"testing/synctest"
)

// Where each worker has one element at a time, nobody is ahead of the one before, whatever the chunk and however fast they are.
func TestOneAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := &farm{t: t}
		e := newEngine(t, f.config(2))
		e.OneAtATime()
		j, _ := job("f")
		j.Chunk = 4
		begun(t, e, j, 10)
		synctest.Wait()
		for range 5 {
			for _, p := range f.all {
				if n := p.has(); n != 1 {
					t.Fatalf("worker %d has %d elements", p.index, n)
				}
			}
			for _, p := range f.all {
				p.run(t, 1)
			}
			synctest.Wait()
		}
		e.Finished(j)
		shutdown(t, e, f)
	})
}
