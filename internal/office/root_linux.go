package office

import (
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/spawn"
)

// How long one waits for the other side. Tests change these.
var (
	patience = time.Second      // before it has proved that it is of the family
	limit    = 30 * time.Second // for all the rest
)

const (
	seats       = 64                    // connections at a time; more wait in the kernel
	acceptPause = 10 * time.Millisecond // when there is no descriptor for one
)

var opening struct {
	sync.Mutex
	done bool
}

func init() { spawn.BeforeStart(open) }

// open opens the office of this process, if it is the family's first. If that fails, the next start tries again, and whoever
// needs it meanwhile is told that nobody is there.
func open() {
	if !spawn.IsRoot() {
		return
	}
	opening.Lock()
	defer opening.Unlock()
	if opening.done {
		return
	}
	if l, err := net.ListenUnix("unix", address()); err == nil {
		opening.done = true
		go serve(l, &own)
	}
}

// serve attends to whoever comes, as long as the listener is open.
func serve(l *net.UnixListener, k *desk) {
	seat := make(chan struct{}, seats)
	for {
		seat <- struct{}{}
		conn, err := l.AcceptUnix()
		switch {
		case err == nil && sameUser(conn):
			go func() {
				attend(conn, k)
				_ = conn.Close()
				<-seat
			}()
			continue
		case err == nil:
			_ = conn.Close()
		case errors.Is(err, net.ErrClosed):
			return
		default:
			time.Sleep(acceptPause)
		}
		<-seat
	}
}

// attend carries out one request.
func attend(conn *net.UnixConn, k *desk) {
	_ = conn.SetDeadline(time.Now().Add(patience))
	if admit(conn) != nil {
		return
	}
	_ = conn.SetDeadline(time.Now().Add(limit))
	request, err := receive(conn)
	if err != nil {
		refuse(conn, err)
		return
	}
	defer request.close() // what was not put
	answer := &letter{kind: abi.OfficeDone, token: request.token}
	switch request.kind {
	case abi.OfficePut:
		if err := k.put(request.token, request.deposit); err != nil {
			refuse(conn, err)
			return
		}
		request.deposit = deposit{}
		if answer.send(conn) != nil || !heard(conn) {
			k.drop(request.token) // Put returns an error, or never: nobody knows the token
		}
		return
	case abi.OfficeTake:
		var ok bool
		if answer.deposit, ok = k.take(request.token); !ok {
			answer.kind = abi.OfficeGone
		}
	case abi.OfficeHas:
		if !k.has(request.token) {
			answer.kind = abi.OfficeGone
		}
	case abi.OfficeDrop:
		k.drop(request.token)
	default:
		return
	}
	_ = answer.send(conn) // what does not arrive is gone
	answer.close()
}

func refuse(conn *net.UnixConn, why error) {
	text := why.Error()
	_ = (&letter{kind: abi.OfficeFailed, deposit: deposit{state: []byte(text[:min(len(text), maxText)])}}).send(conn)
}

const maxText = 512

// heard waits for the word that the answer has come.
func heard(conn *net.UnixConn) bool {
	word := make([]byte, 1)
	if n, _ := conn.Read(word); n == 1 {
		return true
	}
	// A process that was stopped for long finds that the time is over, and perhaps the word as well.
	n := 0
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { n, _, _ = unix.Recvfrom(int(fd), word, unix.MSG_DONTWAIT) })
	}
	return n == 1
}
