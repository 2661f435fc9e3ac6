/* SPDX-License-Identifier: MIT */
#ifndef HEAPSCAN_CONFIDENCE_H
#define HEAPSCAN_CONFIDENCE_H

#include <heapscan/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * How far a statement about the target can be relied on. Zero is the lowest,
 * so what nobody judged is not trusted. The words are the same in every
 * output; what each level takes is said where a statement is made:
 *
 *	leaks    HIGH: no word that was seen points to the block. MEDIUM: a
 *	         dead stack slot does, or a weak reference of something alive.
 *	         LOW: memory that could hold a pointer was not captured.
 *	types    HIGH: several facts that do not come together by chance.
 *	         MEDIUM: a shape that other data may have. LOW: plausible.
 *	damage   HIGH: nothing else explains what is seen. LOW: a guess that
 *	         is worth checking.
 */
/* clang-format off */
#define HS_CONFIDENCES(X)   \
	X(LOW, "low")       \
	X(MEDIUM, "medium") \
	X(HIGH, "high")
/* clang-format on */
enum hs_confidence {
#define X(id, word) HS_CONFIDENCE_##id,
	HS_CONFIDENCES(X)
#undef X
};
/* "low" for a number that is none of them; never NULL. */
HS_API const char *hs_confidence_name(enum hs_confidence confidence);

#ifdef __cplusplus
}
#endif
#endif
