/* SPDX-License-Identifier: MIT */
#ifndef HEAPSCAN_TARGET_H
#define HEAPSCAN_TARGET_H

#include <heapscan/error.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A target is one process's memory at one moment: a live process (copied while
 * it was stopped; it runs again when hs_target_open() returns) or an ELF core.
 * Once open it never changes, and any number of threads may read it.
 */
struct hs_target; /* opaque */

enum hs_target_kind { HS_TARGET_CORE, HS_TARGET_SLICE, HS_TARGET_LIVE };

enum hs_arch { HS_ARCH_X86_64, HS_ARCH_I386, HS_ARCH_AARCH64 };

/* "core", "slice", "live"; "x86_64", "i386", "aarch64". Never NULL. */
HS_API const char *hs_target_kind_name(enum hs_target_kind kind);
HS_API const char *hs_arch_name(enum hs_arch arch);

/*
 * Called now and then during long work: WHAT is a word for people ("copying"),
 * DONE and TOTAL count the same unit; TOTAL is 0 when it is not known. Return
 * false to stop the work, which then fails with HS_ERR_CANCELLED.
 */
typedef bool (*hs_progress_fn)(void *arg, const char *what, uint64_t done,
			       uint64_t total);

enum hs_secret_kind {
	HS_SECRET_PASSPHRASE, /* text, without a final NUL or newline */
	HS_SECRET_KEY,        /* 32 bytes */
};
/*
 * Put the secret for the file called WHAT into BUF, which has room for SIZE
 * bytes, and its length into *LEN. False: there is none. Called only when a
 * file needs one; BUF is wiped as soon as the key is made of it.
 */
typedef bool (*hs_secret_fn)(void *arg, const char *what,
			     enum hs_secret_kind kind, uint8_t *buf,
			     size_t size, size_t *len);

/* How a live process is copied. */
enum hs_pause {
	/* It stands while its memory is copied. Nothing in it is changed. */
	HS_PAUSE_COPY,
	/*
	 * It stands while one of its threads is made to fork; the forked copy
	 * is read while it runs on, and then removed. Two system calls are
	 * made in its name. Where that cannot be done, HS_PAUSE_COPY is used,
	 * and a problem ("live-pause-plain") says why.
	 */
	HS_PAUSE_MIN,
};

/*
 * Set struct_size to sizeof(struct hs_open_options) and the rest to zero.
 * Members are only ever added at the end, so an old caller keeps working.
 */
struct hs_open_options {
	size_t struct_size;
	/* "core", "slice", "live"; NULL: find out from SPEC */
	const char *backend;
	/* Prefix for the paths of mapped files; NULL: the target's own root
	 * for a live process, else "/". */
	const char *sysroot;
	/* The main executable's file; NULL: as the target names it. */
	const char *executable;
	hs_progress_fn progress; /* may be NULL */
	void *progress_arg;
	/* Asked for the secret of an encrypted file; NULL: there is none. */
	hs_secret_fn secret;
	void *secret_arg;
	/* Read slices that older tools wrote in a layout of their own. */
	bool legacy;
	enum hs_pause pause; /* of a live process */
};

/*
 * SPEC is a path, or with backend "live" a decimal process id; a bare decimal
 * number that names no file is a process id too. OPT may be NULL. Free *RET
 * with hs_target_close().
 *
 * Fails with HS_ERR_NO_TARGET, HS_ERR_PERMISSION, HS_ERR_FORMAT,
 * HS_ERR_UNSUPPORTED, HS_ERR_LIMIT, HS_ERR_IO, HS_ERR_NOMEM or
 * HS_ERR_CANCELLED; the text names the cure.
 */
HS_API enum hs_status hs_target_open(const char *spec,
				     const struct hs_open_options *opt,
				     struct hs_target **ret,
				     struct hs_error *err);
HS_API void hs_target_close(struct hs_target *target); /* NULL is fine */

/* Strings are borrowed from the target; NULL where it does not say. */
struct hs_target_info {
	enum hs_target_kind kind;
	enum hs_arch arch;
	unsigned word_size; /* bytes in a pointer: 4 or 8 */
	bool big_endian;
	bool complete;    /* nothing that was to be captured is missing */
	const char *path; /* of the file; NULL for a live process */
	const char *executable;
	const char *command_line;
	int64_t pid;        /* -1 when not known */
	int64_t paused_ns;  /* how long a live target stood; -1: it did not */
	uint64_t file_size; /* bytes; 0 for a live process */
	uint64_t copied;    /* bytes read out of a live process, else 0 */
	int32_t signal;     /* that ended the process; 0: none or not known */
};
HS_API void hs_target_info(const struct hs_target *target,
			   struct hs_target_info *ret);

/*
 * Copy exactly LEN bytes at ADDR or fail: HS_ERR_UNMAPPED (the process had
 * nothing there), HS_ERR_NOT_CAPTURED (the dump left it out) or HS_ERR_IO.
 * On failure BUF is unspecified and err->addr is the first address that could
 * not be read.
 */
HS_API enum hs_status hs_target_read(const struct hs_target *target,
				     hs_addr addr, void *buf, size_t len,
				     struct hs_error *err);

/*
 * Lend the bytes at ADDR: *RET points to them and *LEN says how many follow in
 * the same span. They stay put and unchanged until hs_target_close(). Errors
 * as for hs_target_read(). The fast way; scans use nothing else.
 */
HS_API enum hs_status hs_target_view(const struct hs_target *target,
				     hs_addr addr, const uint8_t **ret,
				     uint64_t *len, struct hs_error *err);

/* Take LEN bytes, at least one; false ends it. */
typedef bool (*hs_bytes_fn)(void *arg, const uint8_t *bytes, uint64_t len);

/*
 * Hand LEN bytes from ADDR on to FN, in order, in pieces as they come. The way
 * for much memory that is looked at once: what is packed is unpacked ahead, by
 * all processors, and not kept. FN is called by one thread at a time, which is
 * not always the caller's. Errors as for hs_target_read(), after everything
 * before err->addr was handed on; HS_ERR_CANCELLED: FN ended it.
 */
HS_API enum hs_status hs_target_stream(const struct hs_target *target,
				       hs_addr addr, uint64_t len,
				       hs_bytes_fn fn, void *arg,
				       struct hs_error *err);

/*
 * The first address from ADDR on that has bytes; HS_NO_ADDR: none. A mapping
 * may claim any length: walks through one go on here where a view fails.
 * Without ZEROES the long runs of them that were never written are passed over.
 */
HS_API hs_addr hs_target_next(const struct hs_target *target, hs_addr addr,
			      bool zeroes);

#define HS_PROT_READ 1u
#define HS_PROT_WRITE 2u
#define HS_PROT_EXEC 4u

enum hs_map_kind {
	HS_MAP_ANON,
	HS_MAP_FILE,
	HS_MAP_HEAP,    /* the kernel's [heap], that is: the brk area */
	HS_MAP_STACK,   /* the kernel's [stack] */
	HS_MAP_SPECIAL, /* [vdso], [vvar] and the like */
};

/* One mapping of the process, as its kernel listed it. */
struct hs_map_info {
	hs_addr start, end; /* end is one past the last byte */
	unsigned prot;      /* HS_PROT_* */
	bool shared;        /* MAP_SHARED: not copied from a live process */
	enum hs_map_kind kind;
	const char *path;     /* as the target names it, or NULL */
	uint64_t file_offset; /* of START in PATH, bytes */
	uint64_t captured;    /* bytes of it that can be read ... */
	uint64_t from_file;   /* ... of these, filled in from PATH */
};
/* Ascending by address, without overlap. */
HS_API size_t hs_target_map_count(const struct hs_target *target);
HS_API void hs_target_map(const struct hs_target *target, size_t i,
			  struct hs_map_info *ret);

/* How we came to the bytes of a module that the target itself left out. */
enum hs_module_file {
	HS_MODULE_FILE_MATCHED,  /* the file's identity was checked */
	HS_MODULE_FILE_MISMATCH, /* a file is there, but another build */
	HS_MODULE_FILE_MISSING,  /* no such file */
	HS_MODULE_FILE_NONE,     /* in memory only (vdso, deleted) */
};
HS_API const char *hs_module_file_name(enum hs_module_file state);

/* One ELF image in the target: executable, ld.so, shared library, vdso. */
struct hs_module_info {
	hs_addr base, end; /* of its lowest and highest mapping */
	const char *path;  /* as the target names it; never NULL */
	const char *file;  /* the file we read, or NULL */
	enum hs_module_file file_state;
	const uint8_t *build_id; /* NULL when there is none or not known */
	size_t build_id_len;
	bool is_executable; /* the program itself */
};
HS_API size_t hs_target_module_count(const struct hs_target *target);
HS_API void hs_target_module(const struct hs_target *target, size_t i,
			     struct hs_module_info *ret);

#define HS_MAX_REGISTERS 40

struct hs_thread_info {
	int64_t tid;
	bool current;     /* it took the signal that ended the process */
	hs_addr pc, sp;   /* HS_NO_ADDR when not known */
	hs_addr tls_base; /* the thread pointer; HS_NO_ADDR: not known */
	const char *name; /* as in /proc/PID/comm, or NULL */
	size_t register_count;
	const uint64_t *registers; /* see hs_register_name() */
};
HS_API size_t hs_target_thread_count(const struct hs_target *target);
HS_API void hs_target_thread(const struct hs_target *target, size_t i,
			     struct hs_thread_info *ret);
/* Name of register I as the kernel orders them for ARCH; NULL past the end. */
HS_API const char *hs_register_name(enum hs_arch arch, size_t i);

/*
 * What a reader must know before trusting an answer, found while opening: the
 * core is cut, a mapped file is another build.
 */
enum hs_severity { HS_NOTE, HS_WARNING, HS_DAMAGE };
HS_API const char *hs_severity_name(enum hs_severity severity);

struct hs_problem_info {
	enum hs_severity severity;
	hs_addr addr;        /* HS_NO_ADDR when it is about no address */
	const char *code;    /* fixed word such as "core-truncated" */
	const char *message; /* for people; may change */
};
HS_API size_t hs_target_problem_count(const struct hs_target *target);
HS_API void hs_target_problem(const struct hs_target *target, size_t i,
			      struct hs_problem_info *ret);

#ifdef __cplusplus
}
#endif
#endif
