/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CORE_SHAPES_H
#define BACKENDS_CORE_SHAPES_H

#include <heapscan/target.h>

#include <stddef.h>

/*
 * Where things stand in the kernel's elf_prstatus and elf_prpsinfo. They are
 * its own 64-bit or 32-bit structures; no header describes a foreign one.
 *
 * Behind the pid of both come parent, process group and session, of 4 bytes
 * each; behind the registers a word that is 1 when the floating point
 * registers are in a note of their own.
 */
struct hs_core_shape {
	unsigned word;
	size_t status_size, pid, registers;             /* in elf_prstatus */
	size_t info_size, info_pid, comm, command_line; /* in elf_prpsinfo */
};
const struct hs_core_shape *hs_core_shape(enum hs_arch arch);

#define HS_CORE_STATUS_MAX 392u
#define HS_CORE_INFO_MAX 136u
#define HS_CORE_CURSIG_AT 12u /* pr_cursig, behind struct elf_siginfo */
#define HS_CORE_COMM_LEN 16u
#define HS_CORE_ARGS_LEN 80u

#endif
