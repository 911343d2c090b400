// Package block is named shared memory, for programs that are no relatives: blocks of a fixed size, which Python's
// multiprocessing.shared_memory and shm_open(3) open by the same names. This is how a name is made and how it goes,
// step by step, and what each thing that can go wrong at each step leads to. Files named _linux hold what only Linux
// can do; elsewhere every function reports errors.ErrUnsupported.
//
// # Model
//
// A block is a file in /dev/shm, for its user alone (mode 0600). Its name is the file's, its memory the file's
// content. The kernel frees the memory when there is neither a name nor anybody who has it mapped. So nobody can lose
// memory that he has mapped, and all there is to decide is when the name goes:
//
//   - when the creator closes the block,
//   - when the creator is dead: by Remove, which its family calls, or, if none of them is left, by the sweep of the
//     next program that creates or opens any block,
//   - when somebody calls Unlink,
//   - with Keep, only then.
//
// To open a block, to close it, to exit and to be killed with it open never changes it: only the Block that Create
// returned is the creator's.
//
// # State
//
// It is in the file itself, with nothing beside it that could get lost:
//
//	mode 01600   marked: the name goes with the creator
//	mode 0600    kept: it stays until Unlink. All files of others are like this
//	lifeByte     a lock, held by the creator from before the name exists until its end; the others only ask for it
//	gateByte     a lock, held for some microseconds by whoever changes the mark or removes the name
//
// The sticky bit has no meaning on a file that is not a directory, and no program is known to set it there. A block that is
// marked and whose lifeByte nobody holds is an orphan; it stays one until its name goes or Keep is called. A sweep
// removes all orphans of its effective user, and only them: it opens no file but regular ones with mode 01600.
//
// The locks are open file description locks (F_OFD_SETLK) on bytes at 1<<62, where no block has any. The kernel drops
// them with the last reference to the open file: both descriptor and mapping go with the process, however it ends.
// Nothing that the creator starts keeps them, for the descriptor is close-on-exec; a child between fork and exec does, for
// as long as that takes, and a copy of the creator, by a fork without exec in C, counts as the creator. A program that
// wants to lock a block for its own purposes uses flock, or a range of bytes: lockf on all of the file would wait for
// the creator's end.
//
// # Create
//
//	1  look        RLIMIT_FSIZE and what /dev/shm has left; if that is too little, after a sweep
//	2  nameless    O_TMPFILE
//	3  locked      lifeByte
//	4  marked      mode 01600
//	5  reserved    fallocate of all the bytes
//	6  mapped
//	7  named       linkat, which fails if there is such a name
//
// No other process sees anything before step 7, and then everything is there: a block with a name has its size, its
// memory, its mark and its lock. Killed before step 7, the creator leaves nothing, for a file without a name goes with
// its last descriptor; after it, an orphan. An error in any step leaves nothing.
//
// If step 7 finds the name taken by an orphan, it removes that and tries once more, so that a program can create its
// block again when it is started after a crash.
//
// Where the file system has no nameless files, the draft is made with a drawn name and mode 01600, and after step 7 that
// name is removed. Between its making and step 3 it looks like an orphan. If a sweep asks for its life then, it asks
// once more behind the gate, and the draft, with its life locked, goes through the gate and looks whether it has a name
// still; if not, it is made anew. Killed at any step, it leaves orphans: the draft's name, or the block's, or both.
//
// # Close, Unlink, Keep, Remove, Sweep
//
//	1  open        by name; Close has a descriptor already, so that it works when there are none to be had
//	2  compare     device and inode with those that are meant: another block's gate is none of our business
//	3  gate        lock gateByte, waiting for a second at most
//	4  compare     that the name is still this file's
//	5  ask         Remove, Sweep: lifeByte. Close, Remove, Sweep: the mark
//	6  do          unlink, or chmod 0600
//
// Whoever is past the gate is the only one who is: that holds for several goroutines, too, for each opens the file anew
// and the locks belong to the open file. Killed before step 6, the state is as before, after it, as it should be, and
// the kernel drops the gate. So:
//
//	two sweeps                      the second through the gate finds no name
//	Keep and whatever removes       the first through the gate wins; if it is not Keep, Keep returns fs.ErrNotExist
//	Unlink and Unlink, Close, ...   the second finds no name, or not this file's: fs.ErrNotExist
//	removal and a new block         a name is free only after a removal, and each removal compares and removes behind
//	of the same name                the gate of one file. The new block is another file, which is not touched
//	creator's Close and a sweep     the sweep finds it alive, or the name gone
//	Open and a removal              Open finds the file or does not; if it does, it has the memory, name or no name
//
// Open does not return an orphan. If it finds one, no sweep has come by yet, and it removes it. Otherwise it would depend
// on what unrelated programs do whether a dead program's block can be opened.
//
// Remove is not stronger than a sweep, for it asks for life and mark, too. Hence no harm comes of an inode that got the
// number of an old one, of a call for a creator that lives, or of one for a block that somebody kept.
//
// # Sweeps
//
// A sweep reads the names in /dev/shm and the mode of each: 3.5 µs, and 1.5 µs for each file, and 3.7 µs more if it is a
// living block. Create and Open sweep first, unless the last sweep of this process was so short a time ago that sweeps
// would take more than a hundredth of it. The first Create or Open of a program always does.
//
// # Memory
//
// The kernel would rather give memory away when it is first touched, and have the one who touches it die of a SIGBUS
// if there is none. Step 5 takes it all at once, and says ENOSPC if there is not enough. Measured with 64 MiB, from Create
// to Close: 25 ms if nobody touches it, so 0.38 ms for each MiB; 46 ms if every page is written to, for which a sparse
// file takes 51 ms. So it costs nothing on the whole, for a block that is used. One that is not used takes its memory
// all the same, from the control group of its creator, and there is no way to have a sparse one. What remains is the
// OOM killer, if /dev/shm may be larger than what the machine or the group has.
//
// Create and Close together take 29 µs for a small block, Open and Close 8 µs. A block takes one descriptor of its
// creator's, and none of others'.
//
// # Names
//
// What the kernel takes for a file's name, without a slash: 1 to 255 bytes, not "." or "..". shm_open of the GNU C
// library takes 253. The resource tracker of Python before 3.14 cannot read a name with a colon or a newline: use track=False.
//
// # Python
//
// A block of Python's is a file with mode 0600, so it is like a kept one: no sweep and no Close removes it. Python sees
// a block of ours like one of its own. Before Python 3.13, and later without track=False, a Python program that
// attaches destroys the name when it ends: whether it is ours makes no difference to it. Its memory, as always, stays
// with those who have it. Python makes the name first and gives the file its size later; Open takes a file without
// bytes for none.
//
// # Failures
//
//	what                                       outcome
//	a name that cannot be, a size below 1      an error; nothing was touched
//	too little memory, a limit on file sizes   ENOSPC, EFBIG, with the numbers; nothing is left
//	the name is taken                          fs.ErrExist
//	no such block, an orphan, an empty file    fs.ErrNotExist
//	another user's block                       fs.ErrPermission
//	a directory, a pipe, a link                an error
//	no /dev/shm                                an error of Create, fs.ErrNotExist
//	no /proc                                   linkat with AT_EMPTY_PATH, which not every user of every kernel may
//	a holder of the gate that is stopped       EAGAIN after a second; a sweep then passes by
//	Close cannot remove the name               an error; the next sweep does it
//	a Block is forgotten                       it stays until the process ends, and its name until the next sweep
//	memory used after Close                    SIGSEGV
//
// # The worst that others can do
//
// Other users nothing: they can neither open the file nor remove its name, for /dev/shm itself is sticky. A program of the
// same user could do anything to the process anyway. By mistake it can cut the file shorter, which is a SIGBUS for those
// who touch what is gone; hold a lock on all of the file, and so the gate; set mode 01600 on a file of its own, which
// is then swept; or remove the name with shm_unlink and make it anew within the microsecond between steps 4 and 6,
// which loses the new name. shm_unlink knows no gate.
package block
