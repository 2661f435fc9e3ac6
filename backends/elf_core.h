/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_ELF_CORE_H
#define BACKENDS_ELF_CORE_H

#include "core/backend.h"

/*
 * A target from the bytes of a core file, which must stay as they are until
 * the target is closed; NAME is what messages call it. This is what opening a
 * file comes down to; tests and fuzzing have no file. The files that the core
 * names are looked for below opt->sysroot.
 */
HS_MUST_CHECK enum hs_status
hs_core_open_bytes(const uint8_t *bytes, size_t len, const char *name,
		   const struct hs_open_options *opt, struct hs_target **ret,
		   struct hs_error *err);

#endif
