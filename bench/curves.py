"""Python's side of the curves: one point of one curve.

    python3 curves.py NAME [NUMBER ...]

prints one JSON object, as peers.py does, whose module this uses.
"""

import gc
import json
import sys
import time

import peers
from peers import clock, fork_pool, noop


def map_elements(workers, n, maps, chunksize):
    """Time for each of n elements of Pool.map; chunksize 0 is its default."""
    items = list(range(n))
    with fork_pool(workers) as pool:
        def run(elements):
            return pool.map(noop, elements, chunksize=chunksize or None)
        for _ in range(maps // 10 + 1):
            run(items[:100000])
        begin = clock()
        for _ in range(maps):
            out = run(items)
        took = clock() - begin
    if out != items:
        raise AssertionError("wrong results")
    return {"map %d" % chunksize: took / (maps * n)}


def take(payload):
    return len(payload)


def payload(n, times):
    """Time of an apply that gets n bytes back, and bytes a second of an imap that sends them."""
    data = bytes(i * 7 & 255 for i in range(251)) * (n // 251 + 1)
    data = data[:n]
    with fork_pool(1) as pool:
        for _ in range(times // 10 + 1):
            pool.apply(noop, (data,))
        begin = clock()
        for _ in range(times):
            out = pool.apply(noop, (data,))
        took = (clock() - begin) / times
        if out != data:
            raise AssertionError("wrong result")
        begin = clock()
        for length in pool.imap(take, (data for _ in range(times))):
            if length != n:
                raise AssertionError("wrong length")
        return {"apply": took, "imap rate": times * n / (clock() - begin)}


NAP = [0.0]


def nap(x):
    time.sleep(NAP[0])
    return x


def workers(count, n, naps, nap_us):
    """A pool of so many workers: its start until each has been asked once, no-ops a second, and the share of elements that wait."""
    NAP[0] = nap_us / 1e6
    begin = clock()
    with fork_pool(count) as pool:
        pool.map(noop, range(count), chunksize=1)
        figures = {"pool start": clock() - begin}
        figures["noop python"] = peers.rate_of_map(lambda items: pool.map(noop, items), n)
        begin = clock()
        pool.map(nap, range(naps), chunksize=1)
        figures["nap python"] = naps * NAP[0] / (count * (clock() - begin))
    return figures


def smaps(pid):
    """PSS and private bytes of a process."""
    pss = private = 0
    with open("/proc/%s/smaps_rollup" % pid) as rollup:
        for line in rollup:
            fields = line.split()
            if fields[0] == "Pss:":
                pss += int(fields[1]) * 1024
            elif fields[0] in ("Private_Clean:", "Private_Dirty:"):
                private += int(fields[1]) * 1024
    return pss, private


def worker_memory(count, n):
    """What each worker of a pool takes after so many no-ops for each."""
    with fork_pool(count) as pool:
        pool.map(noop, range(count * n))
        all = [smaps(worker.pid) for worker in pool._pool]
    return {"python pss": sum(one[0] for one in all) / count, "python private": sum(one[1] for one in all) / count}


def in_flight(n):
    """Growth of the parent for each of n calls that wait behind one that does not end."""
    gate = peers.multiprocessing.get_context("fork").Event()
    GATE[0] = gate
    with fork_pool(1) as pool:
        pool.apply(noop, (1,))
        gc.collect()
        before = smaps("self")[0]
        first = pool.apply_async(hold)
        calls = [pool.apply_async(noop, (i,)) for i in range(n)]
        gc.collect()
        grown = smaps("self")[0] - before
        gate.set()
        first.get()
        if [call.get() for call in calls] != list(range(n)):
            raise AssertionError("wrong results")
    return {"python pss": max(0, grown) / n}


GATE = [None]


def hold():
    GATE[0].wait()


def imap(workers, n, burst, pause_us):
    return {"imap": peers.imap_memory(workers, n, burst, pause_us)["python"]}


MEASUREMENTS = {f.__name__: f for f in (map_elements, payload, workers, worker_memory, in_flight, imap)}


def main():
    print(json.dumps(MEASUREMENTS[sys.argv[1]](*map(int, sys.argv[2:]))))


if __name__ == "__main__":
    main()
