/* SPDX-License-Identifier: MIT */
#include "symbols/dwarf_split.h"

#include <stdlib.h>
#include <string.h>

#include "core/grow.h"
#include "core/limits.h"
#include "symbols/dwarf_reader.h"

void hs_split_units_release(struct hs_split_units *units)
{
	for (size_t i = 0; i < units->count; i++) {
		free(units->unit[i].name);
		free(units->unit[i].folder);
	}
	free(units->unit);
	hs_addr_map_release(&units->with_frames);
	*units = (struct hs_split_units){ .unit = NULL };
}

static char *text(struct hs_dwarf *dw, Dwarf_Die die, Dwarf_Half which)
{
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	char *value;
	if (!hs_dwarf_ok(dw, dwarf_attr(die, which, &attribute, &dw->error)) ||
	    !hs_dwarf_ok(dw, dwarf_formstring(attribute, &value, &dw->error)))
		return NULL;
	return strdup(value);
}

/* Where the code of UNIT is. In which lines the frames there are, only the
 * program says. */
static void note_code(struct hs_dwarf_reader *r, Dwarf_Die unit,
		      struct hs_split_unit *own)
{
	HS_AUTO_FRAMES struct hs_dwarf_frames set = { .count = 0 };
	if (!r->frame_count || !hs_dwarf_enter(&r->main, unit, &r->lists))
		return;
	own->skeleton.base = r->lists.base;
	if (r->lists.program_ranges != HS_NO_ADDR)
		own->skeleton.ranges = r->lists.program_ranges;
	own->has_frames =
		!hs_dwarf_ranges_of(&r->main, unit, &r->lists, &r->ranges) ||
		hs_dwarf_frames_in(r, unit, &set);
	if (own->has_frames)
		hs_dwarf_note_lines(&r->main, unit, r->frame, r->frame_count);
}

static uint64_t id_of(struct hs_dwarf *dw, Dwarf_Die unit,
		      const Dwarf_Sig8 *signature)
{
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	Dwarf_Sig8 id;
	Dwarf_Unsigned number;
	uint64_t ret;
	/* Before DWARF 5 it is no part of the header. */
	memcpy(&ret, signature->signature, sizeof(ret));
	if (!hs_dwarf_ok(dw, dwarf_attr(unit, DW_AT_GNU_dwo_id, &attribute,
					&dw->error)))
		return ret;
	if (hs_dwarf_ok(dw, dwarf_formudata(attribute, &number, &dw->error)))
		ret = number;
	else if (hs_dwarf_ok(dw,
			     dwarf_formsig8_const(attribute, &id, &dw->error)))
		memcpy(&ret, id.signature, sizeof(ret));
	return ret;
}

bool hs_dwarf_enter_unit(struct hs_dwarf_reader *r, Dwarf_Die unit,
			 const Dwarf_Sig8 *signature)
{
	if (!r->frame_count)
		return false;
	if (!r->skeletons)
		return hs_dwarf_enter(&r->main, unit, &r->lists);
	const struct hs_split_units *all = r->skeletons;
	uint64_t id = id_of(&r->main, unit, signature);
	const struct hs_addr_entry *e =
		id != HS_NO_ADDR ? hs_addr_map_get(&all->with_frames, id)
				 : NULL;
	return e && hs_dwarf_enter_split(&r->main, unit,
					 &all->unit[e->value].skeleton,
					 r->program, &r->lists);
}

bool hs_dwarf_note_split(struct hs_dwarf_reader *r, Dwarf_Die unit,
			 const Dwarf_Sig8 *signature)
{
	struct hs_dwarf *dw = &r->main;
	struct hs_split_unit own = { .name = text(dw, unit, DW_AT_dwo_name) };
	if (!own.name)
		own.name = text(dw, unit, DW_AT_GNU_dwo_name);
	if (!own.name)
		return false;
	own.folder = text(dw, unit, DW_AT_comp_dir);
	own.id = id_of(dw, unit, signature);
	note_code(r, unit, &own);
	if (r->split.count == HS_LIMIT_SPLIT_UNITS ||
	    hs_grow(&r->split.unit, &r->split.capacity, r->split.count,
		    sizeof(*r->split.unit), NULL)) {
		free(own.name);
		free(own.folder);
		r->d->cut = true;
		return true;
	}
	if (own.has_frames && own.id != HS_NO_ADDR) {
		struct hs_addr_entry e = { own.id, (uint32_t)r->split.count,
					   0 };
		if (hs_addr_map_put(&r->split.with_frames, e, NULL))
			(void)hs_dwarf_no_memory(r);
	}
	r->split.unit[r->split.count++] = own;
	return true;
}

/* Does DW hold the unit with ID? All of its headers are read. */
static bool holds(struct hs_dwarf *dw, uint64_t id)
{
	bool found = false;
	for (;;) {
		Dwarf_Unsigned length, type_offset, next;
		Dwarf_Half version, address_size, length_size, extension, kind;
		Dwarf_Off abbrev;
		Dwarf_Sig8 signature;
		uint64_t own;
		if (!hs_dwarf_ok(dw,
				 dwarf_next_cu_header_d(
					 dw->dbg, 1, &length, &version, &abbrev,
					 &address_size, &length_size,
					 &extension, &signature, &type_offset,
					 &next, &kind, &dw->error)))
			return found;
		memcpy(&own, signature.signature, sizeof(own));
		found |= own == id && kind == DW_UT_split_compile;
	}
}

/* Read FILE, which is for the unit with ID. False: it is another's. */
static bool read_file(struct hs_dwarf_reader *r, struct hs_elf_file *file,
		      uint64_t id)
{
	struct hs_dwarf_reader own = { .d = r->d,
				       .module = r->module,
				       .bias = r->bias,
				       .frame = r->frame,
				       .frame_count = r->frame_count,
				       .read = r->read,
				       .skeletons = &r->split,
				       .program = r->lists.file,
				       .lists = { .file = file } };
	if (!hs_elf_file_has_dwarf(file) ||
	    hs_dwarf_open(hs_elf_file_descriptor(file), &own.main, NULL))
		return false;
	/* Addresses are numbers in there; which they are says the program. */
	bool fits = hs_dwarf_ok(&own.main,
				dwarf_set_tied_dbg(own.main.dbg, r->main.dbg,
						   &own.main.error)) &&
		    holds(&own.main, id);
	if (fits)
		hs_dwarf_read_units(&own);
	if (own.failed)
		r->failed = own.failed;
	hs_dwarf_reader_release(&own);
	return fits;
}

void hs_dwarf_read_split(struct hs_dwarf_reader *r,
			 const struct hs_split_files *files)
{
	struct hs_elf_file *file;
	if (!r->split.count)
		return;
	bool all = files->open(files->arg, NULL, NULL, &file);
	if (all) {
		all = read_file(r, file, r->split.unit[0].id);
		hs_elf_file_close(file);
	}
	for (size_t i = 0; i < r->split.count && !all && !r->failed; i++) {
		const struct hs_split_unit *u = &r->split.unit[i];
		bool read = files->open(files->arg, u->name, u->folder, &file);
		if (read) {
			read = read_file(r, file, u->id);
			hs_elf_file_close(file);
		}
		r->d->split_missing += !read;
	}
}
