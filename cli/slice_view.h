/* SPDX-License-Identifier: MIT */
#ifndef CLI_SLICE_VIEW_H
#define CLI_SLICE_VIEW_H

#include <heapscan/slice.h>

#include "cli/cli.h"

/* A slice that `info` or `verify` looks at, and whether it is sound. */
struct slice_view {
	struct hs_slice *slice;
	struct hs_slice_integrity integrity;
	bool digests; /* regions with the hash of their pages */
	/* Owned: of each slice that it takes pages from, with `verify`. */
	struct hs_slice_base_check *base;
};

/* Open cli's target as a slice. Not EXIT_ANSWERED: it was reported. */
int cli_open_slice(struct cli *cli, struct hs_slice **ret);

/* Open and verify cli's target. Not EXIT_ANSWERED: it was reported. */
int slice_view_open(struct slice_view *view, struct cli *cli);
void slice_view_release(struct slice_view *view);

#define UUID_TEXT_LEN 37
/* "xxxxxxxx-xxxx-..." */
const char *text_uuid(char buf[UUID_TEXT_LEN], const uint8_t *uuid);
/* LEN bytes in hexadecimal; BUF has room for 2 * LEN + 1. */
const char *text_hex(char *buf, const uint8_t *bytes, size_t len);

/* Fill in the base checks. Not EXIT_ANSWERED: it was reported. */
int slice_view_check_bases(struct slice_view *view, struct cli *cli);
/* One line about each slice that this one takes pages from. */
void out_slice_bases(struct cli *cli, const struct slice_view *view);

/* One sentence about the integrity, and one a line about each problem. */
void out_slice_verdict(struct cli *cli, const struct slice_view *view);
void out_slice_problems(struct cli *cli, const struct slice_view *view);

/* out_json_slice.c */
void out_json_info(struct cli *cli, const struct slice_view *view);
void out_json_verify(struct cli *cli, const struct slice_view *view);

#endif
