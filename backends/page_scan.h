/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_PAGE_SCAN_H
#define BACKENDS_PAGE_SCAN_H

#include <heapscan/target.h>
#include <stddef.h>

/*
 * Where a large mapping has pages at all. The page map has an entry for each
 * page that could be: hundreds of gigabytes of untouched memory take it
 * seconds. Linux 6.7 and later skip what is empty.
 */
struct hs_page_range {
	hs_addr start, end;
};

/*
 * Up to MAX ranges of pages between START and END that exist, in memory,
 * swapped out, or as guards. *UP_TO is how far that was looked for. FD is the
 * process's pagemap. -1: this kernel cannot tell.
 */
int hs_page_scan(int fd, hs_addr start, hs_addr end, struct hs_page_range *ret,
		 size_t max, hs_addr *up_to);

#endif
