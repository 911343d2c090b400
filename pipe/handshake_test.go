package pipe

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/go-multiproc/mp/internal/abi"
)

// keyed is a configuration with a key.
func keyed(key string) Config { return Config{AuthKey: []byte(key)}.withDefaults() }

// shake lets two sides meet over a pipe, on which wire may sit, and returns what each thinks of it.
func shake(dialer, listener Config, wire func(net.Conn) net.Conn) (dialed, listened error) {
	a, b := net.Pipe()
	done := make(chan error, 1)
	go func() {
		m := listener.meet(b, 0)
		defer m.close()
		done <- m.listen()
	}()
	m := dialer.meet(wire(a), 1)
	dialed = m.dial("")
	m.close()
	return dialed, <-done
}

func plain(c net.Conn) net.Conn { return c }

// F136, F138, F139: both sides believe each other if, and only if, they have the same key. T162: an empty key is none.
func TestHandshakeKeys(t *testing.T) {
	for _, c := range []struct {
		dialer, listener string
		ok               bool
	}{
		{"secret", "secret", true}, {"", "", true},
		{"secret", "other", false}, {"", "secret", false}, {"secret", "", false},
	} {
		d, l := shake(keyed(c.dialer), keyed(c.listener), plain)
		if c.ok {
			ok(t, errors.Join(d, l))
			continue
		}
		wants(t, "dialer", d, ErrAuth)
		if l == nil {
			t.Errorf("a listener with the key %q believes a dialer with %q", c.listener, c.dialer)
		}
	}
}

// T182: the bytes are those of the paper.
func TestHandshakeBytes(t *testing.T) {
	wire := &recorder{}
	d, l := shake(keyed("secret"), keyed("secret"), func(c net.Conn) net.Conn { wire.Conn = c; return wire })
	ok(t, errors.Join(d, l))
	if len(wire.in) != 48+40 || len(wire.out) != 48+32 {
		t.Fatalf("the dialer read %d bytes and wrote %d", len(wire.in), len(wire.out))
	}
	proof := func(role string) []byte {
		mac := hmac.New(sha256.New, []byte("secret"))
		mac.Write([]byte(role))
		mac.Write(wire.in[:48])
		mac.Write(wire.out[:48])
		return mac.Sum(nil)
	}
	for _, c := range []struct {
		what      string
		got, want []byte
	}{
		{"listener's hello", wire.in[:16], []byte("MP_LIST1\x01\x00\x00\x00\x00\x00\x00\x00")},
		{"dialer's hello", wire.out[:16], []byte("MP_DIAL1\x01\x00\x00\x00\x00\x00\x00\x00")},
		{"proof", wire.out[48:], proof("go-multiproc/mp pipe 1 dialer\x00\x00\x00")},
		{"verdict", wire.in[48:], append([]byte{1, 0, 0, 0, 0, 0, 0, 0}, proof("go-multiproc/mp pipe 1 listener\x00")...)},
	} {
		if !bytes.Equal(c.got, c.want) {
			t.Errorf("%s: %q, not %q", c.what, c.got, c.want)
		}
	}
}

// What was recorded in one handshake is of no use in the next, to either side.
func TestHandshakeReplayed(t *testing.T) {
	wire := &recorder{}
	d, l := shake(keyed("secret"), keyed("secret"), func(c net.Conn) net.Conn { wire.Conn = c; return wire })
	ok(t, errors.Join(d, l))
	wants(t, "a replayed listener", against(t, 1, wire.in), ErrAuth)
	wants(t, "a replayed dialer", against(t, 0, wire.out), ErrAuth)
}

// A peer without the key that sends back what it is sent gets nowhere.
func TestHandshakeReflected(t *testing.T) {
	for end, magic := range []uint64{abi.HelloDialer, abi.HelloListener} {
		a, b := net.Pipe()
		go mirror(b, magic, end)
		wants(t, "what comes back", meetAt(a, end), ErrAuth)
	}
}

// mirror sends hellos back, with the magic of its own role, and proofs as they are.
func mirror(c net.Conn, magic uint64, end int) {
	defer c.Close()
	h := handshake{key: []byte("x")} // for the flags
	mine := h.hello(magic)
	b := make([]byte, abi.HelloSize+abi.ProofSize)
	if end == 0 { // a listener is at the other end
		_, _ = io.ReadFull(c, b[:abi.HelloSize])
		copy(b, mine[:abi.HelloNonce])
		_, _ = c.Write(b)
		_, _ = io.Copy(io.Discard, c)
		return
	}
	_, _ = c.Write(mine[:])
	_, _ = io.ReadFull(c, b)
	_, _ = c.Write(append([]byte{1, 0, 0, 0, 0, 0, 0, 0}, b[abi.HelloSize:]...))
}

// T181, and every other message that is not what it has to be.
func TestHandshakeGarbage(t *testing.T) {
	hello := func(magic uint64, flags byte) []byte {
		h := handshake{key: []byte("x")}
		b := h.hello(magic)
		b[abi.HelloFlags] = flags
		return b[:]
	}
	zeros := make([]byte, 256)
	for _, c := range []struct {
		name string
		end  int
		sent []byte
		want error
	}{
		{"nothing to the dialer", 1, nil, io.ErrUnexpectedEOF},
		{"nothing to the listener", 0, nil, io.ErrUnexpectedEOF},
		{"zeros to the dialer", 1, zeros, ErrAuth},
		{"zeros to the listener", 0, zeros, ErrAuth},
		{"half a hello", 1, hello(abi.HelloListener, 1)[:40], io.ErrUnexpectedEOF},
		{"the wrong hello to the dialer", 1, hello(abi.HelloDialer, 1), ErrAuth},
		{"the wrong hello to the listener", 0, append(hello(abi.HelloListener, 1), zeros...), ErrAuth},
		{"a listener without a key", 1, hello(abi.HelloListener, 0), ErrAuth},
		{"a listener in TLS", 1, hello(abi.HelloListener, 3), ErrAuth},
		{"a dialer without a key", 0, append(hello(abi.HelloDialer, 0), zeros...), ErrAuth},
		{"an unknown flag", 0, append(hello(abi.HelloDialer, 5), zeros...), ErrAuth},
		{"no verdict", 1, hello(abi.HelloListener, 1), io.ErrUnexpectedEOF},
		{"half a verdict", 1, append(hello(abi.HelloListener, 1), zeros[:39]...), io.ErrUnexpectedEOF},
		{"a verdict that is none", 1, append(hello(abi.HelloListener, 1), zeros...), ErrAuth},
		{"a bogus proof", 1, append(append(hello(abi.HelloListener, 1), 1), zeros...), ErrAuth},
		{"a rejection", 1, append(append(hello(abi.HelloListener, 1), 2), zeros...), ErrAuth},
		{"no proof", 0, hello(abi.HelloDialer, 1), io.ErrUnexpectedEOF},
		{"a wrong proof", 0, append(hello(abi.HelloDialer, 1), zeros...), ErrAuth},
	} {
		wants(t, c.name, against(t, c.end, c.sent), c.want)
	}
}

// Each byte of a handshake matters.
func TestHandshakeTampered(t *testing.T) {
	for i := range 88 + 80 {
		var change [2][]byte
		if i < 88 {
			change[0] = append(make([]byte, i), 1)
		} else {
			change[1] = append(make([]byte, i-88), 1)
		}
		d, l := shake(keyed("secret"), keyed("secret"), func(c net.Conn) net.Conn {
			return &tamperer{Conn: c, in: change[0], out: change[1]}
		})
		if d == nil || l == nil && i < 48 {
			t.Errorf("byte %d: the dialer says %v, the listener %v", i, d, l)
		}
	}
}

// Whatever a peer without the key sends, nobody believes it, hangs, or reads more than the messages that are due.
func FuzzHandshake(f *testing.F) {
	wire := &recorder{}
	d, l := shake(keyed("secret"), keyed("secret"), func(c net.Conn) net.Conn { wire.Conn = c; return wire })
	ok(f, errors.Join(d, l))
	f.Add(true, wire.in)
	f.Add(false, wire.out)
	f.Add(true, append(wire.in[:48:48], make([]byte, 300)...))
	f.Fuzz(func(t *testing.T, dialer bool, sent []byte) {
		end := 0
		if dialer {
			end = 1
		}
		if err := against(t, end, sent); err == nil {
			t.Errorf("believed %q", sent)
		}
	})
}

// Whatever happens to the bytes on their way, they arrive as they were or the dialer notices.
func FuzzHandshakeTampered(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add([]byte{0, 0, 1}, []byte{})
	f.Add([]byte{}, append(make([]byte, 79), 128))
	f.Fuzz(func(t *testing.T, in, out []byte) {
		d, l := shake(keyed("secret"), keyed("secret"), func(c net.Conn) net.Conn { return &tamperer{Conn: c, in: in, out: out} })
		zeros := make([]byte, 88)
		changed := !bytes.HasPrefix(zeros, in[:min(len(in), 88)]) || !bytes.HasPrefix(zeros, out[:min(len(out), 80)])
		if changed != (d != nil) || l != nil && d == nil {
			t.Errorf("changed %t, the dialer says %v, the listener %v", changed, d, l)
		}
	})
}

// meetAt is one end of a handshake with a key.
func meetAt(c net.Conn, end int) error {
	config := keyed("secret")
	m := config.meet(c, end)
	defer m.close()
	if end == 1 {
		return m.dial("")
	}
	return m.listen()
}

// against is one end of a handshake whose peer sends these bytes, whatever it hears, and hangs up.
func against(t *testing.T, end int, sent []byte) error {
	t.Helper()
	c := &script{Reader: bytes.NewReader(sent)}
	err := meetAt(c, end)
	if due := []int{80, 88}[end]; len(sent)-c.Len() > due {
		t.Errorf("%d bytes were read", len(sent)-c.Len())
	}
	return err
}

// A script is a connection to a peer that does not listen.
type script struct {
	*bytes.Reader
	net.Conn
}

func (s *script) Read(b []byte) (int, error) { return s.Reader.Read(b) }
func (*script) Write(b []byte) (int, error)  { return len(b), nil }
func (*script) SetDeadline(time.Time) error  { return nil }
func (*script) Close() error                 { return nil }

// A recorder keeps what crosses it.
type recorder struct {
	net.Conn

	in, out []byte
}

func (r *recorder) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.in = append(r.in, b[:n]...)
	return n, err
}

func (r *recorder) Write(b []byte) (int, error) {
	r.out = append(r.out, b...)
	return r.Conn.Write(b)
}

// A tamperer changes what crosses it: by exclusive or with in, and out.
type tamperer struct {
	net.Conn

	in, out []byte
}

func (r *tamperer) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.in = xor(b[:n], r.in)
	return n, err
}

func (r *tamperer) Write(b []byte) (int, error) {
	b = bytes.Clone(b)
	r.out = xor(b, r.out)
	return r.Conn.Write(b)
}

func xor(b, by []byte) (rest []byte) {
	n := min(len(b), len(by))
	for i := range n {
		b[i] ^= by[i]
	}
	return by[n:]
}
