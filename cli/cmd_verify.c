/* SPDX-License-Identifier: MIT */
#include "cli/slice_view.h"

/* Its own hashes may hold while pages that it takes from others are gone. */
static int verdict(const struct slice_view *view)
{
	int code = view->integrity.sound ? EXIT_ANSWERED : EXIT_FOUND;
	for (size_t i = 0; i < hs_slice_base_count(view->slice); i++) {
		if (view->base[i].changed)
			code = EXIT_FOUND;
		else if (view->base[i].missing && !code)
			code = EXIT_INCOMPLETE;
	}
	return code;
}

int cmd_verify(struct cli *cli)
{
	struct slice_view view;
	int code = slice_view_open(&view, cli);
	if (!code)
		code = slice_view_check_bases(&view, cli);
	if (code) {
		slice_view_release(&view);
		return code;
	}
	if (cli->opt.json) {
		out_json_verify(cli, &view);
	} else {
		out_slice_verdict(cli, &view);
		out_slice_bases(cli, &view);
		out_slice_problems(cli, &view);
	}
	code = verdict(&view);
	slice_view_release(&view);
	return code;
}
