package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// A redisServer is the rival of managers: redis-server with nothing but a Unix socket, started when it is first needed.
type redisServer struct {
	cmd    *exec.Cmd
	socket string
	failed error
}

func newRedis() *redisServer { return &redisServer{} }

// start starts it, or says why it can't be measured here.
func (r *redisServer) start() error {
	if r.cmd != nil || r.failed != nil {
		return r.failed
	}
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		r.failed = skip("there is no redis-server")
		return r.failed
	}
	dir, err := scratchDir()
	if err != nil {
		return err
	}
	r.socket = filepath.Join(dir, "redis.sock")
	cmd := exec.Command(binary, "--port", "0", "--unixsocket", r.socket, "--save", "", "--appendonly", "no")
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		r.failed = err
		return err
	}
	r.cmd = cmd
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := dialRedis(r.socket)
		if err == nil {
			_ = c.conn.Close()
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("redis-server: %w", err)
		}
	}
}

func (r *redisServer) stop() {
	if r.cmd != nil {
		_ = r.cmd.Process.Signal(os.Interrupt)
		_ = r.cmd.Wait()
	}
}

func (r *redisServer) alone(n int) (figures, error) {
	if err := r.start(); err != nil {
		return nil, err
	}
	c, err := dialRedis(r.socket)
	if err != nil {
		return nil, err
	}
	defer c.conn.Close()
	spans, err := setAndGet(c, n, func() error { return nil })
	if err != nil {
		return nil, err
	}
	return figures{"redis set": perSpan(n, spans[0]), "redis get": perSpan(n, spans[1])}, nil
}

func (r *redisServer) together(n int) (figures, error) {
	if err := r.start(); err != nil {
		return nil, err
	}
	return clientsTogether("redis ", dictClient{Redis: r.socket, N: n})
}

// A redisClient speaks just enough of the protocol for HSET and HGET of one hash, without any overhead that it could save.
type redisClient struct {
	conn net.Conn
	r    *bufio.Reader
	buf  []byte
}

func dialRedis(socket string) (*redisClient, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	return &redisClient{conn: conn, r: bufio.NewReader(conn)}, nil
}

func (c *redisClient) ask(words ...string) error {
	c.buf = append(strconv.AppendInt(append(c.buf[:0], '*'), int64(len(words)), 10), '\r', '\n')
	for _, w := range words {
		c.buf = append(strconv.AppendInt(append(c.buf, '$'), int64(len(w)), 10), '\r', '\n')
		c.buf = append(append(c.buf, w...), '\r', '\n')
	}
	_, err := c.conn.Write(c.buf)
	return err
}

// answer reads a number, or a string of so many bytes.
func (c *redisClient) answer() (kind byte, n int, err error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 4 || line[0] != ':' && line[0] != '$' {
		return 0, 0, fmt.Errorf("redis: %q", line)
	}
	n, err = strconv.Atoi(string(line[1 : len(line)-2]))
	return line[0], n, err
}

func (c *redisClient) set(key string, v int) error {
	if err := c.ask("HSET", "bench", key, strconv.Itoa(v)); err != nil {
		return err
	}
	_, _, err := c.answer()
	return err
}

func (c *redisClient) get(key string) (int, error) {
	if err := c.ask("HGET", "bench", key); err != nil {
		return 0, err
	}
	_, n, err := c.answer()
	if err != nil {
		return 0, err
	}
	if n < 0 {
		return 0, errWrong
	}
	c.buf = append(c.buf[:0], make([]byte, n+2)...)
	if _, err := io.ReadFull(c.r, c.buf); err != nil {
		return 0, err
	}
	return strconv.Atoi(string(c.buf[:n]))
}
