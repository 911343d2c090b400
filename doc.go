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
// die with their parent, however it dies, and with them the processes they started, unless these have left the worker's process
// group, as setsid does. Nothing else is left behind.
//
// # How it works
//
// A worker is the same executable, started again; Main notices and serves. Arguments and results are copied: they are encoded
// into memory that the two processes share, and decoded on the other side. There is no other sharing, and no
// state of the parent but what package initialization makes anew. A worker runs one element at a time. The internal packages explain
// themselves: spawn how processes start and end, ring the shared memory, sched who gets what, codec the encoding.
//
// # Workers that are not trusted
//
// A pool believes nothing that a worker says. One that runs wild, or was taken over by what it was given to work on, can make its own
// elements fail, be late or have wrong results, keep a thread of the parent busy by talking all the time, and print what it likes. It cannot crash
// the parent, make it read out of bounds or allocate what was never sent, or touch what other workers have: each channel is private.
// What a worker sends, the parent does hold, as a result or a line: a MemoryLimit bounds a result, too, and TaskTimeout the time in which it comes. A result
// is data of somebody who is not trusted: check it.
//
// Package shared is another matter. Whoever has the family's shared memory can overwrite all of it: every object, the words of locks,
// the lists of what is free. Other processes check what they read there before they follow it, so that the objects are wrong, are errors, or
// keep those waiting for ever who use them, also beyond their context; but programs that use such objects cannot be protected
// from what is in them. A pool's own work goes on, for nothing of it lies there; the end of a worker may be told up to a second late.
//
// PoolConfig.NoArena is for workers that are not trusted with that: they have their channel, a control and a side socket, their streams and a file
// for their crash report, and nothing else, not even what the program itself holds without close-on-exec. Functions, Init, limits, retries, logs, Broadcast and
// leases work as ever. An argument with a handle of package shared, or an end of a pipe, makes its element fail with ErrDetached; a
// manager's proxy is detached; and to make a shared object there is an error that names NoArena. Such a worker is the first of a family of its own,
// with a secret that others do not know: what it starts can exchange ends of pipes with it, and has no shared memory either. Do not pass it in an
// argument what it should not know, as the bytes of a handle: they name the family.
//
// That takes away what the library gave. What the system gives to every process of the same user is still there: such a worker can open that
// user's files, read the environment that it inherits, connect to the network, send signals to the parent, trace it, and write to /proc/PPID/mem. Package
// sandbox takes these away as well; without it NoArena protects from accidents and from code that has not been written against this
// program, not from an attacker who runs code of his own.
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
