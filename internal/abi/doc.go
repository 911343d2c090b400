// Package abi holds every byte that two processes agree on: the layout of a channel, the frames on the control
// socket, the marker in the environment. Fixed-width words only, one writer per cache line, sizes asserted when it
// compiles. Nothing here does anything.
package abi
