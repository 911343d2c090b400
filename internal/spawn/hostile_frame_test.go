package spawn

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
)

// A worker that serves says nothing but FrameWake: what it announces instead is neither waited for nor allocated.
func TestServingWorkerHasNothingElseToSay(t *testing.T) {
	huge := []byte{abi.FrameHello, 0, 0, 0, 1} // of 16 MiB, of which nothing comes
	for name, said := range map[string][]byte{
		"hello": huge, "failed": {abi.FrameFailed}, "ready again": appendFrame(nil, abi.FrameReady, nil), "zero": {0},
		"hidden among others": append(bytes.Repeat([]byte{abi.FrameWake}, 100), huge...),
	} {
		c := Child{frames: bufio.NewReaderSize(bytes.NewReader(append(appendFrame(nil, abi.FrameReady, nil), said...)), 512)}
		if kind, err := c.Recv(); kind != abi.FrameReady || err != nil {
			t.Fatalf("%q, %v", kind, err)
		}
		if _, err := c.Recv(); err == nil || IsEnd(err) || !strings.Contains(err.Error(), "unknown frame") {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := Child{ready: true, frames: bufio.NewReaderSize(bytes.NewReader(bytes.Repeat([]byte{abi.FrameWake}, 700)), 512)}
	for n := range 2 { // as many as are there at once
		if kind, err := c.Recv(); kind != abi.FrameWake || err != nil {
			t.Fatalf("%d: %q, %v", n, kind, err)
		}
	}
	if _, err := c.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
