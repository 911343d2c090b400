//go:build linux

package block

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// A creator that is killed at any step of Create leaves nothing that a sweep does not remove, and the sweep touches nothing
// of the living.
func TestKilledInCreate(t *testing.T) {
	noLeaks(t)
	living := newPeer(t)
	living.must("create", newName())
	mine := newBlock(t, newName(), 1)
	for _, way := range []struct {
		steps []string
		set   string
	}{
		{[]string{"nameless", "locked", "reserved", "mapped", "named"}, ""},
		{[]string{"temporary", "reserved", "mapped", "named"}, "no nameless files"},
	} {
		for _, at := range way.steps {
			for _, name := range []string{newName(), ""} {
				victim := newPeer(t)
				if way.set != "" {
					victim.must(way.set, "")
				}
				victim.mustDo(command{Op: "die at", Data: at})
				victim.tell(command{Op: "create", Name: name, Size: 5000})
				victim.dies()
				if at != "named" && name != "" && exists(name) {
					t.Errorf("killed when %s: there is a name before the block is whole", at)
				}
				Sweep()
				if left := ours(t); len(left) != 2 || !exists(mine.Name()) {
					t.Errorf("killed when %s: left are %q", at, left)
				}
			}
		}
	}
	living.exits()
	Sweep()
}

// Whoever is killed in the middle of taking a name away, or of leaving it, leaves it in one of the two states.
func TestKilledInRemoval(t *testing.T) {
	noLeaks(t)
	for _, c := range []struct{ op, at string }{
		{"close", "gate"}, {"close", "unlinked"},
		{"unlink", "gate"}, {"unlink", "unlinked"},
		{"keep", "gate"}, {"keep", "kept"},
		{"sweep", "gate"}, {"sweep", "unlinked"},
		{"open", "gate"}, {"open", "unlinked"},
		{"create", "gate"}, {"create", "unlinked"},
	} {
		name := newName()
		for try := 0; !killedIn(t, c.op, c.at, name); try++ {
			if try == 20 {
				t.Fatalf("%s never comes to %s", c.op, c.at)
			}
		}
		Sweep()
		if exists(name) != (c.at == "kept") {
			t.Errorf("%s, killed at %s: %q", c.op, c.at, ours(t))
		}
		if c.at == "kept" {
			if err := openBlock(t, name).Unlink(); err != nil {
				t.Error(err)
			}
		}
	}
}

// killedIn kills a program in one step of an operation on a block that it or another created. It returns false if the
// operation had nothing to do, for another program, which is none of this test, has swept the block before.
func killedIn(t *testing.T, op, at, name string) bool {
	t.Helper()
	creator, victim := newPeer(t), newPeer(t)
	creator.must("create", name)
	defer creator.kill()
	victim.must("sweep", "")
	orphaned := false
	switch op {
	case "close":
		victim = creator
	case "sweep", "open", "create":
		orphaned = true
		creator.kill()
	default:
		victim.must("open", name)
	}
	victim.mustDo(command{Op: "die at", Data: at})
	victim.tell(command{Op: op, Name: name, Size: 10})
	if orphaned {
		var a answer
		if victim.out.Decode(&a) == nil {
			victim.kill()
			return false
		}
	}
	victim.dies()
	return true
}

// When a creator has been killed, whoever has its block goes on with it, and the next program that opens or creates
// any block removes the name.
func TestCreatorKilled(t *testing.T) {
	noLeaks(t)
	for _, op := range []string{"open", "create"} {
		creator, next := newPeer(t), newPeer(t)
		name := newName()
		creator.must("create", name)
		creator.mustDo(command{Op: "write", Name: name, Data: "still here"})
		b := openBlock(t, name)
		creator.kill()
		other := newName()
		if a := next.ask(command{Op: op, Name: other, Size: 1}); a.NotExist != (op == "open") {
			t.Error(a.Err)
		}
		if exists(name) {
			t.Errorf("the next program to %s a block left it", op)
		}
		if string(b.Bytes()[:10]) != "still here" {
			t.Error("it is not")
		}
		mustNot(t, "keep", b.Keep(), fs.ErrNotExist)
		next.kill()
		Sweep()
	}
}

// An orphan is no block, even to a program that does not sweep at that time: its name is free, and it cannot be opened.
func TestOrphan(t *testing.T) {
	noLeaks(t)
	sweeps.mu.Lock() // as if another goroutine were at it
	defer sweeps.mu.Unlock()
	name := newName()
	creator := newPeer(t)
	creator.must("create", name)
	b := openBlock(t, name)
	creator.kill()
	_, err := Open(name)
	mustNot(t, "open", err, fs.ErrNotExist)

	creator = newPeer(t)
	creator.must("create", name)
	creator.kill()
	if next := newBlock(t, name, 1); next.Identity() == b.Identity() {
		t.Error("it is the old one")
	}
}

// A crash does not end what somebody keeps, before it or after it.
func TestKeepSurvives(t *testing.T) {
	noLeaks(t)
	for _, by := range []string{"creator", "another", "another, later"} {
		name := newName()
		creator := newPeer(t)
		id := creator.must("create", name).ID
		b := openBlock(t, name)
		if by == "another" {
			if err := b.Keep(); err != nil {
				t.Error(err)
			}
		}
		if by == "creator" {
			creator.must("keep", name)
		}
		creator.kill()
		if by == "another, later" {
			if err := b.Keep(); errors.Is(err, fs.ErrNotExist) {
				continue // some other program has swept it
			} else if err != nil {
				t.Error(err)
			}
		}
		Sweep()
		if err := Remove(name, id); err != nil {
			t.Error(err)
		}
		closeBlock(t, openBlock(t, name))
		if err := b.Unlink(); err != nil {
			t.Error(err)
		}
	}
}

// The family of a dead creator removes this block, and nothing else of the name.
func TestRemove(t *testing.T) {
	noLeaks(t)
	name := newName()
	creator := newPeer(t)
	id := creator.must("create", name).ID
	t.Run("living", func(t *testing.T) {
		impatient(t)
		mustNot(t, "remove of a living", Remove(name, id), unix.EAGAIN)
	})
	creator.kill()
	for range 2 {
		if err := Remove("/"+name, id); err != nil {
			t.Error(err)
		}
		if exists(name) {
			t.Error("it is still there")
		}
	}
	next := newPeer(t)
	next.must("create", name)
	next.kill() // an orphan too, but not that one
	if err := Remove(name, id); err != nil {
		t.Error(err)
	}
	Sweep()
}

// T230, T231, W21: strangers that attach and go, in order or not, destroy nothing.
func TestStrangers(t *testing.T) {
	noLeaks(t)
	b := newBlock(t, newName(), 100)
	for _, way := range []string{"close", "exit", "kill"} {
		stranger := newPeer(t)
		stranger.must("open", b.Name())
		stranger.mustDo(command{Op: "write", Name: b.Name(), Data: way})
		switch way {
		case "close":
			stranger.must("close", b.Name())
			stranger.exits()
		case "exit":
			stranger.exits()
		case "kill":
			stranger.kill()
		}
		Sweep()
		if !exists(b.Name()) || string(b.Bytes()[:len(way)]) != way {
			t.Errorf("after a stranger's %s it has %q", way, b.Bytes())
		}
	}
}

// T229: a creator that exits without Close leaves no more than one that is killed.
func TestExitWithoutClose(t *testing.T) {
	noLeaks(t)
	creator, name := newPeer(t), newName()
	creator.must("create", name)
	creator.exits()
	Sweep()
	if exists(name) {
		t.Error("it is still there")
	}
}

// What a creator started does not count as the creator, even if it outlives it.
func TestChildOutlivesCreator(t *testing.T) {
	noLeaks(t)
	stdin, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	gone, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.ExtraFiles = []*os.File{stdin, stdout}
	creator, err := startPeer(t, cmd)
	stdin.Close()
	stdout.Close()
	if err != nil {
		t.Fatal(err)
	}
	name := newName()
	id := creator.must("create", name).ID
	creator.must("child", "")
	creator.kill()
	if err := Remove(name, id); err != nil {
		t.Error(err)
	}
	if exists(name) {
		t.Error("it is still there")
	}
	if _, err := hold.WriteString("alive\n"); err != nil {
		t.Error(err)
	}
	hold.Close()
	if b, err := io.ReadAll(gone); err != nil || string(b) != "alive\n" {
		t.Errorf("the child said %q, %v", b, err)
	}
}

// A draft that has a name is an orphan until its life is locked. Who has seen it like this, to remove it, looks again, or else
// the draft sees that it was removed.
func TestDraftSwept(t *testing.T) {
	noLeaks(t)
	for at, want := range map[string]bool{"orphan": false, "gate": true, "unlinked": true} {
		for try := 0; ; try++ { // another program may sweep, too
			if swept, reached := draftSwept(t, at); reached && swept == want {
				break
			}
			if try == 20 {
				t.Fatalf("that a draft that comes to life at %q is swept is never %t", at, want)
			}
		}
	}
}

// draftSwept removes a draft, which comes to life at this step, if it is reached, and reports what the draft found.
func draftSwept(t *testing.T, at string) (swept, reached bool) {
	t.Helper()
	name := newName()
	fd, err := unix.Open(dir+name, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR|unix.O_CLOEXEC, modeMarked)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFile(fd)
	st, err := fileStat(fd)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	revive := func() {
		var err error
		if swept, err = (draft{fd, name}).revive(); err != nil {
			t.Error(err)
		}
	}
	steps = func(s string) {
		if s != at {
			return
		}
		reached = true
		if at == "orphan" {
			revive()
		} else { // past the gate: it has to wait
			all.Go(revive)
		}
	}
	_ = removeOrphan(name, identity(&st))
	steps = nil
	all.Wait()
	if reached && swept == exists(name) {
		t.Errorf("at %s: the draft was swept: %t, and it is there: %t", at, swept, exists(name))
	}
	_ = os.Remove(dir + name)
	return swept, reached
}

// Programs that create, close and die at random leave nothing, whoever sweeps meanwhile.
func TestChurn(t *testing.T) {
	noLeaks(t)
	mine := newBlock(t, newName(), 1)
	living, shared := newPeer(t), newName()
	living.must("create", shared)
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					Sweep()
				}
			}
		})
	}
	for range 10 {
		for _, way := range []string{"", "no nameless files"} {
			victim := newPeer(t)
			if way != "" {
				victim.must(way, "")
			}
			victim.tell(command{Op: "churn", Name: newName()})
			for range rand.IntN(50) {
				var a answer
				if err := victim.out.Decode(&a); err != nil || a.Err != "" {
					t.Fatal(err, a.Err)
				}
			}
			victim.kill()
		}
	}
	close(stop)
	all.Wait()
	Sweep()
	if left := ours(t); len(left) != 2 || !exists(mine.Name()) || !exists(shared) {
		t.Errorf("left are %q", left)
	}
	living.must("close", shared)
}
