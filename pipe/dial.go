package pipe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// keepAlive notices within a minute that the peer's machine is gone, while nothing is under way.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 20 * time.Second, Interval: 5 * time.Second, Count: 6}

// Dial connects to a Listener and proves who this is; address is as for Listen. If nobody listens there, errors.Is finds
// syscall.ECONNREFUSED or fs.ErrNotExist in the error; if the two do not believe each other, ErrAuth.
func Dial(ctx context.Context, network, address string, config Config) (*Conn, error) {
	if err := config.validate(network, false); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	socket, err := connect(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("mp/pipe: %w", err)
	}
	m := config.meet(socket, 1)
	stop := context.AfterFunc(ctx, func() { _ = socket.SetDeadline(time.Unix(1, 0)) })
	err = m.dial(address)
	if !stop() {
		err = ctx.Err()
	}
	var c *Conn
	if err == nil {
		c, err = m.open()
	}
	if err != nil {
		m.close()
		return nil, fmt.Errorf("mp/pipe: dial %s %s: %w", network, address, err)
	}
	return c, nil
}

// connect connects a socket.
func connect(ctx context.Context, network, address string) (net.Conn, error) {
	if network == "unix" {
		if err := checkUnix(address); err != nil {
			return nil, err
		}
	}
	d := net.Dialer{KeepAliveConfig: keepAlive}
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		socket, err := d.DialContext(ctx, network, address)
		// The queue of the listener's socket is full. With tcp, the kernel tries again.
		if network != "unix" || !errors.Is(err, syscall.EAGAIN) {
			return socket, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
