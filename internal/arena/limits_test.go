//go:build linux

package arena

import (
	"strconv"
	"strings"
	"testing"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/proctest"
)

// limitAddresses leaves this process so much more address space than it has.
func limitAddresses(more uint64) {
	if err := proctest.LimitAddresses(more); err != nil {
		panic(err)
	}
}

func init() {
	// limited makes an arena where there is little room.
	roles["limited"] = func(args []string) {
		more, _ := strconv.ParseUint(args[0], 10, 64)
		limitAddresses(more)
		a, err := Create(osenv.Default())
		if err != nil {
			say(err)
			return
		}
		c := must(a.New(plainKind, 1<<20))
		a.Bytes(c.Offset.Load(), 1<<20)[1<<20-1] = 1
		a.Free(c)
		say(a.Stats().Size >> 20)
	}
}

// Where address space is limited, an arena is as large as there is room for, or there is none, and that is told.
func TestLimitedAddresses(t *testing.T) {
	const none = "mp: no room for shared memory, not even for 1024 MiB: mmap: cannot allocate memory (addresses are limited to "
	for _, c := range []struct {
		more uint64
		says string
	}{
		{abi.MaxArena + 1<<30, "65536"}, {abi.MaxArena - 1<<30, "32768"}, {10 << 30, "8192"}, {3 << 29, "1024"}, {1 << 29, none},
	} {
		line := start(t, nil, "limited", strconv.FormatUint(c.more, 10)).line()
		if line != c.says && (c.says != none || !strings.HasPrefix(line, none)) {
			t.Errorf("room for %d MiB: it says %q, not %q", c.more>>20, line, c.says)
		}
	}
}
