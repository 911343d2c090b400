// Command python is count.py in Go: it counts the words of texts in two processes. A text that takes too long is given up.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"strings"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/shared"
)

var texts = []string{"to be or not to be", "the rest is silence", "endless", "brevity is the soul of wit"}

type state struct {
	Words *shared.Value[int64]
	Lock  *shared.Mutex
	Log   *shared.Queue[string]
}

var common state // a worker's, set by start

var start = mp.Func("start", func(_ context.Context, s state) (struct{}, error) {
	common = s
	return struct{}{}, nil
})

var count = mp.Func("count", func(ctx context.Context, text string) (int, error) {
	if text == "endless" {
		time.Sleep(time.Hour)
	}
	found := strings.Fields(text)
	shared.Add(common.Words, int64(len(found)))
	err := common.Lock.Do(ctx, func() error { // the two lines stay together
		if err := common.Log.Put(ctx, text); err != nil {
			return err
		}
		return common.Log.Put(ctx, fmt.Sprintf("  has %d words", len(found)))
	})
	return len(found), err
})

func main() {
	mp.Main()
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	words, err := shared.NewValue(int64(0))
	if err != nil {
		return err
	}
	lock, err := shared.NewMutex()
	if err != nil {
		return err
	}
	log, err := shared.NewQueue[string](shared.QueueConfig{})
	if err != nil {
		return err
	}
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2, Init: start.With(state{words, lock, log}), TaskTimeout: 2 * time.Second})
	if err != nil {
		return err
	}
	defer pool.Close()

	counted, sum, late := 0, 0, 0
	for _, r := range count.Results(ctx, pool, slices.Values(texts)) {
		switch {
		case errors.Is(r.Err, context.DeadlineExceeded):
			late++
		case r.Err != nil:
			return r.Err
		default:
			counted, sum = counted+1, sum+r.Value
		}
	}
	if err := log.Close(); err != nil {
		return err
	}
	lines, order := 0, "in pairs"
	for text, err := range log.All(ctx) {
		if err != nil {
			return err
		}
		second, err := log.Get(ctx)
		if err != nil || second != fmt.Sprintf("  has %d words", len(strings.Fields(text))) {
			order = "mixed up"
		}
		lines += 2
	}
	fmt.Println("texts:", counted, "given up:", late)
	fmt.Println("words:", words.Load(), sum)
	fmt.Println("lines:", lines, order)
	return nil
}
