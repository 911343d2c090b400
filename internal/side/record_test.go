package side

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

// through passes a record that h handles on to another handler, through a frame.
func through(t *testing.T, r slog.Record, h *handler, to slog.Handler) {
	t.Helper()
	e := h.encode(context.Background(), nil, r)
	if len(e) > abi.MaxSide {
		t.Fatalf("a frame of %d bytes", len(e))
	}
	d := decoder{left: e[1:]}
	got, err := d.record()
	if err != nil {
		t.Fatal(err)
	}
	if err := to.Handle(context.Background(), got); err != nil {
		t.Fatal(err)
	}
}

func nobody(context.Context) []slog.Attr { return nil }

// Whatever is logged looks the same through a frame as without.
func TestRecordRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		var direct, sent bytes.Buffer
		options := slog.HandlerOptions{AddSource: true, Level: slog.Level(math.MinInt32)}
		here := slog.Handler(slog.NewTextHandler(&direct, &options))
		there := slog.Handler(&handler{w: NewWorker(nil, true, 0), origin: nobody, fixed: encoder{room: maxFixed}})
		for range rng.IntN(4) {
			if rng.IntN(2) == 0 {
				attrs := randomAttrs(rng, 2)
				here, there = here.WithAttrs(attrs), there.WithAttrs(attrs)
			} else {
				name := "g" + randomText(rng) // slog.Logger does not pass on an empty one
				here, there = here.WithGroup(name), there.WithGroup(name)
			}
		}
		r := slog.NewRecord(time.Unix(rng.Int64N(1<<33), rng.Int64N(1e9)), slog.Level(rng.IntN(40)-20), randomText(rng), uintptr(home)+1)
		r.AddAttrs(randomAttrs(rng, 2)...)
		if err := here.Handle(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		through(t, r, there.(*handler), slog.NewTextHandler(&sent, &options))
		if direct.String() != sent.String() {
			t.Fatalf("here:\n%s\nthere:\n%s", direct.String(), sent.String())
		}
	}
}

func randomText(rng *rand.Rand) string {
	return []string{"", "a", "b c", "\x00\xff", "key", strings.Repeat("long", 10)}[rng.IntN(6)]
}

func randomAttrs(rng *rand.Rand, depth int) []slog.Attr {
	attrs := make([]slog.Attr, rng.IntN(4))
	for i := range attrs {
		key := randomText(rng)
		switch rng.IntN(10) {
		case 0:
			attrs[i] = slog.String(key, randomText(rng))
		case 1:
			attrs[i] = slog.Int64(key, rng.Int64())
		case 2:
			attrs[i] = slog.Uint64(key, rng.Uint64())
		case 3:
			attrs[i] = slog.Float64(key, rng.NormFloat64())
		case 4:
			attrs[i] = slog.Bool(key, rng.IntN(2) == 0)
		case 5:
			attrs[i] = slog.Duration(key, time.Duration(rng.Int64()))
		case 6:
			attrs[i] = slog.Time(key, time.Unix(rng.Int64N(1<<33), 0).In(time.FixedZone("", 60*rng.IntN(800))))
		case 7:
			attrs[i] = slog.Any(key, fmt.Errorf("wrapped: %w", errors.New(randomText(rng))))
		case 8:
			attrs[i] = slog.Any(key, struct{ A, B any }{1, "x"})
		default:
			if depth > 0 { // not empty: slog.TextHandler forgets to close a group of nothing but empty ones
				attrs[i] = slog.Attr{Key: key, Value: slog.GroupValue(append(randomAttrs(rng, depth-1), slog.Int("last", 1))...)}
			}
		}
	}
	return attrs
}

// Groups that are nested too deeply are left out, and a record that has no room for all says so.
func TestRecordLimits(t *testing.T) {
	var out bytes.Buffer
	h := slog.Handler(&handler{w: NewWorker(nil, true, 0), origin: nobody, fixed: encoder{room: maxFixed}})
	for range 100 {
		h = h.WithGroup("g")
	}
	through(t, slog.NewRecord(time.Time{}, 0, "deep", 0), h.(*handler), slog.NewTextHandler(&out, nil))
	if got := out.String(); got != "level=INFO msg=deep !MISSING=68\n" {
		t.Errorf("%q", got)
	}
	out.Reset()
	r := slog.NewRecord(time.Time{}, 0, strings.Repeat("m", 1e6), 0)
	for i := range 1000 {
		r.AddAttrs(slog.String(fmt.Sprint("k", i), strings.Repeat("v", 10*i)))
	}
	through(t, r, h.(*handler), slog.NewTextHandler(&out, nil))
	if got := out.String(); !strings.Contains(got, " !MISSING=") || !strings.Contains(got, "...(995904 bytes more)") {
		t.Errorf("%q", got)
	}
}

func TestLowest(t *testing.T) {
	at := func(l slog.Level) *slog.Logger {
		return slog.New(slog.NewTextHandler(new(bytes.Buffer), &slog.HandlerOptions{Level: l}))
	}
	for _, level := range []slog.Level{slog.LevelDebug - 12, slog.LevelDebug, 3, slog.LevelError + 12} {
		if got, ok := Lowest(at(level)); got != level || !ok {
			t.Errorf("%v: %v, %v", level, got, ok)
		}
	}
	for _, l := range []*slog.Logger{nil, at(1000), slog.New(slog.DiscardHandler)} {
		if got, ok := Lowest(l); ok {
			t.Errorf("%v", got)
		}
	}
}

// Whatever a worker sends: the parent does not panic, and holds no more than it should.
func FuzzFrame(f *testing.F) {
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "message", uintptr(home)+1)
	r.AddAttrs(slog.Int("a", 1), slog.Group("g", "t", time.Now(), "s", "text", "b", true, "f", 0.5, "d", time.Second, "u", uint64(7)))
	h := &handler{w: NewWorker(nil, true, 0), origin: nobody, fixed: encoder{room: maxFixed}}
	f.Add(h.encode(context.Background(), nil, r))
	f.Add([]byte{abi.SideDropped, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Add([]byte{abi.SideFraction, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f})
	f.Add(bytes.Repeat([]byte{abi.AttrGroup, 0, 0, 0, 0}, 100))
	f.Fuzz(func(t *testing.T, frame []byte) {
		p := &Parent{}
		p.sink = Sink{
			Handler: slog.NewJSONHandler(new(bytes.Buffer), &slog.HandlerOptions{AddSource: true}),
			Fraction: func(_ uint64, f float64) {
				if !(f >= 0 && f <= 1) {
					t.Errorf("a fraction of %v", f)
				}
			},
		}
		p.fractions.Send = p.sink.Fraction
		_ = p.take(frame)
	})
}
