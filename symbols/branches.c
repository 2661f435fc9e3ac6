/* SPDX-License-Identifier: MIT */
#include "symbols/branches.h"

/* An aarch64 instruction that branches: 26 bits are how far. */
#define ARM_BRANCH 0x14000000u
#define ARM_LINK 0x80000000u
#define ARM_KIND 0xfc000000u

static hs_addr word(const struct hs_window *read, uint64_t v)
{
	return read->word_size == 4 ? (uint32_t)v : v;
}

/* Is the byte at *AT this one? Then *AT is behind it. */
static bool is(struct hs_window *read, hs_addr *at, uint8_t byte)
{
	uint64_t v;
	if (!hs_window_uint(read, *at, 1, &v) || v != byte)
		return false;
	++*at;
	return true;
}

/* How far the instruction leads whose last four bytes are before BEHIND. */
static bool far(struct hs_window *read, hs_addr behind, hs_addr *ret)
{
	uint64_t by;
	if (!hs_window_uint(read, behind - 4, 4, &by))
		return false;
	*ret = word(read, behind + (uint64_t)(int64_t)(int32_t)by);
	return true;
}

/* An entry of the linkage table at AT: a jump to what a word says. */
static hs_addr through_table(struct hs_window *read, hs_addr at)
{
	hs_addr p = at, slot, target;
	if (is(read, &p, 0xf3) && !(is(read, &p, 0x0f) && is(read, &p, 0x1e) &&
				    is(read, &p, 0xfa))) /* endbr64 */
		return at;
	(void)is(read, &p, 0xf2); /* bnd */
	if (is(read, &p, 0xff) && is(read, &p, 0x25) &&
	    far(read, p + 4, &slot) && hs_window_word(read, slot, &target))
		return target;
	return at;
}

static bool x86(struct hs_window *read, hs_addr behind, enum hs_branch kind,
		hs_addr *ret)
{
	bool call = kind == HS_BRANCH_CALL, wide = read->word_size == 8;
	hs_addr at = behind - 5, target;
	if (is(read, &at, call ? 0xe8 : 0xe9)) {
		if (!far(read, behind, &target))
			return false;
		*ret = wide ? through_table(read, target) : target;
		return true;
	}
	/* Through the word that the linkage table would use. */
	at = behind - 6;
	return wide && is(read, &at, 0xff) &&
	       is(read, &at, call ? 0x15 : 0x25) &&
	       far(read, behind, &target) && hs_window_word(read, target, ret);
}

bool hs_branch_target(struct hs_window *read, hs_addr behind,
		      enum hs_branch kind, hs_addr *ret)
{
	uint32_t wanted = ARM_BRANCH | (kind == HS_BRANCH_CALL ? ARM_LINK : 0);
	uint64_t v;
	switch (read->target->arch) {
	case HS_ARCH_X86_64:
	case HS_ARCH_I386:
		return x86(read, behind, kind, ret);
	case HS_ARCH_AARCH64:
		if (!hs_window_uint(read, behind - 4, 4, &v) ||
		    (v & ARM_KIND) != wanted)
			return false;
		*ret = behind - 4 +
		       (uint64_t)((int64_t)(int32_t)((uint32_t)v << 6) >> 4);
		return true;
	default:
		return false;
	}
}
