/* SPDX-License-Identifier: MIT */
#ifndef TYPES_C_SPREAD_H
#define TYPES_C_SPREAD_H

#include "types/c_types.h"

/* Addresses below are numbers. */
#define HS_C_LOWEST 4096u

/* What is being looked through: a block, or a variable. */
struct hs_c_source {
	struct hs_naming *n;
	struct hs_c *c;
	uint32_t from; /* as in a claim */
	hs_addr start; /* of FROM */
	hs_addr end;   /* values lie before it */
	bool doubtful;
	unsigned nested; /* things that hold others by value, and this is in:
			  * tables, functions */
};

/*
 * The pointer at SLOT, declared to lead to a POINTEE, waits to be followed. It
 * claims what it leads to when enough of them wait, or when told to.
 */
void hs_c_follow(struct hs_c_source *s, uint32_t pointee, hs_addr slot);
/* The same for the pointer V, which is nowhere in memory. */
void hs_c_follow_value(struct hs_c_source *s, uint32_t pointee, uint64_t v,
		       hs_addr slot);
void hs_c_follow_waiting(struct hs_naming *n, struct hs_c *c);

/* B is a TYPE, as what is at SLOT says: the reader of a container, or B's own
 * vtable. */
void hs_c_claim_as(struct hs_c_source *s, const struct hs_block *b,
		   uint32_t type, enum hs_c_form form, enum hs_c_rank rank,
		   hs_addr slot);
/* Follow the pointers in a value of TYPE at ADDR. */
void hs_c_visit_value(struct hs_c_source *s, uint32_t type, hs_addr addr);
/* The declared type of the objects whose vtable is at VPTR, or of the nearest
 * of their bases that is declared. */
bool hs_c_class(struct hs_naming *n, struct hs_c *c, hs_addr vptr,
		uint32_t *type);
/* Is one of two types just a part of the other, at its start? Then *RET is the
 * whole. */
bool hs_c_whole_of(const struct hs_c *c, uint32_t a, uint32_t b, uint32_t *ret);

/*
 * The pointer at SLOT leads to a TYPE, OFFSET bytes into B, which is more than
 * that: what it is in turn leads to is followed later.
 */
void hs_c_inner_note(struct hs_c_source *s, const struct hs_block *b,
		     uint32_t type, uint64_t offset, hs_addr slot);
/* Follow some of those that were noted. False: there are none. */
bool hs_c_inner_visit(struct hs_naming *n, struct hs_c *c);

/* Where in a struct is what other data would not have. */
#define HS_C_EVIDENCE 8u

struct hs_c_evidence {
	uint64_t offset[HS_C_EVIDENCE];
	unsigned count;
};

/*
 * Is B of the size of a TYPE, do all pointers in one make sense there, is there
 * one to a block, and does B lead to no block by other words? What EVIDENCE has
 * is added to; it may be NULL.
 */
bool hs_c_explains(struct hs_naming *n, struct hs_c *c, uint32_t type,
		   const struct hs_block *b, struct hs_c_evidence *evidence);

/* Claim what void pointers lead to, where many are alike; false: none. Only
 * while guessing. */
bool hs_c_alike(struct hs_naming *n, struct hs_c *c);

/* There is a union of TYPE at ADDR,
 * which may lead to structs. */
void hs_c_choice_note(struct hs_c_source *s, uint32_t type, hs_addr addr);
/* Claim what those lead to that were noted; false: none was. Only while
 * guessing. */
bool hs_c_choose(struct hs_naming *n, struct hs_c *c);

/* Claim all objects that have a vtable. */
void hs_c_claim_objects(struct hs_naming *n, struct hs_c *c);

/*
 * Try the rules of SUBJECT, whose conditions are about what is at ADDR, at
 * once. SLOT holds the pointer that led there. True: one of them led
 * somewhere.
 */
bool hs_c_follow_rules(struct hs_c_source *s, uint32_t subject,
		       enum hs_c_subject of, hs_addr addr, hs_addr slot);

#endif
