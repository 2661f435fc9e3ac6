/* SPDX-License-Identifier: MIT */
#ifndef TYPES_C_RULES_H
#define TYPES_C_RULES_H

#include "core/window.h"
#include "symbols/declarations.h"

/*
 * What a program's source knows and its declarations do not say: which struct a
 * tag stands for, what is behind a void pointer. One rule a line; docs/types.md
 * describes them. The first rule of a subject whose conditions hold counts.
 */
#define HS_C_TESTS 4u

enum hs_c_op { HS_C_IS, HS_C_IS_NOT, HS_C_AT_MOST };

/* A number at OFFSET, which may be before the place that is looked at. */
struct hs_c_test {
	int64_t offset;
	uint64_t mask, value;
	uint8_t size, bit, bits; /* bits 0: all */
	uint8_t op;              /* enum hs_c_op */
};

struct hs_c_tests {
	struct hs_c_test test[HS_C_TESTS];
	unsigned count;
};

enum hs_c_subject {
	HS_C_POINTEE, /* what a pointer to `subject` leads to */
	HS_C_MEMBER,  /* the pointer at `member` in a `subject` */
	HS_C_TYPEDEF, /* a pointer that is declared as `subject` */
	HS_C_VIEW,    /* the union `subject` is its member at `member` */
};

struct hs_c_rule {
	uint8_t of;       /* enum hs_c_subject */
	uint32_t subject; /* type; of TYPEDEF that of the alias itself */
	uint64_t member;  /* offset */
	struct hs_c_tests when;
	uint32_t type; /* what is there: no alias, but for one with rules */
	int64_t at;    /* where it begins, from what the pointer says */
	struct hs_c_tests provided; /* of what is there */
	bool anywhere; /* in the block: wherever the rules of it hold */
};

struct hs_c_rules {
	struct hs_c_rule *rule; /* by subject, then as they are written */
	size_t count, capacity;
	uint8_t *kinds; /* by type: a bit for each enum hs_c_subject */
};

/*
 * Read TEXT for the types of D, which must be complete. Rules about types or
 * members that are not there are left out: they are for another program, or
 * another version. Of several types with one
 * name each is meant. HS_ERR_INVALID: a line is no rule; the error says which.
 */
HS_MUST_CHECK enum hs_status hs_c_rules_read(struct hs_c_rules *rules,
					     const struct hs_decls *d,
					     const char *text,
					     struct hs_error *err);
void hs_c_rules_release(struct hs_c_rules *rules);

static inline bool hs_c_rules_has(const struct hs_c_rules *rules, uint32_t type,
				  enum hs_c_subject of)
{
	return rules->kinds && (rules->kinds[type] >> of & 1);
}

/* The rules of SUBJECT: *COUNT of them from the index returned. */
size_t hs_c_rules_find(const struct hs_c_rules *rules, uint32_t subject,
		       size_t *count);

/* Do all TESTS hold for what is at ADDR? */
bool hs_c_tests_hold(const struct hs_c_tests *tests, struct hs_window *window,
		     hs_addr addr);

#endif
