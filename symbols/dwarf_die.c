/* SPDX-License-Identifier: MIT */
#include "symbols/dwarf_die.h"

enum hs_status hs_dwarf_open(int fd, struct hs_dwarf *dw, struct hs_error *err)
{
	*dw = (struct hs_dwarf){ NULL, NULL };
	int result = hs_dwarf_init(fd, &dw->dbg, &dw->error);
	if (result == DW_DLV_OK)
		return HS_OK;
	bool says = result == DW_DLV_ERROR && dw->error;
	enum hs_status st = hs_fail(
		err, HS_ERR_NO_SYMBOL, "no debug info that can be read: %s",
		says ? dwarf_errmsg(dw->error) : "there is none");
	if (says)
		dwarf_dealloc_error(NULL, dw->error);
	*dw = (struct hs_dwarf){ NULL, NULL };
	return st;
}

void hs_dwarf_close(struct hs_dwarf *dw)
{
	if (dw->dbg)
		hs_dwarf_finish(dw->dbg);
	dw->dbg = NULL;
}

bool hs_dwarf_ok(struct hs_dwarf *dw, int result)
{
	if (result == DW_DLV_ERROR && dw->error)
		dwarf_dealloc_error(dw->dbg, dw->error);
	dw->error = NULL;
	return result == DW_DLV_OK;
}

Dwarf_Half hs_dwarf_tag(struct hs_dwarf *dw, Dwarf_Die die)
{
	Dwarf_Half tag;
	return hs_dwarf_ok(dw, dwarf_tag(die, &tag, &dw->error)) ? tag : 0;
}

const char *hs_dwarf_name(struct hs_dwarf *dw, Dwarf_Die die)
{
	char *name;
	return hs_dwarf_ok(dw, dwarf_diename(die, &name, &dw->error)) ? name
								      : NULL;
}

const char *hs_dwarf_linkage_name(struct hs_dwarf *dw, Dwarf_Die die)
{
	static const Dwarf_Half ways[] = { DW_AT_linkage_name,
					   DW_AT_MIPS_linkage_name };
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
		char *name;
		if (hs_dwarf_ok(dw, dwarf_attr(die, ways[i], &attribute,
					       &dw->error)) &&
		    hs_dwarf_ok(dw,
				dwarf_formstring(attribute, &name, &dw->error)))
			return name;
	}
	return NULL;
}

bool hs_dwarf_has(struct hs_dwarf *dw, Dwarf_Die die, Dwarf_Half attribute)
{
	Dwarf_Bool yes;
	return hs_dwarf_ok(dw,
			   dwarf_hasattr(die, attribute, &yes, &dw->error)) &&
	       yes;
}

bool hs_dwarf_constant(struct hs_dwarf *dw, Dwarf_Die die, Dwarf_Half which,
		       uint64_t *ret)
{
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	Dwarf_Unsigned value;
	Dwarf_Signed other;
	if (!hs_dwarf_ok(dw, dwarf_attr(die, which, &attribute, &dw->error)))
		return false;
	if (hs_dwarf_ok(dw, dwarf_formudata(attribute, &value, &dw->error))) {
		*ret = value;
		return true;
	}
	if (hs_dwarf_ok(dw, dwarf_formsdata(attribute, &other, &dw->error)) &&
	    other >= 0) {
		*ret = (uint64_t)other;
		return true;
	}
	return false;
}

bool hs_dwarf_referred(struct hs_dwarf *dw, Dwarf_Die die, Dwarf_Half which,
		       Dwarf_Die *ret)
{
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	Dwarf_Half form;
	Dwarf_Off at;
	if (!hs_dwarf_ok(dw, dwarf_attr(die, which, &attribute, &dw->error)) ||
	    !hs_dwarf_ok(dw, dwarf_whatform(attribute, &form, &dw->error)))
		return false;
	switch (form) {
	case DW_FORM_ref1:
	case DW_FORM_ref2:
	case DW_FORM_ref4:
	case DW_FORM_ref8:
	case DW_FORM_ref_udata:
	case DW_FORM_ref_addr:
		break;
	default:
		/* Into another file (dwz) or a type unit: an offset there
		 * means nothing here. */
		return false;
	}
	return hs_dwarf_ok(dw,
			   dwarf_global_formref(attribute, &at, &dw->error)) &&
	       hs_dwarf_ok(dw, dwarf_offdie_b(dw->dbg, at, 1, ret, &dw->error));
}

bool hs_dwarf_byte_size(struct hs_dwarf *dw, Dwarf_Die type, Dwarf_Half tag,
			uint64_t *ret)
{
	if (hs_dwarf_constant(dw, type, DW_AT_byte_size, ret))
		return true;
	Dwarf_Half size;
	if (tag != DW_TAG_pointer_type ||
	    !hs_dwarf_ok(dw,
			 dwarf_get_die_address_size(type, &size, &dw->error)))
		return false;
	*ret = size;
	return true;
}

uint64_t hs_dwarf_dimension(struct hs_dwarf *dw, Dwarf_Die die)
{
	uint64_t n = 0;
	if (hs_dwarf_constant(dw, die, DW_AT_count, &n))
		return n;
	if (hs_dwarf_constant(dw, die, DW_AT_upper_bound, &n) &&
	    __builtin_add_overflow(n, 1, &n))
		n = 0; /* -1: no elements */
	return n;
}

bool hs_dwarf_next_child(struct hs_dwarf *dw, struct hs_dwarf_children *c)
{
	Dwarf_Die next = NULL;
	Dwarf_Off at;
	if (!hs_dwarf_ok(dw,
			 c->die ? dwarf_siblingof_b(dw->dbg, c->die, !c->types,
						    &next, &dw->error)
				: dwarf_child(c->of, &next, &dw->error)))
		return false;
	hs_dwarf_free_die(&c->die);
	c->die = next;
	if (!hs_dwarf_ok(dw, dwarf_dieoffset(next, &at, &dw->error)) ||
	    at <= c->at)
		return false;
	c->at = at;
	return true;
}
