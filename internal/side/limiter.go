package side

import (
	"sync"
	"time"
)

// A Limiter passes on how far elements are, at most once in Every. What comes earlier is passed on when it is time, unless something
// newer has come. Safe for concurrent use.
type Limiter struct {
	Every time.Duration
	Send  func(number uint64, fraction float64)

	mu       sync.Mutex // held to send
	next     time.Time  // nothing is sent before
	waits    bool       // something is to be sent then
	number   uint64
	fraction float64
}

// Report passes on how far the element with this number is, now or later.
func (l *Limiter) Report(number uint64, fraction float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.number, l.fraction = number, fraction
	if l.waits {
		return
	}
	if wait := time.Until(l.next); wait > 0 {
		l.waits = true
		time.AfterFunc(wait, l.late)
		return
	}
	l.send()
}

func (l *Limiter) late() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waits = false
	l.send()
}

// send sends the latest. Call it with mu.
func (l *Limiter) send() {
	l.next = time.Now().Add(l.Every)
	l.Send(l.number, l.fraction)
}
