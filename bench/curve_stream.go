package main

var streamCurve = group{
	name:   "curve-stream",
	about:  "a Stream of 1,000 to 10,000,000 elements whose consumer sleeps 1 ms after each 500: growth of the peak of the resident set; Python up to 1,000,000",
	apart:  true,
	rounds: 2,
	open: func(r *runner) (*bench, error) {
		var sides []side
		for _, n := range r.growing(1_000, 10, 10_000_000) {
			sides = append(sides, atMost(costly(n, 1_000_000)/2, side{at("ours", n), func() (figures, error) {
				f, err := memory("stream", n)
				return renamed(f, n), err
			}}))
			if n <= 1_000_000 {
				sides = append(sides, pythonCurve("Pool.imap", n, "imap", workers, n, burst, int(burstPause.Microseconds())))
			}
		}
		return &bench{sides: sides}, nil
	},
	charts: []chart{{
		file: "stream-memory", title: "A stream with a slow consumer: growth of the peak of the resident set",
		x: axis{label: "elements", unit: count}, y: axis{label: "growth", unit: byteCount, linear: true, binary: true},
		series: []series{
			{"mp, Stream, the parent", "stream", oursMain},
			{"mp, Stream, both workers", "stream workers", oursToo},
			{"Python Pool.imap(chunksize=100), the parent", "imap", pythonKind},
		},
	}},
}
