/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/out_json.h"

/* A document holds two digits a byte in memory; raw output has no limit. */
#define JSON_READ_MAX (64u << 20)

static int missing(struct cli *cli, const struct hs_error *err)
{
	if (err->code != HS_ERR_UNMAPPED && err->code != HS_ERR_NOT_CAPTURED)
		return cli_fail_error(cli, err);
	return cli_fail(cli, EXIT_INCOMPLETE, hs_status_name(err->code), "%s",
			err->text);
}

/*
 * Copied in pieces into our own buffer: where a mapped core shrank, the copy
 * gets the signal that says so, while write(2) would only call it a bad
 * address.
 */
#define READ_PIECE (256u << 10)

/* All or nothing: a document must not hold less than was asked for. */
static int read_json(struct cli *cli, hs_addr addr, uint64_t len)
{
	struct hs_error err = { .code = HS_OK };
	if (len > JSON_READ_MAX)
		return cli_usage(cli, "at most 64M can be read as JSON; "
				      "without --json there is no limit");
	uint8_t *bytes = malloc(len ? (size_t)len : 1);
	if (!bytes)
		return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory for %" PRIu64 " bytes", len);
	int code = EXIT_ANSWERED;
	if (len && hs_target_read(cli->target, addr, bytes, (size_t)len, &err))
		code = missing(cli, &err);
	else
		out_json_read(cli, addr, bytes, (size_t)len);
	free(bytes);
	return code;
}

int cmd_read(struct cli *cli)
{
	hs_addr addr;
	uint64_t len;
	if (!parse_addr(cli->opt.args[0], &addr))
		return cli_usage(cli, "'%s' is not an address",
				 cli->opt.args[0]);
	if (!parse_size(cli->opt.args[1], &len))
		return cli_usage(cli, "'%s' is not a length", cli->opt.args[1]);
	if (len && len - 1 > UINT64_MAX - addr)
		return cli_usage(cli, "the length leads past the last address");
	if (cli->opt.json)
		return read_json(cli, addr, len);

	while (len && !cli->out.error) {
		const uint8_t *bytes;
		uint64_t here;
		struct hs_error err = { .code = HS_OK };
		if (hs_target_view(cli->target, addr, &bytes, &here, &err))
			return missing(cli, &err);
		if (here > len)
			here = len;
		if (here > READ_PIECE)
			here = READ_PIECE;
		out_bytes(&cli->out, bytes, (size_t)here);
		addr += here;
		len -= here;
	}
	return EXIT_ANSWERED;
}
