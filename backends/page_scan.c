/* SPDX-License-Identifier: MIT */
#include "backends/page_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "core/cleanup.h"

/*
 * ioctl PAGEMAP_SCAN of /proc/PID/pagemap, as the kernel's
 * Documentation/admin-guide/mm/pagemap describes it; headers older than 6.7 do
 * not have it.
 */
struct scan_request {
	uint64_t size; /* of this */
	uint64_t flags, start, end;
	uint64_t walk_end; /* out: where it stopped */
	uint64_t vec, vec_len, max_pages;
	uint64_t inverted, all_of, any_of, tell;
};
struct scan_region {
	uint64_t start, end, categories;
};
#define SCAN _IOWR('f', 16, struct scan_request)
#define IS_PRESENT (UINT64_C(1) << 3)
#define IS_SWAPPED (UINT64_C(1) << 4)
#define IS_GUARD (UINT64_C(1) << 8) /* 6.16; before they count as swapped */

int hs_page_scan(int fd, hs_addr start, hs_addr end, struct hs_page_range *ret,
		 size_t max, hs_addr *up_to)
{
	HS_AUTO_FREE struct scan_region *region = calloc(max, sizeof(*region));
	if (!region)
		return -1;
	struct scan_request r = {
		.size = sizeof(r),
		.start = start,
		.end = end,
		.vec = (uintptr_t)region,
		.vec_len = max,
		.any_of = IS_PRESENT | IS_SWAPPED | IS_GUARD,
		.tell = IS_PRESENT,
	};
	int n = ioctl(fd, SCAN, &r);
	if (n < 0) {
		r.any_of &= ~IS_GUARD;
		n = ioctl(fd, SCAN, &r);
	}
	if (n < 0 || (size_t)n > max || r.walk_end <= start || r.walk_end > end)
		return -1;
	for (int i = 0; i < n; i++)
		ret[i] = (struct hs_page_range){ region[i].start,
						 region[i].end };
	*up_to = r.walk_end;
	return n;
}
