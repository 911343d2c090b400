//go:build linux

package pipe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/pipe"
)

// A Question and its Answer: values of any type travel.
type Question struct {
	Text  string
	Times int
}

type Answer struct{ Texts []string }

var answerAll = mp.Func("example.answerAll", func(ctx context.Context, c *pipe.Conn) (int, error) {
	for n := 0; ; n++ {
		q, err := pipe.Recv[Question](ctx, c)
		if errors.Is(err, io.EOF) {
			return n, nil // the other end is closed
		}
		if err != nil {
			return n, err
		}
		if err := pipe.Send(ctx, c, Answer{strings.Split(strings.Repeat(q.Text+" ", q.Times), " ")[:q.Times]}); err != nil {
			return n, err
		}
	}
})

// One end goes to another process, as an argument, and belongs there then.
func ExampleNew() {
	mp.Main()
	ctx := context.Background()
	here, there, err := pipe.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer here.Close()
	p, err := answerAll.Start(ctx, there)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pipe.Send(ctx, here, Question{"yes", 3}); err != nil {
		fmt.Println(err)
		return
	}
	a, err := pipe.Recv[Answer](ctx, here)
	fmt.Println(a.Texts, err)
	_ = here.Close() // an end is closed once, and then again as often as one likes
	fmt.Println(p.Wait(ctx))
	// Output:
	// [yes yes yes] <nil>
	// 1 <nil>
}

// Several connections are waited for at once, a process too. What is ready is told, and nothing is consumed.
func ExampleWait() {
	ctx := context.Background()
	a, quiet, err1 := pipe.New()
	b, loud, err2 := pipe.New()
	if err := errors.Join(err1, err2); err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range []*pipe.Conn{a, b, quiet, loud} {
		defer c.Close()
	}
	if err := pipe.Send(ctx, loud, "hello"); err != nil {
		fmt.Println(err)
		return
	}
	ready, err := pipe.Wait(ctx, a, b)
	fmt.Println(len(ready), ready[0] == b, err)
	// Output: 1 true <nil>
}

// An open file goes to who has the other end, in whatever process; the sender may close its own at once.
func ExampleConn_SendFile() {
	ctx := context.Background()
	a, b, err := pipe.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Close()
	defer b.Close()
	r, w, err := os.Pipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := a.SendFile(ctx, w); err != nil {
		fmt.Println(err)
		return
	}
	_ = w.Close()
	f, err := b.RecvFile(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = f.WriteString("through a file that was sent")
	_ = f.Close()
	text, err2 := io.ReadAll(r)
	_ = r.Close()
	fmt.Println(string(text), errors.Join(err, err2))
	// Output: through a file that was sent <nil>
}
