/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_RECORDS_H
#define BACKENDS_SLICE_RECORDS_H

#include <heapscan/error.h>

#include "backends/slice_format.h"
#include "core/fail.h"
#include "core/modules.h"

/* What a slice says beside memory: modules, threads, the process, tables. */
struct hs_slice_module {
	hs_addr base;
	uint64_t size;
	char *path, *version; /* owned, or NULL */
	bool has_hash;        /* a hash of zeroes is none */
	uint8_t hash[SLICE_HASH_LEN];
	uint8_t build_id[HS_MAX_BUILD_ID];
	size_t build_id_len;
	uint8_t *blob; /* owned, or NULL */
	size_t blob_len;
};

struct hs_slice_value {
	char *name; /* owned */
	uint16_t flags;
	uint8_t width;  /* bytes */
	uint8_t *bytes; /* owned, least significant first */
};

struct hs_slice_thread {
	uint64_t tid;
	bool understood;
	uint16_t flags;
	uint8_t state;
	char *name;                   /* owned, or NULL */
	struct hs_slice_value *value; /* registers */
	size_t count;
};

struct hs_slice_row_value {
	size_t block;
	uint64_t row;
	const char *name; /* a string constant */
	char *text;       /* owned */
};

struct hs_slice_records {
	bool has_process;
	uint32_t ppid, session;
	uint64_t start_time;
	char *executable, *command_line; /* owned, or NULL */
	struct hs_slice_module *module;
	size_t module_count, module_capacity;
	struct hs_slice_module *listed; /* out of the module list */
	size_t listed_count, listed_capacity;
	struct hs_slice_thread *thread;
	size_t thread_count, thread_capacity;
	struct hs_slice_row_value *fact;
	size_t fact_count, fact_capacity;
	bool facts_cut; /* HS_LIMIT_SLICE_FACTS was reached */
};

/*
 * Read the payload of block number BLOCK, a block of TYPE. Types that hold no
 * records are HS_OK. HS_ERR_FORMAT: the payload is not what it should be; what
 * was read of it before stays. HS_ERR_NOMEM.
 */
HS_MUST_CHECK enum hs_status hs_slice_records_read(struct hs_slice_records *r,
						   size_t block, unsigned type,
						   const uint8_t *payload,
						   size_t len, bool big_endian,
						   struct hs_error *err);
void hs_slice_records_release(struct hs_slice_records *r);

/* Read one thread context: also by itself, for fuzzing. */
HS_MUST_CHECK enum hs_status hs_slice_thread_parse(const uint8_t *payload,
						   size_t len, bool big_endian,
						   struct hs_slice_thread *ret,
						   struct hs_error *err);
void hs_slice_thread_release(struct hs_slice_thread *thread);

/* One more value of a table; TEXT is copied. Beyond the limit it is dropped. */
HS_MUST_CHECK enum hs_status
hs_slice_fact_add(struct hs_slice_records *r, size_t block, uint64_t row,
		  const char *name, const char *text, struct hs_error *err);

/* Rows of values: slice_tables.c. */
HS_MUST_CHECK enum hs_status hs_slice_table_read(struct hs_slice_records *r,
						 size_t block, unsigned type,
						 const uint8_t *payload,
						 size_t len, bool big_endian,
						 struct hs_error *err);

#endif
