package side

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

var errFrame = errors.New("mp: a frame on the side channel is malformed")

// A decoder takes a frame apart. After the first thing that does not fit all others are zero.
type decoder struct {
	left []byte
	bad  bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n < 0 || n > len(d.left) {
		d.bad, d.left = true, nil
		return nil
	}
	b := d.left[:n]
	d.left = d.left[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) word() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) text() string {
	n := uint32(0)
	if b := d.take(4); b != nil {
		n = binary.LittleEndian.Uint32(b)
	}
	return string(d.take(int(min(n, math.MaxInt32))))
}

func (d *decoder) time() (t time.Time) {
	if b := d.text(); b != "" && t.UnmarshalBinary([]byte(b)) != nil {
		d.bad = true
	}
	return t
}

// end is the error if there was something that did not fit, or something is left.
func (d *decoder) end() error {
	if d.bad || len(d.left) > 0 {
		return errFrame
	}
	return nil
}

// record decodes what follows the type of a SideRecord.
func (d *decoder) record() (slog.Record, error) {
	level, place := slog.Level(d.word()), d.word()
	t := d.time()
	r := slog.NewRecord(t, level, d.text(), site(place))
	r.AddAttrs(d.attrs()...)
	return r, d.end()
}

// attrs decodes all attributes that are left.
func (d *decoder) attrs() []slog.Attr {
	type group struct {
		key   string
		attrs []slog.Attr
	}
	open := []group{{}}
	add := func(a slog.Attr) {
		g := &open[len(open)-1]
		g.attrs = append(g.attrs, a)
	}
	end := func() {
		g := open[len(open)-1]
		open = open[:len(open)-1]
		add(slog.Attr{Key: g.key, Value: slog.GroupValue(g.attrs...)})
	}
	for len(d.left) > 0 {
		kind := d.byte()
		if kind == abi.AttrEnd && len(open) > 1 {
			end()
			continue
		}
		key := d.text()
		switch kind {
		case abi.AttrString:
			add(slog.String(key, d.text()))
		case abi.AttrInt:
			add(slog.Int64(key, int64(d.word())))
		case abi.AttrUint:
			add(slog.Uint64(key, d.word()))
		case abi.AttrFloat:
			add(slog.Float64(key, math.Float64frombits(d.word())))
		case abi.AttrBool:
			add(slog.Bool(key, d.byte() != 0))
		case abi.AttrDuration:
			add(slog.Duration(key, time.Duration(d.word())))
		case abi.AttrTime:
			add(slog.Time(key, d.time()))
		case abi.AttrGroup:
			if open = append(open, group{key: key}); len(open) > abi.MaxAttrDepth+1 {
				d.bad, d.left = true, nil
			}
		default:
			d.bad, d.left = true, nil
		}
	}
	for len(open) > 1 {
		end()
	}
	return open[0].attrs
}
