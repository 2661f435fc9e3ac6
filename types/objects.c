/* SPDX-License-Identifier: MIT */
#include <heapscan/objects.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "types/object_shares.h"
#include "types/python_labels.h"
#include "types/python_object.h"
#include "types/types_inside.h"

struct hs_objects {
	struct hs_web web;
	struct hs_ways ways;
};

const char *hs_object_root_kind_name(enum hs_object_root_kind kind)
{
	static const char *const words[] = {
#define X(id, word) [HS_OBJECT_ROOT_##id] = word,
		HS_OBJECT_ROOT_KINDS(X)
#undef X
	};
	assert((unsigned)kind < sizeof(words) / sizeof(words[0]));
	return words[kind];
}

const char *hs_object_state_name(enum hs_object_state state)
{
	static const char *const words[] = {
#define X(id, word) [HS_OBJECT_##id] = word,
		HS_OBJECT_STATES(X)
#undef X
	};
	assert((unsigned)state < sizeof(words) / sizeof(words[0]));
	return words[state];
}

static void free_objects(struct hs_objects **slot)
{
	hs_objects_free(*slot);
}

enum hs_status hs_objects_new(struct hs_types *types,
			      const struct hs_objects_options *opt,
			      struct hs_objects **ret, struct hs_error *err)
{
	struct hs_objects_options o = { 0 };
	if (opt)
		memcpy(&o, opt,
		       opt->struct_size < sizeof(o) ? opt->struct_size
						    : sizeof(o));
	HS_CLEANUP(free_objects)
	struct hs_objects *objects = calloc(1, sizeof(*objects));
	if (!objects)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for objects");
	void *state;
	struct hs_naming *n = hs_types_naming(types, HS_TYPE_PYTHON, &state);
	objects->web.live = o.live;
	objects->web.live_count = o.live_count;
	enum hs_status st = hs_web_init(&objects->web, n, state, err);
	if (!st && o.progress &&
	    !o.progress(o.progress_arg, "following objects", 0, 0))
		st = hs_fail(err, HS_ERR_CANCELLED, "cancelled");
	if (!st)
		st = hs_ways_find(&objects->web, &objects->ways, err);
	if (st)
		return st;
	*ret = HS_TAKE(objects);
	return HS_OK;
}

void hs_objects_free(struct hs_objects *objects)
{
	if (!objects)
		return;
	hs_ways_release(&objects->ways);
	hs_web_release(&objects->web);
	free(objects);
}

static void describe(struct hs_objects *o, uint32_t node,
		     struct hs_object_info *ret)
{
	struct hs_web *web = &o->web;
	struct hs_part_info part;
	hs_addr start;
	uint64_t size;
	bool in_area = node < web->slots;
	hs_web_block(web, node, &start, &size);
	*ret = (struct hs_object_info){
		.addr = hs_web_addr(web, node),
		.size = size,
		.type = SIZE_MAX,
		.is_object = hs_web_is_object(web, node),
		.in_area = in_area,
		.chunk = in_area ? SIZE_MAX : node - web->slots,
		.seen = web->seen[node],
	};
	if (!in_area && web->n->type_of[ret->chunk] != HS_NO_TYPE)
		ret->type = web->n->type_of[ret->chunk];
	if (in_area &&
	    hs_namer_python.part_at(web->n, web->state, start, &part))
		ret->type = part.type;
	ret->references = hs_web_count(web, node, &ret->immortal);
	if (ret->is_object)
		ret->is_module = hs_py_name(&web->py, ret->addr, ret->name,
					    sizeof(ret->name));
}

bool hs_objects_at(struct hs_objects *objects, hs_addr addr,
		   struct hs_object_info *ret)
{
	uint32_t node;
	uint64_t into;
	if (!hs_web_in(&objects->web, addr, &node, &into))
		return false;
	describe(objects, node, ret);
	return true;
}

/* ---- single references, found again ---- */

struct wanted {
	struct hs_objects *o;
	uint32_t to;
	unsigned cost; /* of the best so far */
	bool found, sure;
	bool namespace, content;
	hs_addr from;
	char *how;
	size_t size;
	enum hs_py_edge edge;
};

static bool find_edge(void *arg, uint32_t to, const struct hs_py_ref *ref)
{
	struct wanted *w = arg;
	uint32_t from;
	uint64_t into;
	if (to != w->to || !hs_web_in(&w->o->web, w->from, &from, &into))
		return true;
	unsigned cost = hs_web_cost(&w->o->web, from, ref);
	if (w->found && cost >= w->cost)
		return true;
	bool object = hs_web_is_object(&w->o->web, from);
	w->found = true;
	w->cost = cost;
	w->edge = ref->edge;
	w->sure = ref->edge != HS_PY_IN_MEMORY && !ref->stale;
	hs_py_label(&w->o->web.py, object ? w->from : 0, w->namespace, ref,
		    w->content, w->how, w->size);
	return true;
}

/* Is FROM, which leads to TO, a module's, a class's or an object's own dict? */
static bool is_own_dict(void *arg, uint32_t to, const struct hs_py_ref *ref)
{
	struct wanted *w = arg;
	const struct hs_py_class *c = hs_py_class_of(&w->o->web.py, w->from);
	if (to == w->to &&
	    (ref->edge == HS_PY_OWN_DICT || ref->edge == HS_PY_LOCALS ||
	     (ref->edge == HS_PY_WORD && c &&
	      (c->kind == HS_PY_TYPE || strcmp(c->name, "function") == 0))))
		w->found = true;
	return !w->found;
}

static bool leads_as_own(struct hs_objects *o, uint32_t from, uint32_t to)
{
	struct wanted w = { .o = o,
			    .to = to,
			    .from = hs_web_addr(&o->web, from) };
	o->web.py.work = o->web.work;
	(void)hs_web_refs(&o->web, from, is_own_dict, &w);
	return w.found;
}

/* How FROM, which is NAMESPACE or not, leads to TO. */
static void label_edge(struct hs_objects *o, uint32_t from, uint32_t to,
		       bool namespace, bool content,
		       struct hs_object_step *step)
{
	struct wanted w = { .o = o,
			    .to = to,
			    .from = hs_web_addr(&o->web, from),
			    .namespace = namespace,
			    .content = content,
			    .how = step->how,
			    .size = sizeof(step->how) };
	o->web.py.work = o->web.work;
	(void)hs_web_refs(&o->web, from, find_edge, &w);
	step->sure = w.found && w.sure;
}

struct best_root {
	struct hs_objects *o;
	uint32_t to;
	struct hs_web_root root;
	bool found, sure;
	struct hs_object_root *ret;
};

static bool find_root(void *arg, uint32_t to, const struct hs_web_root *root)
{
	struct best_root *b = arg;
	if (to != b->to || (b->found && root->cost >= b->root.cost))
		return true;
	b->found = true;
	b->root = *root;
	*b->ret = (struct hs_object_root){ .kind = root->kind,
					   .addr = root->addr,
					   .thread = root->thread,
					   .reg = root->reg };
	b->sure = root->cost < 40;
	if (root->kind != HS_OBJECT_ROOT_FRAME)
		return true;
	hs_py_function(&b->o->web.py, root->addr, b->ret->function,
		       sizeof(b->ret->function));
	hs_py_label(&b->o->web.py, 0, false, root->ref, false, b->ret->how,
		    sizeof(b->ret->how));
	return true;
}

/* ---- ways ---- */

static void append(char *buf, size_t size, const char *text)
{
	size_t len = strlen(buf);
	(void)snprintf(buf + len, size - len, "%s", text);
}

/* "app.sessions[3].cache", from the last thing on the way that has a name. */
static void write_expression(const struct hs_object_why *why, char *buf,
			     size_t size)
{
	size_t from = why->count;
	buf[0] = 0;
	/* A module or class that is asked about is not named by itself; a class
	 * is named by its module if that leads to it. */
	for (size_t i = why->count - 1; i-- > 0;) {
		const struct hs_object_info *o = &why->step[i].object;
		if (!o->name[0] || (from < why->count && !o->is_module))
			continue;
		from = i;
		if (o->is_module)
			break;
	}
	if (from < why->count) {
		append(buf, size, why->step[from].object.name);
		from++;
	} else if (why->root.kind == HS_OBJECT_ROOT_FRAME &&
		   strncmp(why->root.how, "local ", 6) == 0) {
		append(buf, size,
		       why->root.function[0] ? why->root.function : "function");
		append(buf, size, "() ");
		append(buf, size, why->root.how);
		from = 1;
	} else {
		return;
	}
	for (; from < why->count; from++) {
		const char *how = why->step[from].how;
		/* The dict of an object is not written. */
		if (strcmp(how, ".__dict__") == 0 && from + 1 < why->count)
			continue;
		if (strlen(buf) + strlen(how) + sizeof(" ...") >= size) {
			append(buf, size, "...");
			return;
		}
		if (how[0] != '.' && how[0] != '[')
			append(buf, size, " ");
		append(buf, size, how);
	}
}

static enum hs_status steps_of(struct hs_objects *o, const uint32_t *node,
			       size_t count, bool content,
			       struct hs_object_step **ret,
			       struct hs_error *err)
{
	struct hs_object_step *step = calloc(count + 1, sizeof(*step));
	if (!step)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a way");
	for (size_t i = 0; i < count; i++) {
		describe(o, node[i], &step[i].object);
		if (i == 0)
			continue;
		bool own = i > 1 && leads_as_own(o, node[i - 2], node[i - 1]);
		label_edge(o, node[i - 1], node[i], own, content, &step[i]);
	}
	*ret = step;
	return HS_OK;
}

/* BRIEF: only the steps and how they are written count. Then the root is looked
 * for among frames alone, and not in all memory. */
static enum hs_status way_to(struct hs_objects *o, uint32_t node, bool content,
			     bool brief, struct hs_object_why *why,
			     struct hs_error *err)
{
	size_t count = 1;
	for (uint32_t at = node; o->ways.before[at] != HS_WAYS_ROOT;
	     at = o->ways.before[at])
		count++;
	HS_AUTO_FREE uint32_t *way = calloc(count, sizeof(*way));
	if (!way)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a way");
	for (size_t i = count; i-- > 0; node = o->ways.before[node])
		way[i] = node;
	enum hs_status st = steps_of(o, way, count, content, &why->step, err);
	if (st)
		return st;
	why->count = count;
	struct best_root best = { .o = o, .to = way[0], .ret = &why->root };
	o->web.py.work = o->web.work;
	if (brief)
		hs_web_frames(&o->web, find_root, &best);
	else
		hs_web_roots(&o->web, find_root, &best);
	bool sure = best.sure;
	if (best.root.kind == HS_OBJECT_ROOT_FRAME)
		(void)snprintf(why->step[0].how, sizeof(why->step[0].how), "%s",
			       why->root.how);
	why->step[0].sure = best.sure;
	/* An interpreter keeps what is its own in a block of malloc, and how is
	 * not known; from the first object on it is. */
	bool begun = false;
	for (size_t i = 1; i < count; i++) {
		begun = begun || why->step[i - 1].object.is_object;
		if (begun && !why->step[i].sure)
			sure = false;
	}
	why->confidence = !best.sure ? HS_CONFIDENCE_LOW
			  : sure     ? HS_CONFIDENCE_HIGH
				     : HS_CONFIDENCE_MEDIUM;
	write_expression(why, why->expression, sizeof(why->expression));
	return HS_OK;
}

/* The steps from the object itself to what leads back to it, or from what was
 * not seen to be held. */
static enum hs_status chain(struct hs_objects *o, const struct hs_holders *h,
			    uint32_t from, bool cycle, bool content,
			    struct hs_object_why *why, struct hs_error *err)
{
	size_t count = 0, i = from;
	HS_AUTO_FREE uint32_t *way = calloc(h->count + 2, sizeof(*way));
	HS_AUTO_FREE uint32_t *index =
		calloc((size_t)o->web.nodes + 1, sizeof(*index));
	if (!way || !index)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a way");
	for (size_t k = 0; k < h->count; k++)
		index[h->item[k].node] = (uint32_t)k;
	if (cycle)
		way[count++] = h->item[0].node;
	for (;;) {
		way[count++] = h->item[i].node;
		if (h->item[i].to == HS_WEB_NO_NODE)
			break;
		i = index[h->item[i].to];
	}
	enum hs_status st = steps_of(o, way, count, content, &why->step, err);
	if (!st)
		why->count = count;
	return st;
}

static enum hs_status not_held(struct hs_objects *o, uint32_t node,
			       bool content, struct hs_object_why *why,
			       struct hs_error *err)
{
	struct hs_holders h;
	enum hs_status st = hs_holders_find(&o->web, &o->ways, node, &h, err);
	if (st)
		return st;
	bool object = hs_web_is_object(&o->web, node);
	if (h.unseen != HS_WEB_NO_NODE) {
		bool immortal;
		uint32_t from = 0;
		why->state = HS_OBJECT_UNSEEN;
		why->confidence = HS_CONFIDENCE_MEDIUM;
		describe(o, h.unseen, &why->unseen);
		why->unseen_count = hs_web_count(&o->web, h.unseen, &immortal) -
				    o->web.seen[h.unseen];
		if (immortal)
			why->unseen_count = 0;
		while (h.item[from].node != h.unseen)
			from++;
		st = chain(o, &h, from, false, content, why, err);
	} else if (object || h.count > 1) {
		why->state = HS_OBJECT_CYCLE;
		why->confidence = HS_CONFIDENCE_HIGH;
		st = chain(o, &h, h.cycle ? h.closes : (uint32_t)h.count - 1,
			   h.cycle, content, why, err);
	} else {
		why->state = HS_OBJECT_NOT_COUNTED;
		why->confidence = HS_CONFIDENCE_LOW;
	}
	hs_holders_release(&h);
	return st;
}

enum hs_status hs_objects_why(struct hs_objects *objects, hs_addr addr,
			      bool content, struct hs_object_why *ret,
			      struct hs_error *err)
{
	struct hs_object_why why = { .state = HS_OBJECT_HELD };
	uint32_t node;
	uint64_t into;
	if (!hs_web_in(&objects->web, addr, &node, &into))
		return hs_fail(err, HS_ERR_INVALID,
			       "nothing that is in use holds 0x%" PRIx64, addr);
	describe(objects, node, &why.object);
	enum hs_status st =
		objects->ways.cost[node] == UINT32_MAX
			? not_held(objects, node, content, &why, err)
			: way_to(objects, node, content, false, &why, err);
	if (st) {
		hs_object_why_release(&why);
		return st;
	}
	*ret = why;
	return HS_OK;
}

void hs_object_why_release(struct hs_object_why *why)
{
	free(why->step);
	why->step = NULL;
	why->count = 0;
}

struct referrers {
	struct hs_objects *o;
	uint32_t to, from;
	bool content;
	struct hs_object_step *step;
	size_t count, capacity;
	enum hs_status status;
	struct hs_error *err;
};

static bool add_referrer(void *arg, uint32_t to, const struct hs_py_ref *ref)
{
	struct referrers *r = arg;
	bool object = hs_web_is_object(&r->o->web, r->from);
	if (to != r->to)
		return true;
	r->status = hs_grow(&r->step, &r->capacity, r->count, sizeof(*r->step),
			    r->err);
	if (r->status)
		return false;
	struct hs_object_step *s = &r->step[r->count++];
	*s = (struct hs_object_step){ .sure = ref->edge != HS_PY_IN_MEMORY &&
					      !ref->stale };
	describe(r->o, r->from, &s->object);
	/* Whose dict it is would have to be asked of all that is there. */
	hs_py_label(&r->o->web.py, object ? s->object.addr : 0, false, ref,
		    r->content, s->how, sizeof(s->how));
	return true;
}

static bool add_reference(void *arg, uint32_t to, const struct hs_py_ref *ref)
{
	struct referrers *r = arg;
	bool object = hs_web_is_object(&r->o->web, r->from);
	r->status = hs_grow(&r->step, &r->capacity, r->count, sizeof(*r->step),
			    r->err);
	if (r->status)
		return false;
	struct hs_object_step *s = &r->step[r->count++];
	*s = (struct hs_object_step){ .sure = ref->edge != HS_PY_IN_MEMORY &&
					      !ref->stale };
	describe(r->o, to, &s->object);
	hs_py_label(&r->o->web.py,
		    object ? hs_web_addr(&r->o->web, r->from) : 0, false, ref,
		    r->content, s->how, sizeof(s->how));
	return true;
}

static int sure_first(const void *a, const void *b)
{
	const struct hs_object_step *x = a, *y = b;
	if (x->sure != y->sure)
		return x->sure ? -1 : 1;
	if (x->object.addr != y->object.addr)
		return x->object.addr < y->object.addr ? -1 : 1;
	return strcmp(x->how, y->how);
}

enum hs_status hs_objects_referrers(struct hs_objects *objects, hs_addr addr,
				    bool content, struct hs_object_step **ret,
				    size_t *count, struct hs_error *err)
{
	struct hs_web *web = &objects->web;
	struct referrers r = { .o = objects, .content = content, .err = err };
	uint64_t into;
	if (!hs_web_in(web, addr, &r.to, &into))
		return hs_fail(err, HS_ERR_INVALID,
			       "nothing that is in use holds 0x%" PRIx64, addr);
	web->py.work = web->work;
	for (r.from = 0; r.from < web->nodes && !r.status; r.from++)
		if (web->head[r.from] != HS_WEB_NONE)
			(void)hs_web_refs(web, r.from, add_referrer, &r);
	if (r.status) {
		free(r.step);
		return r.status;
	}
	if (r.count)
		qsort(r.step, r.count, sizeof(*r.step), sure_first);
	*ret = r.step;
	*count = r.count;
	return HS_OK;
}

enum hs_status hs_objects_references(struct hs_objects *objects, hs_addr addr,
				     bool content, struct hs_object_step **ret,
				     size_t *count, struct hs_error *err)
{
	struct hs_web *web = &objects->web;
	struct referrers r = { .o = objects, .content = content, .err = err };
	uint64_t into;
	if (!hs_web_in(web, addr, &r.from, &into))
		return hs_fail(err, HS_ERR_INVALID,
			       "nothing that is in use holds 0x%" PRIx64, addr);
	web->py.work = web->work;
	(void)hs_web_refs(web, r.from, add_reference, &r);
	if (r.status) {
		free(r.step);
		return r.status;
	}
	*ret = r.step;
	*count = r.count;
	return HS_OK;
}

enum hs_status hs_objects_shares(struct hs_objects *objects, size_t top,
				 struct hs_object_shares *ret,
				 struct hs_error *err)
{
	struct hs_shares all;
	enum hs_status st =
		hs_shares_find(&objects->web, &objects->ways, &all, err);
	if (st)
		return st;
	size_t count = all.count < top ? all.count : top;
	struct hs_object_shares shares = {
		.share = calloc(count + 1, sizeof(*shares.share)),
		.count = count,
		.more = all.count - count,
		.held = all.held,
		.own = all.own,
		.garbage = all.garbage,
		.unseen = all.unseen,
	};
	if (!shares.share)
		st = hs_fail(err, HS_ERR_NOMEM, "no memory for %zu variables",
			     count);
	for (size_t i = 0; i < count && !st; i++) {
		struct hs_object_share *s = &shares.share[i];
		struct hs_object_why why = { .state = HS_OBJECT_HELD };
		describe(objects, all.share[i].node, &s->object);
		s->held = (struct hs_object_total){ all.share[i].objects,
						    all.share[i].bytes,
						    s->object.addr };
		st = way_to(objects, all.share[i].node, false, true, &why, err);
		memcpy(s->expression, why.expression, sizeof(s->expression));
		hs_object_why_release(&why);
	}
	hs_shares_release(&all);
	if (st) {
		hs_object_shares_release(&shares);
		return st;
	}
	*ret = shares;
	return HS_OK;
}

void hs_object_shares_release(struct hs_object_shares *shares)
{
	free(shares->share);
	*shares = (struct hs_object_shares){ .share = NULL };
}
