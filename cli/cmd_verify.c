/* SPDX-License-Identifier: MIT */
#include "cli/slice_view.h"

int cmd_verify(struct cli *cli)
{
	struct slice_view view;
	int code = slice_view_open(&view, cli);
	if (code)
		return code;
	if (cli->opt.json) {
		out_json_verify(cli, &view);
	} else {
		out_slice_verdict(cli, &view);
		out_slice_problems(cli, &view);
	}
	code = view.integrity.sound ? EXIT_ANSWERED : EXIT_FOUND;
	slice_view_release(&view);
	return code;
}
