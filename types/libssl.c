/* SPDX-License-Identifier: MIT */
#include "types/shapes.h"

/*
 * Connections of OpenSSL on 64-bit machines, and their buffers:
 *
 *	1.1 to 3.1 {version i32, -, method, reads from, writes to, -, state i32,
 *	           -, next function, ..., buffers}
 *	from 3.2   {0 i32, -, context, usual method, method, references, ...,
 *	           itself at word 8, version i32, ..., {record methods, record
 *	           layers}[2, to read and to write], ...}
 *	layer      {..., buffers}
 *	buffer     {bytes, usual size, size, offset, left, ...}
 */
#define SSL_LEAST 3072u /* bytes */
#define SSL_MOST 12288u
#define BUFFER_LEAST 256u
#define LAYER_LEAST 1024u
#define LAYER_MOST 16384u

enum shape { SSL, LAYER, BUFFER };

static const struct hs_shape_name shapes[] = {
	[SSL] = { "OpenSSL connection", "its version and its method",
		  HS_CONFIDENCE_HIGH },
	[LAYER] = { "OpenSSL record layer",
		    "the connection, and the methods before it",
		    HS_CONFIDENCE_HIGH },
	[BUFFER] = { "OpenSSL record buffer", "the connection, and its size",
		     HS_CONFIDENCE_HIGH },
};

struct libssl {
	size_t module;
	struct hs_addr_map owned;
};

static void release(void *state)
{
	hs_addr_map_release(&((struct libssl *)state)->owned);
}

static void merge(struct hs_naming *n, void *state, const void *worker)
{
	hs_owned_merge(n, &((struct libssl *)state)->owned,
		       &((const struct libssl *)worker)->owned);
}

static void prepare(struct hs_naming *n, void *state)
{
	struct libssl *s = state;
	s->module = SIZE_MAX;
	if (n->target->word_size == 8 && !n->target->big_endian)
		s->module = hs_module_named(n, "libssl");
}

/* SSL 3 to TLS 1.3, DTLS 1.0 and 1.2, or not settled yet. */
static bool is_version(uint32_t version)
{
	return (version >= 0x300 && version <= 0x304) || version == 0xfeff ||
	       version == 0xfefd || version == 0x10000 || version == 0x1ffff;
}

static void note_buffers(struct hs_naming *n, struct libssl *s,
			 const struct hs_block *b)
{
	uint64_t at, size, offset, left;
	struct hs_block buffer;
	for (unsigned i = 0; hs_block_word(n, b, i + 4, &left); i++)
		if (hs_block_word(n, b, i, &at) && at &&
		    hs_block_word(n, b, i + 2, &size) && size >= BUFFER_LEAST &&
		    hs_block_word(n, b, i + 3, &offset) && offset <= size &&
		    left <= size - offset &&
		    hs_naming_block_at(n, at, &buffer) &&
		    hs_block_fits(n, &buffer, size))
			hs_owned_note(n, &s->owned, at, BUFFER);
}

static bool in_library(struct hs_naming *n, const struct libssl *s,
		       const struct hs_block *b, unsigned word)
{
	uint64_t at;
	return hs_block_word(n, b, word, &at) &&
	       hs_naming_module(n, at) == s->module;
}

static bool is_old(struct hs_naming *n, const struct libssl *s,
		   const struct hs_block *b)
{
	uint64_t in, out, next;
	return is_version((uint32_t)b->first) && in_library(n, s, b, 1) &&
	       hs_block_word(n, b, 2, &in) && hs_block_word(n, b, 3, &out) &&
	       (!in || hs_naming_block_at(n, in, NULL)) &&
	       (!out || hs_naming_block_at(n, out, NULL)) &&
	       hs_block_word(n, b, 6, &next) &&
	       (!next || hs_naming_module(n, next) == s->module);
}

static bool is_new(struct hs_naming *n, const struct libssl *s,
		   const struct hs_block *b)
{
	uint64_t context, itself, version;
	return b->first == 0 && hs_block_word(n, b, 1, &context) &&
	       hs_naming_block_at(n, context, NULL) && in_library(n, s, b, 2) &&
	       in_library(n, s, b, 3) && hs_block_word(n, b, 8, &itself) &&
	       itself == b->user && hs_block_word(n, b, 9, &version) &&
	       is_version((uint32_t)version);
}

/* Where they are changes with each release, but not that methods are before the
 * layers: the first such place is taken, so that what is looked at is no more
 * than twice what a layer may be. */
static void note_layers(struct hs_naming *n, struct libssl *s,
			const struct hs_block *b)
{
	uint64_t at[2];
	for (unsigned i = 10; hs_block_word(n, b, i + 3, &at[1]); i++) {
		struct hs_block layer;
		if (!at[1] || !in_library(n, s, b, i) ||
		    !in_library(n, s, b, i + 1) ||
		    !hs_block_word(n, b, i + 2, &at[0]))
			continue;
		for (unsigned k = 0; k < 2; k++)
			if (hs_naming_block_at(n, at[k], &layer) &&
			    layer.usable >= LAYER_LEAST &&
			    layer.usable <= LAYER_MOST) {
				hs_owned_note(n, &s->owned, at[k], LAYER);
				note_buffers(n, s, &layer);
			}
		return;
	}
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	struct libssl *s = state;
	if (s->module == SIZE_MAX || b->usable < SSL_LEAST ||
	    b->usable > SSL_MOST)
		return false;
	if (is_old(n, s, b))
		note_buffers(n, s, b);
	else if (is_new(n, s, b))
		note_layers(n, s, b);
	else
		return false;
	return hs_shape_type(n, &shapes[SSL], HS_TYPE_OPENSSL, type);
}

static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	const struct libssl *s = state;
	uint32_t shape;
	return s->owned.count && hs_owned_get(&s->owned, b->user, &shape) &&
	       hs_shape_type(n, &shapes[shape], HS_TYPE_OPENSSL, type);
}

const struct hs_namer hs_namer_libssl = {
	.state_size = sizeof(struct libssl),
	.release = release,
	.prepare = prepare,
	.claim = claim,
	.merge = merge,
	.claim_late = claim_late,
	.source = HS_TYPE_OPENSSL,
};
