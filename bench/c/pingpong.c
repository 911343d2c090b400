/*
 * A round trip between two processes that share two futex words in one page: what a call to a sleeping process costs
 * with nothing around it.
 *
 *   pingpong sleep|spin ROUNDS PAUSE_MICROSECONDS
 *
 * The caller runs on the first CPU it may use, the answerer on the second. The answerer always sleeps on its word. The
 * caller pauses, takes the time, sets the word, wakes the answerer, and waits for the answer: asleep on its own
 * word, or spinning on it. Prints {"sleep": median, "sleep p99": ...} in seconds.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct page {
	_Alignas(128) _Atomic uint32_t ping;
	_Alignas(128) _Atomic uint32_t pong;
};

static void wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Sleeps until the word is no longer old. */
static void await(_Atomic uint32_t *word, uint32_t old)
{
	while (atomic_load(word) == old)
		syscall(SYS_futex, word, FUTEX_WAIT, old, NULL, NULL, 0);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void pin(int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0) {
		perror("sched_setaffinity");
		exit(1);
	}
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: pingpong sleep|spin rounds pause_us\n");
		return 2;
	}
	int spin = strcmp(argv[1], "spin") == 0;
	int rounds = atoi(argv[2]), warm = rounds / 10;
	long pause = atol(argv[3]);

	cpu_set_t usable;
	int cpus[2], found = 0;
	sched_getaffinity(0, sizeof usable, &usable);
	for (int c = 0; c < CPU_SETSIZE && found < 2; c++)
		if (CPU_ISSET(c, &usable))
			cpus[found++] = c;
	if (found < 2) {
		fprintf(stderr, "pingpong: needs two CPUs\n");
		return 1;
	}

	struct page *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double *times = malloc(rounds * sizeof *times);
	if (p == MAP_FAILED || times == NULL) {
		perror("pingpong");
		return 1;
	}
	pid_t child = fork();
	if (child < 0) {
		perror("fork");
		return 1;
	}
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(cpus[1]);
		for (uint32_t n = 0;; n++) {
			await(&p->ping, n);
			atomic_store(&p->pong, n + 1);
			wake(&p->pong);
		}
	}
	pin(cpus[0]);
	struct timespec rest = {pause / 1000000, pause % 1000000 * 1000};
	for (int n = 0; n < warm + rounds; n++) {
		if (pause > 0)
			nanosleep(&rest, NULL);
		double begin = now();
		atomic_store(&p->ping, n + 1);
		wake(&p->ping);
		if (spin)
			while (atomic_load(&p->pong) == (uint32_t)n)
				;
		else
			await(&p->pong, n);
		if (n >= warm)
			times[n - warm] = now() - begin;
	}
	kill(child, SIGKILL);
	qsort(times, rounds, sizeof *times, ascending);
	printf("{\"%s\": %.9f, \"%s p99\": %.9f}\n", argv[1], times[rounds / 2], argv[1], times[rounds * 99 / 100]);
	return 0;
}
