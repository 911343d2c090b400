//go:build linux

package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/sandbox"
)

// render is code that is not trusted.
var render = mp.Func("example.render", func(_ context.Context, template string) (string, error) {
	if _, err := os.ReadFile("/etc/passwd"); err != nil {
		fmt.Println("no file:", errors.Is(err, os.ErrPermission))
	}
	if _, err := net.Dial("tcp", "192.0.2.1:80"); err != nil {
		fmt.Println("no network:", errors.Is(err, os.ErrPermission))
	}
	return "<p>" + template + "</p>", nil
})

func Example() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, Sandbox: sandbox.Policy{}.Task(), Stdout: plain{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := render.Call(context.Background(), pool, "hello")
	_ = pool.Close()
	fmt.Println(page, err)
	// Unordered output:
	// no file: true
	// no network: true
	// <p>hello</p> <nil>
}

// plain prints what workers print without a prefix that has their pid.
type plain struct{}

func (plain) Write(line []byte) (int, error) {
	for i := range line {
		if line[i] == ']' {
			return len(line), write(line[i+2:])
		}
	}
	return len(line), write(line)
}

func write(line []byte) error {
	_, err := os.Stdout.Write(line)
	return err
}

func ExamplePolicy_Task() {
	mp.Main()
	dir, err := os.MkdirTemp("", "sandbox")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	policy := sandbox.Policy{ReadOnly: []string{"/etc"}, ReadWrite: []string{dir}}
	pool, err := mp.NewPool(mp.PoolConfig{Workers: 1, Sandbox: policy.Task()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	for _, name := range []string{dir + "/a", "/etc/a"} {
		_, err := create.Call(context.Background(), pool, name)
		fmt.Println(errors.Is(err, os.ErrPermission))
	}
	// Output:
	// false
	// true
}

var create = mp.Func("example.create", func(_ context.Context, name string) (int, error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	return 0, f.Close()
})
