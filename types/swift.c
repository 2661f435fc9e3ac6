/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "core/addr_map.h"
#include "core/limits.h"
#include "types/swift_buffers.h"
#include "types/swift_mangling.h"
#include "types/swift_object.h"
#include "types/swift_runtime.h"

/*
 * Objects of the Swift runtime: each begins with a pointer to its metadata and
 * a word of reference counts. What the metadata says is checked before it is
 * believed (a descriptor inside an image, sizes that fit), so its own place
 * does not matter: images, the runtime's pool, and malloc'd slabs of it.
 */
struct swift {
	struct hs_addr_map metadata; /* value: type, extra: least size */
	struct hs_addr_map slabs;    /* blocks that hold metadata */
	bool met;                    /* an object */
	struct hs_swift_layouts layouts;
	struct hs_swift_buffers buffers;
};

/* Beside the least size of a class: its objects have plain pointers. */
#define POINTS (UINT32_C(1) << 31)

static void release(void *state)
{
	struct swift *swift = state;
	hs_addr_map_release(&swift->metadata);
	hs_addr_map_release(&swift->slabs);
	hs_swift_layouts_release(&swift->layouts);
	hs_swift_buffers_release(&swift->buffers);
}

static void remember(struct hs_naming *n, struct hs_addr_map *map, hs_addr addr,
		     uint32_t value, uint32_t extra)
{
	struct hs_error err;
	enum hs_status st = hs_addr_map_put(
		map, (struct hs_addr_entry){ addr, value, extra }, &err);
	if (st)
		hs_naming_fail(n, st, &err);
}

/* "closure or box (A, B)": what a capture descriptor lists. */
static bool box_name(struct hs_naming *n, hs_addr metadata, struct hs_text *out)
{
	uint64_t desc, deinit;
	uint32_t count;
	/* The compiler puts these into images, with the code that destroys. */
	if (hs_naming_module(n, metadata) == SIZE_MAX ||
	    !hs_peek(n, metadata - 16, &deinit) ||
	    hs_naming_module(n, deinit) == SIZE_MAX ||
	    !hs_peek(n, metadata + 16, &desc))
		return false;
	hs_text_add(out, "closure or box");
	if (desc == 0 || hs_naming_module(n, desc) == SIZE_MAX ||
	    !hs_peek_u32(n, desc, &count) || count == 0 ||
	    count > HS_LIMIT_TYPE_FIELDS)
		return true;
	for (uint32_t i = 0; i < count; i++) {
		hs_addr at;
		size_t before = out->len;
		hs_text_add(out, i ? ", " : " (");
		before = out->len;
		if (!hs_swift_relative(n, desc + 12 + 4 * (uint64_t)i, &at) ||
		    !hs_swift_demangle(n, at, NULL, out)) {
			out->len = before;
			hs_text_add(out, "_");
		}
	}
	hs_text_add(out, ")");
	return !out->full;
}

/* What objects that begin with METADATA are called, and how many bytes they
 * have at least. */
static bool examine(struct hs_naming *n, hs_addr metadata, struct hs_text *out,
		    uint32_t *size)
{
	struct hs_swift_class class;
	uint64_t kind, boxed;
	if (hs_swift_class(n, metadata, &class)) {
		*size = class.instance_size;
		return hs_swift_type_name(n, metadata, out);
	}
	if (!hs_peek(n, metadata, &kind))
		return false;
	*size = 16;
	switch (kind) {
	case HS_SWIFT_BOX:
		return hs_peek_u32(n, metadata + 8, size) && *size >= 16 &&
		       box_name(n, metadata, out);
	case HS_SWIFT_GENERIC_BOX:
		if (!hs_peek_u32(n, metadata + 8, size) || *size < 16 ||
		    !hs_peek(n, metadata + 16, &boxed))
			return false;
		hs_text_add(out, "box (");
		if (!hs_swift_inner_name(n, boxed, 1, out))
			return false;
		hs_text_add(out, ")");
		return !out->full;
	default:
		return false;
	}
}

/* The entry of METADATA, NULL: it is none. */
static const struct hs_addr_entry *
look_up(struct hs_naming *n, struct swift *swift, hs_addr metadata)
{
	const struct hs_addr_entry *known =
		hs_addr_map_get(&swift->metadata, metadata);
	if (known)
		return known->value == HS_NO_TYPE ? NULL : known;
	char name[HS_LIMIT_TYPE_NAME];
	struct hs_text text;
	uint32_t type = HS_NO_TYPE, size = 0;
	uint64_t nameless = n->nameless, desc;
	hs_text_init(&text, name, sizeof(name));
	if (examine(n, metadata, &text, &size)) {
		struct hs_type what = {
			.name = name,
			.source = HS_TYPE_SWIFT,
			.confidence = HS_CONFIDENCE_HIGH,
			.evidence = "its Swift metadata",
			.module = hs_naming_module(n, metadata),
		};
		/* Metadata of generic classes is made at run time, in blocks
		 * and in the runtime's pool: what describes it is where the
		 * code is. */
		if (hs_peek(n, metadata, &desc) && desc == HS_SWIFT_CLASS &&
		    hs_peek(n, metadata + 40, &desc))
			what.module = hs_naming_module(n, desc);
		if (size >= POINTS || !hs_naming_read_type(n, &what, &type))
			return NULL;
		if (hs_swift_has_pointers(n, &swift->layouts, metadata))
			size |= POINTS;
		struct hs_block slab;
		if (hs_naming_block_in(n, metadata, &slab))
			remember(n, &swift->slabs, slab.user, 0, 0);
	}
	/* Not every pointer in a program is worth remembering: those to
	 * images, which are few, and those that are metadata. */
	if (n->nameless == nameless &&
	    (type != HS_NO_TYPE || hs_naming_module(n, metadata) != SIZE_MAX))
		remember(n, &swift->metadata, metadata, type, size);
	return type == HS_NO_TYPE ? NULL
				  : hs_addr_map_get(&swift->metadata, metadata);
}

/* Three kinds of objects whose metadata is the runtime's own. */
static bool runtime_object(struct hs_naming *n, const struct hs_block *b,
			   hs_addr metadata, uint32_t *type)
{
	uint64_t kind, of, deinit;
	char name[HS_LIMIT_TYPE_NAME];
	struct hs_text text;
	if (hs_naming_module(n, metadata) == SIZE_MAX ||
	    !hs_peek(n, metadata, &kind) || kind < HS_SWIFT_ERROR ||
	    kind > HS_SWIFT_JOB || !hs_peek(n, metadata - 16, &deinit) ||
	    hs_naming_module(n, deinit) == SIZE_MAX)
		return false;
	hs_text_init(&text, name, sizeof(name));
	hs_text_add(&text, kind == HS_SWIFT_TASK  ? "Swift task"
			   : kind == HS_SWIFT_JOB ? "Swift job"
						  : "Swift error");
	if (kind == HS_SWIFT_ERROR) {
		size_t plain = text.len;
		hs_text_add(&text, " (");
		if (hs_block_word(n, b, 2, &of) &&
		    hs_swift_inner_name(n, of, 1, &text)) {
			hs_text_add(&text, ")");
		} else {
			name[plain] = 0;
			text.full = false;
		}
	}
	struct hs_type what = {
		.name = name,
		.source = HS_TYPE_SWIFT,
		.confidence = HS_CONFIDENCE_HIGH,
		.evidence = "its Swift metadata",
		.module = hs_naming_module(n, metadata),
	};
	return !text.full && hs_naming_read_type(n, &what, type);
}

static bool dispatch_object(struct hs_naming *n, const struct hs_block *b,
			    uint32_t *type)
{
	char name[64];
	struct hs_text text;
	hs_text_init(&text, name, sizeof(name));
	if (!hs_swift_dispatch_kind(n, b, &text))
		return false;
	struct hs_type what = {
		.name = name,
		.source = HS_TYPE_SWIFT,
		.confidence = HS_CONFIDENCE_HIGH,
		.evidence = "libdispatch's own name of its kind",
		.module = hs_naming_module(n, b->first),
	};
	return hs_naming_read_type(n, &what, type);
}

static bool is_swift(const struct hs_naming *n)
{
	return n->target->word_size == 8 && !n->target->big_endian;
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	struct swift *swift = state;
	struct hs_swift_refs refs;
	uint64_t counts;
	if (!is_swift(n) || b->first == 0 || b->first % 8 != 0 ||
	    b->first < 4096 || !hs_block_word(n, b, 1, &counts))
		return false;
	if (dispatch_object(n, b, type))
		return true;
	if (!hs_swift_refs(n, counts, &refs))
		return false;
	const struct hs_addr_entry *known = look_up(n, swift, b->first);
	if (!known)
		return runtime_object(n, b, b->first, type);
	uint32_t size = known->extra & ~POINTS;
	bool points = known->extra & POINTS;
	if (size > b->usable)
		return false;
	*type = known->value;
	if (points)
		hs_swift_buffers_note(n, &swift->layouts, &swift->buffers, b);
	swift->met = true;
	return true;
}

static void merge(struct hs_naming *n, void *state, const void *worker)
{
	struct swift *swift = state;
	const struct swift *from = worker;
	hs_naming_merge(n, &swift->slabs, &from->slabs);
	hs_swift_buffers_merge(n, &swift->buffers, &from->buffers);
	swift->met |= from->met;
}

static void survey(struct hs_naming *n, void *state)
{
	struct swift *swift = state;
	hs_swift_buffers_name(n, &swift->layouts, &swift->buffers);
}

/* Its first word is an object whose counts are here. */
static bool is_side_table(struct hs_naming *n, const struct hs_block *b)
{
	struct hs_swift_refs refs;
	uint64_t counts;
	return b->usable >= 32 && b->usable < 64 && b->first % 8 == 0 &&
	       hs_peek(n, b->first + 8, &counts) &&
	       hs_swift_refs(n, counts, &refs) && refs.side_table == b->user;
}

/* Side tables and slabs of metadata are known by what refers to them. */
static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	const struct swift *swift = state;
	struct hs_type what = {
		.source = HS_TYPE_SWIFT,
		.confidence = HS_CONFIDENCE_HIGH,
		.module = SIZE_MAX,
	};
	char name[64];
	struct hs_text text;
	hs_addr code;
	if (!swift->met)
		return false;
	if (hs_addr_map_get(&swift->slabs, b->user)) {
		what.name = "Swift metadata";
		what.evidence = "objects that begin with pointers into it";
	} else if (is_side_table(n, b)) {
		what.name = "Swift side table";
		what.evidence = "the object whose counts it holds";
	} else if (hs_swift_is_frames(n, b)) {
		what.name = "Swift task frames";
		what.evidence = "its sizes, and the mark of the runtime";
	} else {
		hs_text_init(&text, name, sizeof(name));
		if (!hs_swift_closure_kind(n, b, &text, &code))
			return false;
		what.name = name;
		what.evidence = "its tables and sizes";
		what.module = hs_naming_module(n, code);
	}
	return hs_naming_type(n, &what, type);
}

/* What a block that was claimed begins with; UINT64_MAX: no object. */
static uint64_t kind_of_object(struct hs_naming *n, const struct hs_block *b)
{
	struct hs_swift_class class;
	uint64_t kind;
	if (hs_swift_class(n, b->first, &class))
		return HS_SWIFT_CLASS;
	return hs_peek(n, b->first, &kind) && kind >= HS_SWIFT_BOX &&
			       kind <= HS_SWIFT_JOB
		       ? kind
		       : UINT64_MAX;
}

/* A side table knows its object, and does not keep it. */
static void side_table_fields(struct hs_naming *n, const struct hs_block *b,
			      hs_field_fn fn, void *arg)
{
	struct hs_field_info f = { .name = "object",
				   .strength = HS_STRENGTH_WEAK,
				   .refers_to = b->first };
	if (hs_naming_block_at(n, b->first, NULL))
		(void)fn(arg, &f);
}

static void fields(struct hs_naming *n, void *state, const struct hs_block *b,
		   hs_field_fn fn, void *arg)
{
	struct swift *swift = state;
	if (hs_addr_map_get(&swift->slabs, b->user))
		return;
	switch (kind_of_object(n, b)) {
	case HS_SWIFT_CLASS:
	case HS_SWIFT_BOX:
	case HS_SWIFT_GENERIC_BOX:
		hs_swift_fields(n, &swift->layouts, b, fn, arg);
		break;
	case HS_SWIFT_ERROR:
		hs_swift_error_fields(n, &swift->layouts, b, fn, arg);
		break;
	case HS_SWIFT_TASK:
		hs_swift_task_fields(n, b, fn, arg);
		break;
	case HS_SWIFT_JOB:
		break;
	default:
		if (is_side_table(n, b))
			side_table_fields(n, b, fn, arg);
		else if (n->brief && hs_swift_is_frames(n, b))
			hs_swift_left_frames(n, b, fn, arg);
	}
}

/* "3", "3 of 4" of a collection's storage. */
static void count_elements(struct hs_naming *n, struct swift *swift,
			   const struct hs_block *b, hs_detail_fn fn, void *arg)
{
	struct hs_swift_layout layout;
	uint64_t count, capacity;
	char text[64];
	if (!hs_swift_layout(n, &swift->layouts, b->first, &layout) ||
	    !layout.container || !hs_block_word(n, b, 2, &count) ||
	    !hs_block_word(n, b, 3, &capacity))
		return;
	if (layout.container == HS_SWIFT_TEXT) {
		(void)snprintf(text, sizeof(text), "%" PRIu64 " bytes",
			       capacity & 0xffffffffffff);
		(void)fn(arg, "text", text);
		return;
	}
	if (layout.container == HS_SWIFT_ARRAY)
		capacity >>= 1;
	(void)snprintf(text, sizeof(text), "%" PRIu64 ", room for %" PRIu64,
		       count, capacity);
	(void)fn(arg, "elements", text);
}

static void count_references(struct hs_naming *n, const struct hs_block *b,
			     hs_detail_fn fn, void *arg)
{
	struct hs_swift_refs refs;
	char text[64];
	uint64_t counts;
	if (!hs_block_word(n, b, 1, &counts) ||
	    !hs_swift_refs(n, counts, &refs))
		return;
	if (refs.immortal) {
		(void)fn(arg, "references", "not counted: immortal");
		return;
	}
	(void)snprintf(text, sizeof(text), "%" PRIu64 "%s", refs.strong,
		       refs.deiniting ? " (being destroyed)" : "");
	if (!fn(arg, "strong", text))
		return;
	(void)snprintf(text, sizeof(text), "%" PRIu64, refs.unowned);
	if (!fn(arg, "unowned", text) || refs.side_table == HS_NO_ADDR)
		return;
	(void)snprintf(text, sizeof(text), "%" PRIu64, refs.weak);
	if (!fn(arg, "weak", text))
		return;
	(void)snprintf(text, sizeof(text), "0x%" PRIx64, refs.side_table);
	(void)fn(arg, "side table", text);
}

/* Tasks are held by whatever runs them, which nobody sees. */
static bool retains(struct hs_naming *n, void *state, const struct hs_block *b,
		    uint64_t *ret)
{
	const struct swift *swift = state;
	struct hs_swift_refs refs;
	uint64_t counts, kind = kind_of_object(n, b);
	if (hs_addr_map_get(&swift->slabs, b->user) ||
	    (kind != HS_SWIFT_CLASS && kind != HS_SWIFT_BOX &&
	     kind != HS_SWIFT_GENERIC_BOX && kind != HS_SWIFT_ERROR) ||
	    !hs_block_word(n, b, 1, &counts) ||
	    !hs_swift_refs(n, counts, &refs) || refs.immortal || refs.deiniting)
		return false;
	*ret = refs.strong;
	return true;
}

static void details(struct hs_naming *n, void *state, const struct hs_block *b,
		    hs_detail_fn fn, void *arg)
{
	struct swift *swift = state;
	uint64_t kind = kind_of_object(n, b);
	if (kind == UINT64_MAX || hs_addr_map_get(&swift->slabs, b->user))
		return;
	count_references(n, b, fn, arg);
	if (kind == HS_SWIFT_TASK)
		hs_swift_task_details(n, b, fn, arg);
	if (kind == HS_SWIFT_CLASS)
		count_elements(n, swift, b, fn, arg);
}

const struct hs_namer hs_namer_swift = {
	.state_size = sizeof(struct swift),
	.release = release,
	.claim = claim,
	.merge = merge,
	.survey = survey,
	.claim_late = claim_late,
	.fields = fields,
	.details = details,
	.retains = retains,
	.source = HS_TYPE_SWIFT,
};
