/* SPDX-License-Identifier: MIT */
#include <heapscan/crew.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "core/fail.h"
#include "core/limits.h"

struct crew {
	atomic_size_t next; /* the piece that nobody took yet */
	atomic_bool stop;
	size_t count;
	hs_work_fn fn;
	void *arg;
	pthread_mutex_t lock; /* of what follows */
	enum hs_status status;
	struct hs_error error;
};

static void give_up(struct crew *crew, enum hs_status st,
		    const struct hs_error *err)
{
	(void)pthread_mutex_lock(&crew->lock);
	if (!crew->status) {
		crew->status = st;
		crew->error = *err;
	}
	(void)pthread_mutex_unlock(&crew->lock);
	atomic_store(&crew->stop, true);
}

struct worker {
	struct crew *crew;
	unsigned number;
};

/* False: nothing is left, or somebody failed. */
static bool do_one(struct crew *crew, unsigned worker, size_t *piece)
{
	if (atomic_load_explicit(&crew->stop, memory_order_relaxed))
		return false;
	*piece = atomic_fetch_add(&crew->next, 1);
	if (*piece >= crew->count)
		return false;
	struct hs_error err = { .code = HS_OK };
	enum hs_status st = crew->fn(crew->arg, worker, *piece, &err);
	if (st)
		give_up(crew, st, &err);
	return !st;
}

static void *work(void *arg)
{
	const struct worker *me = arg;
	size_t piece;
	while (do_one(me->crew, me->number, &piece))
		;
	return NULL;
}

unsigned hs_crew_count(unsigned jobs, size_t count)
{
	cpu_set_t set;
	if (!jobs) {
		jobs = 1;
		if (sched_getaffinity(0, sizeof(set), &set) == 0)
			jobs = (unsigned)CPU_COUNT(&set);
	}
	if (jobs > HS_LIMIT_WORKERS)
		jobs = HS_LIMIT_WORKERS;
	if (jobs > count)
		jobs = (unsigned)count;
	return jobs ? jobs : 1;
}

enum hs_status hs_crew_run(unsigned jobs, size_t count, hs_work_fn fn,
			   void *arg, const char *what, hs_progress_fn progress,
			   void *progress_arg, struct hs_error *err)
{
	struct crew crew = { .count = count,
			     .fn = fn,
			     .arg = arg,
			     .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t thread[HS_LIMIT_WORKERS];
	struct worker worker[HS_LIMIT_WORKERS];
	unsigned threads = 0;
	jobs = hs_crew_count(jobs, count);
	for (; threads + 1 < jobs; threads++) {
		worker[threads] = (struct worker){ &crew, threads + 1 };
		if (pthread_create(&thread[threads], NULL, work,
				   &worker[threads]) != 0)
			break;
	}
	size_t piece;
	while (do_one(&crew, 0, &piece))
		if (progress && !progress(progress_arg, what, piece, count)) {
			struct hs_error stopped;
			(void)hs_fail(&stopped, HS_ERR_CANCELLED,
				      "stopped while %s", what);
			give_up(&crew, HS_ERR_CANCELLED, &stopped);
		}
	for (unsigned i = 0; i < threads; i++)
		(void)pthread_join(thread[i], NULL);
	(void)pthread_mutex_destroy(&crew.lock);
	if (crew.status && err)
		*err = crew.error;
	return crew.status;
}
