/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "cli/export.h"
#include "cli/export_roots.h"
#include "cli/pair_map.h"

/*
 * A profile as pprof reads it: a gzip file of one protocol buffer, message
 * Profile of profile.proto. Its stacks are not those of allocations, which a
 * heap does not remember, but who retains a block: the way down the dominator
 * tree, by class. What has the same way is one sample, so that the file does
 * not grow with the heap.
 *
 * The few kinds of field that it needs are written by hand: a message's size
 * comes before it, and no message but the whole is longer than a few hundred
 * bytes.
 */

/* Frames of one stack; a chain that is longer ends in "(deeper)". */
#define MAX_FRAMES 64u
/* A sample: its frames of 5 bytes, two values, two labels, and tags. */
#define MESSAGE_MAX 1024u

struct message {
	uint8_t byte[MESSAGE_MAX];
	size_t len;
};

struct counts {
	uint64_t objects, bytes;
};

struct profile {
	struct export_job *job;
	struct intern strings;  /* [0] is "" */
	struct pair_map stacks; /* the stack above + 1, or 0; its last frame */
	uint32_t *depth;        /* of each stack */
	size_t depth_capacity;
	struct pair_map samples; /* stack; arena and state */
	struct counts *counts;   /* of each sample */
	size_t counts_capacity;
	size_t arenas;
	bool failed; /* no memory */
	z_stream zip;
};
#define NO_STACK UINT32_MAX

/* ---- stacks ---- */

static uint32_t string_of(struct profile *p, const char *text)
{
	uint32_t i = intern_get(&p->strings, text);
	p->failed |= i == INTERN_FAILED;
	return p->failed ? 0 : i;
}

/* Room for item COUNT of *ARRAY, whose items are zero at first. */
static bool fits(void **array, size_t *capacity, size_t count, size_t item)
{
	if (count < *capacity)
		return true;
	size_t more = *capacity ? *capacity * 2 : 256;
	char *bytes = realloc(*array, more * item);
	if (!bytes)
		return false;
	memset(bytes + *capacity * item, 0, (more - *capacity) * item);
	*array = bytes;
	*capacity = more;
	return true;
}

/* The stack that is FRAME on top of ABOVE. A frame that repeats, as in a list,
 * is the same stack. */
static uint32_t extend(struct profile *p, uint32_t above, const char *frame)
{
	if (p->failed)
		return NO_STACK;
	uint32_t depth = above == NO_STACK ? 0 : p->depth[above];
	uint32_t name =
		string_of(p, depth >= MAX_FRAMES - 1 ? "(deeper)" : frame);
	if (p->failed || (above != NO_STACK && p->stacks.pair[above].b == name))
		return above;
	uint32_t stack = pair_map_get(&p->stacks, above + 1, name);
	if (stack == PAIR_FAILED ||
	    !fits((void **)&p->depth, &p->depth_capacity, stack,
		  sizeof(*p->depth))) {
		p->failed = true;
		return NO_STACK;
	}
	p->depth[stack] = depth + 1;
	return stack;
}

static void add(struct profile *p, uint32_t stack,
		const struct hs_chunk_info *c)
{
	size_t arena = c->arena == SIZE_MAX ? p->arenas : c->arena;
	if (p->failed)
		return;
	uint32_t i = pair_map_get(
		&p->samples, stack,
		(uint32_t)(arena * HS_CHUNK_STATE_COUNT + c->state));
	if (i == PAIR_FAILED || !fits((void **)&p->counts, &p->counts_capacity,
				      i, sizeof(*p->counts))) {
		p->failed = true;
		return;
	}
	p->counts[i].objects++;
	p->counts[i].bytes += c->usable;
}

struct pending {
	uint32_t node, above;
};

struct walk {
	struct pending *item;
	size_t count, capacity;
};

static void push_children(struct profile *p, struct walk *w, size_t node,
			  uint32_t stack)
{
	const struct hs_owners *owners = p->job->owners;
	for (size_t i = hs_owners_children(owners, node); i-- && !p->failed;) {
		if (!fits((void **)&w->item, &w->capacity, w->count,
			  sizeof(*w->item))) {
			p->failed = true;
			return;
		}
		w->item[w->count++] = (struct pending){
			(uint32_t)hs_owners_child(owners, node, i), stack
		};
	}
}

static uint32_t stack_of_root(struct profile *p,
			      const struct hs_root_info *root)
{
	char text[OWNER_TEXT];
	uint32_t stack = NO_STACK;
	if (export_owner_parent(p->job->cli, root, text))
		stack = extend(p, stack, text);
	return extend(p, stack, export_owner_text(p->job->cli, root, text));
}

/* The dominator tree from above. */
static void add_reached(struct profile *p)
{
	struct walk w = { NULL, 0, 0 };
	char name[EXPORT_CLASS];
	push_children(p, &w, HS_OWNER_TOP, NO_STACK);
	while (w.count && !p->failed) {
		struct pending at = w.item[--w.count];
		struct hs_owner_info o;
		uint32_t stack = at.above;
		hs_owners_info(p->job->owners, at.node, &o);
		if (o.is_root) {
			stack = stack_of_root(p, &o.root);
		} else {
			struct hs_chunk_info c;
			hs_heap_chunk(p->job->cli->heap, o.chunk, &c);
			if (stack == NO_STACK)
				stack = extend(p, stack, "(several roots)");
			stack = extend(
				p, stack,
				export_class(p->job, o.chunk, c.usable, name));
			add(p, stack, &c);
		}
		push_children(p, &w, at.node, stack);
	}
	free(w.item);
}

static void add_leaked(struct profile *p)
{
	const struct hs_leaks *leaks = p->job->leaks;
	char name[EXPORT_CLASS];
	for (size_t i = 0; i < hs_leaks_count(leaks) && !p->failed; i++) {
		struct hs_leak_info leak;
		struct hs_chunk_info c, root;
		hs_leaks_get(leaks, i, &leak);
		uint32_t stack = extend(p, NO_STACK, "(leaked)");
		if (leak.root != SIZE_MAX) {
			hs_heap_chunk(p->job->cli->heap, leak.root, &root);
			stack = extend(p, stack,
				       export_class(p->job, leak.root,
						    root.usable, name));
		}
		hs_heap_chunk(p->job->cli->heap, leak.chunk, &c);
		stack = extend(
			p, stack,
			export_class(p->job, leak.chunk, c.usable, name));
		add(p, stack, &c);
	}
}

/* ---- protocol buffer ---- */

enum wire { VARINT = 0, LENGTH = 2 };

static void put_varint(struct message *m, uint64_t value)
{
	do {
		if (m->len == MESSAGE_MAX)
			return; /* no message that is written here is so long */
		m->byte[m->len++] =
			(uint8_t)((value & 127) | (value > 127 ? 128 : 0));
		value >>= 7;
	} while (value);
}

static void put_field(struct message *m, unsigned field, uint64_t value)
{
	put_varint(m, field << 3 | VARINT);
	put_varint(m, value);
}

/* BYTES of a message, a string or packed numbers. */
static void put_part(struct message *m, unsigned field,
		     const struct message *part)
{
	put_varint(m, field << 3 | LENGTH);
	put_varint(m, part->len);
	for (size_t i = 0; i < part->len && m->len < MESSAGE_MAX; i++)
		m->byte[m->len++] = part->byte[i];
}

static void zip_bytes(struct profile *p, const void *bytes, size_t len,
		      int flush)
{
	uint8_t buf[16384];
	p->zip.next_in = (Bytef *)(uintptr_t)bytes;
	p->zip.avail_in = (uInt)len;
	do {
		p->zip.next_out = buf;
		p->zip.avail_out = sizeof(buf);
		(void)deflate(&p->zip, flush);
		out_bytes(p->job->out, buf, sizeof(buf) - p->zip.avail_out);
	} while (p->zip.avail_out == 0);
}

/* A member of Profile. */
static void put_member(struct profile *p, unsigned field,
		       const struct message *m)
{
	struct message head = { .len = 0 };
	put_varint(&head, field << 3 | LENGTH);
	put_varint(&head, m->len);
	zip_bytes(p, head.byte, head.len, Z_NO_FLUSH);
	zip_bytes(p, m->byte, m->len, Z_NO_FLUSH);
}

static void put_number(struct profile *p, unsigned field, uint64_t value)
{
	struct message m = { .len = 0 };
	put_field(&m, field, value);
	zip_bytes(p, m.byte, m.len, Z_NO_FLUSH);
}

/* Numbers of fields in profile.proto. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING_TABLE = 6,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_SAMPLE_TYPE = 14,
	VALUE_TYPE = 1,
	VALUE_UNIT = 2,
	SAMPLE_LOCATION_ID = 1,
	SAMPLE_VALUE = 2,
	SAMPLE_LABEL = 3,
	LABEL_KEY = 1,
	LABEL_STR = 2,
	LOCATION_ID = 1,
	LOCATION_LINE = 4,
	LINE_FUNCTION_ID = 1,
	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_SYSTEM_NAME = 3,
};

static void put_sample_type(struct profile *p, const char *type,
			    const char *unit)
{
	struct message m = { .len = 0 };
	put_field(&m, VALUE_TYPE, string_of(p, type));
	put_field(&m, VALUE_UNIT, string_of(p, unit));
	put_member(p, PROFILE_SAMPLE_TYPE, &m);
}

static void put_label(struct profile *p, struct message *sample,
		      const char *key, const char *value)
{
	struct message m = { .len = 0 };
	put_field(&m, LABEL_KEY, string_of(p, key));
	put_field(&m, LABEL_STR, string_of(p, value));
	put_part(sample, SAMPLE_LABEL, &m);
}

static void put_sample(struct profile *p, size_t i)
{
	const struct pair *key = &p->samples.pair[i];
	struct message m = { .len = 0 }, part = { .len = 0 };
	size_t arena = key->b / HS_CHUNK_STATE_COUNT;
	char text[32];
	/* The leaf comes first. */
	for (uint32_t at = key->a; at != NO_STACK;
	     at = p->stacks.pair[at].a - 1)
		put_varint(&part, p->stacks.pair[at].b);
	put_part(&m, SAMPLE_LOCATION_ID, &part);
	part.len = 0;
	put_varint(&part, p->counts[i].objects);
	put_varint(&part, p->counts[i].bytes);
	put_part(&m, SAMPLE_VALUE, &part);
	if (arena < p->arenas) {
		struct hs_arena_info a;
		hs_heap_arena(p->job->cli->heap, arena, &a);
		(void)snprintf(text, sizeof(text),
			       a.is_main ? "main" : "0x%" PRIx64, a.addr);
		put_label(p, &m, "arena", text);
	}
	put_label(p, &m, "state",
		  hs_chunk_state_name((enum hs_chunk_state)(
			  key->b % HS_CHUNK_STATE_COUNT)));
	put_member(p, PROFILE_SAMPLE, &m);
}

/* Frames are names and nothing else: one location and one function each, all
 * by the number of the name. */
static void put_frame(struct profile *p, uint32_t name)
{
	struct message m = { .len = 0 }, line = { .len = 0 };
	put_field(&line, LINE_FUNCTION_ID, name);
	put_field(&m, LOCATION_ID, name);
	put_part(&m, LOCATION_LINE, &line);
	put_member(p, PROFILE_LOCATION, &m);
	m.len = 0;
	put_field(&m, FUNCTION_ID, name);
	put_field(&m, FUNCTION_NAME, name);
	put_field(&m, FUNCTION_SYSTEM_NAME, name);
	put_member(p, PROFILE_FUNCTION, &m);
}

static void put_frames(struct profile *p)
{
	char *is_frame = calloc(p->strings.count + 1, 1);
	if (!is_frame) {
		p->failed = true;
		return;
	}
	for (size_t i = 0; i < p->stacks.count; i++)
		is_frame[p->stacks.pair[i].b] = 1;
	for (size_t i = 0; i < p->strings.count; i++)
		if (is_frame[i])
			put_frame(p, (uint32_t)i);
	free(is_frame);
}

/* What is not UTF-8 is no string of a protocol buffer. */
static void put_string(struct profile *p, const char *text)
{
	char safe[4096];
	struct message head = { .len = 0 };
	export_utf8(text, safe, sizeof(safe));
	put_varint(&head, PROFILE_STRING_TABLE << 3 | LENGTH);
	put_varint(&head, strlen(safe));
	zip_bytes(p, head.byte, head.len, Z_NO_FLUSH);
	zip_bytes(p, safe, strlen(safe), Z_NO_FLUSH);
}

static void put_profile(struct profile *p)
{
	put_sample_type(p, "inuse_objects", "count");
	put_sample_type(p, "inuse_space", "bytes");
	for (size_t i = 0; i < p->samples.count; i++)
		put_sample(p, i);
	put_frames(p);
	put_number(p, PROFILE_COMMENT,
		   string_of(p, "stacks say who retains the memory, not where "
				"it was allocated"));
	put_number(p, PROFILE_DEFAULT_SAMPLE_TYPE, string_of(p, "inuse_space"));
	for (size_t i = 0; i < p->strings.count; i++)
		put_string(p, p->strings.text[i]);
	zip_bytes(p, NULL, 0, Z_FINISH);
}

int export_pprof(struct export_job *job)
{
	struct profile p = { .job = job,
			     .arenas = hs_heap_arena_count(job->cli->heap) };
	(void)string_of(&p, ""); /* by law the first */
	add_reached(&p);
	add_leaked(&p);
	/* 15 bits of window, and 16 for a gzip header without a date. */
	if (!p.failed && deflateInit2(&p.zip, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
				      15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK) {
		put_profile(&p);
		(void)deflateEnd(&p.zip);
	} else {
		p.failed = true;
	}
	intern_release(&p.strings);
	pair_map_release(&p.stacks);
	pair_map_release(&p.samples);
	free(p.depth);
	free(p.counts);
	return p.failed ? export_nomem(job, "the profile") : EXIT_ANSWERED;
}
