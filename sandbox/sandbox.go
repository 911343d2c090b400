// Package sandbox takes from workers the rights that they do not need, for functions that handle input of strangers, or code that nobody
// trusts. What they can do to the rest of the machine is then what the policy says, and not what the user may do:
//
//	pool, err := mp.NewPool(mp.PoolConfig{Sandbox: sandbox.Policy{ReadOnly: []string{"/srv/data"}}.Task()})
//
// The zero Policy is the strictest: a worker computes, and talks to its parent, and that is all. Init runs before, and may open what the
// worker needs: what is open stays usable.
//
// # What a worker cannot do
//
// Open, list, look up, create or change files, except beneath the paths that the policy names; change the mode, the owner, the times or the
// attributes of any. Create sockets of any kind, unless Network is set, and then TCP and UDP over IP only, no Unix sockets, which lead to
// services on the same machine. Start programs, except those that Exec names, or fork. Trace a process, read or write its memory, send it a
// signal, change its limits or priority, take its descriptors. Mount, enter or make namespaces, gain privileges by a set-user-ID
// program, use io_uring, bpf, perf, keys, System V and POSIX message queues and shared memory, userfaultfd, or any other system call
// that is not on the list of those that programs like these need. What is refused fails with an error that is fs.ErrPermission; nothing is killed.
//
// Two mechanisms of the kernel do this, each for all threads: Landlock, which knows paths and processes, and a seccomp filter, which knows
// system calls. And all capabilities are given up: a worker of the superuser is then as any user who owns the superuser's files, so it cannot
// read what belongs to others only. All stays for good, whatever the worker does, and hold for what it starts. The filter lists what is allowed: system
// calls that kernels get later, and those of the 32-bit interfaces of amd64, are refused.
//
// # What it does not protect from
//
// Use of CPU, memory and disk beneath ReadWrite: see PoolConfig.TaskTimeout and MemoryLimit. Bugs of the kernel: a sandbox makes
// less of it reachable, a virtual machine would make it less still. Spectre and other covert channels; so do not give a worker what another's
// functions must not learn. What the worker was given: descriptors that are open when it is applied, environment variables, and its own memory,
// which is a copy of nothing of the parent's, but holds what Init read. Memory that the
// family shares (see package shared): a worker that has it can write nonsense into all of it. What it answers: results are the worker's
// words, so check them. Output: it can print what it likes.
// With Network, any address that the machine can reach. That others exist: it can tell which numbers of processes are in use.
//
// # What still works
//
// Elements, their timeouts and limits, crash reports, output, mp.Logger, mp.ReportProgress, Exit, package profile, and what package shared has
// in memory; of package pipe, a New whose two ends stay in the worker. A worker dies with its parent. Not what takes sockets, files or processes:
// pipe.Dial and pipe.Listen, ends of a pipe in arguments and results, manager.Manager, Start of a function and a pool of the worker's own (unless Exec has the program itself, and /proc and /dev/null can be read). What
// a library opens when it first needs it must be opened in Init, or be listed: time.Local is UTC unless it was used before, names of hosts
// need /etc/resolv.conf and /etc/hosts, TLS needs certificates.
//
// # Kernels
//
// Linux 5.13 on amd64 and arm64, with Landlock; 6.10 if there are paths (Landlock ABI 5), 6.12 for Exec (ABI 6, without the bug of its first
// versions). What the kernel cannot do is an error that is errors.ErrUnsupported, before anything is taken away. Before ABI 8 each thread is a
// world of its own to Landlock: a program that one thread has started, another may not kill, so that contexts do not end programs reliably,
// nor does Kill of a pool within. What they started ends with the worker.
//
// # Cost
//
// To obey takes a worker 0.9 ms, once. A call of the pool takes no longer: 2.9 to 3.1 µs with the zero policy, 3.0 to 3.4 without, alternately, in
// three runs on two CPUs of an AMD EPYC, Linux 6.18. The kernel remembers which system calls the filter always allows.
package sandbox

import (
	"context"

	"github.com/go-multiproc/mp"
)

// A Policy is what a process may do. The zero value allows the least. All paths must exist; those that are relative are so to the
// worker's directory, and symbolic links are followed when the policy is applied, not later.
type Policy struct {
	// ReadOnly are files that may be read, and directories beneath which everything may be. Defaults to none.
	ReadOnly []string
	// ReadWrite are files that may be read and written, and directories beneath which files and directories may be created, renamed and removed
	// as well. Defaults to none.
	ReadWrite []string
	// Exec are programs that may be started, and directories beneath which all may be. What is named may be read as well. A
	// program that is linked dynamically needs its loader and its libraries here. What is started has the same policy. Defaults to none.
	Exec []string
	// Network allows TCP and UDP, over IPv4 and IPv6, to and from anywhere. Defaults to no network.
	Network bool
}

var applyTask = mp.Func("mp/sandbox.apply", func(_ context.Context, p Policy) (struct{}, error) { return struct{}{}, Apply(p) })

// Task is the policy as PoolConfig.Sandbox takes it.
func (p Policy) Task() mp.Task { return applyTask.With(p) }

// Apply makes the calling process, all its threads, obey a policy for the rest of its life; so does everything that it starts. It is for a
// function that runs in a process of its own, which calls it when it has opened what it needs. A process can do so once, then it is an error.
// If it fails, the process may have lost some rights already: end it. The error is errors.ErrUnsupported where the kernel, or the
// system, cannot do what is asked, and fs.ErrNotExist for a path that does not exist.
//
// Main must not call it: workers that are started later would have the policy too.
func Apply(p Policy) error { return applyOnce(p) }
