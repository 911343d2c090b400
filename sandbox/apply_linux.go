package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/landlock-lsm/go-landlock/landlock"
	llsys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
	capability "kernel.org/pub/linux/libs/security/libcap/cap"

	"github.com/go-multiproc/mp/internal/spawn"
)

// A kernel is what of the kernel a policy needs. Tests put others in its place.
type kernel struct {
	arch     string
	landlock func() (abi int, err error)
	errata   func() (int, error)
	drop     func() error                                  // all capabilities, of all threads
	restrict func(landlock.Config, ...landlock.Rule) error // by Landlock, all threads
	filter   func(seccomp.Filter) error                    // by seccomp
}

var system = kernel{
	arch:     runtime.GOARCH,
	landlock: llsys.LandlockGetABIVersion,
	errata:   llsys.LandlockGetErrata,
	drop:     func() error { return capability.NewSet().SetProc() },
	restrict: func(c landlock.Config, rules ...landlock.Rule) error { return c.Restrict(rules...) },
	filter:   seccomp.LoadFilter,
}

// confined is set by the first Apply. A second would hang in a program with cgo: libpsx, which both libraries use, makes every system call
// in all threads by way of a signal and of /proc, which are no more.
var confined atomic.Bool

// applyOnce is apply for the calling process.
func applyOnce(p Policy) error {
	if _, err := os.ReadDir("/proc/self/task"); err != nil {
		return fmt.Errorf("mp: sandbox: to reach all threads takes /proc: %w", err)
	}
	if confined.Swap(true) {
		return errors.New("mp: sandbox: this process has a policy already")
	}
	return apply(system, p)
}

// apply checks what it can before it takes away the first right. The filter comes last, for it refuses system calls that the others need.
func apply(k kernel, p Policy) error {
	names, err := syscalls(k.arch)
	if err != nil {
		return fmt.Errorf("mp: sandbox: %w", err)
	}
	abi, err := k.abi()
	if err != nil {
		return fmt.Errorf("mp: sandbox: %w", err)
	}
	if least, what := p.leastABI(); abi < least {
		return fmt.Errorf("mp: sandbox: %s needs Landlock ABI %d, and the kernel has %d: %w", what, least, abi, errors.ErrUnsupported)
	}
	rules, err := p.rules()
	if err != nil {
		return fmt.Errorf("mp: sandbox: %w", err)
	}
	spawn.Confining()
	if err := k.drop(); err != nil {
		return fmt.Errorf("mp: sandbox: capabilities: %w", err)
	}
	if err := k.restrict(p.landlock(abi), rules...); err != nil {
		return fmt.Errorf("mp: sandbox: Landlock: %w", err)
	}
	// no_new_privs is set for this thread, and the kernel takes it to all others with the filter.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = k.filter(seccomp.Filter{
		NoNewPrivs: true,
		// With TSYNC alone the number of the thread that could not be synchronized is the result, and no error.
		Flag:   seccomp.FilterFlagTSync | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
		Policy: p.filter(names, os.Getpid(), abi),
	})
	if err != nil {
		return fmt.Errorf("mp: sandbox: seccomp: %w", err)
	}
	return nil
}

// abi is the version of Landlock that can be relied on.
func (k kernel) abi() (int, error) {
	abi, err := k.landlock()
	if err != nil || abi < 1 {
		return 0, fmt.Errorf("the kernel has no Landlock, or it is not enabled (%w): %w", err, errors.ErrUnsupported)
	}
	if abi >= abiSignals {
		// The first kernels with scopes for signals refused them between the threads of one process, which the Go runtime sends.
		const signalsBetweenThreads = 1 << 1
		if errata, err := k.errata(); err != nil || errata&signalsBetweenThreads == 0 {
			abi = abiSignals - 1
		}
	}
	return abi, nil
}

// What the versions of Landlock brought that a policy relies on.
const (
	abiDevices = 5 // ioctl of devices; 3 brought truncating, 2 renaming between directories
	abiSignals = 6 // signals to processes outside
)

// leastABI is the version of Landlock without which the policy would be less than it says, and for what.
func (p Policy) leastABI() (abi int, what string) {
	switch {
	case len(p.Exec) > 0:
		return abiSignals, "Policy.Exec"
	case len(p.ReadOnly) > 0:
		return abiDevices, "Policy.ReadOnly"
	case len(p.ReadWrite) > 0:
		return abiDevices, "Policy.ReadWrite"
	}
	return 1, "a Policy"
}

// landlock is all that this version can restrict, so that nothing is allowed that no rule names.
func (p Policy) landlock(abi int) landlock.Config {
	all := [...]landlock.Config{
		landlock.V1, landlock.V2, landlock.V3, landlock.V4, landlock.V5, landlock.V6, landlock.V7, landlock.V8, landlock.V9, landlock.V10, landlock.V11,
	}
	c := all[min(abi, len(all))-1]
	if p.Network {
		c.HandledAccessNet = 0
	}
	return c
}

// What may be done beneath a path; of a file only what is in onFiles. Nothing needs devices, sockets or pipes in the file system.
const (
	toRead  landlock.AccessFSSet = llsys.AccessFSReadFile | llsys.AccessFSReadDir
	toWrite landlock.AccessFSSet = llsys.AccessFSWriteFile | llsys.AccessFSTruncate | llsys.AccessFSRemoveDir | llsys.AccessFSRemoveFile |
		llsys.AccessFSMakeDir | llsys.AccessFSMakeReg | llsys.AccessFSMakeSym | llsys.AccessFSRefer
	toExec  landlock.AccessFSSet = llsys.AccessFSExecute
	onFiles landlock.AccessFSSet = llsys.AccessFSReadFile | llsys.AccessFSWriteFile | llsys.AccessFSTruncate | llsys.AccessFSExecute
)

// rules are what Landlock allows.
func (p Policy) rules() ([]landlock.Rule, error) {
	var rules []landlock.Rule
	for _, f := range []struct {
		field  string
		paths  []string
		access landlock.AccessFSSet
	}{
		{"ReadOnly", p.ReadOnly, toRead}, {"ReadWrite", p.ReadWrite, toRead | toWrite}, {"Exec", p.Exec, toRead | toExec},
	} {
		for _, path := range f.paths {
			info, err := os.Stat(path)
			if err != nil {
				return nil, fmt.Errorf("in Policy.%s: %w", f.field, err)
			}
			access := f.access
			if !info.IsDir() {
				access &= onFiles
			}
			rules = append(rules, landlock.PathAccess(access, path))
		}
	}
	return rules, nil
}
