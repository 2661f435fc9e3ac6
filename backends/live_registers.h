/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_LIVE_REGISTERS_H
#define BACKENDS_LIVE_REGISTERS_H

#include <sys/types.h>

#include "core/threads.h"

/*
 * Registers of thread TID, which stands in a ptrace stop, into RET's registers,
 * pc, sp and tls_base. False, and nothing written, when they are not ARCH's or
 * the thread is gone.
 */
bool hs_live_registers(pid_t tid, enum hs_arch arch, struct hs_thread *ret);

/* Room for any machine's floating point registers (NT_FPREGSET). */
#define HS_LIVE_FP_MAX 1024u
/* These of thread TID into BUF, HS_LIVE_FP_MAX bytes; 0: not to be had, else
 * how many bytes they are. */
size_t hs_live_fp_registers(pid_t tid, uint8_t *buf);

#endif
