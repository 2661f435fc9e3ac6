/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
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

/* Written at a time. */
#define READ_PIECE (4u << 20)
/* What is read ahead of a pipe's reader; the default is 64 KiB. */
#define READ_PIPE (1 << 20)

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

/*
 * Where a mapped core shrank write(2) says that the address is bad. Looking at
 * the bytes ourselves gets the signal that says what has happened.
 */
static void look_at(const volatile uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i += 4096)
		(void)bytes[i];
	(void)bytes[len - 1];
}

static bool write_out(void *arg, const uint8_t *bytes, uint64_t len)
{
	struct cli *cli = arg;
	while (len > 0 && !cli->out.error) {
		size_t n = len < READ_PIECE ? (size_t)len : READ_PIECE;
		out_bytes(&cli->out, bytes, n);
		if (cli->out.error == EFAULT)
			look_at(bytes, n);
		bytes += n;
		len -= n;
	}
	return !cli->out.error;
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

	struct hs_error err = { .code = HS_OK };
	(void)fcntl(cli->out.fd, F_SETPIPE_SZ, READ_PIPE);
	enum hs_status st =
		hs_target_stream(cli->target, addr, len, write_out, cli, &err);
	/* Cancelled: the output failed, which is said by whoever closes it. */
	return st && st != HS_ERR_CANCELLED ? missing(cli, &err)
					    : EXIT_ANSWERED;
}
