package main

import (
	"strconv"
	"time"

	"github.com/go-multiproc/mp/shared"
)

// lap is how many bytes of items go once around a queue of the default size. So many warm it up: else, what is measured is
// the first touch of its memory.
const lap = 64 << 20

var queueGroup = group{
	name:  "queue",
	about: "items from producer processes to consumer processes through one Queue",
	open: func(r *runner) (*bench, error) {
		n, few := r.n(1_000_000), r.n(50_000)
		small := traffic{size: smallItem, ends: 1, warm: r.n(lap / smallItem), n: n}
		tight, crowd := small, small
		tight.config.Bytes = megabyte
		crowd.ends, crowd.warm, crowd.n = 2, small.warm/2, n/2
		big := traffic{size: megabyte, ends: 1, warm: r.n(lap / megabyte), n: r.n(1_000)}
		sides := []side{
			arrayItems.side("arrays", small),
			sliceItems.side("slices", small),
			arrayItems.side("arrays, 1 MiB of room", tight),
			arrayItems.side("2x2", crowd),
			sliceItems.side("big", big),
			{"channel", func() (figures, error) { return itemsOverChannel(n) }},
			{"copies", func() (figures, error) { return copies(r.n(2_000)) }},
		}
		for _, kind := range []string{"queue", "simple_queue"} {
			sides = append(sides,
				pythonSide(kind+", 64 bytes", kind, smallItem, 1, few/10, few),
				pythonSide(kind+", 2 producers, 2 consumers", kind, smallItem, 2, few/20, few/2),
				pythonSide(kind+", 1 MiB", kind, megabyte, 1, r.n(20), r.n(150)))
		}
		return &bench{sides: sides}, nil
	},
	lines: []line{
		{what: "Queue of [64]byte, 1 producer, 1 consumer, vs Python Queue", ours: "arrays", rival: "Queue 64 1x1",
			unit: perSecond, sense: speedup, atLeast: 50, stretch: 100},
		{what: "... vs Python SimpleQueue", ours: "arrays", rival: "SimpleQueue 64 1x1", unit: perSecond, sense: speedup, atLeast: 50, stretch: 100},
		{what: "... of []byte with 64 bytes vs Python Queue", ours: "slices", rival: "Queue 64 1x1",
			unit: perSecond, sense: speedup, atLeast: 50, stretch: 100},
		{what: "... vs Python SimpleQueue", ours: "slices", rival: "SimpleQueue 64 1x1", unit: perSecond, sense: speedup, atLeast: 50, stretch: 100},
		{what: "... of [64]byte with 1 MiB of room vs with the default of 64", ours: "arrays, 1 MiB of room", rival: "arrays",
			unit: perSecond, sense: speedup},
		{what: "... of [64]byte vs a channel of 1024 between 2 goroutines", ours: "arrays", rival: "channel", unit: perSecond, sense: speedup},
		{what: "... of [64]byte, 2 producers, 2 consumers, vs Python Queue", ours: "2x2", rival: "Queue 64 2x2", unit: perSecond, sense: speedup},
		{what: "... vs Python SimpleQueue", ours: "2x2", rival: "SimpleQueue 64 2x2", unit: perSecond, sense: speedup},
		{what: "... of []byte with 1 MiB, 1 producer, 1 consumer, vs Python Queue", ours: "big", rival: "Queue " + strconv.Itoa(megabyte) + " 1x1",
			unit: perSecond, sense: speedup},
		{what: "... vs Python SimpleQueue", ours: "big", rival: "SimpleQueue " + strconv.Itoa(megabyte) + " 1x1", unit: perSecond, sense: speedup},
		{what: "... vs memcpy into the same buffer", ours: "big", rival: "copies", unit: perSecond, sense: speedup},
	},
}

// traffic is what is to pass through a queue.
type traffic struct {
	config shared.QueueConfig
	size   int // of an item
	ends   int // producers, and as many consumers
	warm   int // items of each that warm up
	n      int // items of each after that
}

// itemsOverChannel is the same between two goroutines.
func itemsOverChannel(n int) (figures, error) {
	items := arrayItems.items(smallItem)
	channel := make(chan [smallItem]byte, 1024)
	go func() {
		defer close(channel)
		for i := range n {
			channel <- items[i%distinct]
		}
	}()
	first := <-channel
	begin := time.Now()
	i := 1
	for item := range channel {
		if want := items[i%distinct]; item[0] != want[0] || item[smallItem-1] != want[0] {
			return nil, errWrong
		}
		i++
	}
	took := rate(n-1, begin)
	if i != n || first != items[0] {
		return nil, errWrong
	}
	return figures{"channel": took}, nil
}

// copies is how many megabytes are copied in a second.
func copies(n int) (figures, error) {
	from, to := make([]byte, megabyte), make([]byte, megabyte)
	from[megabyte-1] = 1
	copy(to, from)
	begin := time.Now()
	for range n {
		copy(to, from)
	}
	took := rate(n, begin)
	if to[megabyte-1] != 1 {
		return nil, errWrong
	}
	return figures{"copies": took}, nil
}
