//go:build linux

package manager_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/shared"
)

// A parcel is what travels to strangers.
type parcel struct {
	Text  string
	None  *int
	Yes   bool
	Real  float64
	Bytes []byte
}

func init() {
	// A service in a program of its own.
	roles["serve"] = func() int {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		cfg := manager.Config{Address: os.Getenv("MP_TEST_ADDRESS"), AuthKey: []byte(os.Getenv("MP_TEST_KEY"))}
		fmt.Println("up")
		if err := manager.Serve(ctx, cfg); err != nil {
			fmt.Println(err)
			return 1
		}
		return 0
	}
	roles["serve tls"] = func() int {
		files := strings.Split(os.Getenv("MP_TEST_KEY"), "\n")
		cfg := manager.Config{Address: os.Getenv("MP_TEST_ADDRESS"), Files: manager.TLSFiles{Cert: files[0], Key: files[1], CA: files[2]}}
		if err := manager.Serve(ctx, cfg); err != nil {
			fmt.Println(err)
			return 1
		}
		return 0
	}
	// A client that puts a parcel into the queue that others have published.
	roles["put"] = func() int {
		m, err := manager.Connect(ctx, os.Getenv("MP_TEST_ADDRESS"), manager.Config{AuthKey: []byte(os.Getenv("MP_TEST_KEY"))})
		if err != nil {
			fmt.Println(err)
			return 1
		}
		q, err := manager.Lookup[*manager.Queue[parcel]](ctx, m, "queue")
		if err == nil {
			err = q.Put(ctx, parcel{"hällo, wörld", nil, true, 2.5, []byte{0, 255}})
		}
		if err == nil {
			// A worker of this program gets there as well.
			var p *mp.Process[int]
			if p, err = putFromWorker.Start(ctx, q); err == nil {
				_, err = p.Wait(ctx)
			}
		}
		if err != nil {
			fmt.Println(err)
			return 1
		}
		return 0
	}
	// A program that starts a manager and a client of it, says who they are, and waits to be killed.
	roles["owner"] = func() int {
		m, err := manager.Start(manager.Config{})
		if err != nil {
			fmt.Println(err)
			return 1
		}
		k, listen := newTool(m, "waits")
		if err := k.Mutex.Lock(ctx); err != nil {
			fmt.Println(err)
			return 1
		}
		p, err := client.Start(ctx, k)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		_, _ = listen.RecvBytes(ctx)
		fmt.Println(m.PID(), p.PID())
		select {}
	}
}

var setFromWorker = mp.Func2("manager_test.setFromWorker", func(ctx context.Context, d *manager.Dict[string, int], n int) (int, error) {
	return 0, d.Set(ctx, "a", n)
})

var putFromWorker = mp.Func("manager_test.putFromWorker", func(ctx context.Context, q *manager.Queue[parcel]) (int, error) {
	return 0, q.Put(ctx, parcel{Text: "from a worker"})
})

// program starts this test binary as another program.
func program(t *testing.T, role, address, key string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "MP_MANAGER_ROLE="+role, "MP_TEST_ADDRESS="+address, "MP_TEST_KEY="+key)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}

// connect is Connect to a program that may not listen yet.
func connect(t *testing.T, address string, cfg manager.Config) (m *manager.Manager) {
	t.Helper()
	eventually(t, "the server listens", func() bool {
		var err error
		m, err = manager.Connect(ctx, address, cfg)
		if errors.Is(err, manager.ErrAuth) {
			t.Fatal(err)
		}
		return err == nil
	})
	t.Cleanup(func() { _ = m.Stop(ctx) })
	return m
}

// T130: a server with a key, over TCP; one program puts, another gets.
func TestRemote(t *testing.T) {
	m, err := manager.Start(manager.Config{Address: "127.0.0.1:0", AuthKey: []byte("secret")})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Stop(ctx)
	if !strings.HasPrefix(m.Address(), "127.0.0.1:") || strings.HasSuffix(m.Address(), ":0") {
		t.Fatalf("it listens at %q", m.Address())
	}
	q := must(manager.NewQueue[parcel](m, shared.QueueConfig{}))
	if err := manager.Publish(ctx, m, "queue", q); err != nil {
		t.Fatal(err)
	}
	cmd, out := program(t, "put", m.Address(), "secret")
	var said []string
	for out.Scan() {
		said = append(said, out.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %q", err, said)
	}
	if r := must(q.Get(ctx)); r.Text != "hällo, wörld" || r.None != nil || !r.Yes || r.Real != 2.5 || string(r.Bytes) != "\x00\xff" {
		t.Errorf("%+v", r)
	}
	if r := must(q.Get(ctx)); r.Text != "from a worker" {
		t.Errorf("%+v", r)
	}
	if _, err := manager.Connect(ctx, m.Address(), manager.Config{AuthKey: []byte("wrong")}); !errors.Is(err, manager.ErrAuth) {
		t.Errorf("a wrong key: %v", err)
	}
	if _, err := manager.Connect(ctx, m.Address(), manager.Config{}); err == nil {
		t.Error("no key was needed")
	}
	if _, err := manager.Lookup[*manager.Queue[int]](ctx, m, "queue"); err == nil {
		t.Error("it was found as another type")
	}
}

// T131: a service is killed and started again at the same address, at once. Clients of the old one know that it is gone.
func TestRestart(t *testing.T) {
	for _, address := range []string{"@mp-test-" + strconv.Itoa(os.Getpid()), t.TempDir() + "/socket", "127.0.0.1:" + freePort(t)} {
		t.Run(address, func(t *testing.T) {
			cfg := manager.Config{AuthKey: []byte("k")}
			var old *manager.Dict[string, int]
			for range 3 {
				server, _ := program(t, "serve", address, "k")
				m := connect(t, address, cfg)
				if old != nil {
					if _, err := old.Get(ctx, "a"); !errors.Is(err, manager.ErrClosed) {
						t.Errorf("the old server's dict: %v", err)
					}
				}
				d := must(manager.NewDict[string, int](m))
				if err := d.Set(ctx, "a", 1); err != nil {
					t.Fatal(err)
				}
				if err := manager.Publish(ctx, m, "dict", d); err != nil {
					t.Fatal(err)
				}
				old = must(manager.Lookup[*manager.Dict[string, int]](ctx, m, "dict"))
				if n := must(old.Get(ctx, "a")); n != 1 {
					t.Error(n)
				}
				if err := server.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				_ = server.Wait()
				if _, err := d.Get(ctx, "a"); !errors.Is(err, manager.ErrClosed) {
					t.Errorf("a dead server's dict: %v", err)
				}
			}
		})
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	m, err := manager.InProcess(manager.Config{Address: "127.0.0.1:0", AuthKey: []byte("k")})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Stop(ctx)
	return m.Address()[strings.LastIndexByte(m.Address(), ':')+1:]
}

// A service ends in order when its context does, and it is no child of its clients.
func TestServe(t *testing.T) {
	address := "@mp-test-serve-" + strconv.Itoa(os.Getpid())
	server, out := program(t, "serve", address, "")
	m := connect(t, address, manager.Config{})
	d := must(manager.NewDict[string, int](m))
	if err := d.Set(ctx, "a", 1); err != nil {
		t.Fatal(err)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for out.Scan() {
		if out.Text() != "up" {
			t.Errorf("it says %q", out.Text())
		}
	}
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
	if err := d.Set(ctx, "a", 1); !errors.Is(err, manager.ErrClosed) {
		t.Error(err)
	}
}

// W19, F192: the server goes with who started it.
func TestOwnerKilled(t *testing.T) {
	owner, out := program(t, "owner", "", "")
	if !out.Scan() {
		t.Fatal("it says nothing")
	}
	var pids []int
	for field := range strings.FieldsSeq(out.Text()) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(out.Text())
		}
		pids = append(pids, pid)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	for _, pid := range pids {
		eventually(t, "it is gone", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
	}
}

// A cable is between a client and a server, and can be cut.
type cable struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	ends  []net.Conn
	count int
}

func newCable(t *testing.T, to string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{listener: l, to: to}
	t.Cleanup(func() {
		l.Close()
		c.cut()
	})
	go c.run()
	return c
}

func (c *cable) run() {
	for {
		here, err := c.listener.Accept()
		if err != nil {
			return
		}
		there, err := net.Dial("tcp", c.to)
		if err != nil {
			here.Close()
			continue
		}
		c.mu.Lock()
		c.ends = append(c.ends, here, there)
		c.count++
		c.mu.Unlock()
		go func() { _, _ = io.Copy(here, there) }()
		go func() { _, _ = io.Copy(there, here) }()
	}
}

// cut breaks all connections.
func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, end := range c.ends {
		end.Close()
	}
	c.ends = nil
}

// W34: a connection that breaks, though both sides live: what is safe is done again, what is not says so, and locks are gone.
func TestReconnect(t *testing.T) {
	address := "127.0.0.1:" + freePort(t)
	cfg := manager.Config{AuthKey: []byte("k")}
	_, _ = program(t, "serve", address, "k")
	c := newCable(t, address)
	m := connect(t, c.listener.Addr().String(), cfg)
	d, mu := must(manager.NewDict[string, int](m)), must(manager.NewMutex(m))
	if err := errors.Join(manager.Publish(ctx, m, "d", d), manager.Publish(ctx, m, "mu", mu), d.Set(ctx, "a", 1), mu.Lock(ctx)); err != nil {
		t.Fatal(err)
	}
	c.cut()
	if n, err := d.Get(ctx, "a"); n != 1 || err != nil {
		t.Errorf("a read over a new connection: %d, %v", n, err)
	}
	if err := mu.Unlock(ctx); !errors.Is(err, shared.ErrNotOwner) {
		t.Errorf("the lock of the old connection: %v", err)
	}
	if err := mu.Lock(ctx); !errors.Is(err, shared.ErrOwnerDied) {
		t.Errorf("to lock it again: %v", err)
	}
	// A wait for a lock is begun again: what the old connection got, if anything, was given back when it ended.
	waiting := make(chan error)
	go func() { waiting <- mu.Lock(ctx) }()
	eventually(t, "it waits", func() bool { return must(m.Stats(ctx)).Waiting == 1 })
	c.cut()
	if err := <-waiting; !errors.Is(err, shared.ErrOwnerDied) {
		t.Errorf("a lock that was waited for: %v", err)
	}
	o := must(counters.New(ctx, m, 0))
	go func() {
		_, err := counterWait.Call(ctx, o)
		waiting <- err
	}()
	eventually(t, "it runs", func() bool { return must(m.Stats(ctx)).Running == 1 })
	c.cut()
	if err := <-waiting; !errors.Is(err, manager.ErrInterrupted) {
		t.Errorf("a method that ran: %v", err)
	}
	unpublished := must(manager.NewDict[string, int](m))
	if err := unpublished.Set(ctx, "a", 2); err != nil {
		t.Fatal(err)
	}
	c.cut()
	if n, err := unpublished.Get(ctx, "a"); n != 2 || err != nil {
		t.Errorf("what only the old connection had: %d, %v", n, err)
	}
}
