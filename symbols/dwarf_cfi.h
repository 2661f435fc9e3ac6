/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_DWARF_CFI_H
#define SYMBOLS_DWARF_CFI_H

#include "core/cursor.h"
#include "symbols/dwarf_expression.h"

/*
 * Call frame information: for each place in the code, where the function has
 * saved its caller's registers. It is loaded into memory with the code
 * (.eh_frame), for the sake of exceptions, so that it is there for stripped
 * programs and needs no file.
 */

enum hs_cfi_how {
	HS_CFI_UNSAID,
	HS_CFI_UNDEFINED, /* lost */
	HS_CFI_SAME,
	HS_CFI_SAVED,       /* at CFA + offset */
	HS_CFI_VALUE,       /* it is CFA + offset */
	HS_CFI_REGISTER,    /* in register `offset` */
	HS_CFI_SAVED_WHERE, /* at what `expr` says */
	HS_CFI_VALUE_OF,    /* it is what `expr` says */
};

struct hs_cfi_rule {
	enum hs_cfi_how how;
	uint32_t len; /* of expr */
	int64_t offset;
	const uint8_t *expr; /* borrowed from the record */
};

/* What holds at one place. */
struct hs_cfi_row {
	struct hs_cfi_rule cfa; /* VALUE: register `cfa_register` + offset;
				 * VALUE_OF */
	uint64_t cfa_register;
	struct hs_cfi_rule rule[HS_DWARF_REGISTERS];
	bool signed_return; /* aarch64: pointer authentication */
};

/* Longer records than that are viewed in place, or not at all. */
#define HS_CFI_COPY 1024u

/* A record of .eh_frame, with the address of its bytes. */
struct hs_cfi_record {
	struct hs_cursor at; /* what follows the length */
	hs_addr addr;        /* of at.pos when it was opened */
	const uint8_t *start;
	hs_addr next; /* the record behind */
	uint8_t copy[HS_CFI_COPY];
};

/* The description of one piece of code. */
struct hs_cfi {
	hs_addr start, end;      /* the code */
	uint64_t return_address; /* the register it is in */
	bool signal; /* the caller was interrupted: it made no call */
	uint64_t code_align;
	int64_t data_align;
	unsigned word_size;
	uint64_t bytes;               /* looked at to find it */
	struct hs_cursor common, own; /* instructions */
	struct hs_cfi_record cie, fde;
};

/* Where a module has its records. */
struct hs_cfi_entry {
	hs_addr code, record;
};

struct hs_cfi_table {
	/* .eh_frame_hdr, a sorted list of them, valid if header_len > 0. Static
	 * programs have none ... */
	hs_addr header;
	uint64_t header_len;
	/* ... but the records themselves, .eh_frame, of which a list is made
	 * when it is needed. */
	hs_addr records;
	uint64_t records_len;
	struct hs_cfi_entry *entry; /* owned; ascending */
	size_t count, capacity;
	bool listed, no_memory;
};

/*
 * The description of the code at PC. False: there is none, it makes no sense,
 * or there is no memory for the list. RET refers to itself and to what READ
 * views: do not copy it.
 */
bool hs_cfi_find(struct hs_window *read, struct hs_cfi_table *table, hs_addr pc,
		 struct hs_cfi *ret);
void hs_cfi_table_release(struct hs_cfi_table *table);

/* What holds at PC, which is in CFI's code. False: its instructions make no
 * sense. */
bool hs_cfi_row(const struct hs_cfi *cfi, hs_addr pc, struct hs_cfi_row *ret);

#endif
