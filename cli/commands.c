/* SPDX-License-Identifier: MIT */
#include "cli/command.h"

#include <stddef.h>
#include <string.h>

#include "cli/near.h"
#include "cli/options.h"

#define TARGET_GROUPS (GROUP_COMMON | GROUP_TARGET | GROUP_REPORT)

/*
 * Dispatch, `heapscan help` and shell completion all come from here, and a
 * test holds the man page against it. The first entry is the one run when none
 * is named.
 */
/* clang-format off */
const struct command commands[] = {
	{ "summary", "TARGET",
	  "what is in this heap, and can the picture be trusted",
	  "Blocks in use and free by state, arena and thread; how the heap was\n"
	  "found; whether the allocator's own sums agree with the walk. This is\n"
	  "what runs when no command is named. With --json every chunk is in the\n"
	  "document, unless --summary leaves them out.\n",
	  NEEDS_HEAP, 0, 0, TARGET_GROUPS | GROUP_SUMMARY | GROUP_DOT,
	  cmd_summary },
	{ "chunks", "TARGET",
	  "every chunk, or those that the filters let through",
	  "One chunk a line in address order. Sizes are chunk sizes, header\n"
	  "included; they accept k, M and G. --state takes the states' names,\n"
	  "`in-use` and `free`, separated by commas. --top N shows the N largest\n"
	  "unless --sort says otherwise. On a terminal the list ends after 50\n"
	  "lines unless --all is given.\n",
	  NEEDS_HEAP, 0, 0, TARGET_GROUPS | GROUP_CHUNKS, cmd_chunks },
	{ "arenas", "TARGET", "arenas, their heaps and what is in them",
	  "One line an arena, with the threads that allocate from it.\n",
	  NEEDS_HEAP, 0, 0, TARGET_GROUPS, cmd_arenas },
	{ "bins", "TARGET", "every list of free chunks that is not empty",
	  "Thread caches, fastbins, unsorted, small and large bins, numbered as\n"
	  "glibc does in their own array.\n",
	  NEEDS_HEAP, 0, 0, TARGET_GROUPS, cmd_bins },
	{ "threads", "TARGET", "threads, their arenas and caches",
	  "One line a thread. * marks the thread that took the signal.\n"
	  "--frames shows what each was doing and who had called that; it needs\n"
	  "no debug files, but names do.\n",
	  NEEDS_ANY_HEAP, 0, 0, TARGET_GROUPS | GROUP_THREADS, cmd_threads },
	{ "maps", "TARGET", "memory mappings and how much of each was captured",
	  "`captured` counts the bytes that can be read, `from file` those of\n"
	  "them that were filled in from the mapped file.\n",
	  NEEDS_TARGET, 0, 0, TARGET_GROUPS, cmd_maps },
	{ "modules", "TARGET", "executable and libraries, build ids, debug files",
	  "`file` says whether the file on this machine is the build that was\n"
	  "running: matched, mismatch, missing or none.\n",
	  NEEDS_TARGET, 0, 0, TARGET_GROUPS, cmd_modules },
	{ "at", "TARGET ADDR...", "what is at these addresses",
	  "The chunk and the offset in it, its state and arena, the symbol, the\n"
	  "thread on whose stack it lies, and the mapping. Addresses are\n"
	  "hexadecimal, with or without 0x; - reads them from standard input.\n"
	  "The object is named and its fields are shown; in heaps of more than\n"
	  "200,000 chunks, whose blocks all must be looked at, with --types.\n",
	  NEEDS_ANY_HEAP, 1, -1, TARGET_GROUPS | GROUP_CONTENT | GROUP_NAMES | GROUP_AT,
	  cmd_at },
	{ "read", "TARGET ADDR LENGTH", "raw bytes of memory, to standard output",
	  "ADDR is hexadecimal; LENGTH accepts 0x, k, M and G. Where memory is\n"
	  "missing the output ends, and the exit status is 5.\n",
	  NEEDS_TARGET, 2, 2, TARGET_GROUPS, cmd_read },
	{ "check", "TARGET", "is the heap damaged, and what did it",
	  "What glibc said before it gave up; what was damaged, how, and whose\n"
	  "block is to blame, as far as can be told, with what was written there\n"
	  "when --content is given; then everything that is wrong with the heap's\n"
	  "structure or missing from the picture, worst first. The exit status is\n"
	  "1 when damage was found, or when glibc ended the process for it.\n",
	  NEEDS_HEAP, 0, 0, TARGET_GROUPS | GROUP_CONTENT, cmd_check },
	{ "graph", "TARGET", "references between chunks, as dot",
	  "With --around the blocks that lead to or are reached from one block\n"
	  "in at most --depth steps, with --path the way from a root to a block,\n"
	  "with --leaks one leak of each shape, else the whole heap: --by size and\n"
	  "state, by type, or by owner. -T svg or png draws it, with graphviz's own\n"
	  "engine. A graph that was cut says in its label what it leaves out.\n",
	  NEEDS_HEAP, 0, 0, TARGET_GROUPS | GROUP_DOT | GROUP_GRAPH, cmd_graph },
	{ "leaks", "TARGET", "blocks that nothing leads to",
	  "Blocks in use that cannot be reached from registers, stacks, variables\n"
	  "or thread-local storage: one line for all leaks of one shape, with the\n"
	  "sizes of what hangs below each. --all lists every block. A pointer to\n"
	  "the inside of a block, or to one past its end, keeps it alive, too.\n"
	  "Confidence: high; medium, an unused part of a stack still points to it;\n"
	  "low, memory that may hold a pointer is missing. The exit status is 1\n"
	  "when there are leaks; with --fail-on, from so many on; with --baseline,\n"
	  "when a shape leaks more than then. --at-exit -- PROGRAM ARGS runs a\n"
	  "program, its output on standard error, and looks when it exits.\n",
	  NEEDS_HEAP, 0, 0, TARGET_GROUPS | GROUP_REACH | GROUP_LEAKS,
	  cmd_leaks },
	{ "why", "TARGET ADDR", "who holds this block",
	  "The shortest way of references from a root: a variable, a register, a\n"
	  "stack, a thread's own storage. --paths shows more of them. --referrers\n"
	  "and --references list one step, leaked blocks included. An object in an\n"
	  "arena of Python's is said as Python has it: app.sessions[3].cache; keys\n"
	  "of dicts with --content. The exit status is 1 when nothing leads to the\n"
	  "block.\n",
	  NEEDS_HEAP, 1, 1,
	  TARGET_GROUPS | GROUP_CONTENT | GROUP_REACH | GROUP_WHY, cmd_why },
	{ "owners", "TARGET [ADDR]", "who retains how much memory",
	  "What would be unreachable without each variable, stack, thread and\n"
	  "block, largest first: the dominator tree to --depth levels, the --top N\n"
	  "of each. With ADDR the tree below that block. What several roots lead\n"
	  "to belongs to none of them and stands beside them. --objects is about\n"
	  "Python's objects: which variable holds how much, and what is garbage.\n",
	  NEEDS_HEAP, 0, 1, TARGET_GROUPS | GROUP_REACH | GROUP_OWNERS,
	  cmd_owners },
	{ "rss", "TARGET", "why the heap is as large as it is",
	  "The reason in one line, then what it follows from: what is resident, in\n"
	  "use, free by kind of list, the allocator's own; what malloc_trim(3) would\n"
	  "give back; which types or sizes of blocks keep pages that are mostly\n"
	  "free. For a live process the kernel says which pages are resident, a\n"
	  "moment after the copy; in a dump those are that are not all zero.\n",
	  NEEDS_HEAP, 0, 0, TARGET_GROUPS | GROUP_RSS, cmd_rss },
	{ "diff", "TARGET OTHER...", "what grew from one capture to the next",
	  "What the last holds more than the first, and most of it is of which\n"
	  "type; --by size is faster, --by owner says who holds it. Each is a core,\n"
	  "a slice or a process. In captures of one process also which blocks\n"
	  "appeared, vanished and stayed. Of three and more: how much a step, and\n"
	  "what grew in every one of them, first. The exit status is 1 when blocks\n"
	  "came or went.\n",
	  NEEDS_HEAP, 1, -1, TARGET_GROUPS | GROUP_DIFF, cmd_diff },
	{ "search", "TARGET PATTERN", "where in memory something is",
	  "PATTERN is text, or with --as pairs of hex digits, an aligned integer,\n"
	  "an address (aligned pointers to it, or into the block it is in), or a\n"
	  "regular expression as Perl has them for runs of text. Each hit with the\n"
	  "block, variable or mapping that holds it, and in heaps of up to 200,000\n"
	  "chunks, in larger ones with --types, the object; --why says who holds\n"
	  "that. Free blocks are searched as well.\n",
	  NEEDS_ANY_HEAP, 1, 1, TARGET_GROUPS | GROUP_SEARCH, cmd_search },
	{ "info", "FILE", "what a Memory Slice holds",
	  "Header, process, regions, modules, threads, tables and blocks as they\n"
	  "stand in the file, and whether its chain of hashes holds. --digests adds\n"
	  "the SHA-256 of each region's pages.\n",
	  NEEDS_FILE, 0, 0,
	  GROUP_COMMON | GROUP_REPORT | GROUP_SLICE | GROUP_DIGESTS, cmd_info },
	{ "verify", "FILE", "is a Memory Slice as it was written",
	  "Names the first block at which the chain of hashes breaks. The exit\n"
	  "status is 0 only if chain and file hash hold and End-of-Capture is\n"
	  "there. The hashes have no key: they find accidents, not forgeries.\n",
	  NEEDS_FILE, 0, 0, GROUP_COMMON | GROUP_REPORT | GROUP_SLICE,
	  cmd_verify },
	{ "capture", "--pid N -o FILE", "write a process's memory into a file",
	  "Stops the process, copies its memory, lets it run on and then writes a\n"
	  "Memory Slice, or with --format core an ELF core. The file appears when\n"
	  "it is whole, readable by its owner only. Mappings that are left out\n"
	  "(--only-writable, --exclude, --max-size) are noted as not captured.\n"
	  "--series N writes N slices, FILE.0001.msl and so on, one every --every:\n"
	  "pages that did not change are not stored again, so they belong into one\n"
	  "folder. Each opens like a whole one; `convert` makes a whole one of it.\n"
	  "Ctrl-C ends the series with what there is.\n",
	  NEEDS_FILE, 0, 0,
	  GROUP_COMMON | GROUP_REPORT | GROUP_TARGET | GROUP_DUMP |
		  GROUP_CAPTURE,
	  cmd_capture },
	{ "convert", "IN OUT", "core to slice, slice to core, slice to slice",
	  "What is written is a slice if OUT ends in .msl or an option for slices\n"
	  "is given, else what IN is not; --format says otherwise. From slice to\n"
	  "slice every block is kept: --compress, --hash, --encrypt change the\n"
	  "rest; without --encrypt the result is not encrypted. What the file\n"
	  "cannot hold is said on standard error.\n",
	  NEEDS_FILE, 1, 1,
	  GROUP_COMMON | GROUP_REPORT | GROUP_TARGET | GROUP_DUMP, cmd_convert },
	{ "types", "TARGET", "blocks by what they are",
	  "What runtimes and libraries leave beside their objects names them: C++,\n"
	  "Swift, GObject and Python classes, containers, the C library's own. No\n"
	  "symbols are needed. What has no name is summed up in the last line.\n",
	  NEEDS_HEAP, 0, 0, TARGET_GROUPS | GROUP_TYPES, cmd_types },
	{ "export", "TARGET", "the whole heap for other tools",
	  "--format csv, ndjson: every chunk, or those that the filters let through;\n"
	  "heapsnapshot: blocks in use with all references, for the memory panel of\n"
	  "Chrome's or Edge's DevTools; pprof: who retains how much, as stacks, not\n"
	  "where it was allocated; sqlite: tables of chunks, references, roots,\n"
	  "leaks, owners, arenas and threads. Addresses, sizes and names only: what\n"
	  "is in the memory is never exported. The file can be read by its owner\n"
	  "only and is there when it is whole. Without -o the text formats go to\n"
	  "standard output.\n",
	  NEEDS_HEAP, 0, 0,
	  GROUP_COMMON | GROUP_TARGET | GROUP_CHUNKS | GROUP_REACH |
		  GROUP_EXPORT,
	  cmd_export },
	{ "shell", "TARGET", "many questions about one target, kept open",
	  "Opens the target once and answers line after line: a command with its\n"
	  "options and arguments, without the target. What was worked out for one\n"
	  "answer, such as all references, serves the next. A process is seen as\n"
	  "it was at the start and is not held. `| COMMAND` and `> FILE` behind a\n"
	  "line work as in sh, Tab completes, Ctrl-C gives up one answer, # begins\n"
	  "a comment, `quit` or the end of the input ends it. Lines may come from a\n"
	  "file. The exit status is that of the last line.\n",
	  NEEDS_ANY_HEAP, 0, 0, TARGET_GROUPS, cmd_shell },
	{ "completion", "bash|zsh|fish", "print a completion script for a shell",
	  "For bash: heapscan completion bash > /etc/bash_completion.d/heapscan\n",
	  NEEDS_NOTHING, 1, 1, GROUP_COMMON, cmd_completion },
	{ "help", "[COMMAND]", "explain heapscan or one of its commands", "",
	  NEEDS_NOTHING, 0, 1, GROUP_COMMON, cmd_help },
	{ NULL, NULL, NULL, NULL, NEEDS_NOTHING, 0, 0, 0, NULL },
};
/* clang-format on */

const struct command *command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

const struct command *command_near(const char *word)
{
	for (const struct command *c = commands; c->name; c++)
		if (is_near(c->name, word))
			return c;
	return NULL;
}
