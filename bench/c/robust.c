/*
 * What a lock that survives the death of its owner costs in C: a robust, process-shared pthread mutex in shared memory.
 *
 *   robust PAIRS PROCESSES INCREMENTS
 *
 * First this process alone locks and unlocks the mutex PAIRS times. Then PROCESSES forked processes, lined up by a barrier,
 * increment one counter INCREMENTS times each under the mutex. That lasts from the first one's begin to the last one's end, by the
 * clock that they share. A tenth as many pairs and a fiftieth as many increments go before, to warm up. Prints {"robust": one pair,
 * "robust processes": all increments} in seconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct span {
	_Alignas(128) double begin;
	double end;
};

/* The mutex, the counter and what the processes write about themselves do not share cache lines. */
struct page {
	_Alignas(128) pthread_mutex_t mutex;
	_Alignas(128) volatile int64_t counter;
	_Alignas(128) pthread_barrier_t start;
	struct span spans[];
};

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void must(const char *what, int error)
{
	if (error != 0) {
		fprintf(stderr, "robust: %s: %s\n", what, strerror(error));
		exit(1);
	}
}

static void pairs(struct page *p, long n)
{
	for (long i = 0; i < n; i++) {
		must("lock", pthread_mutex_lock(&p->mutex));
		must("unlock", pthread_mutex_unlock(&p->mutex));
	}
}

static void increments(struct page *p, long n)
{
	for (long i = 0; i < n; i++) {
		must("lock", pthread_mutex_lock(&p->mutex));
		p->counter++;
		must("unlock", pthread_mutex_unlock(&p->mutex));
	}
}

static struct page *prepare(int processes)
{
	size_t size = sizeof(struct page) + processes * sizeof(struct span);
	struct page *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		must("mmap", errno);
	pthread_mutexattr_t kind;
	must("attributes", pthread_mutexattr_init(&kind));
	must("process-shared", pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED));
	must("robust", pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST));
	must("mutex", pthread_mutex_init(&p->mutex, &kind));
	pthread_barrierattr_t shared;
	must("attributes", pthread_barrierattr_init(&shared));
	must("process-shared", pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED));
	must("barrier", pthread_barrier_init(&p->start, &shared, processes));
	return p;
}

static void work(struct page *p, int me, long n)
{
	increments(p, n / 50);
	int error = pthread_barrier_wait(&p->start);
	if (error != PTHREAD_BARRIER_SERIAL_THREAD)
		must("barrier", error);
	p->spans[me].begin = now();
	increments(p, n);
	p->spans[me].end = now();
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: robust pairs processes increments\n");
		return 2;
	}
	long alone = atol(argv[1]), n = atol(argv[3]);
	int processes = atoi(argv[2]);
	struct page *p = prepare(processes);

	pairs(p, alone / 10);
	double begin = now();
	pairs(p, alone);
	double pair = (now() - begin) / alone;

	pid_t parent = getpid();
	for (int i = 0; i < processes; i++) {
		pid_t child = fork();
		if (child < 0)
			must("fork", errno);
		if (child == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() == parent)
				work(p, i, n);
			_exit(0);
		}
	}
	for (int i = 0; i < processes; i++) {
		int status;
		if (wait(&status) < 0)
			must("wait", errno);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			fprintf(stderr, "robust: a process ended with status %#x\n", status);
			return 1; /* the others die with this one */
		}
	}
	int64_t want = processes * (n + n / 50);
	if (p->counter != want) {
		fprintf(stderr, "robust: counted %lld, not %lld\n", (long long)p->counter, (long long)want);
		return 1;
	}
	double first = p->spans[0].begin, last = p->spans[0].end;
	for (int i = 1; i < processes; i++) {
		if (p->spans[i].begin < first)
			first = p->spans[i].begin;
		if (p->spans[i].end > last)
			last = p->spans[i].end;
	}
	printf("{\"robust\": %.12f, \"robust processes\": %.9f}\n", pair, last - first);
	return 0;
}
