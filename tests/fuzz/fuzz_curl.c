/* SPDX-License-Identifier: MIT */
#include "support/namer_world.h"

/* types/curl.c over arbitrary memory; what is promised stands in
 * namer_world.h. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	namer_world_run(&hs_namer_curl, data, len);
	return 0;
}
