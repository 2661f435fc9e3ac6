/* SPDX-License-Identifier: MIT */
#ifndef CORE_BACKEND_H
#define CORE_BACKEND_H

#include <heapscan/target.h>

#include "core/fail.h"
#include "core/maps.h"
#include "core/modules.h"
#include "core/notes.h"
#include "core/spans.h"
#include "core/threads.h"

/*
 * A source of target memory: a live process, an ELF core, a Memory Slice.
 *
 * To add one:
 *   1. write backends/NAME.c, embedding struct hs_target as first member;
 *   2. define `const struct hs_backend hs_backend_NAME`;
 *   3. list it in backends/registry.c, most specific probe first;
 *   4. add it to tests/test_backend_contract.c, which states these rules as
 *      assertions and runs them against every backend;
 *   5. add a row to docs/backends.md.
 *
 * Backends know files and processes. They know nothing of malloc, TLS or
 * DWARF, and never interpret the bytes they hand out.
 */
struct hs_backend {
	const char *name;    /* as in hs_open_options.backend */
	const char *summary; /* one line for people */
	enum hs_target_kind kind;

	/*
	 * Does SPEC look like ours? HEAD holds the first HEAD_LEN bytes when
	 * SPEC names a readable file, else HEAD_LEN is 0. Must not open SPEC.
	 */
	bool (*probe)(const char *spec, const uint8_t *head, size_t head_len);

	/*
	 * On success *RET owns everything it opened, close() undoes it, and
	 * spans, maps, modules, threads and notes are complete: they do not
	 * change any more. OPT is never NULL. Start with hs_target_init().
	 */
	HS_MUST_CHECK enum hs_status (*open)(const char *spec,
					     const struct hs_open_options *opt,
					     struct hs_target **ret,
					     struct hs_error *err);

	/*
	 * Release what the backend itself opened and the target's memory, with
	 * hs_target_release() among it. Never called with NULL; must cope with
	 * a half-open target. A live target was let go long before.
	 */
	void (*close)(struct hs_target *target);

	/*
	 * Provide the bytes of a span whose state is HS_SPAN_LAZY (compressed
	 * slices). Called from any thread; NULL when there are no such spans.
	 */
	HS_MUST_CHECK enum hs_status (*fill)(const struct hs_target *target,
					     const struct hs_span *span,
					     const uint8_t **ret,
					     struct hs_error *err);

	/*
	 * Hand at most LEN bytes from ADDR on to FN without keeping what has to
	 * be provided for that. *DONE were, maybe none: then fill() is asked.
	 * Called at a span whose state is HS_SPAN_LAZY; may be NULL.
	 */
	HS_MUST_CHECK enum hs_status (*stream)(const struct hs_target *target,
					       hs_addr addr, uint64_t len,
					       hs_bytes_fn fn, void *arg,
					       uint64_t *done,
					       struct hs_error *err);
};

/* What every open target begins with. A backend embeds it first. */
struct hs_target {
	const struct hs_backend *backend;
	enum hs_arch arch;
	unsigned word_size; /* 4 or 8 */
	bool big_endian;
	bool complete;
	char *path, *executable, *command_line, *sysroot; /* owned, or NULL */
	int64_t pid, paused_ns;
	uint64_t file_size, copied;
	int32_t signal;
	/* For those who write dumps: parent and session, -1 when not known;
	 * when the process began and when its memory was taken, in ns since
	 * 1970, 0 when not known. */
	int64_t ppid, session;
	uint64_t started_ns, taken_ns;

	/* Auxiliary vector as the process got it: pairs of target words, raw;
	 * owned, NULL when not known. */
	uint8_t *auxv;
	size_t auxv_len;

	struct hs_span_list spans; /* ascending, no overlap; gaps: unmapped */
	struct hs_map_list maps;
	struct hs_module_list modules;
	struct hs_thread_list threads;
	struct hs_note_list notes;
};

/* Zero and defaults: pid -1, paused_ns -1, complete true. */
void hs_target_init(struct hs_target *target, const struct hs_backend *backend);
/* Free what hs_target itself owns, not TARGET. */
void hs_target_release(struct hs_target *target);

/*
 * After spans, maps and modules are filled: sort them, compute what each map
 * has captured. Call at the end of every open(). Fails with HS_ERR_FORMAT
 * when spans overlap (backends must cut them first).
 */
HS_MUST_CHECK enum hs_status hs_target_finish(struct hs_target *target,
					      struct hs_error *err);

/* The span that ADDR lies in: its *START, and *LEN bytes from there. Outputs
 * are written on success only. As hs_target_view() otherwise. */
HS_MUST_CHECK enum hs_status hs_target_view_span(const struct hs_target *target,
						 hs_addr addr, hs_addr *start,
						 const uint8_t **ret,
						 uint64_t *len,
						 struct hs_error *err);

/* Read one target word, whatever its size and byte order. */
HS_MUST_CHECK enum hs_status hs_target_read_word(const struct hs_target *target,
						 hs_addr addr, uint64_t *ret,
						 struct hs_error *err);
/* An unsigned integer of LEN bytes (1 to 8) in the target's byte order. */
HS_MUST_CHECK enum hs_status hs_target_read_uint(const struct hs_target *target,
						 hs_addr addr, size_t len,
						 uint64_t *ret,
						 struct hs_error *err);
/*
 * A string of at most MAX bytes without its NUL, which must be within; caller
 * frees *RET. Longer is HS_ERR_LIMIT.
 */
HS_MUST_CHECK enum hs_status
hs_target_read_string(const struct hs_target *target, hs_addr addr, size_t max,
		      char **ret, struct hs_error *err);

/* Value of auxiliary vector entry TYPE (AT_PHDR ...); false: not there. */
bool hs_target_auxv(const struct hs_target *target, uint64_t type,
		    uint64_t *ret);

/* The map that holds ADDR, or NULL. */
const struct hs_map *hs_target_find_map(const struct hs_target *target,
					hs_addr addr);
/* Index of the first map that ends behind ADDR, or the count of maps. */
size_t hs_target_map_behind(const struct hs_target *target, hs_addr addr);
/* Index of the module whose range holds ADDR, or SIZE_MAX. */
size_t hs_target_find_module(const struct hs_target *target, hs_addr addr);

#endif
