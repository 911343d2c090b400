// Package robust tells who is alive, who holds what, and what happens when a holder dies.
//
// # Alive
//
// The one thing that cannot be forgotten is a word that the kernel itself marks when a process ends, however it ends. A thread
// may register with the kernel a list of words that hold its id (set_robust_list(2)). The kernel walks the list when the thread
// exits, before it tears the address space down, and sets bit 30 of each. A process registers a word in its channel, if it
// is a worker, and one in the arena, if it uses that, with a thread that ends only with the process. Others see the mark about
// 0.4 ms after a kill, while a pidfd waits for the teardown, which takes 110 µs for each MiB that the victim used.
//
// That thread is the main thread, which the Go runtime never ends, and which runs package initialization: Prepare registers the
// list there while it is still empty, and Announce later puts words on it. Where the main thread has a list already, for a C
// library keeps one, Announce starts a thread for it.
//
// The mark means suspect: the other threads of the victim may still run for some microseconds. Nothing more may be given to such
// a process; what it holds is given to others when its pidfd says that it has ended. A process can forge its word either
// way. To feign death costs it its own work; to feign life changes nothing, for the pidfd decides. A process that becomes another
// program by execve is marked, too.
//
// # The family
//
// All processes that map one arena are a Family. Each has a slot: its identity, which is its pid and its start time in one word
// and so is never another's, its alive word, and its parent's slot. They trust each other: who can write to the arena can break
// all that is below. What they do not trust is that anybody lives to do his next step.
//
//	free      Identity 0
//	taken     Identity set, by one compare-and-swap of the process itself; the rest of the slot may be the last owner's still
//	announced Alive holds a thread id
//	dead      the kernel has marked Alive, or the pid and start time are no running process's
//	swept     what it held is given back; then Identity becomes 0, and the slot may be taken again
//
// A slot's number stands for its process in every word that says who holds something. That is sound because a slot is not
// taken again before its sweep has ended, and a sweep leaves no word with that number behind.
//
// # Who notices
//
//   - The parent, which has the pidfd: before anybody is told of the end, it sweeps (Family.Ended).
//   - Who waits for a lock and finds its owner marked (Family.Suspect).
//   - Whoever waits for anything: every tick it looks at all alive words, and every tenth tick asks the kernel for processes
//     whose word cannot be marked (Family.suspectAll). This works when the parent is stopped, or busy, or dead.
//   - Who sweeps a parent looks after its children, which die with it, and whose pidfd nobody has.
//
// Nobody sweeps before the kernel has said that all threads of the process are gone (osenv.Ended).
//
// The parent waits for its sweep for a second at most: what it has to tell does not depend on this memory, which a process that is
// stopped may hold up, and one that has lost its mind may have damaged. A sweep that meets something impossible gives up, and the
// process that was sweeping goes on.
//
// # The sweep
//
//	1 take the sweep lock; leave, if Identity is not the victim's any more
//	2 give back what it holds: package arena walks its objects
//	3 clear Alive and Parent
//	4 Identity becomes 0
//	5 give back the sweep lock, ring all bells, look after the children
//
// The sweep lock holds an identity and is taken over from an owner that has ended, so sweeps are one at a time, and who was slow
// finds in 1 that it was done. Everything in 2 may be done again from the start: a second sweep of the same slot finds less to do, and nothing
// twice. Killed in 1 to 3: the next process that notices either of the two deaths begins anew; whoever takes the sweep lock over asks the
// kernel for all processes, for after 3 nothing else tells of the one that was being swept. Killed in 4 or after: the slot is free; that
// nobody rang costs those who wait a tick.
//
// # Guards
//
// A guard is a lock for some instructions, within which nothing is called that is not this library's: the word is the owner's
// slot, or 0. A process that dies with it leaves an object in the middle of a change. The sweep takes the guard over, repairs the
// object, and only then gives it back: who gets a guard finds the object whole. To be repairable, an object keeps what each
// process has of it in a record of that process, which changes with one store; the rest is computed from the records.
//
// A sweep needs guards as well, of objects that its victim has a part in. One that another dead process has would be waited for in vain,
// for sweeps are one at a time: so the sweep takes it over, and repairs the object for both (Family.GuardInSweep). The same with the
// heap's lock, for which the guard's owner may wait, who lives. Nothing else of the other process is touched: a sweep within a sweep would
// change what the outer one has looked at. An object may be freed, and its cell be another's, between the look at it and its guard: so
// under the guard the sweep looks again.
//
// # Locks
//
// A Lock may be held for long. Its word, freed 1 | died 1 | heir 10 | owner 10, is all there is:
//
//	free              0
//	held              owner
//	left by the dead  died: the sweep put it in the owner's place; whoever takes the lock is told, and takes the bit away with it
//	inherited         heir: only that process takes it when it is free, and only its waiter that asked for it
//	freed             the object is gone
//
// To take it is one compare-and-swap from a word without owner, to give it back another. A waiter spins for about 4 µs, then sleeps. It
// overtakes others, and is overtaken, until it has waited for 1 ms: then it makes itself the heir. The sweep takes a dead heir out of the
// word, and an heir that gives up does so itself. One that does not take a free lock for a tick, for its process is stopped, loses its right to
// whoever sees that.
//
// Killed after taking: the sweep writes died. Killed after giving back, before it woke anybody: the sweep rings all bells. Killed as a waiter:
// nothing of it is in the word, but perhaps the heir. Killed when it was told that the last owner died: it is an owner that died.
//
// # Sleeping
//
// Who waits does so in its own process: one goroutine for each process, the leader, sleeps in the kernel, on the process's
// bell, and passes on what it hears to the others, who wait for channels. So a thousand waiters cost one thread. A bell is a
// word in the arena, one for each slot modulo 64, that each ring adds 1 to. Each object has a mask of bells:
//
//	waiter  1 set the own bit in the mask     waker  1 change the object
//	        2 look at the object                     2 look at the mask, take bits out of it
//	        3 sleep, unless the bell has             3 add 1 to those bells, and wake who sleeps on them
//	          rung since before 1
//
// All of these are sequentially consistent: either the waiter sees the change in 2, or the waker sees the bit in 2, and then the
// bell moves, which the kernel compares when the waiter goes to sleep in 3. The leader keeps the last number that it has passed on, and not the
// one from before its own 1: so a ring that comes while one leader follows another is passed on by the second. A leader that leaves makes
// one the leader who is parked on his channel and was told nothing: that one leads at once, without a look. If there is none, whoever parks
// next leads. Who was told to look since his last look does not park at all.
//
// WakeOne takes one bit, by chance. The process that is woken may not need it any more: its waiter gave up, or got what it wanted
// by itself. So a waiter that leaves takes its bit out of the mask, and then, if what is waited for is there, wakes another. With
// more than 64 slots two processes may share a bell: then what one takes off the other does not miss, for it looks at everything.
//
// A waiter that is killed leaves a bit in masks, which the sweep takes out, and the kernel forgets it. A waker killed between 1 and 3, or
// a process killed that was woken in place of another, leaves somebody asleep: the end of every sweep rings all bells. A process that
// is stopped may hold a wake-up for long: every sleep ends after a tick of 100 ms, and looks.
//
// # What this does not do
//
// A process that is stopped, not dead, keeps what it holds, guards too: others wait, and those with a context can give up, except where
// they give something back. A process that writes where it should not breaks the family's objects.
package robust
