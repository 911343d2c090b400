package spawn

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/ring"
)

// Config is what a parent tells its child in the first frame, with the descriptors of the channel and of the crash
// report. What must not be public goes here and not into the environment, which /proc shows.
type Config struct {
	Token       string
	Name        string
	Worker      int    // index in its pool, -1 outside one
	Parent      int    // pid
	Registry    string // digest
	Secret      [SecretSize]byte
	Layout      ring.Layout
	MemoryLimit int64
	MaxProcs    int
	CPUs        []int
	Nice        int
	Logs        bool // the parent has a logger, which takes records from LogLevel on
	LogLevel    slog.Level
	NoArena     bool // there is no arena for the worker, nor for what it starts
	Root        bool // the worker begins a family of its own
}

func (c *Config) encode() []byte {
	b := append([]byte(nil), c.Secret[:]...)
	b = appendStrings(b, c.Token, c.Name, c.Registry)
	b = appendInts(b, c.Worker, c.Parent, c.Layout.Slots, c.Layout.In, c.Layout.Out, c.MaxProcs)
	b = binary.LittleEndian.AppendUint64(b, uint64(c.MemoryLimit))
	b = appendBools(b, c.Logs, c.NoArena, c.Root)
	b = appendInts(b, int(c.LogLevel), c.Nice)
	return appendInts(appendInts(b, len(c.CPUs)), c.CPUs...)
}

func decodeConfig(body []byte) (Config, error) {
	d := decoder{left: body}
	c := Config{
		Secret: d.secret(),
		Token:  d.string(), Name: d.string(), Registry: d.string(),
		Worker: d.int(), Parent: d.int(), Layout: ring.Layout{Slots: d.int(), In: d.int(), Out: d.int()}, MaxProcs: d.int(),
		MemoryLimit: d.int64(), Logs: d.bool(), NoArena: d.bool(), Root: d.bool(), LogLevel: slog.Level(d.int()), Nice: d.int(),
	}
	for range d.count() {
		c.CPUs = append(c.CPUs, d.int())
	}
	return c, d.end()
}

// hello is what the child answers.
type hello struct {
	Build    string
	Differs  bool     // its registry, from what the digest says
	Registry []string // only then
}

func (h *hello) encode() []byte {
	b := appendBools(appendStrings(nil, h.Build), h.Differs)
	if !h.Differs {
		return appendInts(b, 0)
	}
	return appendStrings(appendInts(b, len(h.Registry)), h.Registry...)
}

func decodeHello(body []byte) (hello, error) {
	d := decoder{left: body}
	h := hello{Build: d.string(), Differs: d.bool()}
	for range d.count() {
		h.Registry = append(h.Registry, d.string())
	}
	return h, d.end()
}

// Digest condenses a registry, one line for each function, sorted. It tells accidents apart, not forgeries.
func Digest(registry []string) string {
	h := fnv.New128a()
	for _, line := range registry {
		_, _ = h.Write([]byte(line)) // never fails
		_, _ = h.Write([]byte{'\n'})
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// buildID names the running executable: the same file, unchanged, with the same runtime. The file counts, not its
// name, for an upgrade puts another under the old name. It is looked up each time: if somebody touches the file,
// parent and child see that alike.
func buildID() string {
	info, err := os.Stat(osenv.SelfPath)
	if err != nil {
		return runtime.Version()
	}
	return runtime.Version() + ", " + strconv.FormatInt(info.Size(), 10) + " bytes of " + info.ModTime().UTC().Format("2006-01-02 15:04:05.000000000")
}

// difference tells how the child's registry differs from the parent's, one line each.
func difference(parent, child []string) string {
	have := make(map[string]string)
	for _, line := range child {
		name, sig, _ := strings.Cut(line, "\t")
		have[name] = sig
	}
	var b strings.Builder
	for _, line := range parent {
		name, sig, _ := strings.Cut(line, "\t")
		switch got, ok := have[name]; {
		case !ok:
			fmt.Fprintf(&b, "\n  %q is registered in the parent only", name)
		case got != sig:
			fmt.Fprintf(&b, "\n  %q has another signature in the worker", name)
		}
		delete(have, name)
	}
	for _, line := range child {
		name, _, _ := strings.Cut(line, "\t")
		if _, ok := have[name]; ok {
			fmt.Fprintf(&b, "\n  %q is registered in the worker only", name)
		}
	}
	return b.String()
}
