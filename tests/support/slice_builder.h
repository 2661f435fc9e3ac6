/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SLICE_BUILDER_H
#define TESTS_SLICE_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A Memory Slice in memory, byte by byte, chained with SHA-256. What a test
 * wants to be wrong it changes in `bytes` afterwards. Running out of memory is
 * an assertion.
 *
 *	struct slice_builder b;
 *	slice_begin(&b);
 *	slice_region(&b, BASE, 2, (const uint8_t[]){ 0, 1 }, pages, PAGE);
 *	slice_end(&b);
 *	... b.bytes, b.len ...
 *	slice_release(&b);
 */
struct slice_builder {
	uint8_t *bytes;
	size_t len, capacity;
	size_t start[64]; /* where block I begins */
	size_t count;
	bool big_endian;
	bool unchained; /* as within an encrypted slice */
};

#define SLICE_TEST_PAGE 4096u

/* The header of a process on x86_64 Linux: 64 bytes, version 1.0, SHA-256. */
void slice_begin(struct slice_builder *b);
/* The same with HEADER_SIZE bytes, in this byte order. */
void slice_begin_as(struct slice_builder *b, bool big_endian,
		    uint8_t header_size);
/* A block of TYPE around PAYLOAD, padded to 8; its flags and version may be
 * changed through slice_poke(). */
void slice_block(struct slice_builder *b, unsigned type, unsigned flags,
		 const void *payload, size_t len);
/* A region of PAGES pages in the given states, with LEN bytes of DATA. */
void slice_region(struct slice_builder *b, uint64_t base, size_t pages,
		  const uint8_t *states, const void *data, size_t len);
/* The same with all there is to say. */
struct slice_region_as {
	uint64_t base, size, timestamp;
	uint8_t prot, type, page_shift;
	unsigned flags; /* of the block */
};
void slice_region_as(struct slice_builder *b, const struct slice_region_as *as,
		     size_t pages, const uint8_t *states, const void *data,
		     size_t len);
void slice_end(struct slice_builder *b);
void slice_release(struct slice_builder *b);

/* Write an integer of N bytes at AT, in the builder's byte order. */
void slice_poke(struct slice_builder *b, size_t at, uint64_t value, size_t n);
/* Make chain and file hash right again after a change. */
void slice_rechain(struct slice_builder *b);

/* The payload of a region, for codecs; caller frees. */
uint8_t *slice_region_payload(const struct slice_region_as *as, size_t pages,
			      const uint8_t *states, const void *data,
			      size_t len, bool big_endian, size_t *ret);

#endif
