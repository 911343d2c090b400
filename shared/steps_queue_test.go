//go:build linux

package shared_test

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/go-multiproc/mp/shared"
)

// long is an item of which two fit into a segment.
func long(s string) string { return s + strings.Repeat(".", 30_000) }

func init() {
	acts["get"] = func(ctx context.Context, k kit) (string, error) { return k.Queue.Get(ctx) }
	acts["put"] = func(ctx context.Context, k kit) (string, error) { return "", k.Queue.Put(ctx, long("other")) }
	acts["join"] = func(ctx context.Context, k kit) (string, error) { return "", k.Queue.Join(ctx) }
	take := func(ctx context.Context, k kit) *shared.Delivery[string] {
		d, err := k.Queue.Take(ctx)
		must(err)
		return d
	}
	ops["put"] = func(ctx context.Context, k kit) func() { return func() { must(k.Queue.Put(ctx, long("new"))) } }
	ops["get"] = func(ctx context.Context, k kit) func() {
		return func() {
			_, err := k.Queue.Get(ctx)
			must(err)
		}
	}
	ops["take"] = func(ctx context.Context, k kit) func() { return func() { take(ctx, k) } }
	ops["ack"] = func(ctx context.Context, k kit) func() {
		d := take(ctx, k)
		return func() { must(d.Ack()) }
	}
	ops["return"] = func(ctx context.Context, k kit) func() {
		d := take(ctx, k)
		return func() { must(d.Return()) }
	}
	ops["close"] = func(_ context.Context, k kit) func() { return func() { must(k.Queue.Close()) } }
	ops["task done"] = func(_ context.Context, k kit) func() { return func() { must(k.Queue.TaskDone()) } }
	ops["join"] = func(ctx context.Context, k kit) func() { return func() { must(k.Queue.Join(ctx)) } }
	ops["queue free"] = func(_ context.Context, k kit) func() { return func() { must(k.Queue.Free()) } }
}

func queueScenes() []scene {
	return []scene{
		{name: "queue: put the first", set: func(p *play) { p.queue("put", nil); p.before = []string{"get"} }},
		{name: "queue: put the second", set: func(p *play) { p.queue("put", items(1)); p.after = []string{"put", "get"} }},
		{name: "queue: put into another segment", set: func(p *play) { p.queue("put", items(2)); p.after = []string{"put", "put"} }},
		{name: "queue: put, and wait for room", set: func(p *play) {
			p.limited("put", 1, items(1))
			p.after = []string{"put"}
			p.on["wait: announced"] = func() { p.bg.Go(func() { p.took = append(p.took, p.get()) }) }
		}},
		{name: "queue: get the first", set: func(p *play) { p.queue("get", items(3)); p.after = []string{"get", "put"} }},
		{name: "queue: get the last of a segment", set: func(p *play) {
			p.queue("get", items(5))
			p.took = []string{p.get(), p.get()}
			p.after = []string{"get", "put"}
		}},
		{name: "queue: get, and wait", set: func(p *play) {
			p.queue("get", nil)
			p.after = []string{"get"}
			p.on["wait: announced"] = func() { p.late = true; p.bg.Go(func() { p.put("late") }) }
		}},
		{name: "queue: get makes room", set: func(p *play) {
			p.limited("get", 2, items(2))
			p.before = []string{"put", "put"}
		}},
		{name: "queue: take", set: func(p *play) { p.queue("take", items(3)); p.after = []string{"get"} }},
		{name: "queue: take the last of a segment", set: func(p *play) {
			p.queue("take", items(5))
			p.took = []string{p.get(), p.get()}
			p.after = []string{"get"}
		}},
		{name: "queue: acknowledge", set: func(p *play) { p.queue("ack", items(2)); p.after = []string{"get"} }},
		{name: "queue: acknowledge the last of a closed one", set: func(p *play) {
			p.queue("ack", items(1))
			if err := p.kit.Queue.Close(); err != nil {
				p.Fatal(err)
			}
			p.before, p.closed = []string{"get", "get"}, true
		}},
		{name: "queue: return", set: func(p *play) { p.queue("return", items(1)); p.before = []string{"get"} }},
		{name: "queue: take what was returned", set: func(p *play) { p.queue("take", items(3)); p.returned(); p.after = []string{"get"} }},
		{name: "queue: get what was returned", set: func(p *play) { p.queue("get", items(3)); p.returned(); p.after = []string{"get"} }},
		{name: "queue: close", set: func(p *play) {
			p.queue("close", nil)
			p.before, p.closed = []string{"get", "get"}, true
		}},
		{name: "queue: task done", set: func(p *play) { p.queue("task done", items(1)); p.before = []string{"join", "join"} }},
		{name: "queue: join", set: func(p *play) {
			p.queue("join", items(1))
			p.after = []string{"join", "join"}
			p.on["wait: announced"] = func() { _ = p.kit.Queue.TaskDone() }
		}},
		{name: "queue: free", set: func(p *play) {
			p.queue("queue free", nil)
			p.before = []string{"get", "get"}
			p.freed(p.kit.Queue.Free)
		}},
		{name: "queue: free with items", set: func(p *play) {
			p.queue("queue free", items(3))
			p.freed(p.kit.Queue.Free)
		}},
	}
}

// items are the first of a queue.
func items(n int) (list []string) {
	for i := range n {
		list = append(list, long(string(rune('a'+i))))
	}
	return list
}

func (p *play) get() string {
	s, err := p.kit.Queue.Get(ctx)
	if err != nil {
		p.Error(err)
	}
	return s
}

func (p *play) put(s string) {
	if err := p.kit.Queue.Put(ctx, long(s)); err != nil {
		p.Error(err)
	}
}

// returned makes the first item one that came back.
func (p *play) returned() {
	d, err := p.kit.Queue.Take(ctx)
	if err == nil {
		err = d.Return()
	}
	if err != nil {
		p.Fatal(err)
	}
}

func (p *play) queue(op string, first []string) { p.limited(op, 0, first) }

// limited: each item that was in the queue, or was put, is got once, in order, but that which the victim had got. An item that it
// was putting is there, wholly, or it is not.
func (p *play) limited(op string, capacity int, first []string) {
	q := made[*shared.Queue[string]](p)(shared.NewQueue[string](shared.QueueConfig{Capacity: capacity}))
	p.kit.Queue, p.kit.Op = q, op
	for _, s := range first {
		if err := q.Put(ctx, s); err != nil {
			p.Fatal(err)
		}
	}
	p.frozen = func(r *result) {
		r.note["puts"], r.note["gets"] = q.Ends()
	}
	p.check = func(r *result) {
		if p.closed {
			if err := q.Close(); err != nil {
				r.Error(err)
			}
		}
		acts := append(p.before, p.after...)
		if slices.Contains(acts, "join") {
			if r.passed("queue: task done") > 0 {
				r.all()
			}
			for q.TaskDone() == nil {
			}
		}
		for _, act := range acts {
			if act == "get" && !p.closed {
				p.put("last") // if there is nothing for who waits
			}
		}
		p.drain(r, first)
	}
}

// drain takes what there is, and compares what was got with what was put.
func (p *play) drain(r *result, first []string) {
	q := p.kit.Queue
	for i, a := range r.answers {
		if a.act == "get" {
			r.answer(i) // it must find something by itself
		}
	}
	eventually(r.T, "the dead are swept", func() bool { return slotOf(r.pid) == 0 && !deadMembers() })
	calm := r.answered() == len(r.answers)
	n, rest := q.Len(), []string{}
	eventually(r.T, "the queue is empty, and nobody waits", func() bool {
		over := r.answered() == len(r.answers)
		s, err := q.TryGet()
		switch {
		case err == nil:
			rest = append(rest, s)
			return false
		case !errors.Is(err, shared.ErrEmpty) && !p.closes(err):
			r.Error(err)
		}
		return over
	})
	if calm && n != len(rest) || q.Len() != 0 {
		r.Errorf("Len was %d, %d were got, and it is %d", n, len(rest), q.Len())
	}
	got := slices.Concat(p.took, rest)
	for _, a := range r.answers {
		if a.text != "" {
			got = append(got, a.text)
		} else if a.err != nil && !p.closes(a.err) {
			r.Error(a.err)
		}
	}
	if n := q.Segments(); n > 1 {
		r.Errorf("an empty queue has %d segments", n)
	}
	if !p.closed {
		p.put("again")
		if s := p.get(); s != long("again") {
			r.Errorf("%.10q was got", s)
		}
	}
	p.counted(r, first, got, rest)
}

// closes reports whether that is the error of a queue that is closed.
func (p *play) closes(err error) bool { return p.closed && errors.Is(err, shared.ErrClosed) }

// counted: each item once, in order, but what the victim had got, or had acknowledged, and no longer must or not yet must be there.
func (p *play) counted(r *result, first, got, rest []string) {
	count := make(map[string]int)
	for _, s := range got {
		if s != long(strings.TrimRight(s, ".")) {
			r.Errorf("a torn item: %d bytes, %.10q", len(s), s)
		}
		count[strings.TrimRight(s, ".")]++
	}
	lost := 0
	for i := range first {
		if name := string(rune('a' + i)); count[name] == 0 {
			lost++
		}
	}
	for name, n := range count {
		if n > 1 && name != "other" && name != "last" {
			r.Errorf("%q was got %d times", name, n)
		}
	}
	if p.late && count["late"] == 0 {
		lost++
	}
	may := p.lose // what the victim had got, for good
	switch ending := min(1, r.passed("end: ending")); {
	case p.kit.Op == "get" && r.passed("claim: owned") > 0, p.kit.Op == "ack":
		may = ending
	case p.kit.Op == "get":
		may = r.passed("get: taken")
	}
	if lost != may {
		r.Errorf("%d items are lost, %d may be", lost, may)
	}
	if want := p.kit.Op == "put" && r.passed("put: there") > 0; want != (count["new"] == 1) {
		r.Errorf("the item that was put is there %d times, after %q", count["new"], r.steps)
	}
	var order []string
	for _, s := range rest {
		if len(s) > 0 && len(strings.TrimRight(s, ".")) == 1 {
			order = append(order, s)
		}
	}
	if !slices.IsSorted(order) {
		r.Errorf("the order is %.3q", order)
	}
}
