package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// The lists are of names on any architecture: those that one does not have are left out. What is on none of them is refused. Each system
// call here was added because the Go runtime, the library or the C library needs it, and because it reaches nothing but the process itself,
// what it has open, and, where paths are, what Landlock guards.

// always are calls that every policy allows, with any arguments.
var always = strings.Fields(`
	read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close close_range dup dup2 dup3 flock
	fstat fstatfs fsync fdatasync sync_file_range ftruncate fallocate fadvise64 readahead sendfile splice tee vmsplice copy_file_range
	getdents64 getcwd umask cachestat memfd_create pipe pipe2 eventfd eventfd2 signalfd signalfd4
	poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
	timerfd_create timerfd_settime timerfd_gettime
	sendmsg recvmsg sendmmsg recvmmsg recvfrom getsockname getpeername getsockopt setsockopt shutdown

	mmap munmap mremap mprotect madvise mincore msync mlock mlock2 munlock mlockall munlockall brk mseal
	pkey_alloc pkey_free pkey_mprotect mbind get_mempolicy set_mempolicy membarrier map_shadow_stack

	futex futex_waitv futex_wait futex_wake futex_requeue set_robust_list set_tid_address rseq restart_syscall arch_prctl
	rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigpending rt_sigtimedwait sigaltstack pause alarm
	sched_yield sched_getaffinity sched_getparam sched_getscheduler sched_getattr sched_get_priority_max sched_get_priority_min
	sched_rr_get_interval getpriority getcpu
	nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times getitimer setitimer
	timer_create timer_settime timer_gettime timer_getoverrun timer_delete
	exit exit_group wait4 waitid

	getpid getppid gettid getpgid getpgrp getsid getuid geteuid getgid getegid getresuid getresgid getgroups capget
	getrlimit setrlimit getrusage sysinfo uname getrandom

	capset seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self`) // the last line can only take more away

// reading looks up and opens names, which Landlock then judges, and so do the calls of writing. A policy without paths needs none of it,
// and so does not tell either which files there are, of which Landlock has no idea.
var reading = strings.Fields(`
	open openat openat2 stat lstat newfstatat fstatat statx access faccessat faccessat2 readlink readlinkat statfs chdir fchdir getdents`)

// writing changes directories. Modes, owners, times and attributes are not here: Landlock does not tie them to paths.
var writing = strings.Fields(`
	creat truncate mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat`)

// executing starts programs and follows them.
var executing = strings.Fields(`
	execve execveat fork vfork fcntl kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_send_signal setpgid setsid`)

// talking is for sockets of the network.
var talking = strings.Fields(`connect bind listen accept accept4 sendto`)

// harmless are the operations of prctl that change nothing about how the process dies, or who may look into it.
var harmless = []uint64{
	unix.PR_SET_NAME, unix.PR_GET_NAME, unix.PR_SET_VMA, unix.PR_SET_NO_NEW_PRIVS, unix.PR_GET_NO_NEW_PRIVS, unix.PR_GET_DUMPABLE,
	unix.PR_GET_PDEATHSIG, unix.PR_GET_SECCOMP, unix.PR_CAPBSET_READ, unix.PR_GET_TIMERSLACK, unix.PR_SET_TIMERSLACK,
	unix.PR_GET_THP_DISABLE, unix.PR_SET_THP_DISABLE,
}

// descriptors are the operations of fcntl that send nobody signals; terminals those of ioctl that programs of all kinds use.
var (
	descriptors = []uint64{
		unix.F_DUPFD, unix.F_DUPFD_CLOEXEC, unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_SETFL, unix.F_GETLK, unix.F_SETLK, unix.F_SETLKW,
		unix.F_OFD_GETLK, unix.F_OFD_SETLK, unix.F_OFD_SETLKW, unix.F_GETPIPE_SZ, unix.F_SETPIPE_SZ, unix.F_GET_SEALS, unix.F_ADD_SEALS,
	}
	terminals = []uint64{unix.TCGETS, unix.TIOCGWINSZ, unix.TIOCINQ, unix.TIOCOUTQ, 0x5421, 0x5450, 0x5451} // FIONBIO, FIONCLEX, FIOCLEX
)

// others are the flags of clone that make namespaces, or a child of the parent's. They are all in the lower half, beyond which the call
// does not look.
const others = unix.CLONE_PARENT | unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID |
	unix.CLONE_NEWNET

// syscalls are the numbers of system calls by name.
func syscalls(goarch string) (map[string]int, error) {
	if goarch != "amd64" && goarch != "arm64" {
		return nil, fmt.Errorf("there is none on %s: %w", goarch, errors.ErrUnsupported)
	}
	info, err := arch.GetInfo(goarch)
	if err != nil {
		return nil, err
	}
	return info.SyscallNames, nil
}

// filter is the policy in terms of system calls, for the process pid and this version of Landlock.
func (p Policy) filter(known map[string]int, pid, abi int) seccomp.Policy {
	names := slices.Clone(always)
	if len(p.ReadOnly)+len(p.ReadWrite)+len(p.Exec) > 0 {
		names = append(names, reading...)
	}
	if len(p.ReadWrite) > 0 {
		names = append(names, writing...)
	}
	conditions := clauses{}
	conditions.add("socketpair", is(0, unix.AF_UNIX), without(1, ^uint64(unix.SOCK_STREAM|unix.SOCK_SEQPACKET|flags)))
	for _, operation := range harmless {
		conditions.add("prctl", is(0, operation))
	}
	conditions.add("prlimit64", is(0, 0))
	conditions.add("setpriority", is(0, unix.PRIO_PROCESS), is(1, 0))
	conditions.add("sched_setaffinity", is(0, 0))
	if len(p.Exec) > 0 {
		names = append(names, executing...)
		conditions.add("clone", without(0, others))
		conditions.add("prctl", is(0, unix.PR_SET_PDEATHSIG))
	} else {
		self := uint64(pid)
		conditions.add("clone", with(0, unix.CLONE_THREAD), without(0, others))
		conditions.add("kill", is(0, self))
		conditions.add("tgkill", is(0, self))
		for _, operation := range descriptors {
			conditions.add("fcntl", is(1, operation))
		}
	}
	if abi >= abiSignals {
		names = append(names, "ioctl")
	} else {
		// Some of them make the kernel signal a process when a descriptor is ready, which Landlock does not see here.
		for _, operation := range terminals {
			conditions.add("ioctl", is(1, operation))
		}
	}
	if p.Network {
		names = append(names, talking...)
		for _, domain := range []uint64{unix.AF_INET, unix.AF_INET6} {
			conditions.add("socket", is(0, domain), without(1, ^uint64(unix.SOCK_STREAM|flags)))
			conditions.add("socket", is(0, domain), without(1, ^uint64(unix.SOCK_DGRAM|flags)))
		}
	} else {
		conditions.add("sendto", is(4, 0)) // on what is connected already
	}
	names = slices.DeleteFunc(names, func(name string) bool { _, ok := known[name]; return !ok })
	return seccomp.Policy{
		DefaultAction: seccomp.ActionErrno, // EPERM, also for calls by another architecture's numbers
		Syscalls: []seccomp.SyscallGroup{
			{Names: names, NamesWithCondtions: conditions, Action: seccomp.ActionAllow},
			// Its flags lie in memory, where a filter cannot look; the C library then makes its threads by clone.
			{Names: []string{"clone3"}, Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS)},
		},
	}
}

// flags may go with the type of a socket.
const flags = unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK

// clauses are calls that are allowed with some arguments: all conditions of one clause must hold. The comparisons are of 64 bits, of which
// the kernel drops the upper half where an argument has 32: so a clause says what is allowed, never what is not.
type clauses []seccomp.NameWithConditions

func (c *clauses) add(name string, conditions ...seccomp.Condition) {
	*c = append(*c, seccomp.NameWithConditions{Name: name, Conditions: conditions})
}

func is(argument uint32, value uint64) seccomp.Condition {
	return seccomp.Condition{Argument: argument, Operation: seccomp.Equal, Value: value}
}

// with wants one of these bits, and without none of them.
func with(argument uint32, bits uint64) seccomp.Condition {
	return seccomp.Condition{Argument: argument, Operation: seccomp.BitsSet, Value: bits}
}

func without(argument uint32, bits uint64) seccomp.Condition {
	return seccomp.Condition{Argument: argument, Operation: seccomp.BitsNotSet, Value: bits}
}
