/* SPDX-License-Identifier: MIT */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <heapscan/capture.h>
#include <heapscan/heap.h>

#include "cli/command.h"

/* Options that go together; a command says which groups it takes. */
#define GROUP_COMMON 1u
#define GROUP_TARGET 2u
#define GROUP_REPORT 4u
#define GROUP_SUMMARY 8u
#define GROUP_DOT 16u
#define GROUP_CONTENT (1u << 20) /* commands that can show memory itself */
#define GROUP_CHUNKS 32u
#define GROUP_GRAPH 64u
#define GROUP_REACH 128u /* commands that follow references */
#define GROUP_LEAKS 256u
#define GROUP_WHY 512u
#define GROUP_OWNERS 1024u
#define GROUP_SEARCH (1u << 21)
#define GROUP_SLICE 2048u /* commands that open a slice */
#define GROUP_DIGESTS 4096u
#define GROUP_DUMP 8192u /* commands that write a dump */
#define GROUP_CAPTURE 16384u
#define GROUP_TYPES 65536u
#define GROUP_EXPORT (1u << 22)
#define GROUP_DIFF (1u << 23)
#define GROUP_RSS (1u << 24)
#define GROUP_NAMES (1u << 25) /* commands that name blocks */
#define GROUP_AT (1u << 26)
#define GROUP_THREADS (1u << 27)

enum option_id {
	OPT_PID,
	OPT_EXE,
	OPT_SYSROOT,
	OPT_DEBUG_DIR,
	OPT_RULES,
	OPT_NO_SYMBOLS,
	OPT_JSON,
	OPT_ALL,
	OPT_COLOR,
	OPT_SUMMARY,
	OPT_DOT,
	OPT_CONTENT,
	OPT_STATE,
	OPT_ARENA,
	OPT_TID,
	OPT_FRAMES,
	OPT_MIN_SIZE,
	OPT_MAX_SIZE,
	OPT_SORT,
	OPT_TOP,
	OPT_TYPE,
	OPT_GROUP_BY,
	OPT_AROUND,
	OPT_DEPTH,
	OPT_BY,
	OPT_DIFF,
	OPT_MAX_NODES,
	OPT_JOBS,
	OPT_BASELINE,
	OPT_FAIL_ON,
	OPT_AT_EXIT,
	OPT_PATHS,
	OPT_REFERRERS,
	OPT_REFERENCES,
	OPT_OBJECTS,
	OPT_AS,
	OPT_PICTURE,
	OPT_PATH,
	OPT_LEAKS,
	OPT_TYPES,
	OPT_EVERYWHERE,
	OPT_WHY,
	OPT_PASSPHRASE_FILE,
	OPT_LEGACY,
	OPT_DIGESTS,
	OPT_OUTPUT,
	OPT_FORMAT,
	OPT_COMPRESS,
	OPT_HASH,
	OPT_ENCRYPT,
	OPT_NEW_PASSPHRASE_FILE,
	OPT_FORCE,
	OPT_ONLY_WRITABLE,
	OPT_EXCLUDE,
	OPT_PAUSE,
	OPT_SHAPE_ONLY,
	OPT_SERIES,
	OPT_EVERY,
	OPT_HELP,
	OPT_VERSION,
};

struct option_spec {
	enum option_id id;
	const char *name;   /* without the dashes */
	char letter;        /* short form, or 0 */
	const char *arg;    /* what follows, or NULL */
	const char *values; /* what ARG may be, separated by spaces, or NULL */
	const char *summary;
	unsigned group;
};
extern const struct option_spec option_specs[]; /* ends with name NULL */

/* In the order of the words that --as takes. */
enum search_kind {
	SEARCH_TEXT,
	SEARCH_HEX,
	SEARCH_INTEGER,
	SEARCH_POINTER,
	SEARCH_REGEX,
};
enum colour_choice { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };
enum dump_format {
	DUMP_ANY,
	DUMP_SLICE,
	DUMP_CORE,
	EXPORT_HEAPSNAPSHOT, /* these are for export ... */
	EXPORT_PPROF,
	EXPORT_SQLITE,
	EXPORT_CSV,
	EXPORT_NDJSON,
};
enum sort_key {
	SORT_NONE,
	SORT_ADDRESS,
	SORT_SIZE,
	SORT_STATE,
	SORT_COUNT,
	SORT_AVERAGE,
	SORT_NAME,
};
/* What --by folds blocks by. */
enum fold_by { FOLD_DEFAULT, FOLD_TYPE, FOLD_SIZE, FOLD_OWNER };
enum type_group { GROUP_BY_TYPE, GROUP_BY_SOURCE, GROUP_BY_MODULE };

struct options {
	const struct command *command;
	bool named; /* the command was written, not assumed */
	bool json, all, summary, dot, no_symbols, help, version;
	bool frames;  /* show who called whom */
	bool content; /* show what memory holds */
	enum colour_choice colour;
	/* Borrowed from argv. */
	const char *pid, *exe, *sysroot, *debug_dir, *rules;
	const char *target; /* NULL with --pid */
	char **args;        /* those after the target; owned array */
	int arg_count;

	unsigned states;   /* bit per hs_chunk_state; 0: all */
	const char *arena; /* "main", an index or an address; NULL: all */
	int64_t tid;       /* -1: all */
	uint64_t min_size, max_size; /* chunk sizes */
	enum sort_key sort;
	uint64_t top;     /* 0: all */
	const char *type; /* a name or a pattern; NULL: all */
	const char *diff; /* an earlier capture, or NULL */
	enum type_group group_by;
	enum fold_by by;

	hs_addr around;            /* HS_NO_ADDR: the whole heap */
	unsigned depth, max_nodes; /* 0 nodes: as many as can be read */

	unsigned jobs;        /* threads; 0: as many as there are processors */
	const char *baseline; /* an earlier `leaks --json`, or NULL */
	uint64_t fail_blocks, fail_bytes; /* leaks up to these are fine */
	bool at_exit;   /* ARGS are a program to run, TARGET is NULL */
	unsigned paths; /* how many to show */
	bool referrers, references;
	bool objects; /* of Python, in place of blocks */
	const char *picture; /* "svg" or "png"; NULL: dot */
	const char *path;    /* an address, or NULL */
	bool leaks, types;
	enum search_kind search;
	bool everywhere, why;

	bool legacy, digests;
	const char *passphrase_file; /* borrowed from argv, or NULL */

	/* of a dump or an export to be written */
	const char *output, *exclude, *new_passphrase_file;
	enum dump_format format;
	enum hs_capture_codec codec;
	enum hs_capture_hash hash;
	bool encrypt, force, only_writable;
	bool pause_min, shape_only;
	unsigned series;   /* slices to write; 0: one, and no series */
	uint64_t every_ns; /* between the beginnings of two of them */

	int exit;          /* what a failed parse should exit with */
	char problem[512]; /* why it failed */
};

/*
 * Take ARGV apart. False: OPT->problem says what is wrong and OPT->exit how to
 * end; OPT->json is right even then. Call options_release() in both cases.
 */
bool options_parse(struct options *opt, int argc, char **argv);
/* The same for a line about the target of SHELL: command, options, arguments.
 */
bool options_parse_line(struct options *opt, const struct options *shell,
			int argc, char **argv);
void options_release(struct options *opt);

/* A hexadecimal address, 0x or not. */
bool parse_addr(const char *text, hs_addr *ret);
/* Decimal or 0x, with k, M or G (powers of 1024) behind it. */
bool parse_size(const char *text, uint64_t *ret);

#endif
