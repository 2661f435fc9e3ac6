/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "backends/slice_codec.h"

/*
 * The first byte are the flags of a block, the rest its payload: never more
 * comes out than was asked for, nor than the bytes could hold.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(x)                                                                \
	do {                                                                   \
		if (!(x))                                                      \
			abort();                                               \
	} while (0)

#define MOST ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hs_slice_packed p;
	struct hs_error err = { 0 };
	if (len == 0)
		return 0;
	enum hs_status st = hs_slice_packed_parse(data[0], data + 1, len - 1,
						  false, &p, &err);
	if (st) {
		MUST(err.code == st && err.text[0]);
		return 0;
	}
	MUST(p.len <= len - 1 && p.size <= ((uint64_t)len / 4 + 1) << 17);
	size_t want = p.size < MOST ? (size_t)p.size : MOST, got = 0;
	for (unsigned piece = 0; piece < 2; piece++) {
		uint8_t *out = malloc(want ? want : 1);
		MUST(out);
		st = hs_slice_unpack(&p, out, want, &got, &err);
		MUST(st || got <= want);
		MUST(!st || err.text[0]);
		free(out);
		want = want < 40 ? want : 40; /* again, its beginning */
	}
	return 0;
}
