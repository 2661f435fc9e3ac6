/* SPDX-License-Identifier: MIT */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

/*
 * Every cap in heapscan, with the reason for its value. A cap that is reached
 * is an error or a finding that says so, never silence.
 */

/* A process's maps: vm.max_map_count is 65,530 by default, a few raise it to
 * 2^24; a forged core could claim 2^32 segments of nothing. */
#define HS_LIMIT_SEGMENTS (1u << 24)

/* Threads: kernel.threads-max never exceeds 2^22 (PID_MAX_LIMIT). */
#define HS_LIMIT_THREADS (1u << 22)

/* Arenas: 8 per core by default, raised by tunables only by the curious. */
#define HS_LIMIT_ARENAS (1u << 16)

/* Problems kept per code: the reader has understood by then, and a heap that
 * is broken in a million places must not cost a million messages. */
#define HS_LIMIT_PROBLEMS_PER_CODE 32u

/* A path or a name out of the target. PATH_MAX is 4096. */
#define HS_LIMIT_STRING 4096u

#endif
