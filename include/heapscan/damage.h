/* SPDX-License-Identifier: MIT */
#ifndef HEAPSCAN_DAMAGE_H
#define HEAPSCAN_DAMAGE_H

#include <heapscan/confidence.h>
#include <heapscan/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What probably damaged a heap: the findings of a scan, put together to one
 * answer for each place that was hit.
 */

/* What the C library said when it gave up. */
struct hs_verdict {
	const char *text; /* "malloc(): corrupted top size"; borrowed */
	bool about_heap;  /* it is malloc's; else some other abort or assert */
	int64_t tid;      /* the thread that it ended; -1: not known */
};
/* False: it said nothing, or that could not be read. */
HS_API bool hs_heap_verdict(const struct hs_heap *heap, struct hs_verdict *ret);

/* clang-format off */
#define HS_CAUSES(X)                                                          \
	X(OVERFLOW, "overflow")             /* written past the end */        \
	X(UNDERFLOW, "underflow")           /* written before the start */    \
	X(USE_AFTER_FREE, "use-after-free") /* written to what was freed */   \
	X(DOUBLE_FREE, "double-free")       /* given back twice */            \
	X(INVALID_FREE, "invalid-free")     /* no pointer that malloc gave */ \
	X(OVERWRITTEN, "overwritten")       /* damaged; by whom is open */
/* clang-format on */

enum hs_cause {
#define X(id, word) HS_CAUSE_##id,
	HS_CAUSES(X)
#undef X
		HS_CAUSE_COUNT
};
HS_API const char *hs_cause_name(enum hs_cause cause);

/* What bytes look like, without showing them. */
enum hs_look {
	HS_LOOK_NONE, /* there are none to look at */
	HS_LOOK_TEXT,
	HS_LOOK_ZEROES,
	HS_LOOK_REPEATED, /* one byte again and again */
	HS_LOOK_POINTER,  /* leads to mapped memory */
	HS_LOOK_BINARY,
};
HS_API const char *hs_look_name(enum hs_look look);

struct hs_diagnosis {
	enum hs_cause cause;
	enum hs_confidence confidence;
	const char *code;    /* of the first finding; NULL: only glibc saw it */
	const char *message; /* for people, one line; may change */
	hs_addr place;       /* the word that is wrong; HS_NO_ADDR: none is */
	hs_addr victim;      /* user pointer of what was hit or wrongly freed */
	size_t victim_chunk; /* index of the chunk it lies in, or SIZE_MAX */
	/* Whose owner is to blame, as far as can be told; or SIZE_MAX. */
	size_t suspect_chunk;
	/* OVERFLOW: at least so many bytes past the suspect's end were written,
	 * UNDERFLOW: before its start; else HS_UNKNOWN. */
	uint64_t overrun;
	enum hs_look look; /* of what was written there */
	hs_addr bytes;     /* where that begins, HS_NO_ADDR: not known ... */
	uint64_t length;   /* ... and how long it is, as far as it goes */
	uint64_t findings; /* how many of the scan's findings it explains */
};

struct hs_damage; /* opaque; independent of target and heap */

/*
 * Diagnose HEAP, which a scan of TARGET returned. Without damage, and without
 * a verdict about the heap, there are no diagnoses. Those that glibc's own
 * verdict is about come first, then the surest. Free with hs_damage_free().
 */
HS_API enum hs_status hs_damage_diagnose(struct hs_target *target,
					 const struct hs_heap *heap,
					 struct hs_damage **ret,
					 struct hs_error *err);
HS_API void hs_damage_free(struct hs_damage *damage); /* NULL is fine */
HS_API size_t hs_damage_count(const struct hs_damage *damage);
HS_API void hs_damage_at(const struct hs_damage *damage, size_t i,
			 struct hs_diagnosis *ret);

#ifdef __cplusplus
}
#endif
#endif
