/* SPDX-License-Identifier: MIT */
#include "support/slice_test.h"

/* Slices that were changed, damaged or cut, and the odd ones of other writers.
 */
/* ---- integrity ---- */

static void every_changed_byte_before_the_end_is_found(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	slice_region(&b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	b.count = 2;
	b.len = b.start[2];
	assert_true(verify(&b).sound);
	size_t end = b.start[1];
	for (size_t at = 64 + 0x10; at < end; at += at < 300 ? 1 : 97) {
		b.bytes[at] ^= 0x40;
		struct hs_slice_integrity in = verify(&b);
		assert_false(in.sound);
		assert_int_equal(in.file_hash, HS_SLICE_FILE_HASH_MISMATCH);
		assert_int_equal(in.chain, HS_SLICE_CHAIN_BROKEN);
		bool link = at >= b.start[0] + 0x30 && at < b.start[0] + 0x50;
		assert_int_equal(in.broken_at_block, link ? 0 : 1);
		b.bytes[at] ^= 0x40;
	}
	slice_release(&b);
}

static void the_header_is_part_of_the_chain(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	b.bytes[0x28] ^= 1;
	struct hs_slice_integrity in = verify(&b);
	assert_int_equal(in.broken_at_block, 0);
	slice_release(&b);
}

static void an_unknown_hash_cannot_be_verified(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	b.bytes[0x3d] = 0xff;
	struct hs_slice_integrity in = verify(&b);
	assert_int_equal(in.chain, HS_SLICE_CHAIN_UNVERIFIABLE);
	assert_int_equal(in.file_hash, HS_SLICE_FILE_HASH_UNVERIFIABLE);
	assert_false(in.sound);
	slice_release(&b);
}

static void memdivers_loose_first_block_is_named_not_broken(void **state)
{
	(void)state;
	struct slice_builder b;
	simple(&b);
	slice_rechain(&b);
	memset(b.bytes + b.start[0] + 0x30, 0, 32);
	b.count--; /* link the end again */
	b.len = b.start[1];
	slice_end(&b);
	struct hs_slice_integrity in = verify(&b);
	assert_int_equal(in.chain, HS_SLICE_CHAIN_OK);
	assert_false(in.anchored);
	assert_string_equal(in.dialect, "memdiver");
	assert_true(in.sound);
	slice_release(&b);
}

static void enrichs_broken_tail_is_named(void **state)
{
	(void)state;
	struct slice_builder b;
	uint8_t manifest[8] = { 0 };
	slice_begin(&b);
	slice_region(&b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	slice_block(&b, 0x005a, 0, manifest, sizeof(manifest));
	memset(b.bytes + b.start[1] + 0x30, 0x99, 32);
	slice_end(&b);
	b.bytes[b.start[2] + 80] ^= 1; /* over another file */
	struct hs_slice_integrity in = verify(&b);
	assert_int_equal(in.chain, HS_SLICE_CHAIN_BROKEN);
	assert_int_equal(in.broken_at_block, 1);
	assert_string_equal(in.dialect, "memslicer-enrich");
	assert_false(in.sound);
	slice_release(&b);
}

static void libmsls_layout_is_read_when_asked_for(void **state)
{
	(void)state;
	struct slice_builder b;
	slice_begin(&b);
	slice_poke(&b, 0x0a, 0x0001, 2);
	uint8_t p[32 + 8 + PAGE] = { 0 };
	memcpy(p, &(uint64_t){ BASE }, 8);
	memcpy(p + 8, &(uint64_t){ PAGE }, 8);
	p[0x10] = 3;
	p[0x12] = 0;
	p[0x13] = 0x10; /* page size 4096 */
	p[0x14] = 1;
	memcpy(p + 40, pages, PAGE);
	slice_block(&b, 0x0001, 0, p, sizeof(p));
	slice_poke(&b, b.start[0] + 0x0c, 0, 2);
	slice_end(&b);
	slice_poke(&b, b.start[1] + 0x0c, 0, 2);
	slice_rechain(&b);
	struct hs_slice *s = open_slice(&b);
	assert_int_equal(hs_slice_region_count(s), 0);
	hs_slice_close(s);
	assert_string_equal(verify(&b).dialect, "libmsl");
	struct hs_open_options legacy = plain;
	legacy.legacy = true;
	struct hs_target *t = NULL;
	assert_int_equal(hs_slice_target_bytes(b.bytes, b.len, "test", &legacy,
					       &t, NULL),
			 HS_OK);
	reads(t, BASE, pages, PAGE);
	hs_target_close(t);
	slice_release(&b);
}

/* ---- damaged headers ---- */

/* Three pages, a block each. */
static void three(struct slice_builder *b)
{
	slice_begin(b);
	for (unsigned i = 0; i < 3; i++)
		slice_region(b, BASE + i * PAGE, 1, (const uint8_t[]){ 0 },
			     pages + (size_t)i * PAGE, PAGE);
	slice_end(b);
}

static void one_damaged_field_of_a_header_costs_no_memory(void **state)
{
	(void)state;
	static const size_t field[] = { 0, 3, 8, 9, 10 };
	for (size_t block = 0; block < 4; block++)
		for (size_t f = 0; f < sizeof(field) / sizeof(*field); f++)
			for (unsigned bit = 0; bit < 8; bit++) {
				struct slice_builder b;
				three(&b);
				b.bytes[b.start[block] + field[f]] ^=
					(uint8_t)(1u << bit);
				struct hs_slice *s = open_slice(&b);
				assert_int_equal(hs_slice_block_count(s), 4);
				assert_true(
					has_problem(s, "slice-block-header"));
				hs_slice_close(s);
				struct hs_slice_integrity in = verify(&b);
				assert_false(in.sound);
				assert_int_equal(
					in.chain,
					block == 3 ? HS_SLICE_CHAIN_OK
						   : HS_SLICE_CHAIN_BROKEN);
				struct hs_target *t = open_target(&b);
				assert_false(t->complete);
				/* A length too small loses the rest of it. */
				bool cut = block < 3 && field[f] >= 8 &&
					   status_at(t, BASE + block * PAGE) !=
						   HS_OK;
				for (size_t i = 0; i < 3; i++)
					if (!cut || i != block)
						reads(t, BASE + i * PAGE,
						      pages + i * PAGE, PAGE);
				assert_false(cut);
				hs_target_close(t);
				slice_release(&b);
			}
}

static void a_destroyed_header_costs_its_block_only(void **state)
{
	(void)state;
	for (size_t block = 0; block < 3; block++) {
		struct slice_builder b;
		three(&b);
		memset(b.bytes + b.start[block], 0, 80);
		struct hs_slice *s = open_slice(&b);
		assert_int_equal(hs_slice_block_count(s), 3);
		assert_true(has_problem(s, "slice-bytes-lost"));
		hs_slice_close(s);
		assert_int_equal(verify(&b).broken_at_block, block);
		struct hs_target *t = open_target(&b);
		assert_false(t->complete);
		for (size_t i = 0; i < 3; i++)
			if (i != block)
				reads(t, BASE + i * PAGE, pages + i * PAGE,
				      PAGE);
		assert_int_not_equal(status_at(t, BASE + block * PAGE), HS_OK);
		hs_target_close(t);
		slice_release(&b);
	}
}

/* Somebody's memory may hold a slice: its blocks are not ours. */
static void blocks_inside_of_lost_memory_are_not_taken(void **state)
{
	(void)state;
	struct slice_builder inner, b;
	static uint8_t held[2 * PAGE];
	slice_begin(&inner);
	slice_block(&inner, 0x0040, 0, pages, 0x18);
	slice_region(&inner, 16 * BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
	slice_end(&inner);
	assert_true(inner.len < sizeof(held));
	memcpy(held + sizeof(held) - inner.len, inner.bytes, inner.len);
	for (size_t block = 0; block < 3; block++) {
		slice_begin(&b);
		slice_region(&b, BASE, 1, (const uint8_t[]){ 0 }, pages, PAGE);
		slice_region(&b, BASE + PAGE, 2, (const uint8_t[]){ 0, 0 },
			     held, sizeof(held));
		slice_region(&b, BASE + 3 * PAGE, 1, (const uint8_t[]){ 0 },
			     pages, PAGE);
		slice_end(&b);
		memset(b.bytes + b.start[block], 0xee, 80);
		struct hs_target *t = open_target(&b);
		assert_int_equal(status_at(t, 16 * BASE), HS_ERR_UNMAPPED);
		for (size_t i = 0; i < 3; i++)
			if (i != block)
				assert_int_equal(
					status_at(t,
						  BASE + (i + (i == 2)) * PAGE),
					HS_OK);
		hs_target_close(t);
		slice_release(&b);
	}
	slice_release(&inner);
}

/* ---- cut files ---- */

static void a_slice_cut_anywhere_is_refused_or_read(void **state)
{
	(void)state;
	struct slice_builder b;
	uint8_t p[256];
	struct slice_region_as small = {
		.base = BASE, .size = 2048, .prot = 3, .page_shift = 10
	};
	slice_begin(&b);
	slice_block(&b, 0x0040, 0, p, 0x18);
	slice_block(&b, 0x0002, 0, p, module_payload(p, 1));
	slice_block(&b, 0x0011, 0, p, thread_payload(p, "fs_base", 5));
	slice_region_as(&b, &small, 2, (const uint8_t[]){ 0, 0 }, pages, 2048);
	slice_end(&b);
	for (size_t len = 0; len < b.len; len++) {
		/* In memory of its own, so that a read behind it shows. */
		uint8_t *cut = malloc(len ? len : 1);
		assert_non_null(cut);
		memcpy(cut, b.bytes, len);
		struct hs_target *t = NULL;
		struct hs_error err = { 0 };
		enum hs_status st = hs_slice_target_bytes(cut, len, "cut",
							  &plain, &t, &err);
		if (len < 64) {
			assert_int_equal(st, HS_ERR_FORMAT);
			assert_true(err.text[0]);
		} else {
			assert_int_equal(st, HS_OK);
			assert_false(t->complete);
			assert_true(hs_target_problem_count(t) > 0);
			if (len >= b.start[4])
				reads(t, BASE, pages, 2048);
			hs_target_close(t);
		}
		free(cut);
	}
	slice_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_changed_byte_before_the_end_is_found),
		cmocka_unit_test(the_header_is_part_of_the_chain),
		cmocka_unit_test(an_unknown_hash_cannot_be_verified),
		cmocka_unit_test(
			memdivers_loose_first_block_is_named_not_broken),
		cmocka_unit_test(enrichs_broken_tail_is_named),
		cmocka_unit_test(libmsls_layout_is_read_when_asked_for),
		cmocka_unit_test(one_damaged_field_of_a_header_costs_no_memory),
		cmocka_unit_test(a_destroyed_header_costs_its_block_only),
		cmocka_unit_test(blocks_inside_of_lost_memory_are_not_taken),
		cmocka_unit_test(a_slice_cut_anywhere_is_refused_or_read),
	};
	return cmocka_run_group_tests(tests, fill_pages, NULL);
}
