package spawn

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/ring"
)

func TestConfigAndHelloRoundTrip(t *testing.T) {
	for _, c := range []Config{
		{},
		{Token: "t", Name: "n\x00\xff", Worker: -1, Parent: 7, Registry: "r", Secret: [SecretSize]byte{1, 31: 255}, Layout: ring.Layout{Slots: 8, In: 16, Out: 32},
			MemoryLimit: 1 << 62, MaxProcs: 3, CPUs: []int{0, 5}, Nice: 19, NoArena: true, Root: true},
	} {
		got, err := decodeConfig(c.encode())
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("%+v came back as %+v, %v", c, got, err)
		}
		for n := range len(c.encode()) {
			if _, err := decodeConfig(c.encode()[:n]); !errors.Is(err, errBody) {
				t.Errorf("the first %d bytes: %v", n, err)
			}
		}
	}
	for _, h := range []hello{{Build: "b"}, {Build: "b", Differs: true}, {Build: "b", Differs: true, Registry: []string{"x\ty", ""}}} {
		got, err := decodeHello(h.encode())
		if err != nil || !reflect.DeepEqual(got, h) {
			t.Errorf("%+v came back as %+v, %v", h, got, err)
		}
	}
	if _, err := decodeHello(append((&hello{}).encode(), 0)); !errors.Is(err, errBody) {
		t.Errorf("with a byte too many: %v", err)
	}
}

func TestReadFrame(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 5*trustedBody/2)
	var stream []byte
	stream = appendFrame(stream, abi.FrameMain, nil)
	stream = append(stream, abi.FrameWake)
	stream = appendFrame(stream, abi.FrameHello, long)
	r := bytes.NewReader(stream)
	for _, want := range []struct {
		kind byte
		body []byte
	}{{abi.FrameMain, nil}, {abi.FrameWake, nil}, {abi.FrameHello, long}} {
		kind, body, err := readFrame(r)
		if err != nil || kind != want.kind || !bytes.Equal(body, want.body) {
			t.Errorf("%q, %d bytes, %v", kind, len(body), err)
		}
	}
	if _, _, err := readFrame(r); !errors.Is(err, io.EOF) {
		t.Errorf("between frames: %v", err)
	}
	for n := 1; n < 5; n++ {
		if _, _, err := readFrame(bytes.NewReader(stream[6 : 6+n])); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("in a frame: %v", err)
		}
	}
}

// A length that is a lie costs no more memory than what came.
func TestHostileLength(t *testing.T) {
	head := binary.LittleEndian.AppendUint32([]byte{abi.FrameHello}, abi.MaxFrame)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, _, err := readFrame(bytes.NewReader(append(head, "short"...))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes for a frame of 5", n)
	}
	binary.LittleEndian.PutUint32(head[1:], abi.MaxFrame+1)
	if _, _, err := readFrame(bytes.NewReader(head)); err == nil || !strings.Contains(err.Error(), "a frame of") {
		t.Error(err)
	}
}

// FuzzFrames reads what a hostile worker may write as its parent does: an error sooner or later, and nothing worse.
func FuzzFrames(f *testing.F) {
	var good []byte
	good = appendFrame(good, abi.FrameMain, nil)
	good = appendFrame(good, abi.FrameHello, (&hello{Build: buildID()}).encode())
	good = appendFrame(good, abi.FrameReady, nil)
	f.Add(append(good, abi.FrameWake, abi.FrameWake))
	f.Add(appendFrame(nil, abi.FrameHello, (&hello{Differs: true, Registry: []string{"a\tb", "c"}}).encode()))
	f.Add(appendFrame(nil, abi.FrameNotMain, []byte("why\xff")))
	f.Add(appendFrame(nil, abi.FrameFailed, []byte("why")))
	f.Add(appendFrame(nil, abi.FrameConfig, (&Config{CPUs: []int{1, 2}}).encode()))
	f.Add([]byte{abi.FrameHello, 255, 255, 255, 255})
	f.Add([]byte{abi.FrameHello, 255, 255, 255, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		c := Child{frames: bufio.NewReaderSize(bytes.NewReader(b), 512), spec: Spec{Name: "w", Registry: []string{"a\t1"}}}
		for n := 0; ; n++ {
			if _, err := c.Recv(); err != nil {
				if err.Error() == "" {
					t.Error("an error without words")
				}
				break
			}
			if n > len(b) {
				t.Fatal("more frames than bytes")
			}
		}
		if config, err := decodeConfig(b); err == nil && !bytes.Equal(config.encode(), b) {
			t.Errorf("%+v has two encodings", config)
		}
	})
}
