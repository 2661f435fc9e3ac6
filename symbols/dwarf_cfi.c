/* SPDX-License-Identifier: MIT */
#include "symbols/dwarf_cfi.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "core/grow.h"
#include "core/limits.h"

/*
 * Read by ourselves and not by libdwarf, which wants the whole file and reads
 * every record of it before it answers: here a binary search in the target's
 * own memory finds the one record that is needed.
 */

/* Saved states of one description: compilers save one. */
#define MAX_SAVED 8u
/* Not in all editions of dwarf.h. */
#define EH_PE_INDIRECT 0x80
#define CFA_NEGATE_RA_STATE_WITH_PC 0x2c
/* Of a pointer: how it is written, and what it counts from. */
#define FORMAT(encoding) ((encoding)&0x0f)
#define BASE(encoding) ((encoding)&0x70)

static hs_addr word(const struct hs_window *read, uint64_t v)
{
	return read->word_size == 4 ? (uint32_t)v : v;
}

/* A number as ENCODING writes it, from C. False: no such way is known. */
static bool encoded(const struct hs_window *read, struct hs_cursor *c,
		    uint8_t encoding, uint64_t *ret)
{
	switch (FORMAT(encoding)) {
	case DW_EH_PE_absptr:
		*ret = hs_cursor_uint(c, read->word_size);
		break;
	case DW_EH_PE_uleb128:
		*ret = hs_cursor_uleb(c);
		break;
	case DW_EH_PE_udata2:
		*ret = hs_cursor_u16(c);
		break;
	case DW_EH_PE_udata4:
		*ret = hs_cursor_u32(c);
		break;
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		*ret = hs_cursor_u64(c);
		break;
	case DW_EH_PE_sleb128:
		*ret = (uint64_t)hs_cursor_sleb(c);
		break;
	case DW_EH_PE_sdata2:
		*ret = (uint64_t)(int64_t)(int16_t)hs_cursor_u16(c);
		break;
	case DW_EH_PE_sdata4:
		*ret = (uint64_t)(int64_t)(int32_t)hs_cursor_u32(c);
		break;
	default:
		return false;
	}
	return !c->overrun;
}

/* A pointer from C, whose next byte is at AT; DATA is what data-relative ones
 * count from. */
static bool pointer(struct hs_window *read, struct hs_cursor *c,
		    uint8_t encoding, hs_addr at, hs_addr data, hs_addr *ret)
{
	uint64_t v;
	if (!encoded(read, c, encoding, &v))
		return false;
	switch (BASE(encoding)) {
	case DW_EH_PE_absptr:
		break;
	case DW_EH_PE_pcrel:
		v += at;
		break;
	case DW_EH_PE_datarel:
		v += data;
		break;
	default:
		return false;
	}
	v = word(read, v);
	if ((encoding & EH_PE_INDIRECT) && !hs_window_word(read, v, &v))
		return false;
	*ret = v;
	return true;
}

static hs_addr here(const struct hs_cfi_record *r)
{
	return r->addr + (uint64_t)(r->at.pos - r->start);
}

/* Open the record at ADDR. False: it is not readable, or the end. */
static bool open_record(struct hs_window *read, hs_addr addr,
			struct hs_cfi_record *r)
{
	uint64_t len, there;
	if (!hs_window_uint(read, addr, 4, &len) || len == 0 ||
	    len > HS_LIMIT_CFI_RECORD || addr > UINT64_MAX - len - 4)
		return false;
	r->addr = addr + 4;
	r->start = hs_window_bytes(read, r->addr, &there);
	if (!r->start)
		return false;
	if (there < len) {
		if (len > sizeof(r->copy) ||
		    hs_target_read(read->target, r->addr, r->copy, (size_t)len,
				   NULL))
			return false;
		r->start = r->copy;
	}
	r->at = (struct hs_cursor){
		.pos = r->start,
		.end = r->start + len,
		.big_endian = read->big_endian,
	};
	r->next = r->addr + len;
	return true;
}

/* What the CIE says about the FDEs that refer to it. */
struct common {
	uint8_t pointers; /* how they are encoded */
	bool augmented;   /* 'z': they have augmentation data as well */
};

static bool augmentation(struct hs_window *read, struct hs_cfi *cfi,
			 const char *letters, struct common *ret)
{
	struct hs_cfi_record *r = &cfi->cie;
	struct hs_cursor *c = &r->at;
	hs_addr ignored;
	if (*letters == '\0')
		return true;
	if (*letters != 'z')
		return false;
	ret->augmented = true;
	uint64_t len = hs_cursor_uleb(c);
	if (c->overrun || len > hs_cursor_left(c))
		return false;
	const uint8_t *end = c->pos + len;
	for (letters++; *letters; letters++) {
		uint8_t encoding;
		switch (*letters) {
		case 'R':
			ret->pointers = (uint8_t)hs_cursor_uint(c, 1);
			break;
		case 'L':
			(void)hs_cursor_uint(c, 1);
			break;
		case 'P':
			encoding = (uint8_t)hs_cursor_uint(c, 1);
			/* Where it leads to does not matter. */
			encoding &= (uint8_t)~EH_PE_INDIRECT;
			if (!pointer(read, c, encoding, here(r), 0, &ignored))
				return false;
			break;
		case 'S':
			cfi->signal = true;
			break;
		default: /* 'B': which key signs; all else can be skipped */
			break;
		}
	}
	if (c->overrun || c->pos > end)
		return false;
	c->pos = end;
	return true;
}

static bool read_common(struct hs_window *read, hs_addr addr,
			struct hs_cfi *cfi, struct common *ret)
{
	struct hs_cfi_record *r = &cfi->cie;
	struct hs_cursor *c = &r->at;
	if (!open_record(read, addr, r))
		return false;
	uint32_t id = hs_cursor_u32(c);
	uint64_t version = hs_cursor_uint(c, 1);
	if (c->overrun || id != 0 || (version != 1 && version != 3))
		return false;
	const char *letters = (const char *)c->pos;
	size_t len = strnlen(letters, hs_cursor_left(c));
	if (!hs_cursor_bytes(c, len + 1))
		return false;
	cfi->code_align = hs_cursor_uleb(c);
	cfi->data_align = hs_cursor_sleb(c);
	cfi->return_address =
		version == 1 ? hs_cursor_uint(c, 1) : hs_cursor_uleb(c);
	*ret = (struct common){ .pointers = DW_EH_PE_absptr };
	if (c->overrun || !augmentation(read, cfi, letters, ret))
		return false;
	cfi->common = *c;
	return true;
}

/* The record at ADDR, with its CIE. */
static bool read_record(struct hs_window *read, hs_addr addr,
			struct hs_cfi *cfi)
{
	struct hs_cfi_record *r = &cfi->fde;
	struct hs_cursor *c = &r->at;
	struct common common;
	uint64_t len;
	cfi->signal = false;
	cfi->word_size = read->word_size;
	if (!open_record(read, addr, r))
		return false;
	hs_addr at = here(r);
	uint32_t back = hs_cursor_u32(c);
	if (c->overrun || back == 0 || back > at ||
	    !read_common(read, at - back, cfi, &common) ||
	    !pointer(read, c, common.pointers, here(r), 0, &cfi->start) ||
	    !encoded(read, c, FORMAT(common.pointers), &len))
		return false;
	cfi->end = cfi->start + len;
	if (cfi->end < cfi->start)
		return false;
	if (common.augmented) {
		uint64_t skip = hs_cursor_uleb(c);
		if (c->overrun || skip > hs_cursor_left(c))
			return false;
		c->pos += skip;
	}
	cfi->own = *c;
	cfi->bytes = (uint64_t)(c->end - r->start) +
		     (uint64_t)(cfi->common.end - cfi->cie.start);
	return true;
}

/* The table of the header: pairs of code and record, each 4 bytes from the
 * header on, ascending. All linkers write it so. */
static bool search(struct hs_window *read, hs_addr header, hs_addr table,
		   uint64_t count, hs_addr pc, hs_addr *ret)
{
	uint64_t lo = 0, hi = count, v;
	while (lo < hi) { /* the first that begins behind PC */
		uint64_t mid = lo + (hi - lo) / 2;
		if (!hs_window_uint(read, table + mid * 8, 4, &v))
			return false;
		if (word(read, header + (uint64_t)(int64_t)(int32_t)v) <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || !hs_window_uint(read, table + (lo - 1) * 8 + 4, 4, &v))
		return false;
	*ret = word(read, header + (uint64_t)(int64_t)(int32_t)v);
	return true;
}

static int by_code(const void *a, const void *b)
{
	const struct hs_cfi_entry *x = a, *y = b;
	return (x->code > y->code) - (x->code < y->code);
}

/* List all records of a table without a header. What cannot be read ends it. */
static bool list_records(struct hs_window *read, struct hs_cfi_table *table,
			 struct hs_cfi *cfi)
{
	hs_addr at = table->records;
	uint64_t id;
	table->listed = true;
	while (at - table->records < table->records_len &&
	       table->count < HS_LIMIT_CFI_RECORDS &&
	       open_record(read, at, &cfi->fde)) {
		hs_addr next = cfi->fde.next;
		if (!hs_window_uint(read, at + 4, 4, &id))
			break;
		if (id != 0 && read_record(read, at, cfi)) {
			if (hs_grow(&table->entry, &table->capacity,
				    table->count, sizeof(*table->entry),
				    NULL)) {
				table->no_memory = true;
				return false;
			}
			table->entry[table->count++] =
				(struct hs_cfi_entry){ cfi->start, at };
		}
		at = next;
	}
	if (table->count)
		qsort(table->entry, table->count, sizeof(*table->entry),
		      by_code);
	return true;
}

static bool find_listed(struct hs_window *read, struct hs_cfi_table *table,
			hs_addr pc, struct hs_cfi *cfi, hs_addr *ret)
{
	size_t lo = 0, hi;
	if (!table->listed && !list_records(read, table, cfi))
		return false;
	hi = table->count;
	while (lo < hi) { /* the first that begins behind PC */
		size_t mid = lo + (hi - lo) / 2;
		if (table->entry[mid].code <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return false;
	*ret = table->entry[lo - 1].record;
	return true;
}

/* The list that the linker made. False: there is none of the one kind that they
 * all write. */
static bool find_in_header(struct hs_window *read,
			   const struct hs_cfi_table *table, hs_addr pc,
			   hs_addr *ret)
{
	uint8_t raw[4 + 2 * 8];
	hs_addr records;
	uint64_t count, len = table->header_len;
	if (len > sizeof(raw))
		len = sizeof(raw);
	if (len < 8 ||
	    hs_target_read(read->target, table->header, raw, (size_t)len,
			   NULL) ||
	    raw[0] != 1 || raw[3] != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
		return false;
	struct hs_cursor c = {
		.pos = raw + 4,
		.end = raw + len,
		.big_endian = read->big_endian,
	};
	if (!pointer(read, &c, raw[1], table->header + 4, table->header,
		     &records) ||
	    !encoded(read, &c, raw[2], &count) || count > HS_LIMIT_CFI_RECORDS)
		return false;
	return search(read, table->header,
		      table->header + (uint64_t)(c.pos - raw), count, pc, ret);
}

bool hs_cfi_find(struct hs_window *read, struct hs_cfi_table *table, hs_addr pc,
		 struct hs_cfi *ret)
{
	hs_addr at;
	bool found = table->header_len
			     ? find_in_header(read, table, pc, &at)
			     : table->records_len &&
				       find_listed(read, table, pc, ret, &at);
	ret->bytes = 0;
	return found && read_record(read, at, ret) && pc >= ret->start &&
	       pc < ret->end;
}

void hs_cfi_table_release(struct hs_cfi_table *table)
{
	free(table->entry);
	*table = (struct hs_cfi_table){ 0 };
}

/* The instructions being run. */
struct run {
	const struct hs_cfi *cfi;
	struct hs_cfi_row row;
	const struct hs_cfi_row *initial; /* what the common ones set */
	struct hs_cfi_row saved[MAX_SAVED];
	unsigned saved_count;
	hs_addr at;
};

static bool set(struct run *r, uint64_t reg, enum hs_cfi_how how,
		int64_t offset)
{
	/* Vector registers and the like are of no interest. */
	if (reg < HS_DWARF_REGISTERS)
		r->row.rule[reg] =
			(struct hs_cfi_rule){ .how = how, .offset = offset };
	return true;
}

static int64_t factored(const struct run *r, int64_t n)
{
	return (int64_t)((uint64_t)n * (uint64_t)r->cfi->data_align);
}

static bool set_expression(struct hs_cfi_rule *rule, enum hs_cfi_how how,
			   struct hs_cursor *c)
{
	uint64_t len = hs_cursor_uleb(c);
	if (c->overrun || len > hs_cursor_left(c))
		return false;
	const uint8_t *expr = hs_cursor_bytes(c, (size_t)len);
	if (rule)
		*rule = (struct hs_cfi_rule){ .how = how,
					      .len = (uint32_t)len,
					      .expr = expr };
	return true;
}

static struct hs_cfi_rule *rule_of(struct run *r, uint64_t reg)
{
	return reg < HS_DWARF_REGISTERS ? &r->row.rule[reg] : NULL;
}

static bool restore(struct run *r, uint64_t reg)
{
	if (!r->initial)
		return false;
	if (reg < HS_DWARF_REGISTERS)
		r->row.rule[reg] = r->initial->rule[reg];
	return true;
}

static bool define_cfa(struct run *r, uint64_t reg, int64_t offset)
{
	r->row.cfa =
		(struct hs_cfi_rule){ .how = HS_CFI_VALUE, .offset = offset };
	r->row.cfa_register = reg;
	return true;
}

static bool about_cfa(struct run *r, uint8_t op, struct hs_cursor *c)
{
	uint64_t reg;
	switch (op) {
	case DW_CFA_def_cfa:
		reg = hs_cursor_uleb(c);
		return define_cfa(r, reg, (int64_t)hs_cursor_uleb(c));
	case DW_CFA_def_cfa_sf:
		reg = hs_cursor_uleb(c);
		return define_cfa(r, reg, factored(r, hs_cursor_sleb(c)));
	case DW_CFA_def_cfa_expression:
		return set_expression(&r->row.cfa, HS_CFI_VALUE_OF, c);
	default:
		break;
	}
	if (r->row.cfa.how != HS_CFI_VALUE)
		return false;
	switch (op) {
	case DW_CFA_def_cfa_register:
		r->row.cfa_register = hs_cursor_uleb(c);
		return true;
	case DW_CFA_def_cfa_offset:
		r->row.cfa.offset = (int64_t)hs_cursor_uleb(c);
		return true;
	default: /* DW_CFA_def_cfa_offset_sf */
		r->row.cfa.offset = factored(r, hs_cursor_sleb(c));
		return true;
	}
}

static bool about_state(struct run *r, uint8_t op)
{
	if (op == DW_CFA_remember_state) {
		if (r->saved_count == MAX_SAVED)
			return false;
		r->saved[r->saved_count++] = r->row;
		return true;
	}
	if (r->saved_count == 0)
		return false;
	r->row = r->saved[--r->saved_count];
	return true;
}

static bool instruction(struct run *r, uint8_t op, struct hs_cursor *c)
{
	const struct hs_cfi *cfi = r->cfi;
	uint64_t reg, n;
	switch (op & 0xc0) {
	case DW_CFA_advance_loc:
		r->at += (op & 0x3f) * cfi->code_align;
		return true;
	case DW_CFA_offset:
		return set(r, op & 0x3f, HS_CFI_SAVED,
			   factored(r, (int64_t)hs_cursor_uleb(c)));
	case DW_CFA_restore:
		return restore(r, op & 0x3f);
	default:
		break;
	}
	switch (op) {
	case DW_CFA_nop:
		return true;
	case DW_CFA_advance_loc1:
		r->at += hs_cursor_uint(c, 1) * cfi->code_align;
		return true;
	case DW_CFA_advance_loc2:
		r->at += hs_cursor_u16(c) * cfi->code_align;
		return true;
	case DW_CFA_advance_loc4:
		r->at += hs_cursor_u32(c) * cfi->code_align;
		return true;
	case DW_CFA_offset_extended:
	case DW_CFA_val_offset:
		reg = hs_cursor_uleb(c);
		n = hs_cursor_uleb(c);
		return set(r, reg,
			   op == DW_CFA_val_offset ? HS_CFI_VALUE
						   : HS_CFI_SAVED,
			   factored(r, (int64_t)n));
	case DW_CFA_offset_extended_sf:
	case DW_CFA_val_offset_sf:
		reg = hs_cursor_uleb(c);
		return set(r, reg,
			   op == DW_CFA_val_offset_sf ? HS_CFI_VALUE
						      : HS_CFI_SAVED,
			   factored(r, hs_cursor_sleb(c)));
	case DW_CFA_GNU_negative_offset_extended:
		reg = hs_cursor_uleb(c);
		return set(r, reg, HS_CFI_SAVED,
			   factored(r, (int64_t)(0 - hs_cursor_uleb(c))));
	case DW_CFA_restore_extended:
		return restore(r, hs_cursor_uleb(c));
	case DW_CFA_undefined:
		return set(r, hs_cursor_uleb(c), HS_CFI_UNDEFINED, 0);
	case DW_CFA_same_value:
		return set(r, hs_cursor_uleb(c), HS_CFI_SAME, 0);
	case DW_CFA_register:
		reg = hs_cursor_uleb(c);
		return set(r, reg, HS_CFI_REGISTER, (int64_t)hs_cursor_uleb(c));
	case DW_CFA_expression:
		reg = hs_cursor_uleb(c);
		return set_expression(rule_of(r, reg), HS_CFI_SAVED_WHERE, c);
	case DW_CFA_val_expression:
		reg = hs_cursor_uleb(c);
		return set_expression(rule_of(r, reg), HS_CFI_VALUE_OF, c);
	case DW_CFA_remember_state:
	case DW_CFA_restore_state:
		return about_state(r, op);
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
	case DW_CFA_def_cfa_register:
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_offset_sf:
	case DW_CFA_def_cfa_expression:
		return about_cfa(r, op, c);
	case DW_CFA_GNU_args_size:
		(void)hs_cursor_uleb(c);
		return true;
	case DW_CFA_GNU_window_save: /* of aarch64: negate_ra_state */
	case CFA_NEGATE_RA_STATE_WITH_PC:
		r->row.signed_return = !r->row.signed_return;
		return true;
	default:
		return false;
	}
}

/* Run instructions up to those for what is behind PC. */
static bool run(struct run *r, struct hs_cursor c, hs_addr pc)
{
	while (hs_cursor_left(&c) > 0 && r->at <= pc) {
		uint8_t op = (uint8_t)hs_cursor_uint(&c, 1);
		if (!instruction(r, op, &c) || c.overrun)
			return false;
	}
	return true;
}

bool hs_cfi_row(const struct hs_cfi *cfi, hs_addr pc, struct hs_cfi_row *ret)
{
	struct run r = { .cfi = cfi, .at = cfi->start };
	if (!run(&r, cfi->common, pc))
		return false;
	struct hs_cfi_row initial = r.row;
	r.initial = &initial;
	r.at = cfi->start;
	if (!run(&r, cfi->own, pc))
		return false;
	*ret = r.row;
	return true;
}
