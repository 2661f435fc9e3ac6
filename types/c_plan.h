/* SPDX-License-Identifier: MIT */
#ifndef TYPES_C_PLAN_H
#define TYPES_C_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fail.h"

struct hs_c;

/*
 * What spreading asks of a type, worked out once for each: the declarations
 * are a graph of members, typedefs and arrays, and a heap has millions of
 * blocks of a few types.
 */

/* A pointer to follow, at OFFSET of a value; or a union of such. */
struct hs_c_lead {
	uint32_t offset;
	uint32_t pointee; /* as declared; the union's type */
	bool choice;      /* it is a union */
};

/* A value that makes sense or not. */
struct hs_c_check {
	uint32_t offset;
	bool is_bool; /* else a pointer */
};

struct hs_c_plan {
	uint64_t tail;    /* offset of its tail, if it has one */
	uint32_t element; /* ... and what that consists of */
	/* Places in the plans' lists; valid if the flags below say so. */
	uint32_t lead, leads;
	uint32_t check, checks;
	/* Structs that begin with it: places in the list of parts. */
	uint32_t whole, wholes;
	/* The last answer whether one of those fits a block. */
	uint64_t asked_usable;
	bool asked, asked_mapped, answer;
	bool made;
	bool has_tail;
	bool leads_on;   /* it, or its tail, has pointers to follow */
	bool flat_leads; /* `lead` is complete: no rule decides, not too many */
	bool flat_checks; /* the same of `check` */
};

struct hs_c_plans {
	struct hs_c_plan *of; /* by type */
	struct hs_c_lead *lead;
	size_t lead_count, lead_capacity;
	struct hs_c_check *check;
	size_t check_count, check_capacity;
	uint8_t *leads; /* by type: does a value hold pointers to follow? */
};

HS_MUST_CHECK enum hs_status hs_c_plans_init(struct hs_c *c,
					     struct hs_error *err);
void hs_c_plans_release(struct hs_c_plans *plans);

/*
 * The plan of TYPE, which has no typedefs around it. It stays where it is.
 * Needs the rules and the list of parts. What there is no memory for is not
 * flat.
 */
struct hs_c_plan *hs_c_plan(struct hs_c *c, uint32_t type);

/* Has a value of TYPE pointers that lead on? */
bool hs_c_leads(struct hs_c *c, uint32_t type);

/* Take typedefs off TYPE, up to one that has rules: then true. */
bool hs_c_ruled_alias(const struct hs_c *c, uint32_t *type);

#endif
