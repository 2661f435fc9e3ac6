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

#endif
