// Package spawn starts worker processes and follows them to their end. This is how, step by step, and what each thing
// that can go wrong at each step leads to. Files named _linux hold what only Linux can do; elsewhere Start reports
// errors.ErrUnsupported.
//
// # Model
//
// A worker is the parent's own executable, started again from /proc/self/exe, which names the running file even when
// an upgrade has put another under its name. What makes it a worker is one variable in its environment, the marker,
// with a random token and the depth of the process in its family. Everything else it needs comes over a socket that it
// finds as descriptor 3, for command lines and environments can be read in /proc by others.
//
// Parent and worker trust each other differently. The worker believes its parent. The parent believes nothing: a
// frame has a limit, a length is checked before memory follows it, and a worker that says what it should not is killed.
//
// # States of a worker
//
//	starting   Start is at work; an error leaves nothing
//	up         the process exists and is tied to its parent; the channel may be written to
//	ready      FrameReady was read: it is the same program, with the same registry, and serves
//	dying      the alive word is marked, or the socket ended: nothing more is given to it
//	done       Done is closed: its group is killed, its output passed on, its status known
//	closed     Close: nothing of it is left in the parent
//
// A worker goes through them in this order, never back, and may go from any of the first three to dying. Child belongs
// to two goroutines: the caller of Recv, who alone moves it to ready, and watch, which alone moves it to done.
//
// # Start
//
//	 1  socket      a pair of stream sockets: control
//	 2  channel     a sealed memfd, mapped; the parent writes magic and version
//	 3  crash       a memfd for the Go runtime's crash report
//	 4  side        a pair of packet sockets, for package side
//	 5  lifeline    a pipe, both ends of which stay with the parent
//	 6  output      two pipes, for stdout and stderr
//	 7  stdin       /dev/null
//	 8  descriptors the type of the first frame, with the descriptors of channel, crash and side, into the new socket
//	 9  process     vfork and exec, on the spawner thread: a group of its own, Pdeathsig SIGKILL
//	10  arm         both ends of the lifeline are armed for that group
//	11  config      the rest of the first frame
//
// Before the first step those packages are told that asked for it in BeforeStart. Each step but the last can fail; the error names it, and what the steps before made goes again, the process
// included. Step 11 fails only if the worker is gone already, and then it is like any other that died early. Before
// step 11 nothing runs in the worker but package initialization, and from step 10 on nothing that it starts outlives the
// parent.
//
// # Handshake
//
// A frame is its type (1 byte), a length (u32) and a body; FrameWake is the type alone. From the parent:
//
//	FrameConfig    once, first: Config, with the descriptors
//	FrameCancel    at any time after it
//
// From the worker:
//
//	FrameMain      Main was called
//	FrameHello     the build, and the registry if its digest is not the one in Config
//	FrameReady     it serves
//	FrameNotMain   instead of any of these: a use of the library before Main, or no Main in time; then it exits with 113
//	FrameFailed    likewise: it cannot serve, and why; then it exits with 1
//	FrameWake      after FrameReady, and nothing else then: look at the channel
//
// A good worker sends the first three in one write, when everything is in place. The build is the runtime's version
// and the size and time of the file: both sides look at /proc/self/exe, so they differ only if the worker is not what
// was started. If the registry differs, the worker sends it and then waits to be killed: an element must never run as
// another function than its caller meant. The error lists the difference name by name.
//
// # The fork bomb
//
// A program that makes a pool and does not call Main would do so again in each worker, and so on. Against this stand:
//
//  1. The depth in the marker: a process below abi.MaxDepth exits before anything else, and Start refuses to make one.
//     The marker is removed from the environment in this package's initialization, which comes before that of
//     whatever imports the library, and childEnv puts exactly one in place of any other, for os.StartProcess removes
//     no duplicates, and the first would win.
//  2. RequireMain: whatever starts processes says FrameNotMain instead, and exits, in a marked process that has not
//     called Main. So does Start itself. This covers package initialization that makes a pool.
//  3. A timer, mainLimit: a worker that neither calls Main nor uses the library. It counts ticks, so that a worker that got no CPU is not
//     taken for one.
//  4. A worker that ends with code 0 before FrameMain has no Main either: who calls Main stays in it.
//  5. A test binary gets -test.run=^$ for its arguments, whatever it is called: without a hook in TestMain no test runs.
//  6. The engine takes a handshake that failed for the last word: no second try, NewPool returns ErrNotMain, which
//     tells what to write where. Only a worker that somebody killed is tried again, with growing pauses, up to five
//     starts in a row.
//
// A marked process that finds no socket as descriptor 3 has no parent: somebody copied the marker. It exits with 113.
//
// # The family's secret
//
// A family has 32 random bytes that nobody else knows. The first process makes them when they are first asked for, each
// child gets them in its Config, over the socket that only it and its parent hold, unless it is not trusted: then it gets others. Nothing uses them but Derive, which
// makes keys of them, one for each purpose. Who may read a process's memory can read them: that is root, and whoever may trace it, as
// programs of the same user may.
//
// # Workers that are not trusted
//
// With Spec.NoArena a worker gets nothing of its family. Who trusts whom is then: the worker its parent, as ever; the parent nobody; and no
// other process reads anything that this worker can write.
//
//	what it can reach          and what comes of it
//	its channel                packages ring and link: its own elements
//	its control socket         once it serves, FrameWake and nothing else is taken; descriptors that it sends are dropped by the kernel
//	its side socket            package side: records and fractions of its own
//	stdout, stderr             lines with its prefix; what it prints there may make its own exit look like another
//	the crash memfd            likewise. It is read once, maxCrash at most; its pages count as the worker's, if it is in a control group
//	the environment            is the parent's: what must not be known has to be taken out of that
//
// Four things are different for it. The descriptor of the arena is not sent, and its end is not told to the family, which had nothing to
// do with it: so it does not wait for a sweep. Its death is seen by its own alive word and the pidfd, as that of any worker. Its secret is fresh
// random bytes, so nothing that is derived from the family's fits. In Config, Root makes it the first of a family of its own, which has an
// office as soon as it starts something, and NoArena tells it, and through it all below, why there is no shared memory. And
// the marker ends in abi.MarkerApart: then descriptors without close-on-exec, which are the program's, are closed in this package's
// initialization, before any other package can see them. What the runtime has opened by then is close-on-exec.
//
// Nothing here keeps it from what the kernel allows to processes of one user.
//
// # Ties to the parent
//
// The parent may end by SIGKILL, at any instruction. Three things then end what it started:
//
//   - Pdeathsig. The kernel sends SIGKILL to the worker, and to it alone, when the thread that started it ends. All
//     starts are made by one thread that ends only with the process. It holds from before the exec. It ends a worker
//     about as fast as the parent's threads end, even if the parent's memory takes long to tear down.
//   - The lifeline. A pipe whose ends the parent holds, both with O_ASYNC and F_SETSIG SIGKILL for the worker's group.
//     When the parent ends, the kernel closes one end before the other, whichever, and closing it signals the owner of
//     the end that is still open. This ends everything that the worker started, too, unless it left the group. (The
//     worker must not hold an end: killed by Pdeathsig it would take the armed end along before a large parent closes
//     the other, and its own children would live.) It works when the parent becomes another program by execve, too, for
//     both ends are close-on-exec. It comes after the parent's memory is torn down, 0.1 ms for each MiB.
//   - The end of the control socket, which a worker that listens takes for the wish that it ends in order. This is what
//     Close of a pool comes down to; after a kill the other two are faster.
//
// Both signals are SIGKILL and need nothing of the victim: it may be in C, in a loop that the runtime cannot preempt,
// or stopped. A worker's own workers are tied to it in the same way, so the family goes down level by level.
//
// What survives: a process that left the group (setsid, setpgid) or became another user (setuid), and everything in
// the group if code in the parent forked without exec and so holds the lifeline. Its control group stays, empty, until another program looks.
//
// # Knowing of the end
//
// In this order: the alive word in the channel (package robust), the end of the control socket, the pidfd. The first
// two make a worker dying, only the last makes it done. Wherever the first ends, Kill follows, so that a worker that
// closed its socket, or lost it to broken code, ends as well. A process that the worker started may hold its end of the
// socket: so when the pidfd tells, the parent ends the socket itself.
//
// # Reaping
//
//	1  wait until the worker is a zombie, without reaping it (WNOWAIT)
//	2  kill its group: as long as it is not reaped, no other group can have its number; its control group follows in step 4
//	3  pass on what it wrote, at most flushLimit long
//	4  reap it, under the lock under which signals are sent, so that none is sent to a later process with its pid
//	5  read the crash report, and close Done
//
// If somebody else in the program reaped the worker, or SIGCHLD is ignored, step 1 finds nobody: the group is then
// killed through the lifeline, which means the group and not its number, and the exit code is -1.
//
// # Descriptors
//
// A worker has 0 to 3, the copy of crash that the runtime holds, its end of the side channel, those of the runtime's poller, and no other that this
// package made: all are close-on-exec from their making, so siblings that start at the same time have the same number.
// The channel's is closed when it is mapped. What the program itself holds without close-on-exec is inherited, as
// through os/exec: that is how a program passes a descriptor on by hand. The parent holds eight for each worker:
// control, side, the two ends of the lifeline, crash, stdout, stderr, and the pidfd; and one more to look at its memory. Three are on their way until the worker takes
// them; the kernel bounds those by the limit of open files, for users without privileges.
//
// # Output
//
// stdout and stderr are passed on in whole lines, each with the worker's prefix, several workers never mixed within
// one. A line without an end is ended when the worker ends; one of more than maxLine comes in pieces. When the worker
// has ended, what is in the pipe is still read, up to maxAfterDeath, and a process that holds the pipe open is not
// waited for. The last lines of stderr are kept for the error. A writer that blocks makes the worker wait, as a
// terminal would; it holds up the end of the worker by flushLimit and no more.
//
// # Crash reports
//
// debug.SetCrashOutput writes the runtime's report to the crash memfd, so that no output of the program can garble it.
// The reason of a fatal error precedes the report and goes to stderr only; it is added. A worker that crashes before
// it has the memfd, in package initialization or because it found no thread to run on, is quoted from stderr.
//
// # Limits
//
// MemoryLimit is the kernel's affair where it can be: see Control groups. Elsewhere it is the parent's, which looks every sampleEvery, or
// sampleNear from half of the limit on, and kills. It counts what the worker has for itself (resident and not shared): not the arena, whose
// pages belong to all, nor text. What it cannot count is what the worker's own children have, and what is in files without a name. How
// far a worker gets above the limit is what it can touch between two looks: measured with one that does nothing else, on two busy CPUs, 4
// MiB at the most; with looks every 10 ms it was 33.
//
// The worker sets 9/10 of it as the runtime's soft limit, or less if GOMEMLIMIT says so, and half of it for a goroutine's stack, at most
// maxStack. MaxProcs becomes GOMAXPROCS unless the environment sets that. CPUs binds every thread, Nice makes every thread nicer. Exit.OOM is set if the limit was passed, if
// the kernel killed in the worker's group, if the runtime says so, or if the worker got a SIGKILL that this process did not send while the
// kernel's count of OOM kills in this process's control group grew: the last is a guess, and wrong if somebody else killed it at that time.
//
// # Control groups
//
// A worker with a MemoryLimit starts in a control group of its own, of version 2, with memory.max, without swap, where this process may make
// one without being moved: below its own group if that is the root, for any other that has processes cannot have controllers below it; or
// beside its own, if the group above may be written to, has the memory controller, and is no slice, which is systemd's. So a service needs
// Delegate=yes and DelegateSubgroup=main, or whoever starts the program puts it into a leaf of what was delegated. The place is looked
// for once. If any step fails, there or at a start, the parent looks itself, as above.
//
// The kernel then counts everything: children, whatever group or session they went over to, file cache, which it drops first, and pages of the
// arena that this worker was the first to touch. It kills all of the group at once, and says so, and how much there was at the most. When
// the worker has ended, what is left in its group is killed, and the group removed. Its name carries the pid namespace, the pid and the
// start time of its owner: the next process that looks for a place removes those of dead owners, which are empty or cannot be removed.
//
// A tree of files takes the place of the kernel's in the tests of all this; the start in a real group, the end of what had left the worker's
// session, and the removal were tested on a hierarchy without the memory controller. The test of a limit in a group runs where one is
// delegated.
//
// # Failures
//
//	what                                        outcome
//	out of descriptors, processes, memory       Start: an error that names the step
//	Dir does not exist, or is a file            likewise
//	no /proc                                    likewise: exec /proc/self/exe
//	the worker crashes before Main              an exit without FrameReady, with the crash report
//	the worker finds no thread                  likewise: fatal error: newosproc
//	no Main                                     ErrNotMain
//	a CPU that does not exist                   FrameFailed
//	another build, another registry             an error that tells the difference; killed
//	a malformed frame, an unknown one           an error; killed; once it serves, without waiting for the rest of it
//	the worker closes its socket                killed
//	no control group can be made, or entered    the parent looks at the worker's memory itself
//	the worker stops (SIGSTOP)                  nothing: deadlines are the engine's affair
//	the worker writes and nobody reads          it waits; its end is bounded by flushLimit
//	the worker's pid is reaped by others        exit code -1
//
// # Killed between two steps
//
// The parent, before step 9: nothing has a name, so nothing is left. In step 9: the child asks for Pdeathsig and then
// looks whether its parent is still the same, and ends itself if not. Between 9 and 10: Pdeathsig ends the worker, which
// is still in its runtime's first millisecond. After 10: the group. While it reaps: init does it.
//
// The worker, before its exec: Start succeeds, and the socket ends at once. Before it has taken the descriptors: the
// kernel drops them with the socket. In the handshake: the socket ends in the middle of it, and since a signal ended
// it, that says nothing about its program. After it: the package link settles what the worker had. In the middle of its
// own start of a worker: it is then the parent of the paragraph above.
package spawn
