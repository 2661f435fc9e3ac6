/* SPDX-License-Identifier: MIT */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

/*
 * Every cap in heapscan, with the reason for its value. A cap that is reached
 * is an error or a finding that says so, never silence.
 */

/* A process's maps: vm.max_map_count is 65,530 by default, a few raise it to
 * 2^24; a forged core could claim 2^32 segments of nothing. */
#define HS_LIMIT_SEGMENTS (1u << 24)

/* Mappings from an image's first page to its last: five or six, a few more when
 * the process changed their protection. Keeps a forged image, which claims all
 * of the address space, from making each of many images look at all maps. */
#define HS_LIMIT_IMAGE_MAPS 256u

/* Threads: kernel.threads-max never exceeds 2^22 (PID_MAX_LIMIT). */
#define HS_LIMIT_THREADS (1u << 22)

/* Arenas: 8 per core by default, so this is 2,048 cores. */
#define HS_LIMIT_ARENAS (1u << 14)

/* Problems kept per code: the reader has understood by then, and a heap that
 * is broken in a million places must not cost a million messages. */
#define HS_LIMIT_PROBLEMS_PER_CODE 32u

/* A path or a name out of the target. PATH_MAX is 4096. */
#define HS_LIMIT_STRING 4096u

/* Symbols of one module, all tables together. Chromium with its debug file
 * has 2 million; an index entry holds 32 bits. */
#define HS_LIMIT_SYMBOLS (1u << 24)

/* A name that is looked up: identifiers of C. Mangled names reach 64 KiB, but
 * nobody asks for them by name, and a forged table of a million such names
 * would cost 64 GiB of hashing. */
#define HS_LIMIT_SYMBOL_NAME 255u

/* Symbols looked at for one that encloses an address: compilers nest two or
 * three deep, assembler files a few dozen. */
#define HS_LIMIT_SYMBOL_OVERLAP 4096u

/* Strings of a .dynsym read out of memory; Chromium has 10 MiB. */
#define HS_LIMIT_DYNAMIC_STRINGS (256u << 20)

/* Entries of a dynamic section: a few dozen, more with many libraries. */
#define HS_LIMIT_DYNAMIC_ENTRIES 4096u

/* The text of a process's maps: HS_LIMIT_SEGMENTS lines would be more, but no
 * process has been seen with a tenth of this. */
#define HS_LIMIT_PROC_MAPS ((size_t)1 << 30)

/* A status file is about 1.5 KiB; the list of groups (65,536 at most) is the
 * only line that grows. */
#define HS_LIMIT_PROC_STATUS ((size_t)1 << 20)

/* A command line, to be shown to people. */
#define HS_LIMIT_PROC_CMDLINE ((size_t)1 << 16)

/* How often the list of threads is read until it names no new one. Each pass
 * stops all that it finds, so that those which could create more die out; two
 * or three passes are usual. */
#define HS_LIMIT_STOP_PASSES 256u

/* A private mapping that is not looked at in a stopped process: reading its
 * page map alone would take a second. Sanitizers' shadow memory is such. */
#define HS_LIMIT_LIVE_MAPPING ((uint64_t)1 << 40)

/* A run of pages that the process never touched: all zeroes, and shown as such
 * up to this length, so that no scan has to wade through terabytes of them. */
#define HS_LIMIT_UNTOUCHED ((uint64_t)4 << 30)

/* A run of zeroes that is worth a span of its own, so that searches can skip
 * it: shorter ones cost more in spans than in looking. */
#define HS_ZERO_RUN ((uint64_t)1 << 20)

/* So much memory is looked at, evenly spread, to tell how much of it another
 * allocator uses: a fraction of a second for a number that says "about". */
#define HS_LIMIT_OTHER_BYTES ((uint64_t)1 << 30)

/* What a compressed core may unpack to: the largest file that ext4 has. A few
 * KiB of zstd can claim any length of zeroes. */
#define HS_LIMIT_UNPACKED ((uint64_t)1 << 44)

/* Holes of a core file that are asked for: one of this many has been written
 * by nobody; what is behind is simply read. */
#define HS_LIMIT_HOLES (1u << 20)

/* A mapped file that cannot be had otherwise is copied out of the process while
 * it stands: this much takes about 50 ms. */
#define HS_LIMIT_FILE_COPY ((uint64_t)256 << 20)

/* Struct members looked at to answer one set of questions: structs have
 * hundreds at most; forged ones may contain themselves. */
#define HS_LIMIT_DWARF_MEMBERS (1u << 20)

/* What the sources of a process declare, read to name its blocks. The largest C
 * programs have 50,000 structs with 500,000 members; DIEs are read at some two
 * million a second, and a browser has a hundred million of them: then what was
 * read so far is used. */
#define HS_LIMIT_DECLARED_TYPES (1u << 20)
#define HS_LIMIT_DECLARED_MEMBERS (1u << 22)
#define HS_LIMIT_DECLARED_VARIABLES (1u << 20)
#define HS_LIMIT_DECLARED_TEXT (128u << 20) /* bytes of their names */
/* Units whose debug information is in files of their own, each of which is
 * opened: Chromium has 40,000. */
#define HS_LIMIT_SPLIT_UNITS (1u << 17)
#define HS_LIMIT_DWARF_DIES (1u << 24) /* for all modules together */

/* Operations of one DWARF expression: the longest of libc's have twenty. */
#define HS_LIMIT_DWARF_STEPS 1024u

/* One record of call frame information: a few dozen bytes, some KiB for a
 * function that pushes and pops a lot. And records of one module: Chromium has
 * a million. */
#define HS_LIMIT_CFI_RECORD (64u << 10)
#define HS_LIMIT_CFI_RECORDS (1u << 24)

/* Stack frames of all threads together: a recursion that fills 8 MiB has
 * 500,000 of 16 bytes. And bytes of call frame information that are read for
 * them: a hundred or so for each; forged records are as long as they can be. */
#define HS_LIMIT_FRAMES (1u << 20)
#define HS_LIMIT_FRAME_BYTES (UINT64_C(1) << 30)

/* Frames whose functions' variables are looked for, and pieces of code that one
 * function is made of, or places that one variable has: hundreds at most. */
#define HS_LIMIT_LOCAL_FRAMES (1u << 14)
#define HS_LIMIT_DWARF_RANGES (1u << 16)

/* Calls looked at to know one variable that a function was given, by which it
 * was given to the caller, and functions that one may end in the call of: a few
 * of each. */
#define HS_LIMIT_GIFTS 32u
#define HS_LIMIT_LAST_CALLS 64u

/* How often a stack may go on at a lower address: signals that are handled on a
 * stack of their own, coroutines. Keeps forged frames from running in rings. */
#define HS_LIMIT_STACK_SWITCHES 16u

/* Objects that ld.so loaded: the process with most libraries that was seen has
 * two thousand. */
#define HS_LIMIT_LINK_MAPS (1u << 16)

/* Link namespaces (dlmopen): glibc has 16. */
#define HS_LIMIT_NAMESPACES 16u

/* Modules with thread-local variables, as ld.so numbers them. */
#define HS_LIMIT_TLS_MODULES (1u << 20)

/* Program headers of one image: linkers write about a dozen. Cores, which may
 * have more, are another matter. */
#define HS_LIMIT_PROGRAM_HEADERS 1024u

/* Threads that work for us at once: memory bandwidth is used up long before. */
#define HS_LIMIT_WORKERS 64u

/* Thread-local blocks that roots are named after. What is beyond is found all
 * the same, and named after the mapping. */
#define HS_LIMIT_TLS_BLOCKS (1u << 20)

/* Blocks of a slice: one a mapping, a module, a thread. 16 million take 1.3 GB
 * of headers alone. */
#define HS_LIMIT_SLICE_BLOCKS (1u << 24)

/* Pages of one region: 1 TiB in pages of 4 KiB. Its map of states has 64 MiB.
 */
#define HS_LIMIT_SLICE_PAGES ((uint64_t)1 << 28)

/* What one compressed payload may unpack to: a terabyte, as much as the largest
 * region. The memory to hold it is another question, asked when it is needed.
 */
#define HS_LIMIT_SLICE_PAYLOAD ((uint64_t)1 << 40)

/* A compressed payload that is no region: tables of a machine's processes or
 * connections. It is unpacked when the file is opened. */
#define HS_LIMIT_SLICE_TABLE ((size_t)64 << 20)

/* Modules of a slice, which are compared with each other: the process with most
 * libraries that was seen has two thousand. */
#define HS_LIMIT_SLICE_MODULES (1u << 14)

/* Values kept out of a slice's tables, for people to look at: 65,536 processes
 * with ten values each, and room. */
#define HS_LIMIT_SLICE_FACTS (1u << 20)

/* Key hints whose region is looked for, among all regions: real slices have a
 * handful. */
#define HS_LIMIT_SLICE_HINTS 256u

/* Slices that one slice may take pages from. Each is opened and mapped, and
 * every one that is lost takes pages along: a series begins anew before that.
 */
#define HS_LIMIT_SLICE_BASES 256u

/* Files of a folder that are looked into for a slice's bases. */
#define HS_LIMIT_FOLDER (1u << 16)

/* Argon2 as a slice's header asks for it. What writers use is 3 passes over
 * 64 MiB in 4 lanes; a forged header must not cost minutes or all memory. */
#define HS_LIMIT_ARGON2_TIME 64u
#define HS_LIMIT_ARGON2_MEMORY (4u << 20) /* KiB: 4 GiB */
#define HS_LIMIT_ARGON2_LANES 64u

/* A passphrase. Longer ones are rather a file given by mistake. */
#define HS_LIMIT_PASSPHRASE 4096u

/* Unowned references to one Swift object: 64 million of them are 512 MiB of
 * nothing else. The low bits of most addresses would be more, and a pointer is
 * what else stands where an object has its counts. */
#define HS_LIMIT_SWIFT_UNOWNED (1u << 26)

/* Names of types, all together: a large C++ program has some 10 MiB. Names may
 * share their bytes in the target, so its size alone is no bound, neither of
 * the memory nor of the time to write them. */
#define HS_LIMIT_TYPE_TEXT (256u << 20)

/* Groups of blocks without a name that look alike, 12 MiB: a large program has
 * some thousands. Those that are met later are not told from each other. */
#define HS_LIMIT_UNNAMED_GROUPS 65536u

/* One name of a type, written out. Templates of templates reach some KiB; a
 * forged name of a hundred bytes can stand for more than there is memory. */
#define HS_LIMIT_TYPE_NAME (32u << 10)

/* Types within types, contexts around contexts: generics of 90 levels have been
 * met. Forged metadata may contain itself. */
#define HS_LIMIT_TYPE_DEPTH 400u

/* Structs within structs, by value, when what they embed is listed; and how
 * much is listed. A forged struct may contain the same one in a thousand ways.
 */
#define HS_LIMIT_EMBED_DEPTH 16u
#define HS_LIMIT_EMBEDDED (1u << 22)

/* Lines of rules about types, and the bytes between a pointer and what a rule
 * looks at: people write them. */
#define HS_LIMIT_RULES 65536u
#define HS_LIMIT_RULE_TYPES 64u /* that share a name */
#define HS_LIMIT_RULE_OFFSET (1u << 30)

/* Values looked at while types are spread over a heap, for each of its words
 * and beyond: a block may be looked at once for each of eight degrees of
 * certainty, in three rounds. Members of a forged type may overlap. */
#define HS_LIMIT_SPREAD_PER_WORD 24u
#define HS_LIMIT_SPREAD_EXTRA (UINT64_C(1) << 24)

/* Objects in the middle of blocks, of pools and the like, that lead on: 40
 * bytes each while types are spread. */
#define HS_LIMIT_INNER (1u << 22)

/* Unions of pointers that are looked at, 24 bytes each. */
#define HS_LIMIT_CHOICES (1u << 22)

/* Nodes looked at while containers are followed, for each live block: each
 * belongs to one container, and forged links lead the same way many times. */
#define HS_LIMIT_NODE_VISITS 8u

/* A red-black tree of 2^48 nodes is at most this deep. */
#define HS_LIMIT_TREE_DEPTH 96u

/* Fields of one class, captures of one closure. */
#define HS_LIMIT_TYPE_FIELDS 4096u

/* Blocks looked at for one cycle of leaks to show: longer ones nobody reads. */
#define HS_LIMIT_CYCLE_SEARCH 4096u

/* Types looked at inside of one Swift field, and for all of them: structs hold
 * structs, and forged ones themselves. A large program has 100 thousand types
 * of a dozen fields each. */
#define HS_LIMIT_SWIFT_TYPE_STEPS 1024u
#define HS_LIMIT_SWIFT_STEPS (1u << 20)

/* Elements of a Swift collection that are told apart, in one block: a class
 * reference of each in a GiB. */
#define HS_LIMIT_SWIFT_ELEMENTS (128u << 20)

/* Pieces of one Python thread's stack of frames: 16 KiB each at least, and
 * the interpreter gives up at a few thousand frames unless it is told not to.
 */
#define HS_LIMIT_PYTHON_PIECES (1u << 16)

/* Words that are looked at for each word of Python's objects: once as one's
 * own, and names of attributes for each object that shares them. Objects that
 * claim each other's memory would be looked at for ever. */
#define HS_LIMIT_PYTHON_WORDS 16u

/* What glibc says before it aborts: its own messages are one line; an assertion
 * quotes an expression of the program. */
#define HS_LIMIT_ABORT_MESSAGE 4096u

#endif
