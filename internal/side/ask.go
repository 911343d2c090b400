package side

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

// An Answerer answers a question in a worker. ctx ends when nobody waits for the answer any more.
type Answerer func(ctx context.Context, arg []byte) ([]byte, error)

// answerers is set in package initialization.
var answerers = map[string]Answerer{}

// Answer makes f answer the questions of this name. It is for package initialization.
func Answer(name string, f Answerer) { answerers[name] = f }

// respond answers one question, in the worker.
func respond(frame []byte, answer *os.File) {
	defer answer.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends with answer
		_, _ = answer.Read(make([]byte, 1))
		cancel()
	}()
	body, err := find(ctx, frame)
	status := abi.SideAnswered
	if err != nil {
		status, body = abi.SideRefused, []byte(err.Error())
	}
	head := binary.LittleEndian.AppendUint64([]byte{status}, uint64(len(body)))
	_, _ = answer.Write(append(head, body...)) // who does not read it asks no more
}

// find finds the answer. A panic is its own: a question must not end a worker.
func find(ctx context.Context, frame []byte) (body []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	d := decoder{left: frame}
	kind, name := d.byte(), d.text()
	f := answerers[name]
	if d.bad || kind != abi.SideAsk || f == nil {
		return nil, fmt.Errorf("nobody here answers %q", name)
	}
	return f(ctx, d.left)
}

// Ask asks the worker, and waits for the answer, of at most limit bytes, until ctx ends. With an error it returns what there is of it.
func (p *Parent) Ask(ctx context.Context, name string, arg []byte, limit int) ([]byte, error) {
	mine, theirs, err := p.pair()
	if err != nil {
		return nil, err
	}
	defer mine.Close()
	body, err := p.ask(ctx, append(appendText([]byte{abi.SideAsk}, name), arg...), mine, theirs, limit)
	switch {
	case err == nil:
		return body, nil
	case ctx.Err() != nil:
		return body, ctx.Err()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return body, ErrGone
	}
	return body, err
}

// ErrGone reports a worker that ended before it had answered, or could not take the question.
var ErrGone = errors.New("mp: the worker has ended, or had no descriptor to spare for the question")

func (p *Parent) ask(ctx context.Context, frame []byte, mine, theirs *os.File, limit int) ([]byte, error) {
	err := p.sendAsk(ctx, frame, theirs)
	theirs.Close()
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = mine.SetReadDeadline(time.Unix(1, 0)) })()
	var head [9]byte
	if _, err := io.ReadFull(mine, head[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(head[1:])
	if n > uint64(limit) {
		return nil, fmt.Errorf("mp: the worker's answer has %d bytes, of at most %d", n, limit)
	}
	body, err := io.ReadAll(io.LimitReader(mine, int64(n)))
	if err == nil && uint64(len(body)) < n {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && head[0] != abi.SideAnswered {
		return nil, fmt.Errorf("mp: the worker: %s", cut(string(body)))
	}
	return body, err
}
