/* SPDX-License-Identifier: MIT */
#include "cli/out_evidence.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/out_text.h"

static void label(struct cli *cli, const char *name)
{
	char padded[16];
	(void)snprintf(padded, sizeof(padded), "%-12s", name);
	out_ink(&cli->out, cli->colour, INK_DIM, padded);
}

static void escaped_after(struct out *out, const char *before, const char *text)
{
	if (!text || !*text)
		return;
	out_str(out, before);
	out_escaped(out, text);
}

static void target_line(struct cli *cli)
{
	const struct hs_target_info *t = &cli->info;
	label(cli, "target");
	out_str(&cli->out, hs_target_kind_name(t->kind));
	escaped_after(&cli->out, " ", t->path);
	if (t->pid >= 0)
		out_printf(&cli->out, ", pid %" PRId64, t->pid);
	out_printf(&cli->out, ", %s", hs_arch_name(t->arch));
	if (t->signal > 0)
		out_printf(&cli->out, ", ended by signal %" PRId32, t->signal);
	if (!t->complete)
		out_str(&cli->out, ", incomplete");
	escaped_after(&cli->out, ": ",
		      t->command_line && *t->command_line ? t->command_line
							  : t->executable);
	out_str(&cli->out, "\n");
}

static const char *place(enum hs_place_origin origin)
{
	switch (origin) {
	case HS_PLACE_SYMBOL:
		return "by symbol";
	case HS_PLACE_EVIDENCE:
		return "by its structure";
	default:
		return "not found";
	}
}

static const char *layout(enum hs_layout_origin origin)
{
	switch (origin) {
	case HS_ORIGIN_DWARF:
		return "DWARF of this build";
	case HS_ORIGIN_BUILTIN:
		return "built-in table, chosen by what is in memory";
	case HS_ORIGIN_INFERRED:
		return "measured in memory";
	default:
		return "not known";
	}
}

static void found_line(struct cli *cli, const char *name, hs_addr addr,
		       enum hs_place_origin origin)
{
	char buf[TEXT_LEN];
	label(cli, name);
	if (addr != HS_NO_ADDR)
		out_printf(&cli->out, "%s, ", text_addr(buf, addr));
	out_printf(&cli->out, "%s\n", place(origin));
}

void out_evidence(struct cli *cli)
{
	struct hs_allocator_info a;
	struct out *out = &cli->out;
	hs_heap_allocator(cli->heap, &a);
	target_line(cli);

	label(cli, "glibc");
	out_escaped(out, a.version ? a.version : "version not known");
	if (a.version_source) {
		escaped_after(out, " (", a.version_source);
		out_str(out, ")");
	}
	out_str(out, a.is_static ? ", part of the program" : "");
	if (a.module < hs_target_module_count(cli->target)) {
		struct hs_module_info m;
		hs_target_module(cli->target, a.module, &m);
		escaped_after(out, ", ", m.path);
	}
	out_str(out, "\n");

	label(cli, "layout");
	out_str(out, layout(a.layout_source));
	escaped_after(out, ": ", a.layout_detail);
	out_str(out, "\n");
	found_line(cli, "main_arena", a.main_arena, a.main_arena_source);
	found_line(cli, "mp_", a.malloc_par, a.malloc_par_source);
	if (a.has_tcache)
		found_line(cli, "tcaches", HS_NO_ADDR, a.tcache_source);
	if (a.other_allocator) {
		label(cli, "also there");
		out_escaped(out, a.other_allocator);
		out_str(out, ", whose own blocks are not in this picture\n");
	}
}

static void check_line(struct cli *cli, const char *name, uint64_t found,
		       uint64_t expected, bool bytes)
{
	char f[TEXT_LEN], e[TEXT_LEN];
	label(cli, name);
	out_printf(&cli->out, "%s%s of ", text_count(f, found),
		   bytes ? " bytes" : "");
	if (expected == HS_UNKNOWN) {
		out_str(&cli->out, "an unknown number\n");
		return;
	}
	out_printf(&cli->out, "%s accounted for: ", text_count(e, expected));
	if (found == expected)
		out_ink(&cli->out, cli->colour, INK_GOOD, "ok");
	else
		out_ink(&cli->out, cli->colour, INK_BAD, "mismatch");
	out_str(&cli->out, "\n");
}

/* The share of one part, and whether all of it is there. */
static bool covered(struct cli *cli, const char *name, bool *any,
		    const struct hs_covered *c)
{
	if (c->bytes == 0)
		return true;
	/* 100 only when nothing at all is missing. */
	double share = 100.0 * (double)c->captured / (double)c->bytes;
	if (c->captured < c->bytes && share > 99.9)
		share = 99.9;
	bool whole = c->captured >= c->bytes;
	out_printf(&cli->out, "%s%s ", *any ? ", " : "", name);
	if (whole)
		out_str(&cli->out, "100 %");
	else
		out_printf(&cli->out, "%.1f %%", share);
	*any = true;
	return whole;
}

static void out_unsafe(struct cli *cli, const char *text)
{
	label(cli, "unsafe");
	out_ink(&cli->out, cli->colour, INK_WARN, text);
	out_str(&cli->out, "\n");
}

/* What part of the memory that matters is there, and what not to conclude from
 * the rest. */
static void coverage_line(struct cli *cli)
{
	struct hs_heap_coverage c;
	hs_heap_coverage(cli->heap, &c);
	bool any = false;
	label(cli, "captured");
	bool heaps = covered(cli, "heap", &any, &c.heaps);
	bool stacks = covered(cli, "stacks", &any, &c.stacks);
	bool libc = covered(cli, "libc data", &any, &c.libc_data);
	out_str(&cli->out, any ? "\n" : "not known\n");
	if (!heaps)
		out_unsafe(cli, "totals are too low: blocks are missing");
	if (!libc)
		out_unsafe(cli, "freed blocks may be called used: some lists "
				"are missing");
	if (!heaps || !stacks || !libc)
		out_unsafe(cli, "a block without a reference may have one in "
				"what is missing");
}

void out_checks(struct cli *cli)
{
	struct hs_heap_checks c;
	hs_heap_checks(cli->heap, &c);
	check_line(cli, "arenas", c.system_mem_walked, c.system_mem_expected,
		   true);
	check_line(cli, "mmapped", c.mmapped_found, c.mmapped_expected, false);
	check_line(cli, "", c.mmapped_bytes_found, c.mmapped_bytes_expected,
		   true);
	label(cli, "memory");
	if (c.complete && cli->info.complete)
		out_str(&cli->out, "complete\n");
	else
		out_ink(&cli->out, cli->colour, INK_WARN,
			c.complete ? "the target is incomplete\n"
				   : "some that the answer needs is missing\n");
	coverage_line(cli);
}

/* The target's come first: what a heap lacks is often what they tell of. */
bool get_problem(const struct cli *cli, size_t i, struct hs_problem_info *ret)
{
	size_t of_target = hs_target_problem_count(cli->target);
	if (i < of_target)
		hs_target_problem(cli->target, i, ret);
	else if (cli->heap && i - of_target < hs_heap_problem_count(cli->heap))
		hs_heap_problem(cli->heap, i - of_target, ret);
	else
		return false;
	return true;
}

bool fold_problem(const struct cli *cli, size_t i, size_t *more)
{
	size_t of_target = hs_target_problem_count(cli->target);
	struct hs_problem_info p, other;
	*more = 0;
	if (i >= of_target)
		return false;
	hs_target_problem(cli->target, i, &p);
	for (size_t k = 0; k < of_target; k++) {
		hs_target_problem(cli->target, k, &other);
		if (strcmp(p.code, other.code) != 0)
			continue;
		if (k < i)
			return true;
		*more += k > i;
	}
	return false;
}

struct problem_counts count_problems(const struct cli *cli)
{
	struct problem_counts counts = { { 0 } };
	struct hs_problem_info p;
	for (size_t i = 0; get_problem(cli, i, &p); i++)
		counts.of[p.severity]++;
	return counts;
}

static void out_problem(struct cli *cli, const struct hs_problem_info *p,
			size_t more)
{
	char word[16];
	(void)snprintf(word, sizeof(word), "%-12s",
		       hs_severity_name(p->severity));
	out_ink(&cli->out, cli->colour, ink_of_severity(p->severity), word);
	out_escaped(&cli->out, p->message);
	if (more)
		out_printf(&cli->out, "; and %zu more %s like it", more,
			   text_plural(more, "file", "files"));
	out_printf(&cli->out, " [%s]\n", p->code);
}

void out_problems(struct cli *cli, size_t limit, bool fold)
{
	size_t shown = 0, total = 0, more = 0;
	struct hs_problem_info p;
	for (int s = HS_DAMAGE; s >= HS_NOTE; s--) {
		for (size_t i = 0; get_problem(cli, i, &p); i++) {
			if ((int)p.severity != s)
				continue;
			if (fold && fold_problem(cli, i, &more))
				continue;
			if (total++ >= limit)
				continue;
			out_problem(cli, &p, more);
			shown++;
		}
	}
	cli_announce_rest(cli, shown, total);
}

/* WORD as a shell reads it, or OTHER. */
static const char *quoted(const char *word, const char *other, char *buf,
			  size_t size)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789/._-+,:@%=";
	if (strspn(word, plain) == strlen(word))
		(void)snprintf(buf, size, "%s", word);
	else if (!strpbrk(word, "'\\\n\r\t\033"))
		(void)snprintf(buf, size, "'%s'", word);
	else
		(void)snprintf(buf, size, "%s", other);
	return buf;
}

const char *target_word(const struct cli *cli, char *buf, size_t size)
{
	if (!cli->opt.pid)
		return quoted(cli->opt.target, "TARGET", buf, size);
	(void)snprintf(buf, size, "--pid %s", cli->opt.pid);
	return buf;
}

void out_target(struct out *out, const struct cli *cli)
{
	const struct {
		const char *name, *value;
	} with[] = {
		{ "--exe", cli->opt.exe },
		{ "--sysroot", cli->opt.sysroot },
		{ "--debug-dir", cli->opt.debug_dir },
		{ "--rules", cli->opt.rules },
		{ "--passphrase-file", cli->opt.passphrase_file },
	};
	char word[512];
	out_escaped(out, target_word(cli, word, sizeof(word)));
	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
		if (!with[i].value)
			continue;
		out_printf(out, " %s ", with[i].name);
		out_escaped(out,
			    quoted(with[i].value, "...", word, sizeof(word)));
	}
}
