"""Python's side of the table of faults: what becomes of a pool and its callers when something goes wrong.

    python3 faults.py FAULT Pool|Executor LIMIT

prints one JSON object: how many elements got a result (ok), an error (failed), or nothing within LIMIT seconds (none); the
seconds from the fault to the answer; and what can be done with the pool then. Where there is no pool, a text says what happened. Whoever starts
this makes it a process group, and kills the group: a pool that hangs does not end by itself.
"""

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor

clock = time.perf_counter
context = multiprocessing.get_context("fork")
told, tell = os.pipe()

WORKERS, ELEMENTS, VICTIM = 2, 8, 2
WORK = 0.05         # seconds that each element takes
GIVEN = 1.0         # seconds that the caller gives an endless one
MEMORY = 256 << 20  # bytes that a worker may have beside what it begins with, where memory is limited


def say():
    """Tells who this process is, and the time, by the clock that all processes share."""
    os.write(tell, b"%d %.9f\n" % (os.getpid(), clock()))


def hear():
    """What the next process says: its pid and the time."""
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(told, 1)
    pid, when = line.split()
    return int(pid), float(when)


class Unkind(Exception):
    """Pickles, but does not unpickle: __init__ wants two arguments, and args holds one."""

    def __init__(self, code, text):
        super().__init__("%s: %s" % (code, text))


def element(i, fault):
    if i != VICTIM or fault == "idle":
        time.sleep(WORK)
        return i
    say()
    if fault == "busy":
        time.sleep(600)
    elif fault == "exit":
        os._exit(3)
    elif fault == "goexit":
        sys.exit(3)
    elif fault == "error":
        raise Unkind(5, "boom")
    elif fault == "result":
        return lambda: 1
    elif fault == "endless":
        while True:
            pass
    elif fault == "memory":
        hoard = []
        while True:
            hoard.append(bytearray(1 << 20))


def park(i):
    say()
    time.sleep(600)


def no_init():
    raise ValueError("no init")


def limit_memory():
    import resource
    with open("/proc/self/statm") as f:
        now = int(f.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, resource.RLIM_INFINITY))


INITIALIZERS = {"init": no_init, "memory": limit_memory}


class Pool:
    def __init__(self, initializer=None):
        self.pool = context.Pool(WORKERS, initializer)

    def submit(self, done, f, *args):
        self.pool.apply_async(f, args, callback=lambda v: done(None), error_callback=done)

    def pids(self):
        return [p.pid for p in self.pool._pool]

    def end(self):
        self.pool.terminate()
        self.pool.join()


class Executor:
    def __init__(self, initializer=None):
        self.pool = ProcessPoolExecutor(WORKERS, mp_context=context, initializer=initializer)

    def submit(self, done, f, *args):
        try:
            self.pool.submit(f, *args).add_done_callback(lambda future: done(future.exception()))
        except Exception as e:  # it is broken
            done(e)

    def pids(self):
        return list(self.pool._processes)

    def end(self):
        self.pool.shutdown(wait=True, cancel_futures=True)


KINDS = {"Pool": Pool, "Executor": Executor}


class Answers:
    """The outcomes of elements: (when, error) by index."""

    def __init__(self):
        self.changed, self.by = threading.Condition(), {}

    def done(self, i):
        def note(error):
            with self.changed:
                self.by.setdefault(i, (clock(), error))
                self.changed.notify_all()
        return note

    def wait(self, n, deadline):
        """Waits for n outcomes; after the deadline it returns False."""
        with self.changed:
            return self.changed.wait_for(lambda: len(self.by) >= n, max(0, deadline - clock()))


def returns(f, limit):
    """Whether f returns within the limit."""
    t = threading.Thread(target=f, daemon=True)
    t.start()
    t.join(limit)
    return not t.is_alive()


def works(pool, limit):
    after = Answers()
    pool.submit(after.done(0), element, 0, "none")
    return after.wait(1, clock() + limit) and after.by[0][1] is None


def odd_one_out(pids):
    """Of idle workers the one that sleeps in another system call than the rest: it holds the lock of the queue they share."""
    calls = {}
    for pid in pids:
        with open("/proc/%d/syscall" % pid) as f:
            calls[pid] = f.read().split()[0]
    seen = list(calls.values())
    return min(pids, key=lambda pid: seen.count(calls[pid]))


def pooled(fault, kind, limit):
    pool = KINDS[kind](INITIALIZERS.get(fault))
    begun, victim = clock(), None
    if fault != "init":
        if not all(works(pool, limit) for _ in range(2 * WORKERS)):
            raise AssertionError("the pool does not work")
    if fault == "idle":
        time.sleep(0.2)
        os.kill(odd_one_out(pool.pids()), signal.SIGKILL)
    answers = Answers()
    if fault in ("idle", "init"):
        begun = clock()
    for i in range(ELEMENTS):
        pool.submit(answers.done(i), element, i, fault)
    if fault not in ("idle", "init"):
        victim, begun = hear()
        if fault == "busy":
            begun = clock()
            os.kill(victim, signal.SIGKILL)
    if fault == "endless":
        answers.wait(ELEMENTS, begun + GIVEN)
        answers.done(VICTIM)(TimeoutError())  # what get(timeout) and result(timeout) raise
    answers.wait(ELEMENTS, begun + limit)
    with answers.changed:
        by = dict(answers.by)
    failed = sum(e is not None for _, e in by.values())
    end = max((t for t, _ in by.values()), default=begun)
    if fault not in ("idle", "init") and VICTIM in by:
        end = by[VICTIM][0]
    return {
        "ok": len(by) - failed, "failed": failed, "none": ELEMENTS - len(by),
        "seconds": end - begun, "usable": works(pool, limit),
        "lives": fault == "endless" and alive(victim), "ends": returns(pool.end, limit),
    }


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def parent(fault, kind, limit):
    """The program is killed while all workers are busy."""
    program = os.fork()
    if program == 0:
        pool = KINDS[kind]()
        for i in range(WORKERS):
            pool.submit(lambda error: None, park, i)
        time.sleep(600)
    workers = [hear()[0] for _ in range(WORKERS)]
    begun = clock()
    os.kill(program, signal.SIGKILL)
    os.waitpid(program, 0)
    while any(map(alive, workers)) and clock() < begun + limit:
        time.sleep(0.001)
    left = sum(map(alive, workers))
    if left:
        return {"text": "%d of %d workers live on" % (left, WORKERS), "none": 1}
    return {"text": "all workers end", "seconds": clock() - begun}


def killed(target, *args):
    """Kills a process a moment after it has told that it is where it is to die. Returns the time."""
    p = context.Process(target=target, args=args)
    p.start()
    hear()
    time.sleep(0.1)
    begun = clock()
    p.kill()
    return begun


def hold(lock):
    lock.acquire()
    park(0)


def lock(fault, kind, limit):
    held = context.Lock()
    begun = killed(hold, held)
    if held.acquire(timeout=limit):
        return {"text": "the next gets it, and is not told", "seconds": clock() - begun}
    return {"text": "nobody ever gets it again", "none": 1}


def read(queue):
    say()
    queue.get()


def queue(fault, kind, limit):
    q = context.Queue()
    begun = killed(read, q)
    q.put("item")
    if returns(q.get, limit):
        return {"text": "the next reader gets the item", "seconds": clock() - begun}
    return {"text": "nobody ever gets an item again", "none": 1}


PROBES = {"parent": parent, "lock": lock, "queue": queue}


def main():
    fault, kind, limit = sys.argv[1], sys.argv[2], float(sys.argv[3])
    sys.stderr = open(os.devnull, "w")  # of pools that break
    os.dup2(sys.stderr.fileno(), 2)
    print(json.dumps(PROBES.get(fault, pooled)(fault, kind, limit)), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
