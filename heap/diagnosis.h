/* SPDX-License-Identifier: MIT */
#ifndef HEAP_DIAGNOSIS_H
#define HEAP_DIAGNOSIS_H

#include <heapscan/damage.h>

#include "core/window.h"
#include "heap/model.h"

/*
 * A diagnosis while it is made. damage.c asks what each finding means and puts
 * together what belongs together; damage_header.c judges overwritten headers,
 * damage_list.c broken lists, damage_free.c which pointer was given back.
 */
struct hs_damage {
	struct hs_damage_item {
		struct hs_diagnosis d;
		char *message;   /* owned; d.message */
		uint32_t list;   /* that it broke, or UINT32_MAX */
		hs_addr tcache;  /* ... and whose, or HS_NO_ADDR */
		uint32_t arena;  /* ... or HS_NO_ARENA */
		bool at_verdict; /* glibc's own verdict is about it */
	} * item;
	size_t count, capacity;
};

struct hs_diagnoser {
	const struct hs_target *target;
	const struct hs_heap *heap;
	struct hs_window window;
	struct hs_damage *damage;
	/* The mark in chunks that a tcache holds, where it is one for all. */
	uint64_t key;
	bool key_known;
};

/* A diagnosis of which nothing is known yet, to be filled and added. */
struct hs_damage_item hs_damage_item(enum hs_cause cause,
				     enum hs_confidence confidence);
/* What it hit, a user pointer: sets victim and its chunk. */
void hs_damage_victim(struct hs_diagnoser *g, struct hs_damage_item *item,
		      hs_addr user);
/* Look at LENGTH bytes at AT: sets look, bytes and length. */
void hs_damage_look(struct hs_diagnoser *g, struct hs_damage_item *item,
		    hs_addr at, uint64_t length);
/*
 * Add ITEM, explaining one finding, with its message. One that has the same
 * suspect, or the same victim, is the same thing: then that one explains a
 * finding more.
 */
HS_MUST_CHECK enum hs_status
hs_damage_add(struct hs_diagnoser *g, const struct hs_damage_item *item,
	      struct hs_error *err, const char *fmt, ...) HS_PRINTF(4, 5);

/* The chunk that ends where ADDR begins; SIZE_MAX: none does. */
size_t hs_damage_before(const struct hs_heap *heap, hs_addr addr);

static inline bool hs_damage_is_text(uint8_t byte)
{
	return (byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\t' ||
	       byte == '\r';
}

static inline bool hs_damage_is_free(const struct hs_chunk *c)
{
	return c->state >= HS_CHUNK_TCACHE && c->state <= HS_CHUNK_LARGEBIN;
}

/*
 * The header of the chunk at VICTIM was overwritten; its size field should be
 * EXPECTED (with flags), or HS_UNKNOWN. Who did it: the chunk before, or the
 * victim's own owner?
 */
HS_MUST_CHECK enum hs_status hs_damage_header(struct hs_diagnoser *g,
					      const char *code, hs_addr victim,
					      uint64_t expected,
					      struct hs_error *err);

/* Walk every list again, and say for each what broke it first. */
HS_MUST_CHECK enum hs_status hs_damage_lists(struct hs_diagnoser *g,
					     struct hs_error *err);

/*
 * glibc gave up and the heap is sound: the damage was in the call. Which
 * pointer was it given? Read off the registers and the stack of the thread.
 */
HS_MUST_CHECK enum hs_status hs_damage_call(struct hs_diagnoser *g,
					    struct hs_error *err);
/* Whether the thread that gave up was dealing with a chunk: its address or its
 * user pointer is on the innermost part of its stack. */
bool hs_damage_in_hand(struct hs_diagnoser *g, size_t chunk);

#endif
