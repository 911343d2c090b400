// Package mp runs functions in other processes, as easily as goroutines: what Python calls multiprocessing.
//
// A goroutine cannot be killed, cannot be given a memory limit, and takes the whole program with it when a C library
// crashes or a stack overflows. A worker process can, and does not. A program registers functions, calls Main first, and
// then calls them through a pool:
//
//	var square = mp.Func("square", func(ctx context.Context, x int) (int, error) { return x * x, nil })
//
//	func main() {
//		mp.Main()
//		pool, err := mp.NewPool(mp.PoolConfig{})
//		...
//		defer pool.Close()
//		squares, err := square.Map(ctx, pool, []int{1, 2, 3})
//	}
//
// # What is promised
//
// Every element handed to a pool gets exactly one outcome: its result, its function's error, or an error that tells what
// happened to its worker. Whatever happens to a worker, whenever, only the element that it had begun is hurt, and the pool
// starts another. What had not begun runs elsewhere; what had begun does not run twice unless Retries allows it. Workers
// die with their parent, however it dies, and with them the processes they started. Nothing is left behind.
//
// # How it works
//
// A worker is the same executable, started again; Main notices and serves. Arguments and results are copied: they are encoded
// into memory that the two processes share, and decoded on the other side. There is no other sharing, and no
// state of the parent but what package initialization makes anew. A worker runs one element at a time. The internal packages explain
// themselves: spawn how processes start and end, ring the shared memory, sched who gets what, codec the encoding.
//
// # Tests
//
// A test binary is a program as well: its workers must find Main.
//
//	func TestMain(m *testing.M) {
//		mp.Main()
//		os.Exit(m.Run())
//	}
//
// Package mptest has that as one call, executors that end with the test, and pools whose workers crash, hang or write nonsense when
// the test says so.
//
// Linux is supported. Elsewhere everything compiles, InProcess works, and what needs processes returns
// errors.ErrUnsupported.
package mp
