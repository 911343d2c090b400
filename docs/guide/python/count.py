"""Counts the words of texts in two processes. A text that takes too long is given up."""
import multiprocessing
import time

TEXTS = ["to be or not to be", "the rest is silence", "endless", "brevity is the soul of wit"]


def start(words, lock, log):
    """Runs first in each worker: what they share becomes global there."""
    global g_words, g_lock, g_log
    g_words, g_lock, g_log = words, lock, log


def count(text):
    if text == "endless":
        time.sleep(3600)
    found = text.split()
    with g_words.get_lock():
        g_words.value += len(found)
    with g_lock:  # the two lines stay together
        g_log.put(text)
        g_log.put(f"  has {len(found)} words")
    return len(found)


def main():
    words, lock, log = multiprocessing.Value("q", 0), multiprocessing.Lock(), multiprocessing.Queue()
    with multiprocessing.Pool(2, initializer=start, initargs=(words, lock, log)) as pool:
        results, counted, late = pool.imap_unordered(count, TEXTS), [], 0
        for _ in TEXTS:
            try:
                counted.append(results.next(timeout=5))
            except multiprocessing.TimeoutError:
                late += 1
        lines = [log.get(timeout=5) for _ in range(2 * len(counted))]
    pairs = all(lines[i + 1] == f"  has {len(lines[i].split())} words" for i in range(0, len(lines), 2))
    print("texts:", len(counted), "given up:", late)
    print("words:", words.value, sum(counted))
    print("lines:", len(lines), "in pairs" if pairs else "mixed up")


if __name__ == "__main__":
    main()
