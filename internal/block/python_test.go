//go:build linux

package block

import (
	"os/exec"
	"strings"
	"testing"
)

// python is a puppet that knows Python's SharedMemory. Before track=False, in 3.13, whoever attached destroyed the
// block at its end, unless something was done about it.
const python = `
import json, sys
from multiprocessing import resource_tracker, shared_memory

how = {'track': False}
if sys.version_info < (3, 13):
    how = {}
    resource_tracker.register = resource_tracker.unregister = lambda *_: None

blocks = {}
for line in sys.stdin:
    c = json.loads(line)
    op, name, a = c['Op'], c['Name'], {}
    try:
        m = blocks.get(name)
        if op == 'create':
            m = blocks[name] = shared_memory.SharedMemory(name, True, c['Size'], **how)
        elif op == 'open':
            m = blocks[name] = shared_memory.SharedMemory(name, **how)
        elif op == 'read':
            a['Data'] = bytes(m.buf).decode()
        elif op == 'write':
            m.buf[:len(c['Data'])] = c['Data'].encode()
        elif op == 'close':
            m.close()
        elif op == 'unlink':
            m.unlink()
        elif op == 'numpy':
            import numpy
            x = numpy.ndarray((c['Size'],), dtype=numpy.float64, buffer=m.buf)
            x *= 2
            a['Data'] = str(float(x.sum()))
            del x
        if m is not None:
            a['Name'], a['Size'] = m.name, m.size
    except Exception as e:
        a = {'Err': repr(e), 'Exist': isinstance(e, FileExistsError), 'NotExist': isinstance(e, FileNotFoundError)}
    print(json.dumps(a), flush=True)
`

// newPython starts one that can import the module.
func newPython(t *testing.T, module string) *peer {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import "+module).Run() != nil {
			continue
		}
		p, err := startPeer(t, exec.Command(name, "-c", python))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	t.Skip("there is no python3 here that has " + module)
	return nil
}

// T230: what Go creates Python opens, and the other way round, with the same names, sizes and bytes.
func TestPython(t *testing.T) {
	noLeaks(t)
	p := newPython(t, "multiprocessing.shared_memory")

	longest := prefix + strings.Repeat("x", 253-len(prefix)) // for the GNU C library
	for _, name := range []string{newName(), prefix + "a:b\nc", longest} {
		b := newBlock(t, name, 12)
		copy(b.Bytes(), "Go was here.")
		if a := p.must("open", name); a.Name != name || a.Size != 12 {
			t.Errorf("%+v", a)
		}
		if a := p.ask(command{Op: "create", Name: name, Size: 1}); !a.Exist {
			t.Error(a.Err)
		}
		if a := p.must("read", name); a.Data != "Go was here." {
			t.Errorf("%q", a.Data)
		}
		p.mustDo(command{Op: "write", Name: name, Data: "Python"})
		if s := string(b.Bytes()); s != "Pythonhere." && s != "Python here." {
			t.Errorf("%q", s)
		}
		p.must("close", name)
		Sweep()
		if !exists(name) {
			t.Error("it is gone when Python has closed it")
		}
	}

	name := newName()
	if a := p.ask(command{Op: "open", Name: name}); !a.NotExist {
		t.Error(a.Err)
	}
	p.mustDo(command{Op: "create", Name: name, Size: 7})
	p.mustDo(command{Op: "write", Name: name, Data: "Python!"})
	b := openBlock(t, name)
	if b.Size() != 7 || string(b.Bytes()) != "Python!" {
		t.Errorf("%d %q", b.Size(), b.Bytes())
	}
	copy(b.Bytes(), "and Go ")
	if a := p.must("read", name); a.Data != "and Go " {
		t.Errorf("%q", a.Data)
	}
	if _, err := Create(name, 1); err == nil {
		t.Error("there are two of one name")
	}
	if err := b.Keep(); err != nil { // it is
		t.Error(err)
	}
	closeBlock(t, b)
	p.exits()
	Sweep()
	if !exists(name) {
		t.Fatal("Python's block was swept")
	}
	if err := b.Unlink(); err != nil {
		t.Error(err)
	}
}

// Python unlinks what Go created, and Go what Python created.
func TestPythonUnlink(t *testing.T) {
	noLeaks(t)
	p := newPython(t, "multiprocessing.shared_memory")
	name := newName()
	b := newBlock(t, name, 100)
	p.must("open", name)
	p.must("unlink", name)
	mustGo := func() {
		t.Helper()
		if exists(name) {
			t.Error("it is still there")
		}
	}
	mustGo()
	p.must("create", name)
	closeBlock(t, b)
	other := openBlock(t, name) // the creator's Close left it alone
	if err := other.Unlink(); err != nil {
		t.Error(err)
	}
	mustGo()
	if a := p.ask(command{Op: "unlink", Name: name}); !a.NotExist {
		t.Error(a.Err)
	}
}

// A killed Go program's block is gone for Python when the next Go program has swept, and one that Python has stays mapped.
func TestPythonHasOrphan(t *testing.T) {
	noLeaks(t)
	p, creator, name := newPython(t, "multiprocessing.shared_memory"), newPeer(t), newName()
	creator.must("create", name)
	creator.mustDo(command{Op: "write", Name: name, Data: "left"})
	p.must("open", name)
	creator.kill()
	Sweep()
	if a := p.must("read", name); strings.TrimRight(a.Data, "\x00") != "left" {
		t.Errorf("%q", a.Data)
	}
	if a := p.ask(command{Op: "open", Name: name}); !a.NotExist {
		t.Error(a.Err)
	}
}
