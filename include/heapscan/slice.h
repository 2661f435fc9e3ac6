/* SPDX-License-Identifier: MIT */
#ifndef HEAPSCAN_SLICE_H
#define HEAPSCAN_SLICE_H

#include <heapscan/target.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a Memory Slice (.msl) holds, as it stands in the file: blocks, regions,
 * modules, threads, tables. To read the memory in it, open it as a target.
 */
struct hs_slice; /* opaque; borrows nothing */

/*
 * Open and index PATH. Of OPT, which may be NULL, `secret`, `legacy` and
 * `progress` are used. The content of an encrypted slice is authenticated
 * before any of it is looked at. Errors as for hs_target_open(); what is odd
 * about a file that can be read is a problem. Free with hs_slice_close().
 */
HS_API enum hs_status hs_slice_open(const char *path,
				    const struct hs_open_options *opt,
				    struct hs_slice **ret,
				    struct hs_error *err);
HS_API void hs_slice_close(struct hs_slice *slice); /* NULL is fine */

/* The numbers of the file header. */
struct hs_slice_info {
	unsigned version, header_size;
	bool big_endian;
	uint32_t flags;
	unsigned os_type, arch_type;
	uint32_t pid;
	uint8_t dump_uuid[16];
	uint64_t timestamp_ns; /* since 1970, start of the acquisition */
	unsigned clock_source, hash_algorithm;
	uint64_t cap_bitmap;
	uint32_t block_count; /* as the header claims; 0: it does not */
	bool encrypted, imported;
	uint64_t file_size; /* bytes */
	bool complete;      /* End-of-Capture is there, nothing is cut */
};
HS_API void hs_slice_info(const struct hs_slice *slice,
			  struct hs_slice_info *ret);
/* "blake3", "sha256", "sha512-256" or "unknown". Never NULL. */
HS_API const char *hs_slice_hash_name(unsigned algorithm);

/* Strings are borrowed from the slice; NULL where it says nothing. */
struct hs_slice_process {
	const char *executable, *command_line;
	uint32_t ppid, session_id;
	uint64_t start_time_ns;
};
/* False: there is no such block. */
HS_API bool hs_slice_process(const struct hs_slice *slice,
			     struct hs_slice_process *ret);

struct hs_slice_block_info {
	unsigned type, flags, payload_version;
	const char *type_name; /* "unknown" when we do not know it */
	uint64_t offset;       /* in the file; decrypted, where encrypted */
	uint32_t length;       /* bytes, header included */
	const uint8_t *uuid, *parent_uuid; /* 16 bytes each */
	bool after_end; /* behind End-of-Capture: listed, not trusted */
};
HS_API size_t hs_slice_block_count(const struct hs_slice *slice);
HS_API void hs_slice_block(const struct hs_slice *slice, size_t i,
			   struct hs_slice_block_info *ret);

struct hs_slice_region_info {
	size_t block;
	hs_addr base;
	uint64_t size; /* bytes */
	unsigned protection, region_type;
	uint64_t page_size; /* bytes */
	uint64_t timestamp_ns;
	/* By the map of states; pages it calls captured whose bytes are not
	 * in the file count as failed. */
	uint64_t captured_pages, failed_pages, unmapped_pages;
	const char *compression; /* "none", "lz4", "zstd" */
	/* Of the failed pages: they did not change, and another slice of the
	 * series holds them. */
	uint64_t referenced_pages;
};
/* In the order of the file. Regions that make no sense are not listed. */
HS_API size_t hs_slice_region_count(const struct hs_slice *slice);
HS_API void hs_slice_region(const struct hs_slice *slice, size_t i,
			    struct hs_slice_region_info *ret);
/* SHA-256 over the captured pages of region I, in order. */
HS_API enum hs_status hs_slice_region_digest(const struct hs_slice *slice,
					     size_t i, uint8_t ret[32],
					     struct hs_error *err);

struct hs_slice_module_info {
	hs_addr base;
	uint64_t size;            /* bytes */
	const char *path;         /* NULL: none given */
	const char *version;      /* NULL: none given */
	const uint8_t *disk_hash; /* 32 bytes; NULL: none given */
	const uint8_t *build_id;  /* NULL: none given */
	size_t build_id_len;
	const uint8_t *blob; /* native data, raw */
	size_t blob_len;
};
HS_API size_t hs_slice_module_count(const struct hs_slice *slice);
HS_API void hs_slice_module(const struct hs_slice *slice, size_t i,
			    struct hs_slice_module_info *ret);

struct hs_slice_thread_info {
	uint64_t tid;
	/* False: the payload is not laid out as known writers do it; then
	 * nothing but tid holds. */
	bool understood;
	bool current;
	unsigned state;
	const char *name; /* NULL: none given */
	size_t register_count;
};
struct hs_slice_register {
	const char *name;
	unsigned flags;       /* 1: program counter, 2: stack pointer */
	size_t width;         /* bytes of ... */
	const uint8_t *bytes; /* ... the value, least significant first */
};
HS_API size_t hs_slice_thread_count(const struct hs_slice *slice);
HS_API void hs_slice_thread(const struct hs_slice *slice, size_t i,
			    struct hs_slice_thread_info *ret);
HS_API void hs_slice_register(const struct hs_slice *slice, size_t thread,
			      size_t i, struct hs_slice_register *ret);

/*
 * What the blocks about the system, its processes, the import, keys and the
 * like say: rows of named values, in the order of the file.
 */
struct hs_slice_fact {
	size_t block;
	uint64_t row;      /* counts from 0 in each block */
	const char *name;  /* a fixed word */
	const char *value; /* as text */
};
HS_API size_t hs_slice_fact_count(const struct hs_slice *slice);
HS_API void hs_slice_fact(const struct hs_slice *slice, size_t i,
			  struct hs_slice_fact *ret);

/*
 * The chain of hashes tells whether the file is as its writer left it. It has
 * no key, so it finds accidents, not forgeries.
 */
enum hs_slice_chain {
	HS_SLICE_CHAIN_OK,
	HS_SLICE_CHAIN_BROKEN,
	HS_SLICE_CHAIN_UNVERIFIABLE, /* we do not know the algorithm */
};
enum hs_slice_file_hash {
	HS_SLICE_FILE_HASH_OK,
	HS_SLICE_FILE_HASH_MISMATCH,
	HS_SLICE_FILE_HASH_ABSENT, /* no End-of-Capture to hold it */
	HS_SLICE_FILE_HASH_UNVERIFIABLE,
};
HS_API const char *hs_slice_chain_name(enum hs_slice_chain chain);
HS_API const char *hs_slice_file_hash_name(enum hs_slice_file_hash hash);

struct hs_slice_integrity {
	enum hs_slice_chain chain;
	/* First block that does not follow from the one before it: what it
	 * notes as that one's hash is not. SIZE_MAX: none. */
	size_t broken_at_block;
	enum hs_slice_file_hash file_hash;
	bool end_of_capture;
	/* Encrypted: the content carried a valid tag, which takes the place
	 * of the chain. */
	bool authenticated;
	/* Whose way of writing this is: "memslicer", "memdiver", "libmsl",
	 * "memslicer-enrich"; NULL: cannot be told. */
	const char *dialect;
	bool anchored; /* the first block holds the hash of the header */
	bool sound;    /* chain and file hash hold, End-of-Capture is there, no
			* block's header is damaged */
};
/* Reads all of the file; on as many processors as there are. */
HS_API enum hs_status hs_slice_verify(const struct hs_slice *slice,
				      hs_progress_fn progress, void *arg,
				      struct hs_slice_integrity *ret,
				      struct hs_error *err);

/*
 * Other slices of a series that hold pages of this one. They are looked for in
 * its folder, by their names and then by their UUIDs.
 */
struct hs_slice_base_info {
	const uint8_t *uuid; /* 16 bytes */
	const char *name;    /* of the file, as noted; NULL: none */
	const char *path;    /* where it was found; NULL: it was not */
	uint64_t bytes;      /* of this slice that it is to hold */
};
HS_API size_t hs_slice_base_count(const struct hs_slice *slice);
HS_API void hs_slice_base(const struct hs_slice *slice, size_t i,
			  struct hs_slice_base_info *ret);

struct hs_slice_base_check {
	uint64_t good;    /* bytes that are there, and as they were */
	uint64_t changed; /* bytes that are there, but are others */
	uint64_t missing; /* the rest */
};
/* Compare every page that base I is to hold with its hash. */
HS_API enum hs_status hs_slice_base_check(const struct hs_slice *slice,
					  size_t i, hs_progress_fn progress,
					  void *arg,
					  struct hs_slice_base_check *ret,
					  struct hs_error *err);

/* What is odd about the file. */
HS_API size_t hs_slice_problem_count(const struct hs_slice *slice);
HS_API void hs_slice_problem(const struct hs_slice *slice, size_t i,
			     struct hs_problem_info *ret);

#ifdef __cplusplus
}
#endif
#endif
