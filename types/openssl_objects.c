/* SPDX-License-Identifier: MIT */
#include "types/openssl_objects.h"

#include "types/shapes.h"

/*
 *	object id    {short name, long name, number i32, length i32, bytes, ...}
 *	string       {length i32, kind i32, bytes, flags}
 *	algorithm    {object id, parameter}
 *	certificate  {version, serial string, algorithm, issuer, from, until,
 *	             subject, public key, -, -, extensions, DER, its length,
 *	             changed i32, algorithm again, signature string, ...}
 *	name         {parts, changed i32, buffer, canonical, its length i32}
 *	part         {object id, string *, set i32, size i32}
 *	extension    {object id, critical i32, string}
 *	public key   {algorithm *, string *, key *, ...}
 *	buffer       {length, bytes, room, flags}
 *	number       {words, used i32, room i32, negative i32, flags i32}
 *	RSA key      {-, library context, version, functions, engine, modulus,
 *	             exponent, ...}
 *	method       {..., number i32, name, what it is, provider, references
 *	             i32, lock, functions...}
 *	offer        {provider, properties, method, up, down}
 *
 * Ids of objects are constants of the library; that is what most of this
 * stands on.
 */
#define SMALL 24u
#define SMALL_MOST 40u /* what was left of a chunk was too little */
#define EXTENSION_BYTES 40u
#define PUBLIC_KEY_BYTES 48u
#define CERTIFICATE_BYTES 352u
#define RSA_BYTES 160u
#define METHOD_LEAST 96u
#define MOST_BYTES 480u

#define LAST_ID 3000u
#define ID_BYTES_MOST 64u
#define LAST_KIND 30u
#define NEGATIVE 0x100u
#define FLAGS_MOST 0x3ffu
#define SEQUENCE 0x30u /* what DER begins with */
#define LOCK_BYTES 56u
#define REFERENCES_MOST 1000000u

enum shape {
	CERTIFICATE,
	DER,
	NAME,
	CANONICAL,
	PART,
	EXTENSION,
	STRING,
	STRING_DATA,
	PUBLIC_KEY,
	ALGORITHM,
	KEY,
	BUFFER,
	BUFFER_DATA,
	NUMBER,
	NUMBER_WORDS,
	RSA,
	METHOD,
	METHOD_NAME,
	LOCK,
	OFFER,
};

#define HIGH HS_CONFIDENCE_HIGH
#define MEDIUM HS_CONFIDENCE_MEDIUM
#define LED "the structure that leads to it"
static const struct hs_shape_name shapes[] = {
	[CERTIFICATE] = { "OpenSSL certificate",
			  "its algorithm, which is there twice, and its DER",
			  HIGH },
	[DER] = { "OpenSSL certificate's DER", "the certificate", HIGH },
	[NAME] = { "OpenSSL name", LED, HIGH },
	[CANONICAL] = { "OpenSSL name's canonical form", LED, HIGH },
	[PART] = { "OpenSSL name entry", "its object id, and its string",
		   HIGH },
	[EXTENSION] = { "OpenSSL extension", "its object id, and its string",
			HIGH },
	[STRING] = { "OpenSSL ASN.1 string", LED, HIGH },
	[STRING_DATA] = { "OpenSSL ASN.1 string data", LED, HIGH },
	[PUBLIC_KEY] = { "OpenSSL public key", LED, HIGH },
	[ALGORITHM] = { "OpenSSL algorithm", LED, HIGH },
	[KEY] = { "OpenSSL key", LED, HIGH },
	[BUFFER] = { "OpenSSL buffer", "its room, which follows its length",
		     MEDIUM },
	[BUFFER_DATA] = { "OpenSSL buffer data", LED, MEDIUM },
	[NUMBER] = { "OpenSSL number", "its words, and its room for them",
		     MEDIUM },
	[NUMBER_WORDS] = { "OpenSSL number's words", "the number", MEDIUM },
	[RSA] = { "OpenSSL RSA key", "its functions and its numbers", HIGH },
	[METHOD] = { "OpenSSL method", "its name, its lock, its functions",
		     HIGH },
	[METHOD_NAME] = { "OpenSSL method's name", "the method", HIGH },
	[LOCK] = { "OpenSSL lock", "the method", HIGH },
	[OFFER] = { "OpenSSL method offer", "what it counts its uses with",
		    MEDIUM },
};
#undef LED
#undef MEDIUM
#undef HIGH

struct look {
	struct hs_naming *n;
	struct hs_addr_map *owned;
	const struct hs_openssl_libs *libs;
	const struct hs_block *b;
};

static bool in_lib(const struct look *l, uint64_t word)
{
	for (unsigned i = 0; i < l->libs->count; i++)
		if (word >= l->libs->lib[i]->base &&
		    word < l->libs->lib[i]->end)
			return true;
	return false;
}

static bool word(const struct look *l, size_t i, uint64_t *ret)
{
	return hs_block_word(l->n, l->b, i, ret);
}

static void led(const struct look *l, hs_addr at, enum shape shape)
{
	if (at)
		hs_owned_note(l->n, l->owned, at, shape);
}

/* A constant of the library that names an algorithm, a part of a name... */
static bool is_id(const struct look *l, hs_addr at)
{
	uint64_t brief, full, bytes;
	uint32_t number, len;
	return in_lib(l, at) && at % 8 == 0 && hs_peek(l->n, at, &brief) &&
	       in_lib(l, brief) && hs_peek(l->n, at + 8, &full) &&
	       in_lib(l, full) && hs_peek_u32(l->n, at + 16, &number) &&
	       number <= LAST_ID && hs_peek_u32(l->n, at + 20, &len) &&
	       len > 0 && len <= ID_BYTES_MOST &&
	       hs_peek(l->n, at + 24, &bytes) && in_lib(l, bytes);
}

/* A string whose words begin at AT; *DATA: its bytes, 0: none. */
static bool is_string(const struct look *l, hs_addr at, uint64_t *data)
{
	uint32_t len, kind;
	uint64_t flags;
	struct hs_block b;
	if (!hs_peek_u32(l->n, at, &len) || !hs_peek_u32(l->n, at + 4, &kind) ||
	    (kind & ~NEGATIVE) == 0 || (kind & ~NEGATIVE) > LAST_KIND ||
	    !hs_peek(l->n, at + 8, data) || !hs_peek(l->n, at + 16, &flags) ||
	    flags > FLAGS_MOST)
		return false;
	if (*data == 0)
		return len == 0;
	return hs_naming_block_at(l->n, *data, &b) && len > 0 &&
	       hs_block_fits(l->n, &b, len);
}

/* The string that AT, a block of its own, is. */
static bool string_at(const struct look *l, hs_addr at)
{
	struct hs_block b;
	uint64_t data;
	if (!hs_naming_block_at(l->n, at, &b) || b.usable < SMALL ||
	    b.usable > 2 * SMALL || !is_string(l, at, &data))
		return false;
	led(l, at, STRING);
	led(l, data, STRING_DATA);
	return true;
}

/* {parts, changed, buffer, canonical form, its length} */
static void lead_to_name(const struct look *l, hs_addr at)
{
	struct hs_block b, form;
	uint64_t data;
	uint32_t len;
	if (!hs_naming_block_at(l->n, at, &b) || b.usable < 40 || b.usable > 72)
		return;
	led(l, at, NAME);
	if (hs_block_word(l->n, &b, 3, &data) &&
	    hs_peek_u32(l->n, at + 32, &len) &&
	    hs_naming_block_at(l->n, data, &form) &&
	    hs_block_fits(l->n, &form, len))
		led(l, data, CANONICAL);
}

static void lead_to_public_key(const struct look *l, hs_addr at)
{
	struct hs_block b;
	uint64_t algorithm, id, string, key;
	if (!hs_naming_block_at(l->n, at, &b) || b.usable < PUBLIC_KEY_BYTES ||
	    !hs_block_word(l->n, &b, 0, &algorithm) ||
	    !hs_block_word(l->n, &b, 1, &string) ||
	    !hs_block_word(l->n, &b, 2, &key) ||
	    !hs_naming_block_at(l->n, algorithm, NULL) ||
	    !hs_peek(l->n, algorithm, &id) || !is_id(l, id) ||
	    !string_at(l, string))
		return;
	led(l, at, PUBLIC_KEY);
	led(l, algorithm, ALGORITHM);
	if (hs_naming_block_at(l->n, key, NULL))
		led(l, key, KEY);
}

static bool is_certificate(const struct look *l)
{
	uint64_t id, again, der, len, at, data;
	uint32_t first;
	struct hs_block b;
	hs_addr user = l->b->user;
	if (!word(l, 4, &id) || !word(l, 17, &again) || again != id ||
	    !is_id(l, id) || !word(l, 14, &der) || !word(l, 15, &len) ||
	    !hs_naming_block_at(l->n, der, &b) ||
	    !hs_block_fits(l->n, &b, len) || !hs_peek_u32(l->n, der, &first) ||
	    (first & 0xff) != SEQUENCE)
		return false;
	led(l, der, DER);
	if (is_string(l, user + 8, &data))
		led(l, data, STRING_DATA);
	if (is_string(l, user + 152, &data))
		led(l, data, STRING_DATA);
	static const unsigned strings[] = { 0, 7, 8 };
	for (unsigned i = 0; i < 3; i++)
		if (word(l, strings[i], &at) && at)
			(void)string_at(l, at);
	for (unsigned i = 6; i <= 9; i += 3)
		if (word(l, i, &at))
			lead_to_name(l, at);
	if (word(l, 10, &at))
		lead_to_public_key(l, at);
	return true;
}

static bool is_part(const struct look *l)
{
	uint64_t at, place;
	return is_id(l, l->b->first) && word(l, 1, &at) && word(l, 2, &place) &&
	       place <= REFERENCES_MOST && string_at(l, at);
}

static bool is_extension(const struct look *l)
{
	uint64_t critical, data;
	if (!is_id(l, l->b->first) || !word(l, 1, &critical) ||
	    ((uint32_t)critical != 0 && (uint32_t)critical != 0xff &&
	     (uint32_t)critical != UINT32_MAX) ||
	    !is_string(l, l->b->user + 16, &data))
		return false;
	led(l, data, STRING_DATA);
	return true;
}

/* Room grows by a third beyond what was needed once. */
static bool is_buffer(const struct look *l)
{
	uint64_t len = l->b->first, data, room, flags;
	struct hs_block b;
	if (len < 4 || !word(l, 2, &room) || room != (len + 3) / 3 * 4 ||
	    !word(l, 3, &flags) || flags > 1 || !word(l, 1, &data) ||
	    !hs_naming_block_at(l->n, data, &b) ||
	    !hs_block_fits(l->n, &b, room))
		return false;
	led(l, data, BUFFER_DATA);
	return true;
}

/* A number in the 24 bytes at AT. */
static bool is_number(const struct look *l, hs_addr at, uint64_t *words)
{
	uint32_t used, room, negative, flags;
	uint64_t last;
	struct hs_block b;
	return hs_peek(l->n, at, words) && hs_peek_u32(l->n, at + 8, &used) &&
	       hs_peek_u32(l->n, at + 12, &room) && used > 0 && used <= room &&
	       hs_peek_u32(l->n, at + 16, &negative) && negative <= 1 &&
	       hs_peek_u32(l->n, at + 20, &flags) && (flags & 1) &&
	       flags < 32 && hs_naming_block_at(l->n, *words, &b) &&
	       8 * (uint64_t)room <= b.usable &&
	       b.usable - 8 * (uint64_t)room < 24 &&
	       hs_peek(l->n, *words + 8 * (uint64_t)used - 8, &last) &&
	       last != 0;
}

static bool is_rsa(const struct look *l)
{
	uint64_t functions, modulus, exponent, words;
	for (unsigned i = 5; i <= 6; i++) /* since 3.2 without a word */
		if (word(l, i - 2, &functions) && in_lib(l, functions) &&
		    word(l, i, &modulus) && word(l, i + 1, &exponent) &&
		    hs_naming_block_at(l->n, modulus, NULL) &&
		    is_number(l, modulus, &words) &&
		    hs_naming_block_at(l->n, exponent, NULL) &&
		    is_number(l, exponent, &words))
			return true;
	return false;
}

static bool is_zeroed(const struct look *l, const struct hs_block *b)
{
	uint64_t w;
	for (unsigned i = 0; i < LOCK_BYTES / 8; i++)
		if (!hs_block_word(l->n, b, i, &w) || w != 0)
			return false;
	return true;
}

/* What a method's name is, and that of its lock, at word I. Since 3.2 it has
 * none where numbers are counted without one. */
static bool is_method_at(const struct look *l, size_t i)
{
	uint64_t name, provider, text, references, lock, function;
	struct hs_block b;
	size_t functions = 0, words = l->b->usable / 8;
	char first[64];
	if (!word(l, i + 3, &references) || references == 0 ||
	    references > REFERENCES_MOST || !word(l, i, &name) ||
	    !word(l, i + 1, &text) || (text != 0 && !in_lib(l, text)) ||
	    !word(l, i + 2, &provider) || !word(l, i + 4, &lock) ||
	    !hs_naming_block_at(l->n, provider, NULL) ||
	    !hs_naming_block_at(l->n, name, &b) ||
	    !hs_peek_name(l->n, name, first, sizeof(first), NULL) ||
	    !hs_block_fits(l->n, &b, strlen(first) + 1))
		return false;
	for (size_t k = i + 4; k < words; k++)
		functions += word(l, k, &function) && in_lib(l, function);
	if (functions < 2)
		return false;
	if (!in_lib(l, lock)) {
		if (!hs_naming_block_at(l->n, lock, &b) ||
		    b.usable < LOCK_BYTES || b.usable >= LOCK_BYTES + 32)
			return false;
		if (is_zeroed(l, &b))
			led(l, lock, LOCK);
	}
	led(l, name, METHOD_NAME);
	return true;
}

static bool is_method(const struct look *l)
{
	for (size_t i = 1; i + 7 < l->b->usable / 8 && i < 16; i++)
		if (is_method_at(l, i))
			return true;
	return false;
}

static bool is_offer(const struct look *l)
{
	uint64_t properties, method, up, down;
	return word(l, 3, &up) && in_lib(l, up) && word(l, 4, &down) &&
	       in_lib(l, down) && up != down &&
	       hs_naming_block_at(l->n, l->b->first, NULL) &&
	       word(l, 1, &properties) && word(l, 2, &method) &&
	       (properties == 0 ||
		hs_naming_block_at(l->n, properties, NULL)) &&
	       hs_naming_block_at(l->n, method, NULL);
}

static bool find_shape(const struct look *l, enum shape *shape)
{
	uint64_t words;
	const struct hs_block *b = l->b;
	if (b->usable >= CERTIFICATE_BYTES && is_certificate(l)) {
		*shape = CERTIFICATE;
	} else if (b->usable <= SMALL_MOST && in_lib(l, b->first) &&
		   is_part(l)) {
		*shape = PART;
	} else if (b->usable <= SMALL_MOST && is_number(l, b->user, &words)) {
		led(l, words, NUMBER_WORDS);
		*shape = NUMBER;
	} else if (b->usable >= EXTENSION_BYTES && b->usable < 72 &&
		   in_lib(l, b->first) && is_extension(l)) {
		*shape = EXTENSION;
	} else if (b->usable >= 32 && b->usable < 64 && is_buffer(l)) {
		*shape = BUFFER;
	} else if (b->usable >= 40 && b->usable < 64 && is_offer(l)) {
		*shape = OFFER;
	} else if (b->usable >= RSA_BYTES && is_rsa(l)) {
		*shape = RSA;
	} else if (b->usable >= METHOD_LEAST && is_method(l)) {
		*shape = METHOD;
	} else {
		return false;
	}
	return true;
}

bool hs_openssl_claim(struct hs_naming *n, struct hs_addr_map *owned,
		      const struct hs_openssl_libs *libs,
		      const struct hs_block *b, uint32_t *type)
{
	const struct look l = { n, owned, libs, b };
	enum shape shape;
	return b->usable >= SMALL && b->usable <= MOST_BYTES &&
	       find_shape(&l, &shape) &&
	       hs_shape_type(n, &shapes[shape], HS_TYPE_OPENSSL, type);
}

bool hs_openssl_claim_late(struct hs_naming *n, const struct hs_addr_map *owned,
			   const struct hs_block *b, uint32_t *type)
{
	uint32_t shape;
	return owned->count && hs_owned_get(owned, b->user, &shape) &&
	       hs_shape_type(n, &shapes[shape], HS_TYPE_OPENSSL, type);
}
