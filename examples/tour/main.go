// Command tour shows what packages mp, shared, pipe and manager do, section by section, as the classic tutorials of Python's multiprocessing do:
//
//	go run ./examples/tour             # all sections
//	go run ./examples/tour cpu async   # some of them
//
// Each section says what it does, checks its results, and prints them with the times it took. The program ends with an
// error if a result is wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

// sectionLimit ends a section in which somebody waits for what does not come.
const sectionLimit = 2 * time.Minute

// A section is one stop of the tour. Its run says what it does on the page, and returns an error if anything is not as it
// should be.
type section struct {
	name  string // on the command line
	title string
	run   func(ctx context.Context, p *page) error
}

// sections is the tour, in its order: one file for each.
var sections = []section{
	{"cpu", "Work for every CPU, and a crash that stays where it is", cpu},
	{"pool", "A pool of workers: Map", pool},
	{"args", "Functions of several arguments: Func3", args},
	{"async", "Calls that are not waited for: Go, Then and Wait", async},
	{"stats", "What a pool did: Stats, and a bar on the way", stats},
	{"queue", "From one process to another: Queue", queue},
	{"lock", "Memory that processes share, and its lock: Mutex, Value and Array", lock},
	{"event", "One signal for all who wait: Event", event},
	{"semaphore", "So many at a time and no more: Semaphore", semaphore},
	{"pipe", "Two ends that talk: Send and Recv", pipes},
	{"manager", "Objects in a process of their own: Dict, List and a class", managers},
}

func main() {
	mp.Main() // in a worker it does not return
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := tour(ctx, os.Stdout, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tour:", err)
		os.Exit(1)
	}
}

// tour runs the sections that are named, or all.
func tour(ctx context.Context, w io.Writer, names []string) error {
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	p := &page{w: w}
	p.say("Package mp on %d CPUs. This is process %d; the others are copies of it.", mp.CPUCount(), os.Getpid())
	for i, s := range chosen {
		p.title(i+1, s)
		if err := s.show(ctx, p); err != nil {
			return fmt.Errorf("section %s: %w", s.name, err)
		}
	}
	p.say("\nEverything was as it should be, and neither a process nor a shared object is left.")
	return nil
}

// show runs a section, and looks that it left nothing behind.
func (s section) show(ctx context.Context, p *page) error {
	ctx, cancel := context.WithTimeout(ctx, sectionLimit)
	defer cancel()
	if err := s.run(ctx, p); err != nil {
		return err
	}
	if left := mp.ActiveChildren(); len(left) > 0 {
		return fmt.Errorf("children are left: %v", left)
	}
	memory, err := shared.Stats()
	if err != nil {
		return err
	}
	if memory.Objects > 0 {
		return fmt.Errorf("%d shared objects are left", memory.Objects)
	}
	return nil
}

// choose finds sections by name; all if none is named.
func choose(names []string) ([]section, error) {
	if len(names) == 0 {
		return sections, nil
	}
	var chosen []section
	for _, name := range names {
		s, ok := find(name)
		if !ok {
			return nil, unknown(name)
		}
		chosen = append(chosen, s)
	}
	return chosen, nil
}

func find(name string) (section, bool) {
	for _, s := range sections {
		if s.name == name {
			return s, true
		}
	}
	return section{}, false
}

func unknown(name string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "there is no section %q; there are", name)
	for _, s := range sections {
		fmt.Fprintf(&b, "\n  %-9s %s", s.name, s.title)
	}
	return errors.New(b.String())
}
