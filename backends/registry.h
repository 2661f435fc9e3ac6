/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_REGISTRY_H
#define BACKENDS_REGISTRY_H

#include "core/backend.h"

extern const struct hs_backend hs_backend_core;  /* elf_core.c */
extern const struct hs_backend hs_backend_live;  /* live.c */
extern const struct hs_backend hs_backend_slice; /* slice.c */

/* Every backend, most specific probe first; ends with NULL. */
extern const struct hs_backend *const hs_backends[];

#endif
