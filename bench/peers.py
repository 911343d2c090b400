"""Python's side of the comparisons: one measurement of the standard library's process pools, processes, and what they share.

    python3 peers.py NAME [NUMBER ...]

prints one JSON object: figures by name, times in seconds, rates per second. Each run is a new interpreter, warms up what
it measures, checks the results, and leaves nothing behind.
"""

import dataclasses
import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
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


def unordered(workers, n):
    """Pool.imap_unordered, one element per message."""
    with fork_pool(workers) as pool:
        return {"imap_unordered": rate_of_map(lambda items: sorted(pool.imap_unordered(noop, items)), n)}


def async_calls(workers, n):
    """Pool.apply_async of everything, and then get of everything."""
    def run(items):
        return [result.get() for result in [pool.apply_async(noop, (item,)) for item in items]]
    with fork_pool(workers) as pool:
        return {"apply_async": rate_of_map(run, n)}


def futures(workers, n):
    """ProcessPoolExecutor.submit of everything, and then result of everything."""
    from concurrent.futures import ProcessPoolExecutor

    def run(items):
        return [future.result() for future in [pool.submit(noop, item) for item in items]]
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        return {"submit": rate_of_map(run, n)}


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


@dataclasses.dataclass
class Small:
    """What a typical argument looks like."""
    id: int
    name: str
    score: float
    tags: tuple
    ok: bool


def timed_applies(name, workers, n, value):
    """Pool.apply of noop with value(i), one call after another."""
    samples = []
    with fork_pool(workers) as pool:
        for i in range(n // 10 + n):
            argument = value(i)
            begin = clock()
            out = pool.apply(noop, (argument,))
            samples.append(clock() - begin)
            if out != argument:
                raise AssertionError("wrong result")
    return latencies(name, samples[n // 10:])


def apply_int(workers, n):
    return timed_applies("Pool.apply", workers, n, lambda i: i)


def apply_struct(workers, n):
    return timed_applies("Pool.apply, struct", workers, n,
                         lambda i: Small(i, "a name of some length", i / 3, (1, 2, 3, i & 65535), i % 2 == 0))


def apply_bytes(workers, n, size):
    buffers = [bytes([i + 1]) * size for i in range(4)]
    name = {65536: "Pool.apply, 64 KiB", 1048576: "Pool.apply, 1 MiB"}[size]
    return timed_applies(name, workers, n, lambda i: buffers[i & 3])


def first_results(name, n, make):
    """From nothing to the first result of a pool. That it ends is not counted."""
    def once():
        begin = clock()
        pool, call = make()
        out = call(7)
        took = clock() - begin
        if out != 7:
            raise AssertionError("wrong result")
        if hasattr(pool, "shutdown"):
            pool.shutdown()
        else:
            pool.close()
            pool.join()
        return took
    once()  # starts the resource tracker and the fork server
    return {name: quantile([once() for _ in range(n)], 0.5)}


def pool_by(method, workers, n):
    def make():
        pool = multiprocessing.get_context(method).Pool(workers)
        return pool, lambda x: pool.apply(noop, (x,))
    return first_results(method, n, make)


def pool_spawn(workers, n):
    return pool_by("spawn", workers, n)


def pool_forkserver(workers, n):
    return pool_by("forkserver", workers, n)


def pool_fork(workers, n):
    return pool_by("fork", workers, n)


def pool_futures(workers, n):
    from concurrent.futures import ProcessPoolExecutor

    def make():
        pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork"))
        return pool, lambda x: pool.submit(noop, x).result()
    return first_results("futures", n, make)


def die(x):
    """Kills its process if x is negative."""
    if x < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def crash(n, limit_ms, submit, call):
    """What the callers of n elements have, one of which kills its process: submit(x, ok, failed) calls one of the two. All that a
    pool leaves behind is killed, so that the interpreter can end."""
    outcomes = {"right": 0, "failed": 0}
    guard = threading.Lock()
    everything = threading.Event()

    def count(what):
        with guard:
            outcomes[what] += 1
            if sum(outcomes.values()) == n:
                everything.set()
    for i in range(n):
        x = -1 if i == n // 2 else i
        submit(x, lambda out, x=x: count("right" if out == x else "failed"), lambda error: count("failed"))
    everything.wait(limit_ms / 1e3)
    with guard:
        figures = dict(outcomes)
    figures["none"] = n - sum(outcomes.values())
    try:
        figures["usable"] = int(call(7, limit_ms / 1e3) == 7)
    except Exception:
        figures["usable"] = 0
    print(json.dumps(figures), flush=True)
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(0)


def crash_pool(workers, n, limit_ms):
    pool = fork_pool(workers)
    crash(n, limit_ms,
          lambda x, ok, failed: pool.apply_async(die, (x,), callback=ok, error_callback=failed),
          lambda x, seconds: pool.apply_async(noop, (x,)).get(timeout=seconds))


def crash_futures(workers, n, limit_ms):
    from concurrent.futures import ProcessPoolExecutor
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork"))

    def submit(x, ok, failed):
        def done(future):
            error = future.exception()
            if error is None:
                ok(future.result())
            else:
                failed(error)
        try:
            pool.submit(die, x).add_done_callback(done)
        except Exception as error:  # it is broken by now, and takes no more
            failed(error)
    crash(n, limit_ms, submit, lambda x, seconds: pool.submit(noop, x).result(timeout=seconds))


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


class Team:
    """Processes started by fork that begin together. Each tells when it began and ended, by the clock that all of them share."""

    def __init__(self, context, size):
        self.context, self.size = context, size
        self.start = context.Barrier(size)
        self.spans = context.RawArray("d", 2 * size)
        self.members = []

    def add(self, prepare, run):
        """Adds a member: prepare is called at once, run when everybody is prepared. If run returns a time, that is when it began."""
        me = len(self.members)
        self.members.append(self.context.Process(target=self._live, args=(me, prepare, run)))

    def _live(self, me, prepare, run):
        prepare()
        self.start.wait()
        begin = clock()
        begin = run() or begin
        self.spans[2 * me], self.spans[2 * me + 1] = begin, clock()

    def run(self):
        for member in self.members:
            member.start()
        running = {member.sentinel: member for member in self.members}
        while running:
            for sentinel in multiprocessing.connection.wait(running):
                member = running.pop(sentinel)
                member.join()
                if member.exitcode != 0:
                    for other in running.values():
                        other.kill()  # it may wait for the one that failed
                    raise AssertionError("exit code %r" % member.exitcode)

    def seconds(self, members):
        """From the first begin of these members to their last end."""
        return max(self.spans[2 * i + 1] for i in members) - min(self.spans[2 * i] for i in members)


def lock(n):
    """A Lock: acquire and release with nobody else there."""
    guard = multiprocessing.get_context("fork").Lock()
    acquire, release = guard.acquire, guard.release

    def pairs(count):
        begin = clock()
        for _ in range(count):
            acquire()
            release()
        return (clock() - begin) / count
    pairs(n // 10 + 1)
    return {"python": pairs(n)}


def count_together(name, processes, n, context, guard, counter):
    """Time of n increments in each of the processes, all of one counter under one lock."""
    def increments(count):
        for _ in range(count):
            with guard:
                counter.value += 1
    team = Team(context, processes)
    for _ in range(processes):
        team.add(lambda: increments(n // 50), lambda: increments(n))
    team.run()
    if counter.value != processes * (n + n // 50):
        raise AssertionError("counted %d" % counter.value)
    return {name: team.seconds(range(processes))}


def count_raw(processes, n):
    """The counter is a RawValue, which has no lock of its own."""
    context = multiprocessing.get_context("fork")
    return count_together("RawValue", processes, n, context, context.Lock(), context.RawValue("q", 0))


def count_value(processes, n):
    """The counter is a Value with its own lock, the way of the manual."""
    context = multiprocessing.get_context("fork")
    counter = context.Value("q", 0)
    return count_together("Value", processes, n, context, counter.get_lock(), counter)


def between_queue_ends(name, make, size, sides, warm, n):
    """Items per second through one queue from so many producers to as many consumers, n each, from the first item taken to the last.

    Everything that warmed it up has been taken when that begins.
    """
    context = multiprocessing.get_context("fork")
    queue = make(context)
    put, get = queue.put, queue.get
    items = [bytes([i]) * size for i in range(4)]
    tags = context.RawArray("q", sides)

    def produce(count):
        for i in range(count):
            put(items[i & 3])

    def consume(me, count):
        begin = None
        total = 0
        for i in range(count):
            item = get()
            if begin is None:
                begin = clock()
            tag = item[0]
            if len(item) != size or item[-1] != tag or sides == 1 and tag != i & 3:
                raise AssertionError("wrong item")
            total += tag
        tags[me] = total
        return begin

    team = Team(context, 2 * sides)
    for me in range(sides):
        team.add(lambda me=me: consume(me, warm), lambda me=me: consume(me, n))
    for _ in range(sides):
        team.add(lambda: produce(warm), lambda: produce(n))
    team.run()
    if sum(tags) != sides * sum(i & 3 for i in range(n)):
        raise AssertionError("wrong items")
    return {"%s %d %dx%d" % (name, size, sides, sides): (sides * n - 1) / team.seconds(range(sides))}


def queue(size, sides, warm, n):
    """Queue, whose items a thread of the producer pickles and writes to the pipe."""
    return between_queue_ends("Queue", lambda context: context.Queue(), size, sides, warm, n)


def simple_queue(size, sides, warm, n):
    """SimpleQueue, whose producer writes to the pipe itself."""
    return between_queue_ends("SimpleQueue", lambda context: context.SimpleQueue(), size, sides, warm, n)


def there_and_back(name, n, make, signal, await_signal):
    """Round trips between this process and another: each signals, and waits to be signalled."""
    context = multiprocessing.get_context("fork")
    ping, pong = make(context), make(context)
    warm = n // 10

    def answer():
        for _ in range(warm + n):
            await_signal(ping)
            signal(pong)

    answerer = context.Process(target=answer)
    answerer.start()
    samples = []
    for _ in range(warm + n):
        begin = clock()
        signal(ping)
        await_signal(pong)
        samples.append(clock() - begin)
    answerer.join()
    if answerer.exitcode != 0:
        raise AssertionError("exit code %r" % answerer.exitcode)
    return latencies(name, samples[warm:])


def semaphores(n):
    """Round trips by two Semaphores."""
    return there_and_back("Semaphore", n, lambda context: context.Semaphore(0), lambda s: s.release(), lambda s: s.acquire())


def events(n):
    """Round trips by two Events. Who has waited for one clears it."""
    def await_event(event):
        event.wait()
        event.clear()
    return there_and_back("Event", n, lambda context: context.Event(), lambda event: event.set(), await_event)


def pipe(size, n, big, few):
    """Bytes through a Pipe to another process: round trips, then one way, small and large."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    trips, stream = n + n // 10, 5 * n

    def answer():
        here.close()
        for _ in range(trips):
            there.send_bytes(there.recv_bytes())
        for count in (stream, few):
            for _ in range(count):
                message = there.recv_bytes()
            there.send_bytes(message[:1])

    answerer = context.Process(target=answer)
    answerer.start()
    there.close()
    message = bytes(size)
    samples = []
    for _ in range(trips):
        begin = clock()
        here.send_bytes(message)
        if here.recv_bytes() != message:
            raise AssertionError("wrong message")
        samples.append(clock() - begin)
    figures = latencies("Pipe", samples[n // 10:])
    for name, message, count in (("Pipe stream", message, stream), ("Pipe big", bytes(big), few)):
        begin = clock()
        for _ in range(count):
            here.send_bytes(message)
        here.recv_bytes()
        figures[name] = count / (clock() - begin)
    answerer.join()
    if answerer.exitcode != 0:
        raise AssertionError("exit code %r" % answerer.exitcode)
    return figures


KEYS = ["key %d" % i for i in range(1024)]


def set_all(d, n):
    for i in range(n):
        d[KEYS[i & 1023]] = i & 1023


def get_all(d, n):
    for i in range(n):
        if d[KEYS[i & 1023]] != i & 1023:
            raise AssertionError("wrong value")


def manager(n):
    """One client's sets and gets of Manager().dict()."""
    context = multiprocessing.get_context("fork")
    figures = {}
    with context.Manager() as server:
        d = server.dict()
        set_all(d, 1024)
        for name, run in (("set", set_all), ("get", get_all)):
            begin = clock()
            run(d, n)
            figures["python " + name] = n / (clock() - begin)
    return figures


def manager_together(clients, n):
    """The same by several client processes at once."""
    context = multiprocessing.get_context("fork")
    figures = {}
    with context.Manager() as server:
        d = server.dict()
        set_all(d, 1024)
        for name, run in (("set", set_all), ("get", get_all)):
            team = Team(context, clients)
            for _ in range(clients):
                team.add(lambda: run(d, n // 20), lambda: run(d, n))
            team.run()
            figures["python %s together" % name] = clients * n / team.seconds(range(clients))
    return figures


MEASUREMENTS = {f.__name__: f for f in (
    map_single, map_single_futures, map_default, unordered, async_calls, futures, apply, submit, apply_int, apply_struct, apply_bytes,
    pool_spawn, pool_forkserver, pool_fork, pool_futures, crash_pool, crash_futures, spawn, forkserver, fork, imap_memory,
    lock, count_raw, count_value, queue, simple_queue, semaphores, events, pipe, manager, manager_together)}


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in MEASUREMENTS:
        sys.exit("usage: peers.py %s [NUMBER ...]" % "|".join(MEASUREMENTS))
    print(json.dumps(MEASUREMENTS[sys.argv[1]](*map(int, sys.argv[2:]))))


if __name__ == "__main__":
    main()
