package manager_test

import (
	"context"
	"fmt"

	"github.com/go-multiproc/mp/manager"
)

// A guest book is an object that makes others in its server: a list for each day.
type guestBook struct{ day *manager.List[string] }

func (g *guestBook) turnPage(ctx context.Context, date string) (*manager.List[string], error) {
	day, err := manager.NewList(manager.FromContext(ctx), "guests of "+date)
	if err == nil {
		g.day = day
	}
	return day, err
}

var guestBooks = manager.Class("example.guestBook", func(context.Context, struct{}) (*guestBook, error) {
	return new(guestBook), nil
}, manager.Exclusive())

var turnPage = manager.Method(guestBooks, "turnPage", (*guestBook).turnPage)

func ExampleFromContext() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{}) // or Start: a process of its own
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	book, err := guestBooks.New(ctx, m, struct{}{})
	if err != nil {
		fmt.Println(err)
		return
	}
	today, err := turnPage.Call(ctx, book, "1 May")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(today.Append(ctx, "Ada"))
	fmt.Println(today.Copy(ctx))
	// Output:
	// <nil>
	// [guests of 1 May Ada] <nil>
}
