//go:build linux

package office

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/osenv"
	"github.com/go-multiproc/mp/internal/proctest"
	"github.com/go-multiproc/mp/internal/spawn"
)

// roles are what workers of the tests do.
var roles map[string]func(Token) error

func init() {
	roles = map[string]func(Token) error{
		"nothing": func(Token) error { return nil },
		"put":     putTwo,
		"put and die": func(token Token) error {
			if err := putTwo(token); err != nil {
				return err
			}
			die()
			return nil
		},
		"take":         takeTwo,
		"take nothing": takeNothing,
		"has":          func(token Token) error { return expect(Has(token))(true, nil) },
		"has not":      func(token Token) error { return expect(Has(token))(false, nil) },
		"drop":         Drop,
		"contract":     contract,
		"below":        below,
		"many":         many,
		"take race":    takeRace,
		"storm":        storm,
		"full":         full,
	}
	maps.Copy(roles, brokenRoles)
}

func expect(got bool, err error) func(bool, error) error {
	return func(want bool, wantErr error) error {
		if got != want || !errors.Is(err, wantErr) {
			return fmt.Errorf("%v, %w", got, err)
		}
		return nil
	}
}

func putTwo(token Token) error {
	a, b := marked("a"), marked("b")
	defer a.Close()
	defer b.Close()
	return Put(token, []byte("state"), []*os.File{a, b})
}

func takeTwo(token Token) error {
	state, files, err := Take(token)
	if err != nil || string(state) != "state" {
		return fmt.Errorf("%q, %w", state, err)
	}
	return check(files, "a", "b")
}

func takeNothing(token Token) error {
	if state, files, err := Take(token); !errors.Is(err, ErrGone) || state != nil || files != nil {
		return fmt.Errorf("%q, %v, %w", state, files, err)
	}
	return nil
}

// contract is what holds in every process.
func contract(Token) error {
	token := NewToken()
	if token == NewToken() {
		return errors.New("two tokens are the same")
	}
	for _, step := range []func(Token) error{
		takeNothing, roles["has not"], Drop,
		putTwo, roles["has"], takeTwo, roles["has not"], takeNothing,
		putTwo, func(token Token) error {
			if err := putTwo(token); err == nil || !strings.Contains(err.Error(), errTaken.Error()) {
				return fmt.Errorf("a second deposit under the same token: %w", err)
			}
			return nil
		}, Drop, Drop, takeNothing,
		func(token Token) error { return Put(token, nil, nil) },
		func(token Token) error {
			state, files, err := Take(token)
			if len(state) != 0 || len(files) != 0 || err != nil {
				return fmt.Errorf("of an empty one: %q, %v, %w", state, files, err)
			}
			return nil
		},
	} {
		if err := step(token); err != nil {
			return err
		}
	}
	return tooMuch(token)
}

// tooMuch deposits what cannot be.
func tooMuch(token Token) error {
	f := marked("f")
	if err := Put(token, make([]byte, MaxState), []*os.File{f}); err != nil {
		return err
	}
	if state, files, err := Take(token); err != nil || len(state) != MaxState || check(files, "f") != nil {
		return fmt.Errorf("%d bytes, %w", len(state), err)
	}
	for what, err := range map[string]error{
		"more than there may be": Put(token, make([]byte, MaxState+1), nil),
		"too many files":         Put(token, nil, make([]*os.File, MaxFiles+1)),
		"no file":                Put(token, nil, []*os.File{f, nil}),
	} {
		if err == nil {
			return errors.New(what)
		}
	}
	f.Close()
	if err := Put(token, nil, []*os.File{f}); !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("a closed file: %w", err)
	}
	return takeNothing(token)
}

// What is deposited in one process can be taken in any other, once.
func TestContract(t *testing.T) {
	noLeaks(t)
	if err := contract(Token{}); err != nil {
		t.Error("in the root:", err)
	}
	run(t, "contract", Token{}, well)
	run(t, "below", Token{}, well)
}

// below is the contract in a worker of a worker: the office is the root's still.
func below(token Token) error {
	out := new(proctest.Buffer)
	c, err := spawn.Start(osenv.Default(), testSpec("contract", token, out))
	if err != nil {
		return err
	}
	<-c.Done()
	if opening.done || out.String() != well {
		return fmt.Errorf("%q, %v", out.String(), opening.done)
	}
	return nil
}

// T171, H20: whoever deposits may end at once, in whatever way.
func TestFromOneToAnother(t *testing.T) {
	noLeaks(t)
	here := func(name string) func(*testing.T, Token) {
		return func(t *testing.T, token Token) {
			if err := roles[name](token); err != nil {
				t.Error(err)
			}
		}
	}
	there := func(name, want string) func(*testing.T, Token) {
		return func(t *testing.T, token Token) { run(t, name, token, want) }
	}
	for name, steps := range map[string][]func(*testing.T, Token){
		"root to member":        {here("put"), there("has", well), there("take", well), here("take nothing")},
		"member to root":        {there("put", well), here("has"), here("take"), there("take nothing", well)},
		"member to member":      {there("put", well), there("take", well), there("take nothing", well)},
		"dead member to member": {there("put and die", killed), there("take", well), there("has not", well)},
		"dropped here":          {there("put and die", killed), here("drop"), there("take nothing", well)},
		"dropped there":         {here("put"), there("drop", well), here("take nothing")},
	} {
		t.Run(name, func(t *testing.T) {
			token := NewToken()
			for _, step := range steps {
				step(t, token)
			}
		})
	}
}

const manyFiles = 3*253 + 1

// many deposits more files than travel together.
func many(token Token) error {
	var files []*os.File
	for i := range manyFiles {
		f := marked(fmt.Sprint(i))
		defer f.Close()
		files = append(files, f)
	}
	return Put(token, []byte("many"), files)
}

// H20: any number of descriptors, in their order.
func TestManyFiles(t *testing.T) {
	noLeaks(t)
	token := NewToken()
	run(t, "many", token, well)
	state, files, err := Take(token)
	if err != nil || string(state) != "many" {
		t.Fatal(string(state), err)
	}
	var marks []string
	for i := range manyFiles {
		marks = append(marks, fmt.Sprint(i))
	}
	if err := check(files, marks...); err != nil {
		t.Error(err)
	}
}

// takeRace takes with many goroutines, and tells whether one of them had it.
func takeRace(token Token) error {
	var got atomic.Int64
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if takeTwo(token) == nil {
				got.Add(1)
			}
		})
	}
	wg.Wait()
	if n := got.Load(); n != 1 {
		return fmt.Errorf("taken %d times", n)
	}
	return nil
}

// Of many who take one gets it.
func TestTakenOnce(t *testing.T) {
	noLeaks(t)
	token := NewToken()
	if err := putTwo(token); err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]int)
	members := []member{start(t, "take race", token), start(t, "take race", token)}
	for _, m := range members {
		counts[m.end()]++
	}
	if counts[well] != 1 || counts[" taken 0 times\n"] != 1 {
		t.Error(counts)
	}
}

// storm is more callers than there are seats.
func storm(Token) error {
	var wg sync.WaitGroup
	errs := make(chan error, 4*seats)
	for range 2 * seats {
		wg.Go(func() {
			for range 2 {
				token := NewToken()
				if err := errors.Join(putTwo(token), takeTwo(token)); err != nil {
					errs <- err
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// More callers than seats all have their turn.
func TestStorm(t *testing.T) {
	noLeaks(t)
	var members []member
	for range 3 {
		members = append(members, start(t, "storm", Token{}))
	}
	for _, m := range members {
		if got := m.end(); got != well {
			t.Error(got)
		}
	}
}

// full deposits what the root has no descriptors for.
func full(token Token) error {
	err := many(token)
	if err == nil || !strings.Contains(err.Error(), "files came: too many open files") {
		return fmt.Errorf("a deposit in a root without descriptors: %w", err)
	}
	return nil
}

// A root that has no descriptors left says so, keeps nothing of the deposit, and serves the next.
func TestRootWithoutDescriptors(t *testing.T) {
	noLeaks(t)
	m := start(t, "full", NewToken())
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	less := before
	less.Cur = uint64(len(proctest.OpenFiles()) + 300)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &less); err != nil {
		t.Fatal(err)
	}
	got := m.end()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if got != well {
		t.Error(got)
	}
	run(t, "contract", Token{}, well)
}

// What was deposited does not change with what it was made of.
func TestDepositIsACopy(t *testing.T) {
	noLeaks(t)
	token, state := NewToken(), []byte("state")
	if err := Put(token, state, nil); err != nil {
		t.Fatal(err)
	}
	clear(state)
	if got, _, err := Take(token); err != nil || !bytes.Equal(got, []byte("state")) {
		t.Errorf("%q, %v", got, err)
	}
}
