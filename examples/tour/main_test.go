//go:build linux

package main

import (
	"context"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

func TestMain(m *testing.M) {
	mp.Main()
	// Under the race detector a process waits a second before it exits. The tour's need not.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	os.Exit(m.Run())
}

// The whole tour goes well, and every section is on it.
func TestTour(t *testing.T) {
	var out strings.Builder
	if err := tour(context.Background(), &out, nil); err != nil {
		t.Fatalf("%v, after\n%s", err, out.String())
	}
	for _, want := range []string{
		"(cpu)", "(pool)", "(args)", "(async)", "(stats)", "(queue)", "(lock)", "(event)", "(semaphore)", "(pipe)", "(manager)",
		"333,333,283,333,335,000,000", "fatal error: stack overflow", "go on     the next call on the same pool: 332,833,500",
		"333,332,833,333,500,000", "166,666,166,667",
		"error callback     input 3   Invalid input: 3", "success callback   input 5   result 25", "4 succeeded and 1 failed",
		"inputs: 400 done in", "All 400 are accounted for",
		"1,000   500,500",
		"100,000   100,000", "[0 1 4 9 16 25 36 49 64 81]",
		"next      mp/shared: the last owner of the lock died with it", "found     70 + 0", "repaired  70 + 30",
		"seen      [42 42 42]",
		"visits    100 in", "inside    2, and never more",
		"received  HELLO", "closed    after 10,001 texts",
		"dict      50 squares, counted 50 times", "list      [writer 0 writer 1 writer 2 writer 3 writer 4]",
		"account   50 deposits, 1225 in all",
		"Everything was as it should be",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the tour does not say %q:\n%s", want, out.String())
		}
	}
}

func TestSectionsByName(t *testing.T) {
	var out strings.Builder
	if err := tour(context.Background(), &out, []string{"args", "pool"}); err != nil {
		t.Fatal(err)
	}
	first, second := strings.Index(out.String(), "(args)"), strings.Index(out.String(), "(pool)")
	if first < 0 || second < first || strings.Contains(out.String(), "(cpu)") {
		t.Errorf("args and pool were asked for:\n%s", out.String())
	}
}

func TestUnknownSection(t *testing.T) {
	var out strings.Builder
	err := tour(context.Background(), &out, []string{"args", "nonsense"})
	if err == nil || out.Len() > 0 {
		t.Fatalf("%v, and it ran:\n%s", err, out.String())
	}
	for _, want := range []string{`"nonsense"`, "cpu", "pool", "args", "async", "stats", "queue", "lock", "event", "semaphore", "pipe", "manager"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

// A wrong result is not passed over.
func TestWrongResultsAreNoticed(t *testing.T) {
	right := squaresBelow(squarings)
	wrong := squaresBelow(squarings - 1)
	if err := checkSquares([]*big.Int{right, right, right, right}); err != nil {
		t.Error(err)
	}
	for _, sums := range [][]*big.Int{{right, right, right}, {right, right, wrong, right}} {
		if checkSquares(sums) == nil {
			t.Errorf("%v was taken for right", sums)
		}
	}
	for _, c := range []struct {
		n, square int
		err       error
	}{{1, 2, nil}, {badInput, 9, nil}, {2, 0, context.Canceled}, {badInput, 0, context.Canceled}} {
		if checkAsync(c.n, c.square, c.err) == nil {
			t.Errorf("%+v was taken for right", c)
		}
	}
}

func TestWrongSharedStateIsNoticed(t *testing.T) {
	var taken, squares []int
	sum := 0
	for i := range queueItems {
		taken = append(taken, i+1)
		sum += i + 1
	}
	for i := range slots {
		squares = append(squares, i*i)
	}
	swapped, late := slices.Clone(taken), slices.Clone(squares)
	swapped[7], swapped[8] = swapped[8], swapped[7]
	late[slots-1] = 0
	full := occupancy{Most: seats, Visits: guests * visits}
	more, fewer, missed, stuck := full, full, full, full
	more.Most++
	fewer.Most--
	missed.Visits--
	stuck.Inside++
	for _, c := range []struct {
		what  string
		err   error
		wrong bool
	}{
		{"taken in order", checkTaken(taken, sum), false},
		{"taken in another order", checkTaken(swapped, sum), true},
		{"one taken too few", checkTaken(taken[1:], sum-1), true},
		{"another sum", checkTaken(taken, sum+1), true},
		{"slots filled", checkSlots(squares), false},
		{"a slot not filled", checkSlots(late), true},
		{"a slot too few", checkSlots(squares[1:]), true},
		{"all saw the secret", checkSeen([]int{secret, secret, secret}), false},
		{"one went on before", checkSeen([]int{secret, 0, secret}), true},
		{"one did not go on", checkSeen([]int{secret, secret}), true},
		{"a room that was full", checkRoom(full, seats), false},
		{"one guest too many", checkRoom(more, seats), true},
		{"never full", checkRoom(fewer, seats), true},
		{"a visit missed", checkRoom(missed, seats), true},
		{"a guest still inside", checkRoom(stuck, seats), true},
		{"a seat lost", checkRoom(full, seats-1), true},
	} {
		if (c.err != nil) != c.wrong {
			t.Errorf("%s: %v", c.what, c.err)
		}
	}
}

// A semaphore that lets in one too many is found out by who is inside, and nobody waits for the guest that failed.
func TestOneSeatTooMany(t *testing.T) {
	r, err := newRoom()
	if err != nil {
		t.Fatal(err)
	}
	free(r.Seats)
	defer func() { r.free() }() // with its new seats
	if r.Seats, err = shared.NewBoundedSemaphore(seats + 1); err != nil {
		t.Fatal(err)
	}
	args := slices.Repeat([]mp.Args2[room, int]{mp.Pack2(r, visits)}, guests)
	if met, err := together(t.Context(), visitOften, args...); err == nil || !strings.Contains(err.Error(), "one more may come in") {
		t.Errorf("%v, %v", met, err)
	}
}

// What a section leaves behind is an error, though its results are right.
func TestLeftoversAreNoticed(t *testing.T) {
	var event *shared.Event
	var process *mp.Process[[]int]
	none := section{"none", "", func(context.Context, *page) error { return nil }}
	if err := none.show(t.Context(), nil); err != nil {
		t.Error(err)
	}
	object := section{"object", "", func(context.Context, *page) (err error) {
		event, err = shared.NewEvent()
		return err
	}}
	if err := object.show(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "1 shared objects") {
		t.Errorf("a shared object was left: %v", err)
	}
	free(event)
	child := section{"child", "", func(context.Context, *page) error {
		items, err := shared.NewQueue[int](shared.QueueConfig{})
		if err != nil {
			return err
		}
		defer free(items)
		process, err = consume.Start(t.Context(), items)
		return err
	}}
	if err := child.show(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "children") {
		t.Errorf("a process was left: %v", err)
	}
	end(process)
}

func TestGroup(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", -100: "-100", 1234567: "1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
