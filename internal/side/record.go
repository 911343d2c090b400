package side

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"runtime"
	"strconv"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

// maxText is how long a text may be before it is cut.
const maxText = 4 << 10

// home is the place from which others are counted. A program that is position-independent lies elsewhere in each process.
var home = uint64(reflect.ValueOf(Lowest).Pointer())

// Lowest is the lowest level that a logger takes, of those that have a name and those around them; false if it takes none, or
// is nil.
func Lowest(logger *slog.Logger) (slog.Level, bool) {
	if logger == nil {
		return 0, false
	}
	for level := slog.LevelDebug - 12; level <= slog.LevelError+12; level++ {
		if logger.Enabled(context.Background(), level) {
			return level, true
		}
	}
	return 0, false
}

func appendText(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

// cut is s, or as much of it as is sent and how much is not.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	return s[:maxText] + "...(" + strconv.Itoa(len(s)-maxText) + " bytes more)"
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return appendText(b, "")
	}
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	out, err := t.Round(0).AppendBinary(b)
	if err != nil { // a zone that no binary time can have
		out, _ = t.UTC().AppendBinary(b)
	}
	binary.LittleEndian.PutUint32(out[at:], uint32(len(out)-at-4))
	return out
}

// appendHead appends a frame up to its attributes.
func appendHead(b []byte, r *slog.Record) []byte {
	b = append(b, abi.SideRecord)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Level))
	place := uint64(0)
	if r.PC != 0 {
		place = uint64(r.PC) - home
	}
	b = binary.LittleEndian.AppendUint64(b, place)
	b = appendTime(b, r.Time)
	return appendText(b, cut(r.Message))
}

// An encoder appends attributes as long as they fit, and counts those that do not.
type encoder struct {
	b      []byte
	room   int // how long b may become
	depth  int
	missed int
}

// attr appends an attribute, wholly or not at all; of a group, as many of its attributes as fit.
func (e *encoder) attr(a slog.Attr) {
	v := a.Value.Resolve()
	if a.Key == "" && v.Kind() == slog.KindAny && v.Any() == nil {
		return // slog's handlers ignore it
	}
	if v.Kind() == slog.KindGroup {
		if e.group(a.Key) {
			for _, inner := range v.Group() {
				e.attr(inner)
			}
			e.end()
		}
		return
	}
	at := len(e.b)
	e.b = appendValue(e.b, a.Key, v)
	if len(e.b) > e.room {
		e.b = e.b[:at]
		e.missed++
	}
}

// group opens a group, if there is room for it.
func (e *encoder) group(key string) bool {
	key = cut(key)
	if e.depth >= abi.MaxAttrDepth || len(e.b)+5+len(key) > e.room {
		e.missed++
		return false
	}
	e.b = appendText(append(e.b, abi.AttrGroup), key)
	e.depth++
	e.room-- // for its end
	return true
}

func (e *encoder) end() {
	e.b = append(e.b, abi.AttrEnd)
	e.room++
	e.depth--
}

func appendValue(b []byte, key string, v slog.Value) []byte {
	attr := func(kind byte) []byte { return appendText(append(b, kind), cut(key)) }
	word := func(kind byte, n uint64) []byte { return binary.LittleEndian.AppendUint64(attr(kind), n) }
	switch v.Kind() {
	case slog.KindString:
		return appendText(attr(abi.AttrString), cut(v.String()))
	case slog.KindInt64:
		return word(abi.AttrInt, uint64(v.Int64()))
	case slog.KindUint64:
		return word(abi.AttrUint, v.Uint64())
	case slog.KindFloat64:
		return word(abi.AttrFloat, math.Float64bits(v.Float64()))
	case slog.KindBool:
		if v.Bool() {
			return append(attr(abi.AttrBool), 1)
		}
		return append(attr(abi.AttrBool), 0)
	case slog.KindDuration:
		return word(abi.AttrDuration, uint64(v.Duration()))
	case slog.KindTime:
		return appendTime(attr(abi.AttrTime), v.Time())
	default:
		return appendText(attr(abi.AttrString), cut(text(v.Any())))
	}
}

// text is what a value of no kind is sent as, like slog.TextHandler prints it. Package fmt catches what panics.
func text(v any) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case error, fmt.Stringer:
		return fmt.Sprint(v)
	case interface{ MarshalText() ([]byte, error) }:
		if b, err := marshal(v); err == nil {
			return string(b)
		}
	}
	return fmt.Sprintf("%+v", v)
}

// marshal calls a method of the program's, which may panic.
func marshal(v interface{ MarshalText() ([]byte, error) }) (b []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return v.MarshalText()
}

// site is a place in the program as appendHead sent it; 0 if there is none.
func site(place uint64) uintptr {
	if place == 0 {
		return 0
	}
	pc := uintptr(place + home)
	if runtime.FuncForPC(pc-1) == nil { // the word of a worker
		return 0
	}
	return pc
}
