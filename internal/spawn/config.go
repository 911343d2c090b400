package spawn

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/ring"
)

// Config is what a parent tells its child in the first frame, with the descriptors of the channel, of the crash
// report and of the lifeline. What must not be public goes here and not into the environment, which /proc shows.
type Config struct {
	Token       string
	Name        string
	Worker      int // index in its pool, -1 outside one
	Parent      int // pid
	Build       string
	Registry    string // digest
	Layout      ring.Layout
	MemoryLimit int64
	MaxProcs    int
	CPUs        []int
}

// hello is what the child answers: its registry only if the digest differs.
type hello struct {
	Build    string
	Registry []string
}

// Digest condenses a registry, one line for each function, sorted.
func Digest(registry []string) string {
	sum := sha256.Sum256([]byte(strings.Join(registry, "\n")))
	return hex.EncodeToString(sum[:16])
}

// buildID names the running executable: the same file, unchanged, with the same runtime. The file counts, not its
// name, for an upgrade puts another under the old name.
func buildID() string {
	info, err := os.Stat(osenv.SelfPath)
	if err != nil {
		return runtime.Version()
	}
	return fmt.Sprintf("%s %d bytes of %d", runtime.Version(), info.Size(), info.ModTime().UnixNano())
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
