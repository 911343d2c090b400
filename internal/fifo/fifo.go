// Package fifo is a queue in a slice, with both ends at a constant price whatever its length.
package fifo

import "slices"

// A Queue is first in, first out. The zero value is empty. Not safe for concurrent use.
type Queue[T comparable] struct {
	items []T
	head  int // of the first; what lies before is zero
}

// Len is how many items there are.
func (q *Queue[T]) Len() int { return len(q.items) - q.head }

// First is the item that Pop would remove; zero if there is none.
func (q *Queue[T]) First() (first T) {
	if q.head < len(q.items) {
		first = q.items[q.head]
	}
	return first
}

// All is the items, in order, until the next change.
func (q *Queue[T]) All() []T { return q.items[q.head:] }

// Push adds an item at the end.
func (q *Queue[T]) Push(x T) {
	if len(q.items) == cap(q.items) && q.head > len(q.items)/2 {
		q.items, q.head = slices.Delete(q.items, 0, q.head), 0
	}
	q.items = append(q.items, x)
}

// PushFront adds an item in front of the first.
func (q *Queue[T]) PushFront(x T) {
	if q.head == 0 {
		room := len(q.items) + 1
		q.items = slices.Insert(q.items, 0, make([]T, room)...)
		q.head = room
	}
	q.head--
	q.items[q.head] = x
}

// Pop removes the first item; there must be one.
func (q *Queue[T]) Pop() {
	var zero T
	q.items[q.head] = zero
	if q.head++; q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
}

// Remove removes an item, if it is there.
func (q *Queue[T]) Remove(x T) {
	if i := slices.Index(q.All(), x); i >= 0 {
		q.RemoveAt(i)
	}
}

// RemoveAt removes the item that is at i of All.
func (q *Queue[T]) RemoveAt(i int) {
	q.items = slices.Delete(q.items, q.head+i, q.head+i+1)
}
