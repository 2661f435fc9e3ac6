/* SPDX-License-Identifier: MIT */
/* All of the library's public interface. */
#ifndef HEAPSCAN_HEAPSCAN_H
#define HEAPSCAN_HEAPSCAN_H

#include <heapscan/capture.h>
#include <heapscan/confidence.h>
#include <heapscan/crew.h>
#include <heapscan/damage.h>
#include <heapscan/error.h>
#include <heapscan/graph.h>
#include <heapscan/heap.h>
#include <heapscan/objects.h>
#include <heapscan/refs.h>
#include <heapscan/shape.h>
#include <heapscan/slice.h>
#include <heapscan/stacks.h>
#include <heapscan/symbols.h>
#include <heapscan/target.h>
#include <heapscan/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0": the version of the library in use. */
HS_API const char *hs_version(void);

#ifdef __cplusplus
}
#endif
#endif
