/* SPDX-License-Identifier: MIT */
#include "graph/word_filter.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static inline uint64_t word64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline bool inside(const struct hs_word_range *r, uint64_t v)
{
	return v - r->low[0] < r->high[0] - r->low[0] ||
	       v - r->low[1] < r->high[1] - r->low[1];
}

static size_t filter_plain(const struct hs_word_range *r, const uint8_t *bytes,
			   size_t count, uint16_t *hits)
{
	size_t n = 0;
	assert(count <= HS_FILTER_WORDS);
	/* Always stored, seldom kept: no branch to guess wrong. */
	for (size_t i = 0; i < count; i++) {
		hits[n] = (uint16_t)i;
		n += inside(r, word64(bytes + 8 * i));
	}
	return n;
}

static size_t filter_plain32(const struct hs_word_range *r,
			     const uint8_t *bytes, size_t count, uint16_t *hits)
{
	size_t n = 0;
	assert(count <= HS_FILTER_WORDS);
	for (size_t i = 0; i < count; i++) {
		uint32_t v;
		memcpy(&v, bytes + 4 * i, sizeof(v));
		if (inside(r, le32toh(v)))
			hits[n++] = (uint16_t)i;
	}
	return n;
}

#if defined(__x86_64__)
static inline size_t take_bits(uint32_t mask, size_t first, uint16_t *hits,
			       size_t n)
{
	for (; mask; mask &= mask - 1)
		hits[n++] = (uint16_t)(first + (unsigned)__builtin_ctz(mask));
	return n;
}

/* What a vector's width leaves over, each with its own test: HITS has no room
 * to spare here. */
static inline size_t rest(const struct hs_word_range *r, const uint8_t *bytes,
			  size_t from, size_t count, uint16_t *hits, size_t n)
{
	for (size_t i = from; i < count; i++)
		if (inside(r, word64(bytes + 8 * i)))
			hits[n++] = (uint16_t)i;
	return n;
}

/*
 * SSE2 cannot compare 64 bits. The upper halves of four words decide whether
 * one of them is worth a second look: 4 GiB is fine enough for that.
 */
static size_t filter_sse2(const struct hs_word_range *r, const uint8_t *bytes,
			  size_t count, uint16_t *hits)
{
	size_t i = 0, n = 0;
	__m128i above[2], below[2];
	assert(count <= HS_FILTER_WORDS);
	for (unsigned k = 0; k < 2; k++) {
		bool empty = r->low[k] == r->high[k];
		int low = (int)(r->low[k] >> 32);
		int high = empty ? low - 1 : (int)((r->high[k] - 1) >> 32);
		above[k] = _mm_set1_epi32(low - 1);
		below[k] = _mm_set1_epi32(high + 1);
	}
	for (; i + 4 <= count; i += 4) {
		const __m128i *p = (const void *)(bytes + 8 * i);
		__m128 a = _mm_castsi128_ps(_mm_loadu_si128(p));
		__m128 b = _mm_castsi128_ps(_mm_loadu_si128(p + 1));
		__m128i top = _mm_castps_si128(
			_mm_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 3, 1)));
		__m128i in0 = _mm_and_si128(_mm_cmpgt_epi32(top, above[0]),
					    _mm_cmplt_epi32(top, below[0]));
		__m128i in1 = _mm_and_si128(_mm_cmpgt_epi32(top, above[1]),
					    _mm_cmplt_epi32(top, below[1]));
		int mask = _mm_movemask_ps(
			_mm_castsi128_ps(_mm_or_si128(in0, in1)));
		if (mask)
			n = rest(r, bytes, i, i + 4, hits, n);
	}
	return rest(r, bytes, i, count, hits, n);
}

/* Words of 2^63 and more are negative here and below every range. */
__attribute__((__target__("avx2"))) static size_t
filter_avx2(const struct hs_word_range *r, const uint8_t *bytes, size_t count,
	    uint16_t *hits)
{
	size_t i = 0, n = 0;
	assert(count <= HS_FILTER_WORDS);
	__m256i low0 = _mm256_set1_epi64x((long long)r->low[0] - 1);
	__m256i low1 = _mm256_set1_epi64x((long long)r->low[1] - 1);
	__m256i high0 = _mm256_set1_epi64x((long long)r->high[0]);
	__m256i high1 = _mm256_set1_epi64x((long long)r->high[1]);
	for (; i + 16 <= count; i += 16) {
		const __m256i *p = (const void *)(bytes + 8 * i);
		uint32_t mask = 0;
		for (unsigned k = 0; k < 4; k++) {
			__m256i v = _mm256_loadu_si256(p + k);
			__m256i in0 =
				_mm256_and_si256(_mm256_cmpgt_epi64(v, low0),
						 _mm256_cmpgt_epi64(high0, v));
			__m256i in1 =
				_mm256_and_si256(_mm256_cmpgt_epi64(v, low1),
						 _mm256_cmpgt_epi64(high1, v));
			int bits = _mm256_movemask_pd(
				_mm256_castsi256_pd(_mm256_or_si256(in0, in1)));
			mask |= (uint32_t)bits << (4 * k);
		}
		n = take_bits(mask, i, hits, n);
	}
	return rest(r, bytes, i, count, hits, n);
}

__attribute__((__target__("avx512f"))) static size_t
filter_avx512(const struct hs_word_range *r, const uint8_t *bytes, size_t count,
	      uint16_t *hits)
{
	size_t i = 0, n = 0;
	assert(count <= HS_FILTER_WORDS);
	__m512i low0 = _mm512_set1_epi64((long long)r->low[0]);
	__m512i low1 = _mm512_set1_epi64((long long)r->low[1]);
	__m512i len0 = _mm512_set1_epi64((long long)(r->high[0] - r->low[0]));
	__m512i len1 = _mm512_set1_epi64((long long)(r->high[1] - r->low[1]));
	for (; i + 32 <= count; i += 32) {
		uint32_t mask = 0;
		for (unsigned k = 0; k < 4; k++) {
			__m512i v = _mm512_loadu_si512(bytes + 8 * (i + 8 * k));
			__mmask8 in0 = _mm512_cmplt_epu64_mask(
				_mm512_sub_epi64(v, low0), len0);
			__mmask8 in1 = _mm512_cmplt_epu64_mask(
				_mm512_sub_epi64(v, low1), len1);
			mask |= (uint32_t)(uint8_t)(in0 | in1) << (8 * k);
		}
		n = take_bits(mask, i, hits, n);
	}
	return rest(r, bytes, i, count, hits, n);
}
#endif

bool hs_filter_way(size_t i, struct hs_filter_way *ret)
{
#if defined(__x86_64__)
	const struct hs_filter_way ways[] = {
		{ "avx512", __builtin_cpu_supports("avx512f") != 0,
		  filter_avx512 },
		{ "avx2", __builtin_cpu_supports("avx2") != 0, filter_avx2 },
		{ "sse2", true, filter_sse2 },
		{ "plain", true, filter_plain },
	};
#else
	const struct hs_filter_way ways[] = { { "plain", true, filter_plain } };
#endif
	if (i >= sizeof(ways) / sizeof(*ways))
		return false;
	*ret = ways[i];
	return true;
}

hs_filter_fn hs_filter_best(unsigned word_size)
{
	struct hs_filter_way way;
	if (word_size == 4)
		return filter_plain32;
	for (size_t i = 0; hs_filter_way(i, &way); i++)
		if (way.usable)
			return way.fn;
	return filter_plain;
}
