//go:build linux

package block

import (
	"testing"
	"unsafe"
)

// An array of NumPy's lies in the block as a slice of Go's does.
func TestNumPy(t *testing.T) {
	noLeaks(t)
	p := newPython(t, "numpy")
	b := newBlock(t, newName(), 8*1000)
	x := unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(b.Bytes()))), 1000)
	for i := range x {
		x[i] = float64(i)
	}
	p.must("open", b.Name())
	if a := p.mustDo(command{Op: "numpy", Name: b.Name(), Size: 1000}); a.Data != "999000.0" {
		t.Error(a.Data)
	}
	for i := range x {
		if x[i] != float64(2*i) {
			t.Fatalf("element %d is %v", i, x[i])
		}
	}
}
