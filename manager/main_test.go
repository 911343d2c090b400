package manager_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/internal/proctest"
)

func TestMain(m *testing.M) {
	mp.Main()
	if role := os.Getenv("MP_MANAGER_ROLE"); role != "" {
		os.Exit(roles[role]())
	}
	os.Exit(proctest.Guard(9*time.Minute, m.Run))
}

// roles are programs that tests run beside this one.
var roles = map[string]func() int{}

var ctx = context.Background()

// eventually waits until cond holds; a minute is a hang.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	proctest.Eventually(t, what, cond)
}
