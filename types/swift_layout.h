/* SPDX-License-Identifier: MIT */
#ifndef TYPES_SWIFT_LAYOUT_H
#define TYPES_SWIFT_LAYOUT_H

#include "core/addr_map.h"
#include "types/swift_shape.h"

/*
 * The fields of everything that begins with the same metadata, worked out
 * once: names, types, and where the references are.
 */
struct hs_swift_field {
	uint32_t name, type; /* in the text; type 0: not known */
	uint32_t offset;
	uint32_t extent;       /* bytes; UINT32_MAX: to the end */
	uint32_t first, count; /* slots */
};
/* Classes of the library whose elements are behind their fields. */
enum hs_swift_container {
	HS_SWIFT_NO_CONTAINER,
	HS_SWIFT_ARRAY,
	HS_SWIFT_DICTIONARY,
	HS_SWIFT_SET,
	HS_SWIFT_TEXT, /* a string's own storage */
};
struct hs_swift_layout {
	uint32_t first, count; /* fields */
	enum hs_swift_container container;
	hs_addr element[2]; /* their types: of keys, of values; 0: none */
	bool ends; /* a class whose objects have nothing behind their fields */
};
struct hs_swift_layouts {
	struct hs_addr_map map; /* metadata -> number of a layout */
	struct hs_swift_layout *layout;
	struct hs_swift_field *field;
	struct hs_swift_slot *slot; /* their names are in the text */
	char *text;
	size_t layouts, layout_capacity, fields, field_capacity;
	size_t slots, slot_capacity, text_len, text_capacity;
	unsigned steps; /* taken so far */
};
void hs_swift_layouts_release(struct hs_swift_layouts *l);

/*
 * The layout of METADATA: of a class, the stored properties of its instances,
 * those of superclasses first; of a box or a closure's context, what it
 * captures; of another type, the value itself as one field without a name.
 * False: nothing is known.
 */
bool hs_swift_layout(struct hs_naming *n, struct hs_swift_layouts *l,
		     hs_addr metadata, struct hs_swift_layout *ret);

#endif
