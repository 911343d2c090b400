"""Python's side of the comparisons: one measurement of the standard library's process pools and processes.

    python3 peers.py NAME [NUMBER ...]

prints one JSON object: figures by name, times in seconds, rates per second. Each run is a new interpreter, warms up what
it measures, checks the results, and leaves nothing behind.
"""

import json
import multiprocessing
import sys
import time

clock = time.perf_counter


def noop(x):
    return x


def nothing():
    pass


def quantile(samples, q):
    ordered = sorted(samples)
    at = q * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])


def latencies(name, samples):
    return {name: quantile(samples, 0.5), name + " p99": quantile(samples, 0.99)}


def rate_of_map(run, n):
    """Elements per second of run, a map of noop over a list."""
    items = list(range(n))
    run(items[:100])
    begin = clock()
    out = run(items)
    took = clock() - begin
    if list(out) != items:
        raise AssertionError("wrong results")
    return n / took


def fork_pool(workers):
    return multiprocessing.get_context("fork").Pool(workers)


def map_single(workers, n):
    """Pool.map, one element per message."""
    with fork_pool(workers) as pool:
        return {"python": rate_of_map(lambda items: pool.map(noop, items, chunksize=1), n)}


def map_single_futures(workers, n):
    """ProcessPoolExecutor.map, one element per message, which is its default."""
    from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        return {"futures": rate_of_map(lambda items: list(pool.map(noop, items)), n)}


def map_default(workers, n):
    """Pool.map with the chunks it chooses."""
    with fork_pool(workers) as pool:
        return {"python": rate_of_map(lambda items: pool.map(noop, items), n)}


def timed_calls(call, n, idle):
    for i in range(20):
        call(i)
    samples = []
    for i in range(n):
        if idle:
            time.sleep(idle)
        begin = clock()
        out = call(i)
        samples.append(clock() - begin)
        if out != i:
            raise AssertionError("wrong result")
    return samples


def apply(workers, n, idle_us):
    """Pool.apply, one call after another, with a pause before each."""
    with fork_pool(workers) as pool:
        return latencies("python", timed_calls(lambda i: pool.apply(noop, (i,)), n, idle_us / 1e6))


def submit(workers, n, idle_us):
    """ProcessPoolExecutor.submit(...).result(), one call after another, with a pause before each."""
    from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        return latencies("futures", timed_calls(lambda i: pool.submit(noop, i).result(), n, idle_us / 1e6))


def lives(method, n):
    """Start and join of a process that does nothing."""
    context = multiprocessing.get_context(method)

    def once():
        process = context.Process(target=nothing)
        begin = clock()
        process.start()
        process.join()
        took = clock() - begin
        if process.exitcode != 0:
            raise AssertionError("exit code %r" % process.exitcode)
        return took
    once()  # starts the resource tracker and the fork server
    return {method: quantile([once() for _ in range(n)], 0.5)}


def spawn(n):
    return lives("spawn", n)


def forkserver(n):
    return lives("forkserver", n)


def fork(n):
    return lives("fork", n)


def imap_memory(workers, n, burst, pause_us):
    """Growth of the peak resident set, in bytes, by imap whose results are taken in bursts with pauses between them."""
    def peak():
        # Not getrusage: its figure is inherited from the process that started this one.
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        raise RuntimeError("no VmHWM")

    def consume(pool, count):
        total = 0
        for i, v in enumerate(pool.imap(noop, range(count), chunksize=100)):
            total += v
            if i % burst == burst - 1:
                time.sleep(pause_us / 1e6)
        if total != count * (count - 1) // 2:
            raise AssertionError("wrong results")
    with fork_pool(workers) as pool:
        consume(pool, min(n, 10000))
        before = peak()
        consume(pool, n)
        return {"python": float(peak() - before)}


MEASUREMENTS = {f.__name__: f for f in (map_single, map_single_futures, map_default, apply, submit, spawn, forkserver, fork, imap_memory)}


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in MEASUREMENTS:
        sys.exit("usage: peers.py %s [NUMBER ...]" % "|".join(MEASUREMENTS))
    print(json.dumps(MEASUREMENTS[sys.argv[1]](*map(int, sys.argv[2:]))))


if __name__ == "__main__":
    main()
