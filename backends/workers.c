/* SPDX-License-Identifier: MIT */
#include "backends/workers.h"

#include <pthread.h>
#include <sched.h>

/* More read memory faster than it comes. */
#define MOST 64u

size_t hs_workers_count(size_t tasks)
{
	cpu_set_t set;
	size_t n = 1;
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = (size_t)CPU_COUNT(&set);
	if (n > tasks)
		n = tasks;
	if (n > MOST)
		n = MOST;
	return n > 0 ? n : 1;
}

void hs_workers_run(size_t count, void *(*fn)(void *arg), void *arg)
{
	pthread_t thread[MOST];
	size_t started = 0;
	while (started + 1 < count && started < MOST &&
	       pthread_create(&thread[started], NULL, fn, arg) == 0)
		started++;
	(void)fn(arg);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(thread[i], NULL);
}
