/* SPDX-License-Identifier: MIT */
#include <heapscan/heapscan.h>

#include <inttypes.h>
#include <stdio.h>

/* A user of the installed library: compiled by install.sh, not by CMake. */
int main(int argc, char **argv)
{
	struct hs_error err = { 0 };
	struct hs_target *target = NULL;
	struct hs_symbols *syms = NULL;
	struct hs_heap *heap = NULL;
	enum hs_status st = HS_ERR_INVALID;

	if (argc == 2)
		st = hs_target_open(argv[1], NULL, &target, &err);
	if (!st)
		st = hs_symbols_new(target, NULL, &syms, &err);
	if (!st)
		st = hs_heap_scan(target, syms, NULL, &heap, &err);
	if (!st) {
		struct hs_heap_summary sum;
		hs_heap_summary(heap, &sum);
		printf("%" PRIu64 " in use, %" PRIu64 " free\n",
		       sum.in_use.count, sum.free.count);
	} else {
		(void)fprintf(stderr, "%s: %s\n", hs_status_name(st), err.text);
	}
	hs_heap_free(heap);
	hs_symbols_free(syms);
	hs_target_close(target);
	return st ? 1 : 0;
}
