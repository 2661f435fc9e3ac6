/* SPDX-License-Identifier: MIT */
#include "backends/live_registers.h"

#include <elf.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#if defined(__x86_64__) || defined(__i386__)
#include <asm/ldt.h>
/* glibc names it for i386 only; the kernel has it for both. */
#ifndef PTRACE_GET_THREAD_AREA
#define PTRACE_GET_THREAD_AREA 25
#endif

/* i386: the segment that gs selects begins at the thread pointer. */
static hs_addr i386_tls_base(pid_t tid, uint64_t gs)
{
	struct user_desc desc;
	unsigned long entry = (gs & 0xffff) >> 3;
	/* ptrace() is declared without types: arguments go as pointers */
	if (entry == 0 ||
	    ptrace(PTRACE_GET_THREAD_AREA, tid, (void *)entry, &desc) != 0)
		return HS_NO_ADDR;
	return desc.base_addr;
}
#endif

#if defined(__aarch64__)
#ifndef NT_ARM_TLS
#define NT_ARM_TLS 0x401
#endif

static hs_addr aarch64_tls_base(pid_t tid)
{
	uint64_t tls;
	struct iovec iov = { &tls, sizeof(tls) };
	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_ARM_TLS, &iov) != 0 ||
	    iov.iov_len < sizeof(tls))
		return HS_NO_ADDR;
	return tls;
}
#endif

static hs_addr tls_base(pid_t tid, enum hs_arch arch,
			const struct hs_register_set *set,
			const uint64_t *registers)
{
	if (set->tls != SIZE_MAX)
		return registers[set->tls];
#if defined(__x86_64__) || defined(__i386__)
	if (arch == HS_ARCH_I386)
		return i386_tls_base(tid, registers[10]); /* gs */
#elif defined(__aarch64__)
	if (arch == HS_ARCH_AARCH64)
		return aarch64_tls_base(tid);
#endif
	(void)tid;
	(void)arch;
	return HS_NO_ADDR;
}

bool hs_live_registers(pid_t tid, enum hs_arch arch, struct hs_thread *ret)
{
	/* The kernel gives the set of the tracee, which may be narrower than
	 * ours: the length says which it was. */
	uint8_t raw[HS_MAX_REGISTERS * 8];
	struct iovec iov = { raw, sizeof(raw) };
	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &iov) != 0)
		return false;
	const struct hs_register_set *set = hs_register_set(arch);
	size_t word = arch == HS_ARCH_I386 ? 4 : 8;
	if (iov.iov_len != set->count * word)
		return false;
	for (size_t i = 0; i < set->count; i++) {
		uint64_t value = 0; /* all three are little endian, as we are */
		memcpy(&value, raw + i * word, word);
		ret->registers[i] = value;
	}
	ret->register_count = set->count;
	ret->pc = ret->registers[set->pc];
	ret->sp = ret->registers[set->sp];
	ret->tls_base = tls_base(tid, arch, set, ret->registers);
	return true;
}

size_t hs_live_fp_registers(pid_t tid, uint8_t *buf)
{
	struct iovec iov = { buf, HS_LIVE_FP_MAX };
	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_FPREGSET, &iov) != 0 ||
	    iov.iov_len >= HS_LIVE_FP_MAX)
		return 0;
	return iov.iov_len;
}
