/* SPDX-License-Identifier: MIT */
#include "symbols/demangle.h"

#include <assert.h>
#include <demangle.h>
#include <setjmp.h>
#include <string.h>

#include "symbols/swift_symbol.h"

/*
 * libiberty hands the text over piece by piece. A short mangled name can stand
 * for gigabytes of it (each level of a nested pair doubles the one below), and
 * the callback cannot say stop: when the buffer is full it jumps out. In this
 * mode the demanglers hold no memory but their stack frames. One exception, a
 * Rust identifier in Punycode that is just then being printed, loses its few
 * bytes.
 */
struct text {
	char *buf;
	size_t size, len;
	jmp_buf full;
};

typedef int (*demangler)(const char *mangled, int options,
			 demangle_callbackref callback, void *opaque);

static void take(const char *part, size_t len, void *arg)
{
	struct text *t = arg;
	size_t room = t->size - 1 - t->len;
	size_t n = len < room ? len : room;
	memcpy(t->buf + t->len, part, n);
	t->len += n;
	if (n < len)
		longjmp(t->full, 1);
}

static bool run(demangler fn, const char *mangled, int options, char *buf,
		size_t size)
{
	struct text t = { .buf = buf, .size = size, .len = 0 };
	char before = buf[0];
	assert(size > 0);
	if (setjmp(t.full) == 0 &&
	    (!fn(mangled, options, take, &t) || !t.len)) {
		buf[0] = before;
		return false;
	}
	buf[t.len] = 0;
	return true;
}

bool hs_demangle_type(const char *mangled, char *buf, size_t size)
{
	return run(cplus_demangle_v3_callback, mangled,
		   DMGL_PARAMS | DMGL_ANSI | DMGL_TYPES, buf, size);
}

/* The old Rust mangling is a C++ one that ends in a hash: Rust goes first. */
bool hs_demangle(const char *mangled, char *buf, size_t size)
{
	if (mangled[0] == '$')
		return hs_swift_symbol(mangled, buf, size);
	if (mangled[0] != '_')
		return false;
	return run(rust_demangle_callback, mangled, 0, buf, size) ||
	       (mangled[1] == 'Z' && run(cplus_demangle_v3_callback, mangled,
					 DMGL_PARAMS | DMGL_ANSI, buf, size));
}
