package mp_test

import (
	"context"
	"crypto/tls"
	"io"
	"iter"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/pipe"
	"github.com/go-multiproc/mp/shared"
)

// That this file compiles is the test: these are the names and signatures that programs are written against.

type c = context.Context

var (
	_ func()                                                                                         = mp.Main
	_ func() bool                                                                                    = mp.IsWorker
	_ func(string, func(c, int) (bool, error)) *mp.Function[int, bool]                               = mp.Func[int, bool]
	_ func(string, func(c, int, byte) (bool, error)) *mp.Function[mp.Args2[int, byte], bool]         = mp.Func2[int, byte, bool]
	_ func(string, func(c, int, int, int) (bool, error)) *mp.Function[mp.Args3[int, int, int], bool] = mp.Func3[int, int, int, bool]
	_ func(int, byte) mp.Args2[int, byte]                                                            = mp.Pack2[int, byte]
	_ func(int, int, int, byte) mp.Args4[int, int, int, byte]                                        = mp.Pack4[int, int, int, byte]

	_ func(int) mp.Executor                 = mp.InProcess
	_ func(mp.PoolConfig) (*mp.Pool, error) = mp.NewPool
	_ func() []mp.ProcessInfo               = mp.ActiveChildren
	_ func() mp.ProcessInfo                 = mp.Current
	_ func() int                            = mp.CPUCount
	_ func(string, error)                   = mp.RegisterError
	_ func(string)                          = mp.RegisterErrorType[*mp.PanicError]
	_ mp.Observer                           = func(mp.Event) {}
	_                                       = []error{mp.ErrClosed, mp.ErrFull, mp.ErrNotMain}
)

var _ interface {
	Name() string
	With(int) mp.Task
	Start(c, int, ...mp.StartOption) (*mp.Process[bool], error)
	Call(c, mp.Executor, int, ...mp.CallOption) (bool, error)
	Go(c, mp.Executor, int, ...mp.CallOption) *mp.Future[bool]
	TryGo(c, mp.Executor, int, ...mp.CallOption) (*mp.Future[bool], error)
	Map(c, mp.Executor, []int, ...mp.MapOption) ([]bool, error)
	Results(c, mp.Executor, iter.Seq[int], ...mp.MapOption) iter.Seq2[int, mp.Result[bool]]
	Stream(c, mp.Executor, iter.Seq[int], ...mp.MapOption) iter.Seq2[bool, error]
	Broadcast(c, *mp.Pool, int) error
} = (*mp.Function[int, bool])(nil)

var _ interface {
	Wait(c) (bool, error)
	Done() <-chan struct{}
	Cancel()
	Then(func(bool, error))
} = (*mp.Future[bool])(nil)

var _ interface {
	Close() error
	Stop(c) error
	Kill() error
	Resize(c, int) error
	Ready(c) error
	Stats() mp.PoolStats
	Workers() []mp.WorkerInfo
} = (*mp.Pool)(nil)

var _ interface {
	Name() string
	PID() int
	Wait(c) (bool, error)
	Done() <-chan struct{}
	Alive() bool
	ExitCode() int
	Interrupt() error
	Terminate() error
	Kill() error
	Close() error
} = (*mp.Process[bool])(nil)

var (
	_ = mp.PoolConfig{
		Workers: 0, Init: mp.Task{}, Exit: mp.Task{}, StartTimeout: time.Minute, MaxTasks: 0, MaxAge: time.Minute, MaxRSS: int64(0),
		MemoryLimit: int64(0), TaskTimeout: time.Minute, Grace: time.Minute, Retries: 0, Window: 0, WindowBytes: int64(0), Env: []string{},
		Dir: "", MaxProcs: 0, CPUs: [][]int{}, Stdout: io.Discard, Stderr: io.Discard, Logger: (*slog.Logger)(nil), Observer: nil,
	}
	_ = mp.Args4[int, int, int, int]{A: 1, B: 2, C: 3, D: 4}
	_ = mp.PoolStats{Queued: 0, Running: 0, Done: int64(0), Failed: int64(0), Retried: int64(0), Restarts: int64(0), Bytes: int64(0), Workers: nil}
	_ = mp.WorkerInfo{Index: 0, PID: 0, State: "", Function: "", Since: time.Time{}, Done: int64(0), RSS: int64(0)}
	_ = mp.Event{Kind: "", Function: "", Index: 0, Worker: 0, PID: 0, Err: nil, Duration: time.Minute}
	_ = mp.ProcessInfo{Name: "", PID: 0, Parent: 0, Worker: 0, Depth: 0}
	_ = mp.WorkerError{
		Function: "", Index: 0, Worker: 0, PID: 0, ExitCode: 0, Signal: os.Signal(syscall.SIGKILL), OOM: true, Stderr: "", Crash: "", Attempts: 0,
	}
	_ = mp.PanicError{Value: "", Stack: ""}
	_ = mp.TimeoutError{Function: "", Index: 0, Timeout: time.Minute, Killed: true}
	_ = mp.RemoteError{Text: "", Type: "", Stack: ""}
	_ = mp.ElementError{Index: 0, Err: nil}
	_ = []pipe.Waitable{(*pipe.Conn)(nil), (*pipe.Listener)(nil), (*mp.Process[int])(nil), (*shared.Event)(nil)}
	_ = mp.Result[bool]{Value: true, Err: nil}

	_ = []mp.CallOption{mp.Timeout(0), mp.Retries(0), mp.Grace(0)}
	_ = []mp.MapOption{mp.Timeout(0), mp.Retries(0), mp.Grace(0), mp.ChunkSize(1), mp.Window(1), mp.Observe(nil)}
	_ = []mp.StartOption{mp.Grace(0), mp.Name(""), mp.Env(nil), mp.Dir(""), mp.MemoryLimit(0)}

	_ pipe.Config                                               = pipe.Config{AuthKey: []byte{}, TLS: (*tls.Config)(nil), MaxMessage: int64(0)}
	_ func() (*pipe.Conn, *pipe.Conn, error)                    = pipe.New
	_ func(string, string, pipe.Config) (*pipe.Listener, error) = pipe.Listen
	_ func(c, string, string, pipe.Config) (*pipe.Conn, error)  = pipe.Dial
	_ func(c, *pipe.Conn, int) error                            = pipe.Send[int]
	_ func(c, *pipe.Conn) (int, error)                          = pipe.Recv[int]
	_ func(c, ...pipe.Waitable) ([]pipe.Waitable, error)        = pipe.Wait
	_ error                                                     = pipe.ErrAuth
	_ interface {
		Accept(c) (*pipe.Conn, error)
		Addr() net.Addr
		Close() error
	} = (*pipe.Listener)(nil)
	_ interface {
		SendBytes(c, []byte) error
		RecvBytes(c) ([]byte, error)
		SendFile(c, *os.File) error
		RecvFile(c) (*os.File, error)
		Close() error
		Poll(c) (bool, error)
	} = (*pipe.Conn)(nil)
	_ interface{ Locker() sync.Locker } = (*shared.Mutex)(nil)
)
