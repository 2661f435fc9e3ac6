/* SPDX-License-Identifier: MIT */
#include "types/c_plan.h"

#include <stdlib.h>

#include "core/grow.h"
#include "core/limits.h"
#include "types/c_types.h"

#define MAX_DEPTH HS_LIMIT_EMBED_DEPTH
/* Members looked at to list a type. Larger ones are looked through anew for
 * each block, which costs little: their blocks are few. */
#define MAX_LISTED 256u

enum hs_status hs_c_plans_init(struct hs_c *c, struct hs_error *err)
{
	size_t types = c->decls.type_count;
	c->plans = (struct hs_c_plans){ .of = NULL };
	c->plans.of = calloc(types + 1, sizeof(*c->plans.of));
	c->plans.leads = calloc(types + 1, sizeof(*c->plans.leads));
	if (c->plans.of && c->plans.leads)
		return HS_OK;
	hs_c_plans_release(&c->plans);
	return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu types", types);
}

void hs_c_plans_release(struct hs_c_plans *plans)
{
	free(plans->of);
	free(plans->lead);
	free(plans->check);
	free(plans->leads);
	*plans = (struct hs_c_plans){ .of = NULL };
}

bool hs_c_ruled_alias(const struct hs_c *c, uint32_t *type)
{
	uint32_t at = *type;
	for (unsigned i = 0; i < MAX_DEPTH; i++) {
		const struct hs_decl_type *t = &c->decls.type[at];
		if (t->kind != HS_DECL_ALIAS)
			break;
		if (hs_c_rules_has(&c->rules, at, HS_C_TYPEDEF)) {
			*type = at;
			return true;
		}
		at = t->of;
	}
	*type = hs_decls_strip(&c->decls, *type);
	return false;
}

/* Has a value of TYPE a pointer to a struct, anywhere? *LEFT: members that may
 * still be looked at. */
static bool leads_to_struct(const struct hs_decls *d, uint32_t type,
			    unsigned depth, unsigned *left)
{
	type = hs_decls_strip(d, type);
	const struct hs_decl_type *t = &d->type[type];
	bool yes = false;
	if (depth >= MAX_DEPTH || *left == 0)
		return false;
	--*left;
	if (t->kind == HS_DECL_POINTER)
		return d->type[hs_decls_strip(d, t->of)].kind == HS_DECL_STRUCT;
	if (t->kind == HS_DECL_ARRAY)
		return leads_to_struct(d, t->of, depth + 1, left);
	if (t->kind == HS_DECL_STRUCT || t->kind == HS_DECL_UNION)
		for (uint32_t i = 0; i < t->members && !yes && *left; i++)
			yes = leads_to_struct(d, d->member[t->member + i].type,
					      depth + 1, left);
	return yes;
}

/* Asked once for each type. */
static bool leads(struct hs_c *c, uint32_t type, unsigned depth)
{
	enum { UNKNOWN, NO, YES };
	const struct hs_decls *d = &c->decls;
	uint8_t *known = c->plans.leads;
	if (hs_c_ruled_alias(c, &type))
		return true;
	const struct hs_decl_type *t = &d->type[type];
	if (hs_c_rules_has(&c->rules, type, HS_C_MEMBER) ||
	    hs_c_rules_has(&c->rules, type, HS_C_VIEW))
		return true;
	if (known[type] != UNKNOWN)
		return known[type] == YES;
	bool yes = false;
	if (depth == MAX_DEPTH)
		return false;
	known[type] = NO; /* while it is being asked: no harm */
	if (t->kind == HS_DECL_POINTER) {
		uint8_t kind = d->type[hs_decls_strip(d, t->of)].kind;
		yes = kind != HS_DECL_VOID && kind != HS_DECL_FUNCTION &&
		      kind != HS_DECL_OTHER;
	} else if (t->kind == HS_DECL_UNION && !t->rust) {
		unsigned left = MAX_LISTED;
		yes = leads_to_struct(d, type, depth, &left);
	} else if (t->kind == HS_DECL_ARRAY) {
		yes = leads(c, t->of, depth + 1);
	} else if (hs_c_container(c, type)) {
		yes = true;
	} else if (t->kind == HS_DECL_STRUCT) {
		for (uint32_t i = 0; i < t->members && !yes; i++)
			yes = leads(c, d->member[t->member + i].type,
				    depth + 1);
		uint32_t first = t->member + t->members + t->parameters;
		for (uint32_t i = 0; i < t->virtuals && !yes; i++)
			yes = leads(c, d->member[first + i].type, depth + 1);
	}
	known[type] = yes ? YES : NO;
	return yes;
}

bool hs_c_leads(struct hs_c *c, uint32_t type)
{
	return leads(c, type, 0);
}

/* Which values of a type are listed; false: to be looked through. */
struct listing {
	struct hs_c *c;
	unsigned left; /* members that may still be looked at */
	bool (*value)(struct listing *l, uint32_t type, uint64_t offset);
	/* Is there nothing in TYPE? Then it is not looked into. */
	bool (*nothing)(struct listing *l, uint32_t type);
	bool ruled; /* rules decide what is followed */
};

static bool list(struct listing *l, uint32_t type, uint64_t offset,
		 unsigned depth)
{
	struct hs_c *c = l->c;
	const struct hs_decls *d = &c->decls;
	if (l->nothing(l, type))
		return true;
	if (l->left == 0)
		return false;
	l->left--;
	if (depth == MAX_DEPTH || offset > UINT32_MAX ||
	    (l->ruled && hs_c_ruled_alias(c, &type)))
		return false;
	type = hs_decls_strip(d, type);
	if (l->ruled && (hs_c_rules_has(&c->rules, type, HS_C_MEMBER) ||
			 hs_c_rules_has(&c->rules, type, HS_C_VIEW)))
		return false;
	const struct hs_decl_type *t = &d->type[type];
	if (t->discr_size ||
	    (l->ruled && (t->virtuals || hs_c_container(c, type))))
		return false;
	if (t->kind == HS_DECL_STRUCT) {
		for (uint32_t i = 0; i < t->members; i++) {
			const struct hs_decl_member *m =
				&d->member[t->member + i];
			if (m->bits)
				continue;
			if (m->offset > UINT32_MAX ||
			    !list(l, m->type, offset + m->offset, depth + 1))
				return false;
		}
		return true;
	}
	if (t->kind == HS_DECL_ARRAY) {
		uint64_t size = d->type[hs_decls_strip(d, t->of)].size;
		if (size == 0)
			return true;
		if (t->count > MAX_LISTED || size > UINT32_MAX)
			return false;
		for (uint64_t i = 0; i < t->count; i++)
			if (!list(l, t->of, offset + i * size, depth + 1))
				return false;
		return true;
	}
	return l->value(l, type, offset);
}

static bool leads_nowhere(struct listing *l, uint32_t type)
{
	return !leads(l->c, type, 0);
}

static bool add_lead(struct listing *l, uint32_t type, uint64_t offset)
{
	struct hs_c_plans *p = &l->c->plans;
	const struct hs_decl_type *t = &l->c->decls.type[type];
	struct hs_error err;
	bool choice = t->kind == HS_DECL_UNION;
	if (!choice &&
	    (t->kind != HS_DECL_POINTER || t->size != l->c->read.word_size))
		return true;
	if (p->lead_count > UINT32_MAX - MAX_LISTED ||
	    hs_grow(&p->lead, &p->lead_capacity, p->lead_count,
		    sizeof(*p->lead), &err))
		return false;
	p->lead[p->lead_count++] =
		(struct hs_c_lead){ (uint32_t)offset, choice ? type : t->of,
				    choice };
	return true;
}

static bool always_something(struct listing *l, uint32_t type)
{
	(void)l;
	(void)type;
	return false;
}

static bool add_check(struct listing *l, uint32_t type, uint64_t offset)
{
	struct hs_c_plans *p = &l->c->plans;
	const struct hs_decl_type *t = &l->c->decls.type[type];
	struct hs_error err;
	bool is_bool = t->kind == HS_DECL_NUMBER &&
		       t->number == HS_NUMBER_BOOL && t->size == 1;
	if (!is_bool && t->kind != HS_DECL_POINTER &&
	    !hs_c_is_pointer(l->c, type))
		return true;
	if (p->check_count > UINT32_MAX - MAX_LISTED ||
	    hs_grow(&p->check, &p->check_capacity, p->check_count,
		    sizeof(*p->check), &err))
		return false;
	p->check[p->check_count++] =
		(struct hs_c_check){ (uint32_t)offset, is_bool };
	return true;
}

static void make(struct hs_c *c, uint32_t type, struct hs_c_plan *plan)
{
	struct hs_c_plans *p = &c->plans;
	size_t count;
	struct listing follow = { .c = c,
				  .left = MAX_LISTED,
				  .value = add_lead,
				  .nothing = leads_nowhere,
				  .ruled = true };
	struct listing check = { .c = c,
				 .left = MAX_LISTED,
				 .value = add_check,
				 .nothing = always_something };
	plan->made = true;
	plan->has_tail =
		hs_decls_tail(&c->decls, type, &plan->tail, &plan->element);
	plan->leads_on = leads(c, type, 0) ||
			 (plan->has_tail && leads(c, plan->element, 0));
	plan->whole = (uint32_t)hs_c_parts_find(c, type, 0, &count);
	plan->wholes = (uint32_t)count;

	plan->lead = (uint32_t)p->lead_count;
	plan->flat_leads = list(&follow, type, 0, 0);
	plan->leads = (uint32_t)(p->lead_count - plan->lead);
	plan->check = (uint32_t)p->check_count;
	plan->flat_checks = list(&check, type, 0, 0);
	plan->checks = (uint32_t)(p->check_count - plan->check);
}

struct hs_c_plan *hs_c_plan(struct hs_c *c, uint32_t type)
{
	struct hs_c_plan *plan = &c->plans.of[type];
	if (!plan->made)
		make(c, type, plan);
	return plan;
}
