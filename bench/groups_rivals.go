package main

import "slices"

// Names of the rivals. They are those of their figures, too.
const (
	pluginNetRPC = "go-plugin with net/rpc"
	pluginGRPC   = "go-plugin with gRPC"
	plainNetRPC  = "net/rpc"
	plainGRPC    = "gRPC"
	grpcStreams  = "gRPC streams" // not a call for each element, but a message

	pythonApply = "Pool.apply"

	poolAnts     = "ants"
	poolPond     = "pond"
	poolConc     = "conc/pool"
	poolConcIter = "conc/iter"
	poolErrgroup = "errgroup"
	poolChannels = "channels of 128"
)

// rpcNames are the ways to have functions run in another process that serves them; poolNames are those to have goroutines of this process
// share elements.
var (
	rpcNames  = []string{pluginNetRPC, pluginGRPC, plainNetRPC, plainGRPC}
	poolNames = []string{poolAnts, poolPond, poolConc, poolConcIter, poolErrgroup, poolChannels}
)

// What is measured of a side, if it is not the first, is part of its figure's name.
const (
	inOnes   = ", ChunkSize(1)"
	ofWork   = ", work"
	ofTwo    = ", 2 workers"
	ofStruct = ", struct"
	of64KiB  = ", 64 KiB"
	of1MiB   = ", 1 MiB"
)

// The groups of the rivals have no open but in the program that is built with them.
var rivalsCallGroup = group{
	name:  "rivals-call",
	about: "one call after another, with an int, a small struct, 64 KiB and 1 MiB there and back, beside go-plugin, net/rpc and gRPC",
	lines: slices.Concat(
		versus(line{what: "Call round trip of an int, p50", ours: "ours", unit: seconds, sense: timesUp}, "", rpcNames, []string{pythonApply}),
		versus(line{what: "... of a small struct", ours: "ours" + ofStruct, unit: seconds, sense: timesUp}, ofStruct, rpcNames, []string{pythonApply}),
		versus(line{what: "... of 64 KiB", ours: "ours" + of64KiB, unit: seconds, sense: timesUp}, of64KiB, rpcNames, []string{pythonApply}),
		versus(line{what: "... of 1 MiB", ours: "ours" + of1MiB, unit: seconds, sense: timesUp}, of1MiB, rpcNames, []string{pythonApply})),
}

var rivalsMapGroup = group{
	name: "rivals-map",
	about: "100,000 elements of nothing, and 1,000 of about 100 µs of work, beside go-plugin, net/rpc and gRPC with 2 processes, and pools " +
		"of 2 goroutines",
	lines: slices.Concat(
		versus(line{what: "no-op Map, ChunkSize(1)", ours: "ours" + inOnes, unit: perSecond, sense: speedup}, "", rpcNames, []string{grpcStreams}, poolNames),
		versus(line{what: "no-op Map, default batching", ours: "ours", unit: perSecond, sense: speedup}, "", rpcNames, []string{grpcStreams}, poolNames),
		versus(line{what: "Map of 100 µs of work", ours: "ours" + ofWork, unit: perSecond, sense: speedup}, ofWork, rpcNames, poolNames),
		versus(line{what: "... ChunkSize(1)", ours: "ours" + inOnes + ofWork, unit: perSecond, sense: speedup}, ofWork, rpcNames, poolNames)),
}

var rivalsStartGroup = group{
	name:  "rivals-start",
	about: "from nothing to the first result: NewPool and a Call, beside a process of go-plugin, net/rpc and gRPC",
	lines: slices.Concat(
		versus(line{what: "NewPool of 1 worker to its first result", ours: "ours", unit: seconds, sense: timesUp}, "", rpcNames),
		versus(line{what: "... of 2 workers", ours: "ours" + ofTwo, unit: seconds, sense: timesUp}, "", rpcNames)),
}

// versus is a line for each rival. What is measured of it has the name of a figure after the rival's.
func versus(first line, of string, rivals ...[]string) []line {
	var lines []line
	for _, rival := range slices.Concat(rivals...) {
		l := first
		l.what, l.rival = first.what+", vs "+rival, rival+of
		if len(lines) > 0 {
			l.what = "... vs " + rival
		}
		lines = append(lines, l)
	}
	return lines
}

var rivalsCrashGroup = group{
	name:   "rivals-crash",
	about:  "what the caller of 1,000 elements has when one of them kills its process (a table of its own)",
	rounds: 3,
}
