/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/out_text.h"
#include "cli/slice_view.h"

/* clang-format off */
static const char *const os_names[] = {
	"Windows", "Linux", "macOS", "Android", "iOS", "FreeBSD", "NetBSD",
	"OpenBSD", "QNX", "Fuchsia",
};
static const char *const arch_names[] = {
	"x86", "x86_64", "arm64", "arm32", "mips32", "mips64", "riscv32",
	"riscv64", "ppc32", "ppc64", "s390x", "loongarch64",
};
static const char *const region_names[] = {
	"unknown", "heap", "stack", "image", "file", "anon", "shared",
};
/* clang-format on */
#define NAME(table, i)                                                         \
	((i) < sizeof(table) / sizeof((table)[0]) ? (table)[i] : "unknown")

static const char *text_time(char buf[TEXT_LEN], uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000u);
	struct tm tm;
	if (!gmtime_r(&seconds, &tm) ||
	    strftime(buf, TEXT_LEN, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		(void)snprintf(buf, TEXT_LEN, "%" PRIu64 " ns", ns);
	return buf;
}

static void line(struct out *out, const char *title, const char *text)
{
	if (!text)
		return;
	out_printf(out, "  %-12s  ", title);
	out_escaped(out, text);
	out_str(out, "\n");
}

static void print_file(struct cli *cli, const struct slice_view *view)
{
	struct hs_slice_info i;
	struct hs_slice_process p;
	struct out *out = &cli->out;
	char buf[64], uuid[UUID_TEXT_LEN];
	hs_slice_info(view->slice, &i);
	out_printf(out, "Memory Slice %u.%u of process %" PRIu32 " (%s, %s), ",
		   i.version >> 8, i.version & 0xffu, i.pid,
		   NAME(os_names, i.os_type), NAME(arch_names, i.arch_type));
	out_printf(out, "%s%s%s%s\n", text_size(buf, i.file_size),
		   i.encrypted ? ", encrypted" : "",
		   i.imported ? ", imported" : "",
		   i.flags & 8 ? ", redacted" : "");
	line(out, "taken", text_time(buf, i.timestamp_ns));
	line(out, "uuid", text_uuid(uuid, i.dump_uuid));
	if (!hs_slice_process(view->slice, &p))
		return;
	line(out, "executable", p.executable);
	line(out, "command line", p.command_line);
	(void)snprintf(buf, sizeof(buf), "%" PRIu32 ", session %" PRIu32,
		       p.ppid, p.session_id);
	line(out, "parent", p.ppid ? buf : NULL);
}

static void print_regions(struct cli *cli, const struct slice_view *view)
{
	static const struct column columns[] = {
		{ "base", -18 },   { "size", 10 },   { "prot", -4 },
		{ "type", -7 },    { "pages", 9 },   { "failed", 9 },
		{ "unmapped", 9 }, { "stored", -6 }, { "elsewhere", 9 },
	};
	/* Only where there are such pages is there such a column. */
	bool series = hs_slice_base_count(view->slice) > 0;
	size_t count = hs_slice_region_count(view->slice), shown = 0;
	struct table t;
	if (count == 0)
		return;
	out_str(&cli->out, "\n");
	table_begin(&t, &cli->out, cli->colour, columns, series ? 9 : 8);
	for (; shown < count && shown < cli_row_limit(cli); shown++) {
		struct hs_slice_region_info r;
		hs_slice_region(view->slice, shown, &r);
		char prot[5] = { r.protection & 1 ? 'r' : '-',
				 r.protection & 2 ? 'w' : '-',
				 r.protection & 4 ? 'x' : '-',
				 r.protection & 8 ? 'g' : '-', '\0' };
		table_addr(&t, r.base);
		table_size(&t, r.size);
		table_cell(&t, INK_PLAIN, prot);
		table_cell(&t, INK_PLAIN, NAME(region_names, r.region_type));
		table_count(&t, r.captured_pages);
		/* Who holds the others is in the last column. */
		table_count(&t, r.failed_pages - r.referenced_pages);
		table_count(&t, r.unmapped_pages);
		table_cell(&t, INK_PLAIN, r.compression);
		if (series)
			table_count(&t, r.referenced_pages);
	}
	cli_announce_rest(cli, shown, count);
}

static void print_digests(struct cli *cli, const struct slice_view *view)
{
	if (!view->digests)
		return;
	out_str(&cli->out, "\nSHA-256 of the captured pages\n");
	for (size_t i = 0; i < hs_slice_region_count(view->slice); i++) {
		struct hs_slice_region_info r;
		uint8_t digest[32];
		char hex[65];
		hs_slice_region(view->slice, i, &r);
		out_printf(&cli->out, "  0x%-16" PRIx64 "  %s\n", r.base,
			   hs_slice_region_digest(view->slice, i, digest, NULL)
				   ? "cannot be unpacked"
				   : text_hex(hex, digest, sizeof(digest)));
	}
}

static void print_modules(struct cli *cli, const struct slice_view *view)
{
	static const struct column columns[] = { { "module", -18 },
						 { "size", 10 },
						 { "path", -1 } };
	size_t count = hs_slice_module_count(view->slice), shown = 0;
	struct table t;
	if (count == 0)
		return;
	out_str(&cli->out, "\n");
	table_begin(&t, &cli->out, cli->colour, columns, 3);
	for (; shown < count && shown < cli_row_limit(cli); shown++) {
		struct hs_slice_module_info m;
		hs_slice_module(view->slice, shown, &m);
		table_addr(&t, m.base);
		table_size(&t, m.size);
		table_target(&t, m.path);
	}
	cli_announce_rest(cli, shown, count);
}

static void print_threads(struct cli *cli, const struct slice_view *view)
{
	static const struct column columns[] = {
		{ "thread", 10 }, { "", -1 }, { "registers", 9 }, { "name", -1 }
	};
	size_t count = hs_slice_thread_count(view->slice), shown = 0;
	struct table t;
	if (count == 0)
		return;
	out_str(&cli->out, "\n");
	table_begin(&t, &cli->out, cli->colour, columns, 4);
	for (; shown < count && shown < cli_row_limit(cli); shown++) {
		struct hs_slice_thread_info i;
		char tid[TEXT_LEN];
		hs_slice_thread(view->slice, shown, &i);
		(void)snprintf(tid, sizeof(tid), "%" PRIu64, i.tid);
		table_cell(&t, INK_PLAIN, tid);
		table_cell(&t, INK_PLAIN, i.current ? "*" : " ");
		table_count(&t, i.understood ? i.register_count : HS_UNKNOWN);
		table_target(&t, i.name);
	}
	cli_announce_rest(cli, shown, count);
}

static void print_facts(struct cli *cli, const struct slice_view *view)
{
	size_t count = hs_slice_fact_count(view->slice), rows = 0;
	struct hs_slice_fact last = { .block = SIZE_MAX };
	for (size_t i = 0; i < count; i++) {
		struct hs_slice_fact f;
		hs_slice_fact(view->slice, i, &f);
		bool new_row = f.block != last.block || f.row != last.row;
		if (new_row && rows++ == cli_row_limit(cli)) {
			out_str(&cli->out, "\n... more (use --all)");
			break;
		}
		if (f.block != last.block) {
			struct hs_slice_block_info b;
			hs_slice_block(view->slice, f.block, &b);
			out_printf(&cli->out, "%s\n%s", i ? "\n" : "",
				   b.type_name);
		}
		out_str(&cli->out, new_row ? "\n  " : "  ");
		out_printf(&cli->out, "%s ", f.name);
		out_escaped(&cli->out, f.value);
		last = f;
	}
	if (count)
		out_str(&cli->out, "\n");
}

static void print_blocks(struct cli *cli, const struct slice_view *view)
{
	static const struct column columns[] = {
		{ "block", 7 },  { "offset", 12 }, { "length", 11 },
		{ "flags", -6 }, { "type", -1 },
	};
	size_t count = hs_slice_block_count(view->slice), shown = 0;
	struct table t;
	out_str(&cli->out, "\n");
	table_begin(&t, &cli->out, cli->colour, columns, 5);
	for (; shown < count && shown < cli_row_limit(cli); shown++) {
		struct hs_slice_block_info b;
		char flags[TEXT_LEN], type[64];
		hs_slice_block(view->slice, shown, &b);
		(void)snprintf(flags, sizeof(flags), "0x%02x", b.flags);
		(void)snprintf(type, sizeof(type), "0x%04x %s%s", b.type,
			       b.type_name,
			       b.after_end ? " (behind the end)" : "");
		table_count(&t, shown);
		table_count(&t, b.offset);
		table_count(&t, b.length);
		table_cell(&t, INK_PLAIN, flags);
		table_cell(&t, INK_PLAIN, type);
	}
	cli_announce_rest(cli, shown, count);
}

int cmd_info(struct cli *cli)
{
	struct slice_view view;
	int code = slice_view_open(&view, cli);
	if (code)
		return code;
	if (cli->opt.json) {
		out_json_info(cli, &view);
	} else {
		print_file(cli, &view);
		out_str(&cli->out, "  integrity     ");
		out_slice_verdict(cli, &view);
		out_slice_bases(cli, &view);
		out_slice_problems(cli, &view);
		print_regions(cli, &view);
		print_digests(cli, &view);
		print_modules(cli, &view);
		print_threads(cli, &view);
		print_facts(cli, &view);
		print_blocks(cli, &view);
	}
	struct hs_slice_info info;
	hs_slice_info(view.slice, &info);
	slice_view_release(&view);
	return info.complete ? EXIT_ANSWERED : EXIT_INCOMPLETE;
}
