//go:build linux

// Command untrusted renders a template of a stranger, who knows how to take over whoever renders it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/sandbox"
)

// render stands for a library with a hole: it does what the template wants.
var render = mp.Func("render", func(_ context.Context, template string) (string, error) {
	var err error
	switch template {
	case "read your files":
		_, err = os.ReadFile("/etc/passwd")
	case "send them away":
		_, err = net.Dial("tcp", "192.0.2.1:443")
	case "start a shell":
		_, err = os.StartProcess("/bin/sh", []string{"sh"}, &os.ProcAttr{})
	case "kill the server":
		err = syscall.Kill(os.Getppid(), syscall.SIGKILL)
	case "take its memory":
		err = syscall.PtraceAttach(os.Getppid())
	}
	return "<p>" + template + "</p>", err
})

func main() {
	mp.Main()
	pool, err := mp.NewPool(mp.PoolConfig{
		Workers:     1,
		NoArena:     true,                    // nothing that other processes see lies in its memory
		Sandbox:     sandbox.Policy{}.Task(), // no files, no network, no programs, no other process
		TaskTimeout: time.Second,
		MemoryLimit: 256 << 20,
		MaxTasks:    100,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	for _, template := range []string{"hello", "read your files", "send them away", "start a shell", "kill the server", "take its memory"} {
		page, err := render.Call(context.Background(), pool, template)
		if errors.Is(err, fs.ErrPermission) { // operation not permitted, or permission denied
			page = "refused"
		} else if err != nil {
			page = err.Error()
		}
		fmt.Printf("%-16s %s\n", template, page)
	}
}
