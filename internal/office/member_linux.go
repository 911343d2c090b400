package office

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-multiproc/mp/internal/abi"
	"github.com/go-multiproc/mp/internal/spawn"
)

func put(token Token, state []byte, files []*os.File) error {
	d, err := deposited(state, files)
	if err != nil {
		return err
	}
	if !spawn.IsRoot() {
		defer d.close()
		_, err = ask(&letter{kind: abi.OfficePut, token: token, deposit: d})
		return err
	}
	if err := own.put(token, d); err != nil {
		d.close()
		return err
	}
	return nil
}

func take(token Token) (state []byte, files []*os.File, err error) {
	var d deposit
	if !spawn.IsRoot() {
		answer, err := ask(&letter{kind: abi.OfficeTake, token: token})
		if err != nil {
			return nil, nil, err
		}
		d = answer.deposit
	} else if kept, ok := own.take(token); ok {
		d = kept
	} else {
		return nil, nil, ErrGone
	}
	return d.state, d.files(), nil
}

func has(token Token) (bool, error) {
	if spawn.IsRoot() {
		return own.has(token), nil
	}
	_, err := ask(&letter{kind: abi.OfficeHas, token: token})
	if errors.Is(err, ErrGone) {
		return false, nil
	}
	return err == nil, err
}

func drop(token Token) error {
	if spawn.IsRoot() {
		own.drop(token)
		return nil
	}
	_, err := ask(&letter{kind: abi.OfficeDrop, token: token})
	return err
}

// ask has the root carry out a request.
func ask(request *letter) (*letter, error) {
	answer, err := converse(request)
	if err != nil {
		return nil, fmt.Errorf("mp: the family's first process keeps nothing for others: %w", err)
	}
	switch answer.kind {
	case abi.OfficeDone:
		return answer, nil
	case abi.OfficeGone:
		err = ErrGone
	case abi.OfficeFailed:
		err = fmt.Errorf("mp: the family's first process: %s", strings.ToValidUTF8(string(answer.state), "?"))
	default:
		err = errStranger
	}
	answer.close()
	return nil, err
}

func converse(request *letter) (*letter, error) {
	deadline := time.Now().Add(limit)
	conn, err := connect(deadline)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	sent := request.send(conn)
	answer, err := receive(conn) // in any case: one that is refused is not read to its end
	if sent != nil && err != nil {
		return nil, sent
	}
	if err == nil && request.kind == abi.OfficePut && answer.kind == abi.OfficeDone {
		_, err = conn.Write([]byte{0})
	}
	return answer, err
}

// connect connects to the root, and each proves itself to the other. Nothing was asked so far, so what the load of the
// machine makes fail is tried again.
func connect(deadline time.Time) (*net.UnixConn, error) {
	for {
		conn, err := connectOnce(deadline)
		if err == nil || !passing(err) || time.Until(deadline) < retryPause {
			return conn, err
		}
		time.Sleep(retryPause)
	}
}

const retryPause = time.Millisecond

// passing tells what may be better the next time: a queue that is full, an office that was too slow to say anything.
func passing(err error) bool {
	for _, e := range []error{unix.EAGAIN, unix.ECONNRESET, unix.EPIPE, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func connectOnce(deadline time.Time) (*net.UnixConn, error) {
	d := net.Dialer{Deadline: deadline}
	c, err := d.Dial("unix", address().Name)
	if err != nil {
		return nil, err
	}
	conn := c.(*net.UnixConn)
	_ = conn.SetDeadline(deadline)
	if err := introduce(conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}
