// Command bench measures mp and its packages beside their rivals: Python's multiprocessing, goroutines over channels, futexes
// and robust mutexes in C, Unix sockets, Redis, starting a process without this library, memory copies, encoding/gob, go-plugin, net/rpc and
// gRPC, goroutine pools. It prints one table.
//
//	go run . [-rounds 7] [-only map,call] [-short] [-list]
//	go run . -only faults [-faults-doc ../docs/faults.md]
//
// What is compared is measured in turn, round by round, in one run, and the order changes with each round. So a machine
// that is shared, or changes its speed, changes both sides. Only ratios are judged: the median of the ratios of the rounds.
// What other programs of the machine took meanwhile is told, where it is much.
// A rival that is not installed (python3, cc, redis-server) is left out, and the table says so.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/go-multiproc/mp"
)

func main() {
	mp.Main()
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], rolePrefix) {
		os.Exit(playRole(os.Args[1], os.Args[2:]))
	}
	rounds := flag.Int("rounds", 7, "how often everything is measured")
	only := flag.String("only", "", "the groups to measure, separated by commas; default: all")
	short := flag.Bool("short", false, "one tiny round of everything: shows that it runs, its figures mean nothing")
	list := flag.Bool("list", false, "list the groups")
	faultsDoc := flag.String("faults-doc", "", "write the table of the group faults to this file, as a page")
	curves := flag.Bool("curves", false, "measure the curves as well")
	report := flag.String("report", "", "measure the curves as well, and write everything into this directory, as a page with pictures")
	redraw := flag.String("redraw", "", "measure nothing: write the page and its pictures again, from the figures in this directory")
	flag.Parse()
	if *list {
		for _, g := range groups {
			fmt.Printf("%-12s %s\n", g.name, g.about)
		}
		return
	}
	r := runner{rounds: max(1, *rounds), scale: 1, log: os.Stderr, faultsDoc: *faultsDoc, report: *report, curves: *curves || *report != ""}
	if *short {
		r.rounds, r.scale, r.short = 1, 50, true
	}
	var err error
	if *redraw != "" {
		err = redrawIn(*redraw)
	} else {
		err = r.all(os.Stdout, *only)
	}
	removeScratch()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// groups is everything there is to measure, in the order of the table.
var groups = []group{
	mapGroup, batchGroup, callGroup, asyncGroup, idleGroup, efficiencyGroup, burnGroup, balanceGroup,
	startGroup, lifeGroup, poolStartGroup, messageGroup, codecGroup, crashGroup, memoryGroup,
	lockGroup, signalGroup, arrayGroup, queueGroup,
	pipeGroup, managerGroup, siegeGroup, faultsGroup,
	rivalsCallGroup, rivalsMapGroup, rivalsStartGroup, rivalsCrashGroup,
	elementsCurve, payloadCurve, workersCurve, workerMemoryCurve, sharingCurve, inFlightCurve, streamCurve,
}
