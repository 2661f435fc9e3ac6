/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "backends/slice_crypt.h"
#include "backends/slice_header.h"

/* Any bytes as a slice's header: what is taken is within bounds, and what is
 * not is told why. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(x)                                                                \
	do {                                                                   \
		if (!(x))                                                      \
			abort();                                               \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hs_slice_header h;
	struct hs_error err = { 0 };
	enum hs_status st = hs_slice_header_parse(data, len, &h, &err);
	if (st) {
		MUST(err.code == st && err.text[0]);
		MUST(!strchr(err.text, '\n'));
		return 0;
	}
	MUST(len >= SLICE_HEADER_LEN && memcmp(data, SLICE_MAGIC, 8) == 0);
	MUST(h.size >= SLICE_HEADER_LEN && h.size <= len);
	MUST(h.version >> 8 == 1 || h.legacy);
	if (!(h.flags & SLICE_ENCRYPTED))
		return 0;
	MUST(h.size == SLICE_HEADER_LEN_ENCRYPTED);
	/* Costs nothing, whatever the header asks for. */
	st = hs_slice_lock_check(&h.lock, &err);
	MUST(st == HS_OK || err.code == st);
	return 0;
}
