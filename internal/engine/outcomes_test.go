package engine

import (
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// outcomes counts what becomes of a job's elements.
type outcomes struct {
	mu      sync.Mutex
	got     map[int64][]Result
	when    map[int64]time.Time
	aborted []*Failure
}

// job is a job whose elements encode to 8 bytes, their number.
func job(function string) (*Job, *outcomes) {
	o := &outcomes{got: make(map[int64][]Result), when: make(map[int64]time.Time)}
	return &Job{
		Function: function, Fixed: true, Grace: 100 * time.Millisecond,
		Encode: func(dst []byte, i int64) ([]byte, error) {
			return binary.LittleEndian.AppendUint64(dst, uint64(i)), nil
		},
		Deliver: func(i int64, r Result) {
			o.mu.Lock()
			defer o.mu.Unlock()
			r.Payload = append([]byte(nil), r.Payload...)
			o.got[i] = append(o.got[i], r)
			o.when[i] = time.Now()
		},
		Abort: func(f *Failure) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.aborted = append(o.aborted, f)
		},
	}, o
}

// one is the outcome of an element, which must have one; settled is the number of elements that have any.
func (o *outcomes) one(t *testing.T, i int64) Result {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.got[i]) != 1 {
		t.Fatalf("element %d has %d outcomes: %+v", i, len(o.got[i]), o.got[i])
	}
	return o.got[i][0]
}

func (o *outcomes) settled() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.got)
}

func (o *outcomes) failures() []*Failure {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]*Failure(nil), o.aborted...)
}

var errSetup = errors.New("setup fails")

// bubble runs a test with its own clock, in which nothing may be left running at the end.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}
