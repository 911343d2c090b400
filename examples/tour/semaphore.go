package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

const (
	guests = 5
	seats  = 2
	visits = 20 // by each guest
)

// A room has seats for some. Who is in it is counted under the lock that belongs to the count.
type room struct {
	Seats *shared.Semaphore
	Count *shared.Value[occupancy]
	Moved *shared.Cond // somebody came, or came for the last time
}

type occupancy struct{ Inside, Most, Visits, Guests int }

// visitOften goes into a room and out again, and returns how often it met somebody there.
var visitOften = mp.Func2("tour.visitOften", func(ctx context.Context, r room, times int) (int, error) {
	met := 0
	for range times {
		company, err := r.visit(ctx)
		if err != nil {
			return 0, err
		}
		if company {
			met++
		}
	}
	return met, r.count(ctx, func(o *occupancy) { o.Guests-- })
})

func (r room) visit(ctx context.Context) (company bool, err error) {
	if err := r.Seats.Acquire(ctx); err != nil {
		return false, err
	}
	if company, err = r.enter(ctx); err != nil {
		return false, err
	}
	if err := r.count(ctx, func(o *occupancy) { o.Inside-- }); err != nil {
		return false, err
	}
	return company, r.Seats.Release()
}

// enter counts a guest that has a seat. It stays until another comes, if there are others, and tells whether one came. Who
// finds the room full looks for one more seat, and must not find it.
func (r room) enter(ctx context.Context) (company bool, err error) {
	err = r.Count.Mutex().Do(ctx, func() error {
		o := r.Count.Load()
		o.Inside++
		o.Visits++
		o.Most = max(o.Most, o.Inside)
		r.Count.Store(o)
		if o.Inside < seats {
			return r.Moved.WaitFor(ctx, func() bool {
				now := r.Count.Load()
				company = now.Visits > o.Visits
				return company || now.Guests == 1
			})
		}
		company = true
		if more, err := r.Seats.TryAcquire(); more || err != nil {
			return fmt.Errorf("%d are inside, and one more may come in: %t, %w", o.Inside, more, err)
		}
		return r.Moved.Broadcast()
	})
	return company, err
}

// count changes the count under its lock.
func (r room) count(ctx context.Context, change func(*occupancy)) error {
	return r.Count.Mutex().Do(ctx, func() error {
		o := r.Count.Load()
		change(&o)
		r.Count.Store(o)
		return r.Moved.Broadcast()
	})
}

func semaphore(ctx context.Context, p *page) error {
	p.say("A Semaphore is a number of permits. %d processes go %d times each into a room with %d seats, and stay until somebody else", guests, visits, seats)
	p.say("comes. They count themselves in and out under a lock, and so know the most that were ever inside.\n")
	r, err := newRoom()
	if err != nil {
		return err
	}
	defer r.free()
	start := time.Now()
	met, err := together(ctx, visitOften, slices.Repeat([]mp.Args2[room, int]{mp.Pack2(r, visits)}, guests)...)
	if err != nil {
		return err
	}
	took := time.Since(start)
	count := r.Count.Load()
	if err := checkRoom(count, r.Seats.Value()); err != nil {
		return err
	}

	rows := [][]string{{"guest", "visits", "in company"}}
	for i, n := range met {
		rows = append(rows, []string{fmt.Sprint(i + 1), fmt.Sprint(visits), fmt.Sprint(n)})
	}
	p.table(rows...)
	p.say("\n  visits    %d in %s, the start of %d processes included", count.Visits, ms(took), guests)
	p.say("  inside    %d, and never more\n", count.Most)
	p.say("The semaphore is a bounded one: were a guest killed inside, its seat would be free again.")
	return nil
}

// checkRoom says what is wrong with the count of a room and its free seats when all have gone.
func checkRoom(count occupancy, free int) error {
	if want := (occupancy{Inside: 0, Most: seats, Visits: guests * visits, Guests: 0}); count != want {
		return fmt.Errorf("the count is %+v, want %+v", count, want)
	}
	if free != seats {
		return fmt.Errorf("%d seats are free in the end, want %d", free, seats)
	}
	return nil
}

func newRoom() (room, error) {
	permits, err := shared.NewBoundedSemaphore(seats)
	if err != nil {
		return room{}, err
	}
	count, err := shared.NewValue(occupancy{Guests: guests})
	if err != nil {
		return room{}, err
	}
	moved, err := shared.NewCond(count.Mutex())
	return room{permits, count, moved}, err
}

func (r room) free() {
	free(r.Moved)
	free(r.Count)
	free(r.Seats)
}
