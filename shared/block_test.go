//go:build linux

package shared_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// blockName is a name that no other test has.
func blockName(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("mptest_%d_%s", os.Getpid(), strings.ReplaceAll(t.Name(), "/", "_"))
	t.Cleanup(func() {
		if _, err := os.Lstat(filepath.Join("/dev/shm", name)); err == nil {
			t.Errorf("the name %s is left", name)
			_ = os.Remove(filepath.Join("/dev/shm", name))
		}
	})
	return name
}

func named(name string) bool {
	_, err := os.Lstat(filepath.Join("/dev/shm", name))
	return err == nil
}

// writeBlock writes into a block that it is given as a handle, or by its name.
var writeBlock = mp.Func2("writeBlock", func(_ context.Context, b *shared.Block, name string) (int, error) {
	if b == nil {
		var err error
		if b, err = shared.OpenBlock(name); err != nil {
			return 0, err
		}
	}
	copy(b.Bytes(), "from afar")
	return os.Getpid(), b.Close()
})

// holdBlock creates a block, says so, and stays until it is killed, unless it is to end.
var holdBlock = mp.Func3("holdBlock", func(ctx context.Context, name string, up *shared.Event, end bool) (string, error) {
	b, err := shared.CreateBlock(name, 100)
	if err != nil {
		return "", err
	}
	if err := up.Set(); err != nil {
		return "", err
	}
	if !end {
		select {} // until it is killed
	}
	return b.Name(), nil
})

// T222: a child writes into the block, given its name or the handle; the parent sees the bytes. T221: a handle on a block that
// is gone is not found. To open and to close a block does not destroy it.
func TestBlockTravels(t *testing.T) {
	name := blockName(t)
	b, err := shared.CreateBlock(name, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, arg := range []mp.Args2[*shared.Block, string]{mp.Pack2(b, ""), mp.Pack2((*shared.Block)(nil), name)} {
		clear(b.Bytes())
		p, err := writeBlock.Start(ctx, arg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Wait(ctx); err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(b.Bytes(), []byte("from afar\x00")) || b.Size() != 100 || len(b.Bytes()) != 100 {
			t.Errorf("%q", b.Bytes())
		}
		if !named(name) {
			t.Fatal("whoever opened it destroyed it")
		}
	}
	if err := b.Close(); err != nil || named(name) || b.Bytes() != nil {
		t.Error(err, named(name))
	}
	p, err := writeBlock.Start(ctx, mp.Pack2(b, ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(ctx); !strings.Contains(fmt.Sprint(err), "no such file") {
		t.Error(err)
	}
}

// T217, T219: names and sizes that cannot be.
func TestBlockRefused(t *testing.T) {
	for _, size := range []int{0, -1} {
		if _, err := shared.CreateBlock(blockName(t), size); err == nil {
			t.Errorf("size %d", size)
		}
	}
	for _, name := range []string{"a\x00b", "a/b", ".", ".."} {
		if _, err := shared.CreateBlock(name, 1); err == nil {
			t.Errorf("%q was created", name)
		}
		if _, err := shared.OpenBlock(name); err == nil {
			t.Errorf("%q was opened", name)
		}
	}
	if _, err := shared.OpenBlock(blockName(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// T218: creation is exclusive, and a free name is found.
func TestBlockExclusive(t *testing.T) {
	name := blockName(t)
	b, err := shared.CreateBlock(name, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := shared.CreateBlock(name, 1); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	free, err := shared.CreateBlock("", 1)
	if err != nil || !named(free.Name()) {
		t.Fatal(err)
	}
	if err := free.Close(); err != nil || named(free.Name()) {
		t.Error(err)
	}
}

// T229, T233, W21: the name of a block goes when its creator is killed, or ends and has not closed it: the family sees to it before
// anybody is told of the end.
func TestBlockGoesWithItsCreator(t *testing.T) {
	for _, end := range []bool{false, true} {
		name := blockName(t) + fmt.Sprint(end)
		up, err := shared.NewEvent()
		if err != nil {
			t.Fatal(err)
		}
		defer up.Free()
		p, err := holdBlock.Start(ctx, mp.Pack3(name, up, end))
		if err != nil {
			t.Fatal(err)
		}
		if err := up.Wait(ctx); err != nil {
			t.Fatal(err)
		}
		if !end {
			if !named(name) {
				t.Error("it has no name while its creator lives")
			}
			_ = p.Kill()
		}
		_, err = p.Wait(ctx)
		if (err == nil) != end {
			t.Error(err)
		}
		if named(name) {
			t.Errorf("end=%v: the name is left", end)
		}
	}
}

// Keep leaves the name to Unlink, whoever calls it.
func TestBlockKept(t *testing.T) {
	name := blockName(t)
	b, err := shared.CreateBlock(name, 10)
	if err != nil {
		t.Fatal(err)
	}
	b.Bytes()[9] = 9
	if err := b.Keep(); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil || !named(name) {
		t.Fatal(err)
	}
	again, err := shared.OpenBlock(name)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Bytes()[9] != 9 {
		t.Error(again.Bytes())
	}
	if err := again.Unlink(); err != nil || named(name) {
		t.Error(err)
	}
	if err := again.Unlink(); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// T230, T231: Python attaches, reads what is there, writes, and its end does not destroy the block.
func TestBlockAndPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	name := blockName(t)
	b, err := shared.CreateBlock(name, 16)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	copy(b.Bytes(), "from Go")
	out, err := exec.Command(python, "-c", `
import sys
from multiprocessing import shared_memory, resource_tracker
name = sys.argv[1]
try:
    m = shared_memory.SharedMemory(name=name, track=False)
except TypeError:  # before 3.13
    m = shared_memory.SharedMemory(name=name)
    resource_tracker.unregister(m._name, "shared_memory")
print(m.size, bytes(m.buf[:7]).decode())
m.buf[8:14] = b"Python"
m.close()
`, name).CombinedOutput()
	if err != nil || string(out) != "16 from Go\n" {
		t.Fatalf("%v: %s", err, out)
	}
	if string(b.Bytes()) != "from Go\x00Python\x00\x00" || !named(name) {
		t.Errorf("%q, named: %v", b.Bytes(), named(name))
	}
}
