/* SPDX-License-Identifier: MIT */
#include <heapscan/confidence.h>
#include <stddef.h>

const char *hs_confidence_name(enum hs_confidence confidence)
{
	static const char *const words[] = {
#define X(id, word) [HS_CONFIDENCE_##id] = word,
		HS_CONFIDENCES(X)
#undef X
	};
	return (size_t)confidence < sizeof(words) / sizeof(*words)
		       ? words[confidence]
		       : words[HS_CONFIDENCE_LOW];
}
