/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "backends/slice_records.h"

/* Any bytes as a thread context: understood to its end, or only an id. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(x)                                                                \
	do {                                                                   \
		if (!(x))                                                      \
			abort();                                               \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hs_slice_thread t;
	struct hs_error err = { 0 };
	enum hs_status st = hs_slice_thread_parse(data, len, false, &t, &err);
	if (st) {
		MUST(len < 8 && err.text[0]);
		return 0;
	}
	MUST(t.understood || (t.count == 0 && !t.name));
	size_t bytes = 0x20;
	for (size_t i = 0; i < t.count; i++) {
		MUST(t.value[i].name && t.value[i].bytes);
		bytes += 8 + t.value[i].width;
		/* the last byte is ours to read */
		volatile uint8_t last =
			t.value[i].width
				? t.value[i].bytes[t.value[i].width - 1]
				: 0;
		(void)last;
	}
	MUST(!t.understood || bytes <= len);
	hs_slice_thread_release(&t);
	return 0;
}
