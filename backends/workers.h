/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_WORKERS_H
#define BACKENDS_WORKERS_H

#include <stddef.h>

/* How many threads are worth starting for TASKS tasks: at most as many as this
 * process may use processors. At least 1. */
size_t hs_workers_count(size_t tasks);

/*
 * Run FN(ARG) in COUNT threads, this one among them, and wait for all. Where
 * no more threads are to be had, fewer do the work.
 */
void hs_workers_run(size_t count, void *(*fn)(void *arg), void *arg);

#endif
