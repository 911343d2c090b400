package main

import (
	"testing"

	"github.com/go-multiproc/mp/shared"
)

func BenchmarkMutexUncontended(b *testing.B) {
	mutex, err := shared.NewMutex()
	must(b, err)
	b.Cleanup(func() { free(mutex) })
	b.ReportAllocs()
	must(b, lockPairs(mutex, b.N))
}

// Its rival.
func BenchmarkSyncMutexUncontended(b *testing.B) { must(b, syncLockPairs(b.N)) }

// An operation is an increment, whichever process makes it.
func BenchmarkMutexContended(b *testing.B) {
	f, err := countTogether("together", b.N/counters+1, true).measure()
	must(b, err)
	b.ReportMetric(f["together"]*1e9/float64(counters*(b.N/counters+1)), "ns/increment")
}

func BenchmarkQueueAlone(b *testing.B) {
	b.Run("array=64", func(b *testing.B) { putAndGet(b, [smallItem]byte{}, smallItem) })
	b.Run("slice=64", func(b *testing.B) { putAndGet(b, make([]byte, smallItem), smallItem) })
	b.Run("slice=1MiB", func(b *testing.B) { putAndGet(b, make([]byte, megabyte), megabyte) })
}

// putAndGet is what an item costs where nobody else uses the queue.
func putAndGet[T any](b *testing.B, item T, size int64) {
	queue, err := shared.NewQueue[T](shared.QueueConfig{})
	must(b, err)
	b.Cleanup(func() { free(queue) })
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		must(b, queue.Put(ctx, item))
		_, err := queue.Get(ctx)
		must(b, err)
	}
}

// An operation is an item that one process puts and another gets.
func BenchmarkQueue(b *testing.B) {
	n := max(2, b.N)
	f, err := arrayItems.side("items", traffic{size: smallItem, ends: 1, warm: 1000, n: n}).measure()
	must(b, err)
	b.ReportMetric(1e9/f["items"], "ns/item")
}

// An operation is there and back.
func BenchmarkSemaphores(b *testing.B) {
	f, err := semaphoresThereAndBack(b.N)
	must(b, err)
	b.ReportMetric(f["semaphores"]*1e9, "ns/p50")
}

func BenchmarkEvents(b *testing.B) {
	f, err := eventsThereAndBack(b.N)
	must(b, err)
	b.ReportMetric(f["events"]*1e9, "ns/p50")
}
