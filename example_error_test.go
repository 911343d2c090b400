//go:build linux

package mp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/go-multiproc/mp"
)

var readConfig = mp.Func("example.readConfig", func(_ context.Context, file string) (string, error) {
	b, err := os.ReadFile(file)
	return string(b), err
})

// enter changes the directory of its process, for the functions that run there later.
var enter = mp.Func("example.enter", func(_ context.Context, dir string) (string, error) { return dir, os.Chdir(dir) })

var whereAmI = mp.Func("example.whereAmI", func(context.Context, int) (string, error) { return os.Getwd() })

var goOut = mp.Func("example.goOut", func(context.Context, int) (int, error) {
	os.Exit(1)
	return 0, nil
})

// An error that was made in another process is what it was there, to errors.Is and errors.As.
func ExampleRemoteError() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	_, err = readConfig.Call(context.Background(), pool, "/etc/there-is-none")
	if remote, ok := errors.AsType[*mp.RemoteError](err); ok {
		fmt.Println("a", remote.Type, "from elsewhere:", remote)
	}
	path, ok := errors.AsType[*fs.PathError](err)
	fmt.Println(errors.Is(err, fs.ErrNotExist), ok && path.Op == "open")
	// Output:
	// a *fs.PathError from elsewhere: open /etc/there-is-none: no such file or directory
	// true true
}

// A worker of one's own keeps what it was told. When it dies, that is gone, and the lease says so.
func ExampleLease() {
	mp.Main()
	ctx := context.Background()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 2, Stderr: io.Discard})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	lease, err := pool.Lease(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer lease.Release()
	_, err = enter.Call(ctx, lease, "/usr")
	there, err2 := whereAmI.Call(ctx, lease, 0) // in the same process
	fmt.Println(there, errors.Join(err, err2), lease.Worker() >= 0, lease.PID() > 0)

	_, err = goOut.Call(ctx, lease, 0)
	ended, ok := errors.AsType[*mp.WorkerError](err)
	fmt.Println(ok && ended.PID == lease.PID())
	_, err = whereAmI.Call(ctx, lease, 0)
	fmt.Println(errors.Is(err, mp.ErrLeaseLost))
	// Output:
	// /usr <nil> true true
	// true
	// true
}
