/* SPDX-License-Identifier: MIT */
#include <sqlite3.h>
#include <string.h>

#include "cli/export.h"
#include "cli/export_roots.h"

/*
 * A database. Addresses are integers, so that ranges can be asked for; blocks
 * are named by `id`, which counts chunks by address. What is not known is
 * NULL. The file is unfinished until it is renamed, so there is no journal.
 * docs/exports.md has queries, which a test runs.
 */
static const char schema[] =
	"PRAGMA journal_mode=OFF;"
	"PRAGMA synchronous=OFF;"
	"PRAGMA user_version=1;"
	"BEGIN;"
	"CREATE TABLE info(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE problems(severity TEXT, code TEXT, address INTEGER,"
	" message TEXT);"
	"CREATE TABLE arenas(address INTEGER PRIMARY KEY, kind TEXT,"
	" free INTEGER, top INTEGER, system_mem INTEGER);"
	"CREATE TABLE threads(tid INTEGER, name TEXT, current INTEGER,"
	" pc INTEGER, sp INTEGER, tls_base INTEGER, arena INTEGER,"
	" tcache INTEGER);"
	"CREATE TABLE chunks(id INTEGER PRIMARY KEY, address INTEGER,"
	" user INTEGER, size INTEGER, usable INTEGER, state TEXT,"
	" arena INTEGER, tid INTEGER, bin INTEGER, type TEXT,"
	" type_source TEXT, confidence TEXT, reached INTEGER,"
	" owner INTEGER, retained_count INTEGER, retained_bytes INTEGER);"
	"CREATE TABLE roots(kind TEXT, name TEXT, parent TEXT,"
	" address INTEGER, tid INTEGER, register TEXT, chunk INTEGER,"
	" interior INTEGER);"
	"CREATE TABLE refs(source INTEGER, offset INTEGER, target INTEGER,"
	" interior INTEGER);"
	"CREATE TABLE leaks(chunk INTEGER PRIMARY KEY, kind TEXT,"
	" confidence TEXT, root INTEGER, shape INTEGER);"
	"CREATE TABLE shapes(id INTEGER PRIMARY KEY, count INTEGER,"
	" bytes INTEGER, leaks INTEGER, shape TEXT, sample INTEGER,"
	" kind TEXT, confidence TEXT);"
	"CREATE TABLE owners(kind TEXT, name TEXT, parent TEXT,"
	" retained_count INTEGER, retained_bytes INTEGER);"
	"CREATE VIEW blocks AS SELECT printf('0x%x', user) AS at, *"
	" FROM chunks WHERE state IN ('used', 'mmapped');";

/* Faster when the rows are there. */
static const char indexes[] =
	"CREATE INDEX chunks_user ON chunks(user);"
	"CREATE INDEX chunks_state ON chunks(state, usable);"
	"CREATE INDEX chunks_owner ON chunks(owner);"
	"CREATE INDEX refs_source ON refs(source);"
	"CREATE INDEX refs_target ON refs(target);"
	"CREATE INDEX roots_chunk ON roots(chunk);"
	"CREATE INDEX leaks_root ON leaks(root);"
	"CREATE INDEX leaks_shape ON leaks(shape);"
	"COMMIT;";

struct database {
	struct export_job *job;
	sqlite3 *db;
	sqlite3_stmt *row; /* the table that is being filled */
	int column;        /* next to bind */
	int code;          /* not EXIT_ANSWERED: it was reported */
};

static void check(struct database *d, int result)
{
	if (result == SQLITE_OK || result == SQLITE_DONE ||
	    result == SQLITE_ROW || d->code)
		return;
	d->code = cli_fail(d->job->cli, EXIT_INPUT, hs_status_name(HS_ERR_IO),
			   "cannot write '%s': %s", d->job->cli->opt.output,
			   d->db ? sqlite3_errmsg(d->db)
				 : sqlite3_errstr(result));
}

static void table(struct database *d, const char *insert)
{
	(void)sqlite3_finalize(d->row);
	d->row = NULL;
	d->column = 0;
	if (!d->code)
		check(d, sqlite3_prepare_v2(d->db, insert, -1, &d->row, NULL));
}

static void end_row(struct database *d)
{
	d->column = 0;
	if (d->code)
		return;
	check(d, sqlite3_step(d->row));
	check(d, sqlite3_reset(d->row));
	check(d, sqlite3_clear_bindings(d->row));
}

static void nothing(struct database *d)
{
	d->column++; /* what is not bound is NULL */
}

static void number(struct database *d, uint64_t value)
{
	d->column++;
	if (!d->code && value != HS_UNKNOWN) /* and so HS_NO_ADDR, SIZE_MAX */
		check(d, sqlite3_bind_int64(d->row, d->column,
					    (sqlite3_int64)value));
}

static void text(struct database *d, const char *value)
{
	char clean[2048];
	d->column++;
	if (d->code || !value)
		return;
	export_utf8(value, clean, sizeof(clean));
	check(d, sqlite3_bind_text(d->row, d->column, clean, -1,
				   SQLITE_TRANSIENT));
}

static void info(struct database *d, const char *key, const char *value)
{
	text(d, key);
	text(d, value);
	end_row(d);
}

static void info_number(struct database *d, const char *key, uint64_t value)
{
	text(d, key);
	number(d, value);
	end_row(d);
}

static void put_info(struct database *d)
{
	struct cli *cli = d->job->cli;
	const struct hs_target_info *t = &cli->info;
	struct hs_allocator_info a;
	struct hs_graph_summary s;
	hs_heap_allocator(cli->heap, &a);
	hs_graph_summary(d->job->graph, &s);
	table(d, "INSERT INTO info VALUES(?,?)");
	info(d, "schema", "heapscan/1");
	info(d, "version", hs_version());
	info(d, "kind", hs_target_kind_name(t->kind));
	info(d, "path", t->path);
	info(d, "executable", t->executable);
	info(d, "command_line", t->command_line);
	info(d, "arch", hs_arch_name(t->arch));
	info_number(d, "pid", t->pid < 0 ? HS_UNKNOWN : (uint64_t)t->pid);
	info_number(d, "word_size", t->word_size);
	info_number(d, "complete", cli_answered(cli) == EXIT_ANSWERED);
	info(d, "glibc", a.version);
	info_number(d, "missing_root_bytes", s.missing_root_bytes);
	info_number(d, "missing_block_bytes", s.missing_block_bytes);
}

static void put_problem(struct database *d, const struct hs_problem_info *p)
{
	text(d, hs_severity_name(p->severity));
	text(d, p->code);
	number(d, p->addr);
	text(d, p->message);
	end_row(d);
}

static void put_problems(struct database *d)
{
	const struct cli *cli = d->job->cli;
	struct hs_problem_info p;
	table(d, "INSERT INTO problems VALUES(?,?,?,?)");
	for (size_t i = 0; i < hs_target_problem_count(cli->target); i++) {
		hs_target_problem(cli->target, i, &p);
		put_problem(d, &p);
	}
	for (size_t i = 0; i < hs_heap_problem_count(cli->heap); i++) {
		hs_heap_problem(cli->heap, i, &p);
		put_problem(d, &p);
	}
}

static void put_arenas(struct database *d)
{
	const struct hs_heap *heap = d->job->cli->heap;
	table(d, "INSERT INTO arenas VALUES(?,?,?,?,?)");
	for (size_t i = 0; i < hs_heap_arena_count(heap); i++) {
		struct hs_arena_info a;
		hs_heap_arena(heap, i, &a);
		number(d, a.addr);
		text(d, a.is_main ? "main" : "thread");
		number(d, a.free_known ? (uint64_t)a.free : HS_UNKNOWN);
		number(d, a.top);
		number(d, a.system_mem);
		end_row(d);
	}
}

static void put_threads(struct database *d)
{
	const struct cli *cli = d->job->cli;
	table(d, "INSERT INTO threads VALUES(?,?,?,?,?,?,?,?)");
	for (size_t i = 0; i < hs_heap_thread_count(cli->heap); i++) {
		struct hs_heap_thread_info t;
		hs_heap_thread(cli->heap, i, &t);
		number(d, (uint64_t)t.tid);
		text(d, t.name);
		number(d, t.current);
		number(d, t.pc);
		number(d, t.sp);
		number(d, t.tls_base);
		number(d, cli_arena_addr(cli, t.arena));
		number(d, t.tcache);
		end_row(d);
	}
}

/* Who owns the block and what it retains: three columns. */
static void put_ownership(struct database *d, size_t chunk)
{
	const struct hs_owners *owners = d->job->owners;
	struct hs_owner_info o;
	size_t node;
	if (!hs_owners_node(owners, chunk, &node)) {
		nothing(d);
		nothing(d);
		nothing(d);
		return;
	}
	size_t parent = hs_owners_parent(owners, node);
	uint64_t owner = HS_UNKNOWN;
	if (parent != HS_OWNER_TOP) {
		hs_owners_info(owners, parent, &o);
		owner = o.chunk; /* SIZE_MAX for a root */
	}
	hs_owners_info(owners, node, &o);
	number(d, owner);
	number(d, o.retained.count);
	number(d, o.retained.bytes);
}

static bool put_chunk(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct database *d = arg;
	number(d, i);
	number(d, c->addr);
	number(d, c->user);
	number(d, c->size);
	number(d, c->usable);
	text(d, hs_chunk_state_name(c->state));
	number(d, cli_arena_addr(d->job->cli, c->arena));
	number(d, c->tid < 0 ? HS_UNKNOWN : (uint64_t)c->tid);
	number(d, c->bin == HS_NO_BIN ? HS_UNKNOWN : c->bin);
	struct hs_type_info type;
	bool typed = export_type(d->job, i, &type);
	text(d, typed ? type.name : NULL);
	text(d, typed ? hs_type_source_name(type.source) : NULL);
	text(d, typed ? hs_confidence_name(type.confidence) : NULL);
	if (c->state == HS_CHUNK_USED || c->state == HS_CHUNK_MMAPPED)
		number(d, hs_graph_reached(d->job->graph, i));
	else
		nothing(d);
	put_ownership(d, i);
	end_row(d);
	return !d->code;
}

static bool put_root(void *arg, const struct hs_root_info *r, size_t chunk,
		     uint64_t interior)
{
	struct database *d = arg;
	const struct cli *cli = d->job->cli;
	char buf[OWNER_TEXT];
	struct hs_heap_thread_info t = { .tid = -1 };
	if (r->thread < hs_heap_thread_count(cli->heap))
		hs_heap_thread(cli->heap, r->thread, &t);
	text(d, hs_root_kind_name(r->kind));
	text(d, export_owner_text(cli, r, buf));
	text(d, export_owner_parent(cli, r, buf));
	number(d, r->addr);
	number(d, t.tid < 0 ? HS_UNKNOWN : (uint64_t)t.tid);
	text(d, r->kind == HS_ROOT_REGISTER
			? hs_register_name(cli->info.arch, r->reg)
			: NULL);
	number(d, chunk);
	number(d, interior);
	end_row(d);
	return !d->code;
}

static bool put_refs(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct database *d = arg;
	struct hs_holder_list list;
	struct hs_error err = { .code = HS_OK };
	if (c->state != HS_CHUNK_USED && c->state != HS_CHUNK_MMAPPED)
		return true;
	if (hs_graph_references(d->job->graph, i, &list, &err)) {
		d->code = cli_fail_error(d->job->cli, &err);
		return false;
	}
	for (size_t k = 0; k < list.count && !d->code; k++) {
		number(d, i);
		number(d, list.holder[k].offset);
		number(d, list.holder[k].chunk);
		number(d, list.holder[k].interior);
		end_row(d);
	}
	hs_holder_list_release(&list);
	return !d->code;
}

static void put_leaks(struct database *d)
{
	const struct hs_leaks *leaks = d->job->leaks;
	table(d, "INSERT INTO leaks VALUES(?,?,?,?,?)");
	for (size_t i = 0; i < hs_leaks_count(leaks) && !d->code; i++) {
		struct hs_leak_info leak;
		hs_leaks_get(leaks, i, &leak);
		number(d, leak.chunk);
		text(d, hs_leak_kind_name(leak.kind));
		text(d, hs_confidence_name(leak.confidence));
		number(d, leak.root);
		number(d, leak.group);
		end_row(d);
	}
	table(d, "INSERT INTO shapes VALUES(?,?,?,?,?,?,?,?)");
	for (size_t i = 0; i < hs_leaks_group_count(leaks) && !d->code; i++) {
		struct hs_leak_group g;
		hs_leaks_group(leaks, i, &g);
		number(d, i);
		number(d, g.count);
		number(d, g.bytes);
		number(d, g.roots);
		text(d, g.shape);
		number(d, g.sample);
		text(d, hs_leak_kind_name(g.kind));
		text(d, hs_confidence_name(g.worst));
		end_row(d);
	}
}

/* The roots that own something, by what they retain. */
static void put_owners(struct database *d)
{
	const struct hs_owners *owners = d->job->owners;
	char buf[OWNER_TEXT];
	table(d, "INSERT INTO owners VALUES(?,?,?,?,?)");
	size_t n = hs_owners_children(owners, HS_OWNER_TOP);
	for (size_t i = 0; i < n && !d->code; i++) {
		struct hs_owner_info o;
		hs_owners_info(owners, hs_owners_child(owners, HS_OWNER_TOP, i),
			       &o);
		if (!o.is_root)
			continue;
		text(d, hs_root_kind_name(o.root.kind));
		text(d, export_owner_text(d->job->cli, &o.root, buf));
		text(d, export_owner_parent(d->job->cli, &o.root, buf));
		number(d, o.retained.count);
		number(d, o.retained.bytes);
		end_row(d);
	}
}

static void put_tables(struct database *d)
{
	const struct hs_heap *heap = d->job->cli->heap;
	put_info(d);
	put_problems(d);
	put_arenas(d);
	put_threads(d);
	table(d, "INSERT INTO chunks VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
	if (!d->code)
		hs_heap_each(heap, put_chunk, d);
	table(d, "INSERT INTO roots VALUES(?,?,?,?,?,?,?,?)");
	if (!d->code)
		hs_graph_each_root(d->job->graph, put_root, d);
	table(d, "INSERT INTO refs VALUES(?,?,?,?)");
	if (!d->code)
		hs_heap_each(heap, put_refs, d);
	put_leaks(d);
	put_owners(d);
}

static void run(struct database *d, const char *sql)
{
	if (!d->code)
		check(d, sqlite3_exec(d->db, sql, NULL, NULL, NULL));
}

int export_sqlite(struct export_job *job)
{
	struct database d = { .job = job };
	check(&d, sqlite3_open_v2(job->partial, &d.db, SQLITE_OPEN_READWRITE,
				  NULL));
	run(&d, schema);
	if (!d.code)
		put_tables(&d);
	(void)sqlite3_finalize(d.row);
	run(&d, indexes);
	int closed = sqlite3_close(d.db);
	d.db = NULL;
	check(&d, closed);
	return d.code;
}
