/* SPDX-License-Identifier: MIT */
#include "types/namer_states.h"

#include <stdlib.h>
#include <string.h>

/*
 * Hardest to deceive first: what describes itself in memory that the program
 * cannot write goes before what is only a shape.
 */
const struct hs_namer *const hs_namers[HS_NAMERS] = {
	&hs_namer_swift,      &hs_namer_cxx,         &hs_namer_python,
	&hs_namer_glibc,      &hs_namer_glibc_lists, &hs_namer_glibc_regex,
	&hs_namer_glib,       &hs_namer_gobject,     &hs_namer_perl,
	&hs_namer_nginx,      &hs_namer_postgres,    &hs_namer_libtasn1,
	&hs_namer_rtl_string, &hs_namer_sqlite,      &hs_namer_zlib,
	&hs_namer_libxml2,    &hs_namer_lua,         &hs_namer_redis,
	&hs_namer_readline,   &hs_namer_bash,        &hs_namer_rust,
	&hs_namer_openssl,    &hs_namer_libssl,      &hs_namer_curl,
	&hs_namer_std_nodes,  &hs_namer_libcxx,      &hs_namer_c,
	&hs_namer_plain_text, &hs_namer_wide_text,   &hs_namer_arrays,
};

size_t hs_namer_of(enum hs_type_source source)
{
	size_t i = 0;
	while (hs_namers[i]->source != source)
		i++;
	return i;
}

enum hs_status hs_namer_states_init(struct hs_namer_states *states,
				    struct hs_error *err)
{
	*states = (struct hs_namer_states){ .of = { NULL } };
	for (size_t i = 0; i < HS_NAMERS; i++) {
		if (!hs_namers[i]->state_size)
			continue;
		states->of[i] = calloc(1, hs_namers[i]->state_size);
		if (!states->of[i])
			return hs_fail(err, HS_ERR_NOMEM, "no memory to name");
	}
	return HS_OK;
}

enum hs_status hs_namer_states_copy(struct hs_namer_states *states,
				    const struct hs_namer_states *from,
				    struct hs_error *err)
{
	enum hs_status st = hs_namer_states_init(states, err);
	for (size_t i = 0; !st && i < HS_NAMERS; i++)
		if (states->of[i] && hs_namers[i]->claim)
			memcpy(states->of[i], from->of[i],
			       hs_namers[i]->state_size);
	return st;
}

void hs_namer_states_release(struct hs_namer_states *states)
{
	for (size_t i = 0; i < HS_NAMERS; i++) {
		if (states->of[i] && hs_namers[i]->release)
			hs_namers[i]->release(states->of[i]);
		free(states->of[i]);
		states->of[i] = NULL;
	}
}
