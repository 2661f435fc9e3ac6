/* SPDX-License-Identifier: MIT */
#ifndef TYPES_BASH_COMMANDS_H
#define TYPES_BASH_COMMANDS_H

#include "types/shapes.h"

/* What the namer of bash's structures keeps. */
struct hs_bash {
	size_t module;   /* SIZE_MAX: no bash */
	uint64_t budget; /* blocks that may still be looked at */
};

enum hs_bash_shape {
	HS_BASH_TABLE,
	HS_BASH_BUCKETS,
	HS_BASH_ENTRY,
	HS_BASH_CONTEXT,
	HS_BASH_NAME,
	HS_BASH_VARIABLE,
	HS_BASH_VALUE,
	HS_BASH_ARRAY,
	HS_BASH_ELEMENT,
	HS_BASH_FUNCTION,
	HS_BASH_DEFINITION,
	HS_BASH_COMMAND,
	HS_BASH_PARTS,
	HS_BASH_WORDS,
	HS_BASH_WORD,
	HS_BASH_TEXT,
	HS_BASH_REDIRECTION,
};

/* Call the block at AT that, unless it has a name or there is none. */
void hs_bash_put(struct hs_naming *n, hs_addr at, enum hs_bash_shape shape);

/* Name the command at AT with all that belongs to it. */
void hs_bash_put_command(struct hs_naming *n, struct hs_bash *s, hs_addr at);

#endif
