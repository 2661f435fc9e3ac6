/* SPDX-License-Identifier: MIT */
#include "types/cxx_exception.h"

#include "types/cxx_vtable.h"

/*
 * What libstdc++ and libc++abi put before an object that is thrown (Itanium C++
 * ABI, 2.2.1, with the count of the exception_ptr before it). Of both, in words
 * from the start of the block:
 *
 *	0   how many refer to it; libc++abi has that behind
 *	2   type_info of the object
 *	12  who throws: "GNUCC++\0", "CLNGC++\0"
 *	16  the object
 */
#define OF_GNU UINT64_C(0x474e5543432b2b00)
#define OF_LLVM UINT64_C(0x434c4e47432b2b00)

bool hs_cxx_exception(struct hs_naming *n, const struct hs_block *b,
		      hs_addr *info)
{
	uint64_t type, who;
	/* The first word tells most others. */
	if (b->first > INT32_MAX || b->usable < HS_CXX_THROWN ||
	    n->target->word_size != 8 || !hs_block_word(n, b, 2, &type) ||
	    type % 8 || hs_naming_module(n, type) == SIZE_MAX ||
	    !hs_block_word(n, b, 12, &who) ||
	    (who != OF_GNU && who != OF_LLVM) || !hs_cxx_is_type(n, type))
		return false;
	*info = type;
	return true;
}
