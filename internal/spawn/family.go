package spawn

import "os"

// A Family is what all processes of a family share beside their channels, if the program has such a thing. Its methods may
// be called from any goroutine.
type Family interface {
	// File is what a child inherits; nil if there is nothing.
	File() *os.File
	// Inherit is given, in a worker, what its parent's File was, before anything else runs.
	Inherit(file *os.File)
	// Ended tells of a child that has ended, all threads of it, and is not reaped.
	Ended(pid int)
}

// family is set in package initialization, if at all.
var family Family

// SetFamily is for package initialization.
func SetFamily(f Family) { family = f }

// whenIdle is set in package initialization, if at all.
var whenIdle []func()

// WhenIdle makes f run in a worker whenever what it ran has ended, before anybody knows of that. It is for package initialization.
func WhenIdle(f func()) { whenIdle = append(whenIdle, f) }

// Idle tells, in a worker, that what it ran has ended.
func Idle() {
	for _, f := range whenIdle {
		f()
	}
}

func familyFile() *os.File {
	if family == nil {
		return nil
	}
	return family.File()
}

// beforeStart is set in package initialization, if at all.
var beforeStart []func()

// BeforeStart makes f run before each start of a process, in whoever starts it. It is for package initialization, so f runs
// before the first, too; it may run on several goroutines at a time.
func BeforeStart(f func()) { beforeStart = append(beforeStart, f) }

// beforeConfine is set in package initialization, if at all.
var beforeConfine []func()

// BeforeConfine makes f run in a process that is about to give up the right to open things. It is for package initialization.
func BeforeConfine(f func()) { beforeConfine = append(beforeConfine, f) }

// Confining tells that this process is about to give up that right.
func Confining() {
	for _, f := range beforeConfine {
		f()
	}
}
