/* SPDX-License-Identifier: MIT */
#include "cli/slice_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out_text.h"
#include "cli/progress.h"
#include "cli/secret.h"

int cli_open_slice(struct cli *cli, struct hs_slice **ret)
{
	struct hs_open_options how = {
		.struct_size = sizeof(how),
		.progress = progress_show,
		.secret = secret_ask,
		.secret_arg = (void *)(uintptr_t)cli->opt.passphrase_file,
		.legacy = cli->opt.legacy,
	};
	struct hs_error err = { .code = HS_OK };
	if (hs_slice_open(cli->opt.target, &how, ret, &err))
		return cli_fail_error(cli, &err);
	return EXIT_ANSWERED;
}

int slice_view_open(struct slice_view *view, struct cli *cli)
{
	struct hs_error err = { .code = HS_OK };
	*view = (struct slice_view){ .digests = cli->opt.digests };
	int code = cli_open_slice(cli, &view->slice);
	if (code)
		return code;
	if (hs_slice_verify(view->slice, progress_show, NULL, &view->integrity,
			    &err)) {
		slice_view_release(view);
		return cli_fail_error(cli, &err);
	}
	progress_clear();
	return EXIT_ANSWERED;
}

void slice_view_release(struct slice_view *view)
{
	hs_slice_close(view->slice);
	free(view->base);
	view->slice = NULL;
	view->base = NULL;
}

const char *text_hex(char *buf, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		(void)snprintf(buf + 2 * i, 3, "%02x", bytes[i]);
	buf[2 * len] = '\0';
	return buf;
}

const char *text_uuid(char buf[UUID_TEXT_LEN], const uint8_t *u)
{
	(void)snprintf(buf, UUID_TEXT_LEN,
		       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		       "%02x%02x%02x%02x%02x%02x",
		       u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8],
		       u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
	return buf;
}

/* What the block held is in doubt; all else can be used. */
static void damaged_memory(struct cli *cli, const struct hs_slice *slice,
			   size_t block)
{
	char size[TEXT_LEN], addr[TEXT_LEN];
	for (size_t i = 0; i < hs_slice_region_count(slice); i++) {
		struct hs_slice_region_info r;
		hs_slice_region(slice, i, &r);
		if (r.block != block)
			continue;
		out_printf(&cli->out,
			   "block %zu holds %s of memory at %s: these are in "
			   "doubt\n",
			   block,
			   text_size(size, r.captured_pages * r.page_size),
			   text_addr(addr, r.base));
	}
}

static void broken_chain(struct cli *cli, const struct slice_view *view)
{
	const struct hs_slice_integrity *in = &view->integrity;
	struct hs_slice_block_info b, before = { 0 };
	size_t i = in->broken_at_block;
	hs_slice_block(view->slice, i, &b);
	if (i > 0)
		hs_slice_block(view->slice, i - 1, &before);
	out_printf(&cli->out,
		   "the chain breaks at block %zu (%s, offset %" PRIu64 "): ",
		   i, b.type_name, b.offset);
	uint64_t lost = i > 0 ? b.offset - before.offset - before.length : 0;
	bool enriched =
		in->dialect && strcmp(in->dialect, "memslicer-enrich") == 0;
	if (enriched)
		out_str(&cli->out,
			"memslicer-enrich appended it and always leaves it "
			"so; the blocks before it are as they were written\n");
	else if (i == 0)
		out_str(&cli->out,
			"it or the file header is not as it was written\n");
	else if (lost > 0)
		out_printf(&cli->out,
			   "the %" PRIu64 " bytes before it are no block\n",
			   lost);
	else
		out_printf(&cli->out,
			   "block %zu before it, or its own link, is not as "
			   "it was written\n",
			   i - 1);
	if (i > 0 && !enriched && lost == 0)
		damaged_memory(cli, view->slice, i - 1);
}

void out_slice_verdict(struct cli *cli, const struct slice_view *view)
{
	const struct hs_slice_integrity *in = &view->integrity;
	struct hs_slice_info info;
	struct out *out = &cli->out;
	char count[TEXT_LEN];
	hs_slice_info(view->slice, &info);
	out_ink(out, cli->colour, in->sound ? INK_GOOD : INK_BAD,
		in->sound ? "sound" : "not sound");
	out_printf(out, ": %s blocks, %s",
		   text_count(count, hs_slice_block_count(view->slice)),
		   info.encrypted ? "authenticated by their encryption"
				  : hs_slice_hash_name(info.hash_algorithm));
	out_printf(out, ", chain %s, file hash %s, End-of-Capture %s\n",
		   hs_slice_chain_name(in->chain),
		   hs_slice_file_hash_name(in->file_hash),
		   in->end_of_capture ? "there" : "missing");
	if (in->chain == HS_SLICE_CHAIN_BROKEN)
		broken_chain(cli, view);
	if (!in->anchored)
		out_str(out, "the first block is not tied to the file header: "
			     "MemDiver writes so\n");
	if (in->dialect)
		out_printf(out, "written as %s does\n", in->dialect);
}

int slice_view_check_bases(struct slice_view *view, struct cli *cli)
{
	size_t count = hs_slice_base_count(view->slice);
	struct hs_error err = { .code = HS_OK };
	view->base = calloc(count + 1, sizeof(*view->base));
	if (!view->base)
		return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory");
	for (size_t i = 0; i < count; i++)
		if (hs_slice_base_check(view->slice, i, progress_show, NULL,
					&view->base[i], &err))
			return cli_fail_error(cli, &err);
	progress_clear();
	return EXIT_ANSWERED;
}

void out_slice_bases(struct cli *cli, const struct slice_view *view)
{
	struct out *out = &cli->out;
	for (size_t i = 0; i < hs_slice_base_count(view->slice); i++) {
		struct hs_slice_base_info b;
		const struct hs_slice_base_check *c =
			view->base ? &view->base[i] : NULL;
		char size[TEXT_LEN], uuid[UUID_TEXT_LEN];
		hs_slice_base(view->slice, i, &b);
		out_printf(out, "%sdepends on ", view->base ? "" : "  ");
		out_escaped(out, b.path ? b.path : b.name ? b.name : "?");
		out_printf(out, " (%s): %s", text_uuid(uuid, b.uuid),
			   text_size(size, b.bytes));
		if (!b.path)
			out_ink(out, cli->colour, INK_BAD, ", missing");
		else if (c && !c->changed && !c->missing)
			out_str(out, ", all as noted");
		if (c && c->changed) {
			out_str(out, ", ");
			out_ink(out, cli->colour, INK_BAD,
				text_size(size, c->changed));
			out_str(out, " are not as noted");
		}
		if (c && b.path && c->missing)
			out_printf(out, ", %s are not in it",
				   text_size(size, c->missing));
		out_str(out, "\n");
	}
}

void out_slice_problems(struct cli *cli, const struct slice_view *view)
{
	for (size_t i = 0; i < hs_slice_problem_count(view->slice); i++) {
		struct hs_problem_info p;
		hs_slice_problem(view->slice, i, &p);
		out_ink(&cli->out, cli->colour, ink_of_severity(p.severity),
			hs_severity_name(p.severity));
		out_str(&cli->out, ": ");
		out_escaped(&cli->out, p.message);
		out_str(&cli->out, "\n");
	}
}
