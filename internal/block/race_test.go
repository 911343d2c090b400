//go:build linux

package block

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// abandon does to a block what the kernel does when its creator is killed.
func abandon(b *Block) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = unix.Munmap(b.data)
	_ = unix.Close(b.life)
	b.data, b.life = nil, noFile
}

// together runs all functions at the same time.
func together(fs ...func()) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for _, f := range fs {
		all.Go(func() { <-start; f() })
	}
	close(start)
	all.Wait()
}

// Keep against everything that removes: either the block is kept and stays, or Keep says that it is gone.
func TestKeepRace(t *testing.T) {
	noLeaks(t)
	kept := 0
	for n := range 500 {
		name := newName()
		b := newBlock(t, name, 1)
		other := openBlock(t, name)
		end := func() { _ = b.Close() }
		if n%2 == 0 {
			abandon(b)
			end = func() { _ = Remove(name, b.Identity()) }
		}
		var err error
		together(func() { err = other.Keep() }, Sweep, end, Sweep)
		if err != nil && !errors.Is(err, fs.ErrNotExist) || exists(name) != (err == nil) {
			t.Fatalf("keep said %v, and it is there: %t", err, exists(name))
		}
		if err == nil {
			kept++
			if err := other.Unlink(); err != nil {
				t.Fatal(err)
			}
		}
		closeBlock(t, other)
	}
	t.Logf("kept %d of 500", kept)
}

// However many remove a block, one does, and none of them removes the next block of that name.
func TestUnlinkRace(t *testing.T) {
	noLeaks(t)
	for n := range 500 {
		name := newName()
		b := newBlock(t, name, 1)
		others := []*Block{openBlock(t, name), openBlock(t, name), openBlock(t, name)}
		var mu sync.Mutex
		removed := 0
		unlink := func(b *Block) func() {
			return func() {
				err := b.Unlink()
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					removed++
				} else if !errors.Is(err, fs.ErrNotExist) {
					t.Error(err)
				}
			}
		}
		var next *Block
		again := func() {
			for next == nil {
				var err error
				if next, err = Create(name, 2); err != nil && !errors.Is(err, fs.ErrExist) {
					t.Error(err)
					return
				}
			}
		}
		if n%2 == 0 {
			abandon(b)
		}
		together(unlink(others[0]), unlink(others[1]), unlink(others[2]), again, Sweep, func() { _ = b.Close() })
		if removed > 1 {
			t.Errorf("%d removed it", removed)
		}
		if last, err := Open(name); err != nil || last.Identity() != next.Identity() {
			t.Fatalf("the next block is gone: %v", err)
		} else {
			closeBlock(t, last)
		}
		closeBlock(t, next)
		for _, o := range others {
			closeBlock(t, o)
		}
	}
}

// Of those who create one name at the same time, one gets it.
func TestCreateRace(t *testing.T) {
	noLeaks(t)
	eachWay(t, func(t *testing.T) {
		var mu sync.Mutex // also for the names of drafts
		for range 100 {
			name := newName()
			abandoned := newBlock(t, name, 1)
			abandon(abandoned)
			var got []*Block
			try := func() {
				b, err := Create(name, 1)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					got = append(got, b)
				} else if !errors.Is(err, fs.ErrExist) {
					t.Error(err)
				}
			}
			together(try, try, Sweep, try, Sweep)
			if len(got) != 1 || !exists(name) {
				t.Fatalf("%d got it", len(got))
			}
			closeBlock(t, got[0])
		}
	})
}

// Random operations give what a simple model says.
func TestModel(t *testing.T) {
	noLeaks(t)
	seed := rand.Uint64()
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	type file struct{ kept, orphan bool }
	type handle struct {
		*Block
		of      *file
		creator bool
	}
	dirOf := map[string]*file{} // what has a name
	var open []*handle
	all := []string{newName(), newName(), newName()}
	for n := range 20_000 {
		name := all[r.IntN(len(all))]
		f := dirOf[name]
		check := func(what string, err error, ok bool, otherwise error) {
			if ok != (err == nil) || err != nil && !errors.Is(err, otherwise) {
				t.Fatalf("operation %d, %s: %v", n, what, err)
			}
		}
		var h *handle
		at := 0
		if len(open) > 0 {
			at = r.IntN(len(open))
			h = open[at]
		}
		drop := func() { open = append(open[:at], open[at+1:]...) }
		switch op := r.IntN(8); {
		case op == 0 && len(open) < 20:
			b, err := Create(name, 1+r.IntN(5000))
			check("create", err, f == nil, fs.ErrExist)
			if err == nil {
				dirOf[name] = &file{}
				open = append(open, &handle{b, dirOf[name], true})
			}
		case op == 1 && len(open) < 20:
			b, err := Open(name)
			check("open", err, f != nil, fs.ErrNotExist)
			if err == nil {
				open = append(open, &handle{b, f, false})
			}
		case op == 2:
			Sweep()
		case h == nil:
		case op == 3:
			check("keep", h.Keep(), dirOf[h.name] == h.of, fs.ErrNotExist)
			h.of.kept = true
		case op == 4:
			check("unlink", h.Unlink(), dirOf[h.name] == h.of, fs.ErrNotExist)
			if dirOf[h.name] == h.of {
				delete(dirOf, h.name)
			}
		case op == 5:
			check("close", h.Close(), true, nil)
			if h.creator && !h.of.kept && dirOf[h.name] == h.of {
				delete(dirOf, h.name)
			}
			drop()
		case op == 6 && h.creator:
			abandon(h.Block)
			h.of.orphan = true
			Sweep() // or else when it goes depends on when others sweep
			if !h.of.kept && dirOf[h.name] == h.of {
				delete(dirOf, h.name)
			}
			drop()
		case op == 7 && h.of.orphan:
			check("remove", Remove(h.name, h.id), true, nil)
		}
		for _, name := range all {
			if exists(name) != (dirOf[name] != nil) {
				t.Fatalf("operation %d: %s is there: %t", n, name, exists(name))
			}
		}
	}
	for _, h := range open {
		closeBlock(t, h.Block)
	}
	for name := range dirOf {
		if b, err := Open(name); err == nil {
			_ = b.Unlink()
			closeBlock(t, b)
		}
	}
}
