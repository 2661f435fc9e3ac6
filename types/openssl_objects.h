/* SPDX-License-Identifier: MIT */
#ifndef TYPES_OPENSSL_OBJECTS_H
#define TYPES_OPENSSL_OBJECTS_H

#include "types/namer.h"

/* A program may have two of them: its own, and that of a library it uses. */
#define HS_OPENSSL_LIBS 4u

struct hs_openssl_libs {
	const struct hs_module *lib[HS_OPENSSL_LIBS];
	unsigned count;
};

/*
 * Certificates, names, numbers and methods of OpenSSL 3 on 64-bit machines. In
 * OWNED go the blocks that what was claimed leads to.
 */
bool hs_openssl_claim(struct hs_naming *n, struct hs_addr_map *owned,
		      const struct hs_openssl_libs *libs,
		      const struct hs_block *b, uint32_t *type);
bool hs_openssl_claim_late(struct hs_naming *n, const struct hs_addr_map *owned,
			   const struct hs_block *b, uint32_t *type);

#endif
