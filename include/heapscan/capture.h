/* SPDX-License-Identifier: MIT */
#ifndef HEAPSCAN_CAPTURE_H
#define HEAPSCAN_CAPTURE_H

#include <heapscan/slice.h>
#include <heapscan/target.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Writing dumps: whatever can be opened as a target can be written as a Memory
 * Slice or as an ELF core.
 */
enum hs_capture_format { HS_CAPTURE_SLICE, HS_CAPTURE_CORE };
enum hs_capture_codec {
	HS_CAPTURE_ZSTD,
	HS_CAPTURE_LZ4,
	HS_CAPTURE_STORED,     /* in the clear */
	HS_CAPTURE_SAME_CODEC, /* rewriting: as before; else zstd */
};
enum hs_capture_hash {
	HS_CAPTURE_BLAKE3,
	HS_CAPTURE_SHA256,
	HS_CAPTURE_SHA512_256,
	HS_CAPTURE_SAME_HASH, /* rewriting: as before; else BLAKE3 */
};

/*
 * Take secrets out of the LEN bytes that the process had at ADDR, before they
 * are written: BYTES is a copy that may be changed. Is asked for every byte
 * that goes into the file, for some of them more than once, and must change
 * them the same way each time.
 */
typedef void (*hs_redact_fn)(void *arg, hs_addr addr, uint8_t *bytes,
			     size_t len);

/*
 * A series of slices of one process: each holds the pages that changed, and
 * refers to those that did not where an earlier one holds them. They belong
 * into one folder; each opens like a slice that has everything.
 */
struct hs_series; /* opaque */

HS_API enum hs_status hs_series_new(struct hs_series **ret,
				    struct hs_error *err);
HS_API void hs_series_free(struct hs_series *series); /* NULL is fine */

/* Set struct_size, and the rest to zero: a slice, zstd, BLAKE3, everything. */
struct hs_capture_options {
	size_t struct_size;
	enum hs_capture_format format;
	enum hs_capture_codec codec; /* of a slice */
	enum hs_capture_hash hash;   /* of a slice */
	/* Encrypt a slice (AES-256-GCM, key by Argon2id) with the passphrase
	 * that SECRET gives. */
	bool encrypt;
	hs_secret_fn secret;
	void *secret_arg;
	bool replace; /* an existing file; else that is HS_ERR_INVALID */

	/* Mappings that are left out are written as not captured. */
	bool only_writable;         /* leave out those the process may not
				     * write */
	uint64_t max_mapping;       /* and larger ones, bytes; 0: no limit */
	const char *const *exclude; /* and these: patterns as in glob(7) for
				     * the path, "[heap]", "[stack]" or
				     * "[anon]", or an address within */
	size_t exclude_count;

	hs_redact_fn redact; /* may be NULL; the file says that it was done */
	void *redact_arg;
	hs_progress_fn
		progress; /* "writing", in bytes of memory; may be NULL */
	void *progress_arg;

	/* The next step of this series; NULL: a slice of its own. The target
	 * must be the same process each time, or it is HS_ERR_INVALID. */
	struct hs_series *series;
};

/* What the file cannot hold although the source had it: bits. */
#define HS_LOST_FP_REGISTERS 1u /* a slice has no place for them */
#define HS_LOST_SIGNAL 2u       /* nor for the signal that ended it */
#define HS_LOST_FILE_NAMES 4u   /* of mappings that belong to no module */
#define HS_LOST_TABLES 8u       /* a core has none of a slice's tables */
#define HS_LOST_BYTES 16u       /* in pages that are there in part only */
/* One bit in words for people, such as "floating point registers". */
HS_API const char *hs_capture_lost_name(unsigned bit);

struct hs_capture_result {
	uint64_t captured;  /* bytes of memory written */
	uint64_t missing;   /* mapped, but the source did not have them */
	uint64_t left_out;  /* mapped, and left out by the options */
	uint64_t file_size; /* bytes */
	unsigned lost;      /* HS_LOST_* */
	uint64_t unchanged; /* bytes that earlier steps of the series hold */
};

/*
 * Write TARGET to PATH. The file appears under that name only when it is
 * whole, and can be read by its owner only. RET may be NULL.
 *
 * A slice of a core says that it was imported; file pages that were filled in
 * from the mapped files are written too, so that the slice stands alone.
 *
 * HS_ERR_INVALID, HS_ERR_PERMISSION, HS_ERR_NO_TARGET (no such folder),
 * HS_ERR_IO, HS_ERR_LIMIT, HS_ERR_NOMEM, HS_ERR_CANCELLED. Then nothing was
 * written, and an existing file is as it was.
 */
HS_API enum hs_status hs_capture_write(const struct hs_target *target,
				       const char *path,
				       const struct hs_capture_options *opt,
				       struct hs_capture_result *ret,
				       struct hs_error *err);

/*
 * Write SLICE to PATH once more, with another codec, hash or passphrase: every
 * block of it as it is, and nothing lost. What OPT leaves out of mappings and
 * its redact are not for this. Errors as above; HS_ERR_UNSUPPORTED: a slice in
 * a layout that nobody should write again; HS_ERR_FORMAT: it is damaged.
 */
HS_API enum hs_status hs_slice_rewrite(const struct hs_slice *slice,
				       const char *path,
				       const struct hs_capture_options *opt,
				       struct hs_capture_result *ret,
				       struct hs_error *err);

#ifdef __cplusplus
}
#endif
#endif
