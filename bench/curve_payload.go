package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// largestPython is the payload up to which Python takes part.
const largestPython = 128 << 20

var payloadCurve = group{
	name:   "curve-payload",
	about:  "bytes from 1 B to 1 GiB, one way and there and back, 1 worker; Python up to 128 MiB",
	apart:  true,
	rounds: 5,
	open: func(r *runner) (*bench, error) {
		pool, err := newPool(1)
		if err != nil {
			return nil, err
		}
		p := &payloads{}
		p.echoing, err = startAnswering(1 << 40)
		if err == nil {
			p.taking, err = startAnswering(0)
		}
		if err != nil {
			return nil, errors.Join(err, p.close(), pool.Close())
		}
		var sides []side
		for _, n := range r.growing(1, 8, 1<<30) {
			add := func(name string, most int, run func(n, times int) error) {
				sides = append(sides, atMost(costly(n, 16<<20), p.side(name, n, most, run)))
			}
			add("call one way", 2_000, func(n, times int) error {
				for range times {
					if v, err := size.Call(ctx, pool, p.data[:n]); err != nil || v != n {
						return errors.Join(err, errWrong)
					}
				}
				return nil
			})
			add("call echo", 2_000, func(n, times int) error {
				for range times {
					out, err := echo.Call(ctx, pool, p.data[:n])
					if err != nil || len(out) != n || out[n-1] != p.data[n-1] {
						return errors.Join(err, errWrong)
					}
				}
				return nil
			})
			add("socket echo", 2_000, func(n, times int) error { return p.echoing.echo(p.data[:n], times) })
			add("stream", 100_000, func(n, times int) error {
				for v, err := range size.Stream(ctx, pool, again(p.data[:n], times)) {
					if err != nil || v != n {
						return errors.Join(err, errWrong)
					}
				}
				return nil
			})
			add("socket stream", 20_000, func(n, times int) error {
				_, err := oneWay(p.taking.link, p.data[:n], times)
				return err
			})
			add("memcpy", 1_000_000, func(n, times int) error {
				for range times {
					copy(p.to[:n], p.data[:n])
				}
				return nil
			})
			if n <= largestPython {
				sides = append(sides, atMost(costly(n, 16<<20), pythonCurve("Pool.apply", n, "payload", n, payloadTimes(n, 500))))
			}
		}
		return &bench{sides: sides, close: func() { _ = p.close(); closing(pool)() }}, nil
	},
	charts: []chart{
		{
			file: "payload-time", title: "One payload there and back, 1 worker: time",
			x: axis{label: "payload", unit: byteCount}, y: axis{label: "time", unit: longer},
			series: []series{
				{"mp, Call of an echo", "call echo", oursMain},
				{"mp, Call, only there", "call one way", oursToo},
				{"Unix socket, echo", "socket echo", goroutinesKind},
				{"memcpy, once, same buffers", "memcpy", systemKind},
				{"Python Pool.apply of an echo", "apply", pythonKind},
			},
		},
		{
			file: "payload-throughput", title: "Payloads one after another one way, 1 worker: bytes a second",
			x: axis{label: "payload", unit: byteCount}, y: axis{label: "throughput", unit: rateOfBytes},
			series: []series{
				{"mp, Stream", "stream rate", oursMain},
				{"Unix socket", "socket stream rate", goroutinesKind},
				{"memcpy, same buffers", "memcpy rate", systemKind},
				{"Python Pool.imap", "imap rate", pythonKind},
			},
		},
	},
}

// payloads is what the sides of the curve share.
type payloads struct {
	data, to        []byte
	echoing, taking *answering
}

// payloadTimes is how often a payload of n bytes is sent.
func payloadTimes(n, most int) int { return max(1, min(most, 64<<20/n)) }

// side is a side that tells how long one payload takes, and how many bytes a second that are.
func (p *payloads) side(name string, n, most int, run func(n, times int) error) side {
	return side{at(name, n), func() (figures, error) {
		if err := roomFor(6 * n); err != nil { // here and there, in three copies that nobody has collected yet
			return nil, err
		}
		if len(p.data) < n {
			p.data = make([]byte, n)
			for i := range p.data {
				p.data[i] = byte(i * 7)
			}
			p.to = append([]byte(nil), p.data...)
		}
		times := payloadTimes(n, most)
		if err := run(n, times/10+1); err != nil {
			return nil, err
		}
		begin := time.Now()
		if err := run(n, times); err != nil {
			return nil, fmt.Errorf("%s: %w", at(name, n), err)
		}
		took := time.Since(begin).Seconds() / float64(times)
		return figures{at(name, n): took, at(name+" rate", n): float64(n) / took}, nil
	}}
}

func (p *payloads) close() error {
	var err error
	for _, a := range []*answering{p.echoing, p.taking} {
		if a != nil {
			err = errors.Join(err, a.link.Close(), a.cmd.Wait())
		}
	}
	return err
}

// answering is a process that answers over a Unix socket.
type answering struct {
	link socketLink
	cmd  *exec.Cmd
}

// startAnswering starts a process that answers each of the first n messages with itself, and then only the last of a stream.
func startAnswering(n int) (*answering, error) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	here, there := os.NewFile(uintptr(ends[0]), "here"), os.NewFile(uintptr(ends[1]), "there")
	defer here.Close()
	defer there.Close()
	conn, err := net.FileConn(here)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(own(), roleAnswer, fmt.Sprint(n))
	cmd.ExtraFiles, cmd.Stderr = []*os.File{there}, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &answering{socketLink{conn, new([]byte)}, cmd}, nil
}

func (a *answering) echo(message []byte, times int) error {
	var buf []byte
	for range times {
		err := a.link.send(message)
		if err == nil {
			buf, err = a.link.receive(buf[:0])
		}
		if err != nil {
			return err
		}
		if len(buf) != len(message) || buf[len(buf)-1] != message[len(message)-1] {
			return errWrong
		}
	}
	return nil
}
