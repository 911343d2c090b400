package progress

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/go-multiproc/mp/internal/spawn"
)

// redraw is how often bars are drawn.
const redraw = 100 * time.Millisecond

// bars are those on one terminal.
type bars struct {
	file *os.File
	all  *mpb.Progress
	of   map[*run]*mpb.Bar
}

// newBars begins to draw on a terminal. What workers print there goes above the bars.
func newBars(f *os.File) *bars {
	b := &bars{file: f, all: mpb.New(mpb.WithOutput(f), mpb.WithRefreshRate(redraw)), of: make(map[*run]*mpb.Bar)}
	showing.add(b)
	return b
}

func (b *bars) add(r *run) {
	known, unknown := mpb.BarStyle().Build(), mpb.SpinnerStyle().PositionLeft().Build()
	fill := func(w io.Writer, st decor.Statistics) error {
		m := r.now()
		if m.endless {
			return unknown.Fill(w, st)
		}
		st.Total, st.Current = parts, int64(m.part()*parts)
		return known.Fill(w, st)
	}
	bar, err := b.all.Add(0, mpb.BarFillerFunc(fill), // a total of 0: that it is complete is for the map to say
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return r.name })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			m := r.now()
			return m.status()
		})))
	if err == nil { // else the terminal takes nothing any more
		b.of[r] = bar
	}
}

// parts is how finely a bar is drawn.
const parts = 1 << 20

// remove takes a bar away, and writes the summary above those that are left.
func (b *bars) remove(r *run, summary []byte, last bool) {
	if !last {
		_, _ = b.all.Write(summary)
	}
	if bar := b.of[r]; bar != nil {
		delete(b.of, r)
		bar.Abort(true)
	}
	if last {
		showing.remove(b)
		b.all.Wait()
		_, _ = b.file.Write(summary)
	}
}

// showing are the terminals that have bars now.
var showing terminals

type terminals struct {
	some atomic.Bool
	mu   sync.Mutex
	list []*bars
}

func (t *terminals) add(b *bars) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = append(t.list, b)
	t.some.Store(true)
	spawn.Above(t.print)
}

func (t *terminals) remove(b *bars) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, x := range t.list {
		if x == b {
			t.list = append(t.list[:i], t.list[i+1:]...)
			break
		}
	}
	t.some.Store(len(t.list) > 0)
}

// print writes lines above the bars on a terminal, and reports false if there are none.
func (t *terminals) print(f *os.File, lines []byte) bool {
	if !t.some.Load() || terminal(f) == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock() // so that the bars do not end meanwhile
	for _, b := range t.list {
		if same(b.file, f) {
			_, err := b.all.Write(lines)
			return err == nil
		}
	}
	return false
}

// same reports whether two files are one terminal.
func same(a, b *os.File) bool {
	x, err := a.Stat()
	if err != nil {
		return false
	}
	y, err := b.Stat()
	return err == nil && os.SameFile(x, y)
}
