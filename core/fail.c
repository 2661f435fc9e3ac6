/* SPDX-License-Identifier: MIT */
#include "core/fail.h"

#include <stdarg.h>
#include <stdio.h>

static void fill(struct hs_error *err, enum hs_status code, int sys_errno,
		 hs_addr addr, const char *fmt, va_list ap)
{
	if (!err)
		return;
	err->code = code;
	err->sys_errno = sys_errno;
	err->addr = addr;
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
}

enum hs_status hs_fail(struct hs_error *err, enum hs_status code,
		       const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fill(err, code, 0, HS_NO_ADDR, fmt, ap);
	va_end(ap);
	return code;
}

enum hs_status hs_fail_at(struct hs_error *err, enum hs_status code,
			  hs_addr addr, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fill(err, code, 0, addr, fmt, ap);
	va_end(ap);
	return code;
}

enum hs_status hs_fail_errno(struct hs_error *err, int sys_errno,
			     const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fill(err, HS_ERR_IO, sys_errno, HS_NO_ADDR, fmt, ap);
	va_end(ap);
	return HS_ERR_IO;
}

const char *hs_status_name(enum hs_status code)
{
	switch (code) {
	case HS_OK:
		return "ok";
	case HS_ERR_NOMEM:
		return "no-memory";
	case HS_ERR_INVALID:
		return "invalid";
	case HS_ERR_IO:
		return "io";
	case HS_ERR_UNMAPPED:
		return "unmapped";
	case HS_ERR_NOT_CAPTURED:
		return "not-captured";
	case HS_ERR_FORMAT:
		return "format";
	case HS_ERR_NO_SYMBOL:
		return "no-symbol";
	case HS_ERR_UNSUPPORTED:
		return "unsupported";
	case HS_ERR_LIMIT:
		return "limit";
	case HS_ERR_PERMISSION:
		return "permission";
	case HS_ERR_NO_HEAP:
		return "no-heap";
	case HS_ERR_NO_TARGET:
		return "no-target";
	case HS_ERR_CANCELLED:
		return "cancelled";
	}
	return "unknown";
}
