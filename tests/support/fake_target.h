/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAKE_TARGET_H
#define TESTS_FAKE_TARGET_H

#include "core/backend.h"

/*
 * A target made of the caller's arrays: the memory a test needs, byte by byte.
 *
 *	struct fake_target t;
 *	fake_target_init(&t, HS_ARCH_X86_64);
 *	fake_target_map(&t, HEAP, bytes, sizeof(bytes), FAKE_RW);
 *	fake_target_hole(&t, HEAP + 0x1000, 0x1000);
 *	fake_target_finish(&t);
 *	fake_target_put(&t, HEAP + 8, 0x21);
 *	... code under test gets &t.base ...
 *	fake_target_release(&t);
 *
 * Threads and modules: hs_thread_list_add(&t.base.threads, ...) and so on,
 * before fake_target_finish(). Every mistake in the setup is an assertion.
 */
#define FAKE_RW (HS_PROT_READ | HS_PROT_WRITE)
#define FAKE_MAX_PIECES 64u

struct fake_piece {
	hs_addr start;
	uint64_t len;
	uint8_t *bytes; /* the caller's */
};

struct fake_target {
	struct hs_target base;
	struct fake_piece piece[FAKE_MAX_PIECES];
	size_t piece_count;
	/* See fake_target_fail_nth_read(). */
	unsigned long reads, fail_at;
};

/* Word size and byte order follow ARCH. */
void fake_target_init(struct fake_target *t, enum hs_arch arch);

/* Readable memory that is BYTES, as an anonymous mapping; BYTES must outlive
 * the target, and changes to it are seen. */
void fake_target_map(struct fake_target *t, hs_addr start, void *bytes,
		     uint64_t len, unsigned prot);
/* The same with a mapping of KIND; PATH may be NULL. */
void fake_target_map_as(struct fake_target *t, hs_addr start, void *bytes,
			uint64_t len, unsigned prot, enum hs_map_kind kind,
			const char *path);
/* Mapped in the process, left out of the dump: reads say "not captured". */
void fake_target_hole(struct fake_target *t, hs_addr start, uint64_t len);

/* Sort; after this the target may be read. */
void fake_target_finish(struct fake_target *t);

/* One target word, in the target's size and byte order; ADDR must be mapped.
 * Work before and after fake_target_finish(). */
void fake_target_put(struct fake_target *t, hs_addr addr, uint64_t word);
uint64_t fake_target_get(const struct fake_target *t, hs_addr addr);
/* LEN bytes (1 to 8) of VALUE. */
void fake_target_put_uint(struct fake_target *t, hs_addr addr, size_t len,
			  uint64_t value);

/*
 * From now on count views of memory in t->reads and let the NTH (1 is the
 * next) fail with HS_ERR_IO, as a disk would; 0 only counts. The target must
 * be finished: its spans become lazy ones.
 */
void fake_target_fail_nth_read(struct fake_target *t, unsigned long nth);

void fake_target_release(struct fake_target *t);

#endif
