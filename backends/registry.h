/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_REGISTRY_H
#define BACKENDS_REGISTRY_H

#include "core/backend.h"

/* Every backend, most specific probe first; ends with NULL. */
extern const struct hs_backend *const hs_backends[];

#endif
