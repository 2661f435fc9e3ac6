/* SPDX-License-Identifier: MIT */
#include "cli/reach.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/frames.h"
#include "cli/out_text.h"
#include "cli/progress.h"
#include "cli/text_map.h"

/* Naming costs about a microsecond a block: nobody waits for these. */
#define NAMED_BLOCKS 200000u

struct teller {
	hs_known_ref_fn fn;
	void *arg;
	bool sure; /* of the type, so that a field may be said not to own */
};

static bool tell_field(void *arg, const struct hs_field_info *f)
{
	const struct teller *t = arg;
	bool weak = f->strength == HS_STRENGTH_WEAK ||
		    f->strength == HS_STRENGTH_UNOWNED ||
		    f->strength == HS_STRENGTH_UNUSED;
	if (f->refers_to == HS_NO_ADDR || f->strength == HS_STRENGTH_NONE ||
	    (weak && !t->sure))
		return true;
	/* Unmanaged is what every pointer in C is: somebody may free by it. */
	struct hs_known_ref ref = { f->word, f->refers_to, !weak };
	return t->fn(t->arg, &ref);
}

static void tell_fields(void *arg, size_t chunk, hs_known_ref_fn fn,
			void *fn_arg)
{
	struct hs_type_info info;
	size_t type = hs_types_of(arg, chunk);
	if (type == SIZE_MAX)
		return;
	hs_types_info(arg, type, &info);
	/* What C and C++ declare says nothing about who owns what: of millions
	 * of blocks no field is spelled out to find that. */
	if (info.source == HS_TYPE_DWARF || info.source == HS_TYPE_CXX)
		return;
	struct teller t = { fn, fn_arg, info.confidence == HS_CONFIDENCE_HIGH };
	hs_types_references(arg, chunk, tell_field, &t);
}

static const char *tell_name(void *arg, size_t chunk)
{
	struct hs_type_info info;
	size_t type = hs_types_of(arg, chunk);
	if (type == SIZE_MAX)
		return NULL;
	hs_types_info(arg, type, &info);
	return info.name;
}

int reach_build(struct cli *cli, struct hs_graph **ret)
{
	cli->knowledge = (struct hs_graph_knowledge){
		.arg = cli->types,
		.refs = tell_fields,
		.name = tell_name,
		.tagged = cli->types && hs_types_tagged(cli->types),
	};
	struct hs_graph_options how = {
		.struct_size = sizeof(how),
		.progress = progress_show,
		.jobs = cli->opt.jobs,
		.knowledge = cli->types ? &cli->knowledge : NULL,
		.ways = cli->shell || cli->opt.path ||
			cli->command->run == cmd_why,
	};
	struct hs_error err = { .code = HS_OK };
	if (cli->graph && cli->graph_types != cli->types) {
		hs_objects_free(cli->objects);
		cli->objects = NULL;
		hs_graph_free(cli->graph);
		cli->graph = NULL;
	}
	if (!cli->graph && hs_graph_new(cli->target, cli->syms, cli->heap, &how,
					&cli->graph, &err))
		return cli_fail_error(cli, &err);
	cli->graph_types = cli->types;
	*ret = cli->graph;
	return EXIT_ANSWERED;
}

int reach_name(struct cli *cli)
{
	if (cli->opt.types || hs_heap_chunk_count(cli->heap) <= NAMED_BLOCKS)
		return cli_name_types(cli);
	return EXIT_ANSWERED;
}

/* As above, but no answer about references is given without names where they
 * decide: a Swift heap of a million blocks has thousands of false leaks. */
static int name_for_references(struct cli *cli)
{
	int code = reach_name(cli);
	if (!code && !cli->types &&
	    hs_types_hide_references(cli->target, cli->heap))
		code = cli_name_types_quickly(cli);
	return code;
}

int reach_build_named(struct cli *cli, struct hs_graph **ret)
{
	int code = name_for_references(cli);
	return code ? code : reach_build(cli, ret);
}

int reach_build_brief(struct cli *cli, struct hs_graph **ret, bool *brief)
{
	*brief = !cli->types && !cli->shell && !cli->opt.types &&
		 !cli->opt.rules &&
		 hs_heap_chunk_count(cli->heap) <= NAMED_BLOCKS;
	int code =
		*brief ? cli_name_types_quickly(cli) : name_for_references(cli);
	return code ? code : reach_build(cli, ret);
}

int reach_answered(const struct cli *cli, const struct hs_graph *graph,
		   bool found)
{
	struct hs_graph_summary s;
	hs_graph_summary(graph, &s);
	if (s.missing_root_bytes || s.missing_block_bytes)
		return EXIT_INCOMPLETE;
	int code = cli_answered(cli);
	return !code && found ? EXIT_FOUND : code;
}

void reach_note_missing(const struct hs_graph *graph)
{
	struct hs_graph_summary s;
	char roots[TEXT_LEN], blocks[TEXT_LEN];
	hs_graph_summary(graph, &s);
	if (s.missing_root_bytes || s.missing_block_bytes)
		cli_note("warning: %s of variables, stacks and the like and %s "
			 "of blocks in use were not captured: what they hold "
			 "may be called leaked",
			 text_size(roots, s.missing_root_bytes),
			 text_size(blocks, s.missing_block_bytes));
	if (s.threads_without_registers)
		cli_note("note: the registers of %s %s are not known; all of "
			 "their stacks count as in use",
			 text_count(roots, s.threads_without_registers),
			 text_plural(s.threads_without_registers, "thread",
				     "threads"));
}

int reach_block(struct cli *cli, const char *word, size_t *ret)
{
	hs_addr addr;
	struct hs_chunk_info c;
	if (!parse_addr(word, &addr))
		return cli_usage(cli,
				 "'%s' is not an address: hexadecimal digits, "
				 "with or without 0x",
				 word);
	if (!hs_heap_find(cli->heap, addr, ret))
		return cli_usage(cli,
				 "no block of this heap holds 0x%" PRIx64
				 "; `heapscan at` says what is there",
				 addr);
	hs_heap_chunk(cli->heap, *ret, &c);
	if (c.state != HS_CHUNK_USED && c.state != HS_CHUNK_MMAPPED)
		return cli_usage(cli,
				 "the block at 0x%" PRIx64 " is not in use: "
				 "its state is %s",
				 c.user, hs_chunk_state_name(c.state));
	return EXIT_ANSWERED;
}

const char *reach_type(const struct cli *cli, size_t chunk)
{
	struct hs_type_info info;
	size_t type = cli->types ? hs_types_of(cli->types, chunk) : SIZE_MAX;
	if (type == SIZE_MAX)
		return NULL;
	hs_types_info(cli->types, type, &info);
	return info.name;
}

struct wanted_field {
	uint64_t offset;
	char *buf;
	bool found;
};

static bool match_field(void *arg, const struct hs_field_info *f)
{
	struct wanted_field *w = arg;
	if (f->word != w->offset || f->refers_to == HS_NO_ADDR)
		return true;
	if (f->strength == HS_STRENGTH_NONE)
		(void)snprintf(w->buf, FIELD_TEXT, "%s", f->name);
	else
		(void)snprintf(w->buf, FIELD_TEXT, "%s (%s)", f->name,
			       hs_strength_name(f->strength));
	w->found = true;
	return false;
}

const char *reach_field(const struct cli *cli, size_t chunk, uint64_t offset,
			char buf[FIELD_TEXT])
{
	struct wanted_field w = { .offset = offset, .buf = buf };
	if (cli->types && chunk != SIZE_MAX && offset != HS_UNKNOWN)
		hs_types_references(cli->types, chunk, match_field, &w);
	return w.found ? buf : NULL;
}

static const char *thread_text(const struct cli *cli, size_t thread, char *buf,
			       size_t size)
{
	struct hs_heap_thread_info t;
	if (thread >= hs_heap_thread_count(cli->heap))
		return "an unknown thread";
	hs_heap_thread(cli->heap, thread, &t);
	(void)snprintf(buf, size, "thread %" PRId64 "%s%s%s", t.tid,
		       t.name ? " (" : "", t.name ? t.name : "",
		       t.name ? ")" : "");
	return buf;
}

static const char *module_text(const struct cli *cli, size_t module)
{
	struct hs_module_info m;
	if (module >= hs_target_module_count(cli->target))
		return "an unknown module";
	hs_target_module(cli->target, module, &m);
	return m.path;
}

static void mapping_text(const struct cli *cli, const struct hs_root_info *root,
			 const char *what, char buf[ROOT_TEXT])
{
	struct hs_map_info m = { .start = root->addr };
	if (root->map < hs_target_map_count(cli->target))
		hs_target_map(cli->target, root->map, &m);
	/* What follows a module's data has no file of its own. */
	const char *path = m.path;
	if (!path && root->module < hs_target_module_count(cli->target))
		path = module_text(cli, root->module);
	(void)snprintf(buf, ROOT_TEXT, "%s%s%s at 0x%" PRIx64 " +0x%" PRIx64,
		       what, path ? " " : "", path ? path : "", m.start,
		       root->addr - m.start);
}

bool root_frame(struct cli *cli, const struct hs_root_info *root,
		struct hs_frame_info *ret)
{
	struct hs_stacks *stacks =
		root->kind == HS_ROOT_STACK ? cli_stacks(cli) : NULL;
	return stacks && hs_stacks_at(stacks, root->addr, ret);
}

/* ", in worker_main+0x1c"; empty where no function is known to have that place.
 * The nearest name that a stripped file has may be another function's. */
static void frame_text(struct cli *cli, const struct hs_root_info *root,
		       char *buf, size_t size)
{
	struct hs_frame_info f;
	char name[ROOT_TEXT / 4];
	buf[0] = 0;
	if (!root_frame(cli, root, &f))
		return;
	if (f.has_symbol && f.offset < f.symbol.size) {
		text_frame(name, sizeof(name), &f);
		(void)snprintf(buf, size, ", in %s", name);
	} else if (f.module != SIZE_MAX) {
		(void)snprintf(buf, size, ", in code of %s at 0x%" PRIx64,
			       module_text(cli, f.module), f.pc);
	}
}

bool root_place(const struct cli *cli, const struct hs_root_info *root,
		char buf[PLACE_TEXT])
{
	bool variable = root->kind == HS_ROOT_DATA ||
			root->kind == HS_ROOT_TLS ||
			root->kind == HS_ROOT_STACK;
	return variable && cli->types &&
	       hs_types_place(cli->types, root->addr, buf, PLACE_TEXT);
}

/* The variable of a root that has one: "table[3].first", "table +0x18", or
 * just "table"; WHOLE: the last in any case. NULL: it has none. */
static const char *variable_text(const struct cli *cli,
				 const struct hs_root_info *root, bool whole,
				 char buf[PLACE_TEXT])
{
	if (!(whole && root->has_symbol) && root_place(cli, root, buf))
		return buf;
	if (!root->has_symbol)
		return NULL;
	if (!hs_demangle(root->symbol.name, buf, PLACE_TEXT))
		(void)snprintf(buf, PLACE_TEXT, "%s", root->symbol.name);
	size_t len = strlen(buf);
	if (!whole && root->addr != root->symbol.addr)
		(void)snprintf(buf + len, PLACE_TEXT - len, " +0x%" PRIx64,
			       root->addr - root->symbol.addr);
	return buf;
}

/* "dict 0x7f1c50 in pymalloc arenas +0x18", or WHOLE: "pymalloc arenas at
 * 0x7f0000"; false: ADDR is in no object that a runtime keeps in memory of its
 * own. */
static bool part_text(const struct cli *cli, hs_addr addr, bool whole,
		      char buf[ROOT_TEXT])
{
	struct hs_part_info part;
	if (!cli->types || !hs_types_part_at(cli->types, addr, &part))
		return false;
	struct hs_type_info type = { .name = "object" };
	struct hs_map_info map = { .start = addr };
	if (part.type != SIZE_MAX)
		hs_types_info(cli->types, part.type, &type);
	size_t i = find_map(cli->target, addr);
	if (i != SIZE_MAX)
		hs_target_map(cli->target, i, &map);
	if (whole)
		(void)snprintf(buf, ROOT_TEXT, "%s at 0x%" PRIx64,
			       hs_area_name(part.area), map.start);
	else
		(void)snprintf(buf, ROOT_TEXT,
			       "%s%s 0x%" PRIx64 " in %s +0x%" PRIx64,
			       part.live ? "" : "free ", type.name, part.start,
			       hs_area_name(part.area), addr - part.start);
	return true;
}

static const char *write_root(struct cli *cli, const struct hs_root_info *root,
			      bool whole, char buf[ROOT_TEXT])
{
	char thread[128], place[PLACE_TEXT];
	const char *variable = variable_text(cli, root, whole, place);
	const char *who =
		thread_text(cli, root->thread, thread, sizeof(thread));
	const char *reg;
	switch (root->kind) {
	case HS_ROOT_REGISTER:
		reg = hs_register_name(cli->info.arch, root->reg);
		(void)snprintf(buf, ROOT_TEXT, "register %s of %s",
			       reg ? reg : "?", who);
		break;
	case HS_ROOT_STACK: {
		/* Below it lies the red zone, which a leaf function may use. */
		int64_t above = (int64_t)root->offset;
		char frame[ROOT_TEXT / 2];
		frame_text(cli, root, frame, sizeof(frame));
		(void)snprintf(
			buf, ROOT_TEXT,
			"%s%s%sstack of %s%s, %" PRIu64
			" bytes %s its stack pointer",
			variable ? "variable " : "", variable ? variable : "",
			variable ? ", " : "", who, frame,
			above < 0 ? 0 - (uint64_t)above : (uint64_t)above,
			above < 0 ? "below" : "above");
		break;
	}
	case HS_ROOT_TLS:
		if (variable)
			(void)snprintf(buf, ROOT_TEXT,
				       "thread-local variable %s of %s, %s",
				       variable, module_text(cli, root->module),
				       who);
		else
			(void)snprintf(
				buf, ROOT_TEXT,
				"thread-local storage of %s, %s +0x%" PRIx64,
				module_text(cli, root->module), who,
				root->offset);
		break;
	case HS_ROOT_THREAD:
		(void)snprintf(buf, ROOT_TEXT,
			       "the C library's record of %s +0x%" PRIx64, who,
			       root->offset);
		break;
	case HS_ROOT_SPECIFIC:
		(void)snprintf(buf, ROOT_TEXT,
			       "pthread_setspecific key %" PRIu64 " of %s",
			       root->offset / (2 * cli->info.word_size), who);
		break;
	case HS_ROOT_DATA:
		if (variable)
			(void)snprintf(buf, ROOT_TEXT, "variable %s of %s",
				       variable,
				       module_text(cli, root->module));
		else
			mapping_text(cli, root, "data of", buf);
		break;
	case HS_ROOT_SHARED:
		mapping_text(cli, root, "shared memory", buf);
		break;
	case HS_ROOT_FILE:
		mapping_text(cli, root, "mapped file", buf);
		break;
	case HS_ROOT_UNKNOWN:
		mapping_text(cli, root, "undecided heap in", buf);
		break;
	default:
		if (!part_text(cli, root->addr, whole, buf))
			mapping_text(cli, root, "anonymous memory", buf);
		break;
	}
	return buf;
}

const char *root_text(struct cli *cli, const struct hs_root_info *root,
		      char buf[ROOT_TEXT])
{
	return write_root(cli, root, false, buf);
}

const char *root_whole_text(struct cli *cli, const struct hs_root_info *root,
			    char buf[ROOT_TEXT])
{
	return write_root(cli, root, true, buf);
}

uint8_t root_rank(enum hs_root_kind kind)
{
	switch (kind) {
	case HS_ROOT_DATA:
		return 5;
	case HS_ROOT_TLS:
	case HS_ROOT_SPECIFIC:
		return 4;
	case HS_ROOT_STACK:
		return 2;
	case HS_ROOT_REGISTER:
		return 1;
	default:
		return 3;
	}
}

/* Ways among which a variable is looked for. */
#define LOOKED_AT 8

bool reach_root(struct hs_graph *graph, size_t chunk, struct hs_root_info *ret)
{
	struct hs_path_list list;
	const struct hs_root_info *best = NULL;
	if (!graph || chunk == SIZE_MAX || !hs_graph_reached(graph, chunk) ||
	    hs_graph_why(graph, chunk, LOOKED_AT, &list, NULL))
		return false;
	for (size_t i = 0; i < list.count; i++)
		if (!best ||
		    root_rank(list.path[i].root.kind) > root_rank(best->kind))
			best = &list.path[i].root;
	if (best)
		*ret = *best;
	hs_path_list_release(&list);
	return best;
}

const char *reach_holder(struct cli *cli, struct hs_graph *graph, size_t chunk,
			 char buf[ROOT_TEXT])
{
	struct hs_root_info root;
	return reach_root(graph, chunk, &root) ? root_text(cli, &root, buf)
					       : NULL;
}

void baseline_find(const struct baseline *base, const char *shape,
		   uint64_t *count, uint64_t *bytes)
{
	*count = *bytes = 0;
	for (size_t i = 0; i < base->count; i++)
		if (strcmp(base->group[i].shape, shape) == 0) {
			*count += base->group[i].count;
			*bytes += base->group[i].bytes;
		}
}

void baseline_release(struct baseline *base)
{
	for (size_t i = 0; i < base->count; i++)
		free(base->group[i].shape);
	free(base->group);
	*base = (struct baseline){ .group = NULL };
}
