package side

import (
	"context"
	"log/slog"
	"sync"

	"github.com/go-multiproc/mp/internal/abi"
)

// handler is the slog.Handler whose records go to the parent.
type handler struct {
	w      *Worker
	origin func(context.Context) []slog.Attr
	fixed  encoder // the attributes and groups of WithAttrs and WithGroup
}

// Handler returns the handler that sends records to the parent; nil if the parent has no logger. What origin tells of a context is
// added to a record, in front and outside of all groups.
func (w *Worker) Handler(origin func(context.Context) []slog.Attr) slog.Handler {
	if !w.logs {
		return nil
	}
	return &handler{w: w, origin: origin, fixed: encoder{room: maxFixed}}
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.w.level }

const (
	maxFixed = 7 << 10 // so much of a frame is for what With sets; a message and an attribute of maxText still fit
	reserved = 64      // and so much for the end of all groups, and missing
)

// frames are buffers of frames.
var frames = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

// missing is the key that tells of attributes for which there was no room.
const missing = "!MISSING"

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	buf := frames.Get().(*[]byte)
	*buf = h.encode(ctx, (*buf)[:0], r)
	h.w.record(*buf)
	frames.Put(buf)
	return nil
}

// encode makes the frame of a record in dst.
func (h *handler) encode(ctx context.Context, dst []byte, r slog.Record) []byte {
	e := encoder{b: appendHead(dst, &r), room: abi.MaxSide - reserved, missed: h.fixed.missed}
	for _, a := range h.origin(ctx) {
		e.attr(a)
	}
	e.depth = h.fixed.depth
	e.b = append(e.b, h.fixed.b...)
	r.Attrs(func(a slog.Attr) bool { e.attr(a); return true })
	if e.missed > 0 {
		for range e.depth {
			e.b = append(e.b, abi.AttrEnd)
		}
		e.b = appendValue(e.b, missing, slog.IntValue(e.missed))
	}
	return e.b
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := h.clone()
	for _, a := range attrs {
		c.fixed.attr(a)
	}
	return c
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := h.clone()
	c.fixed.group(name)
	return c
}

func (h *handler) clone() *handler {
	c := *h
	c.fixed.b = append([]byte(nil), h.fixed.b...)
	return &c
}
