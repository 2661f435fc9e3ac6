/* SPDX-License-Identifier: MIT */
#include "types/python_labels.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

/* module  {head, dict, ..., weak references, name, ...} */
#define MODULE_NAME 8u /* behind these */
#define TYPE_NAME 24u
/* 3.9 and 3.10: frames lead to the code, and this is where its names are. */
#define OLD_FRAME_CODE 32u
#define OLD_CODE_NAMES 72u
#define OLD_CODE_NAME 112u
/* Since 3.11 to what is behind them. */
#define FRAME_INNER 24u

/* Names as programs have them: with what is between them in a qualified one. */
static bool is_name(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_.<>", *c))
			return false;
	return *text;
}

static bool name_text(struct hs_py *py, hs_addr str, char *buf, size_t size)
{
	return str && hs_py_text(py, str, buf, size) && is_name(buf);
}

/* A key of a dict that is no namespace: what it is, if that may be seen. */
static void key_label(struct hs_py *py, const struct hs_py_ref *ref,
		      bool content, char *buf, size_t size)
{
	char text[96];
	const struct hs_py_class *c = hs_py_class_of(py, ref->name);
	if (content && hs_py_text(py, ref->name, text, sizeof(text)))
		(void)snprintf(buf, size, "['%s']", text);
	else if (c && c->name[0])
		(void)snprintf(buf, size, "[a %s]", c->name);
	else
		(void)snprintf(buf, size, "[...]");
}

static void local_label(struct hs_py *py, hs_addr from,
			const struct hs_py_ref *ref, char *buf, size_t size)
{
	char text[96];
	uint64_t code, names, name = ref->name;
	int64_t count;
	/* Of an old frame: captured variables have no names here. */
	if (!name && from && py->layout->minor < 11 &&
	    hs_peek(py->n, from + OLD_FRAME_CODE, &code) &&
	    hs_peek(py->n, code + OLD_CODE_NAMES, &names) &&
	    hs_py_size(py, names, &count) && ref->number < (uint64_t)count &&
	    !hs_peek(py->n, names + py->layout->tuple_items + 8 * ref->number,
		     &name))
		name = 0;
	if (name_text(py, name, text, sizeof(text)))
		(void)snprintf(buf, size, "local %s", text);
	else
		(void)snprintf(buf, size, "local variable %" PRIu64,
			       ref->number);
}

void hs_py_label(struct hs_py *py, hs_addr from, bool namespace,
		 const struct hs_py_ref *ref, bool content, char *buf,
		 size_t size)
{
	const struct hs_py_class *c = from ? hs_py_class_of(py, from) : NULL;
	char text[96];
	switch (ref->edge) {
	case HS_PY_WORD:
		if (c && hs_py_field(py, c, ref->number, text, sizeof(text)))
			(void)snprintf(buf, size, ".%s", text);
		else
			(void)snprintf(buf, size, "+%" PRIu64, ref->number);
		return;
	case HS_PY_ATTR:
		if (name_text(py, ref->name, text, sizeof(text)))
			(void)snprintf(buf, size, ".%s", text);
		else
			(void)snprintf(buf, size, ".?");
		return;
	case HS_PY_VALUE:
		if (namespace && name_text(py, ref->name, text, sizeof(text)))
			(void)snprintf(buf, size, ".%s", text);
		else
			key_label(py, ref, content, buf, size);
		return;
	case HS_PY_ITEM:
		(void)snprintf(buf, size, "[%" PRIu64 "]", ref->number);
		return;
	case HS_PY_LOCAL:
		local_label(py, from, ref, buf, size);
		return;
	case HS_PY_IN_MEMORY:
		(void)snprintf(buf, size, "+%" PRIu64, ref->number);
		return;
	default:
		break;
	}
	static const char *const words[] = {
		[HS_PY_KEY] = "(a key)",
		[HS_PY_MEMBER] = "(in the set)",
		[HS_PY_OWN_DICT] = ".__dict__",
		[HS_PY_CLASS] = ".__class__",
		[HS_PY_STACK] = "(computing with it)",
		[HS_PY_MEMORY] = "(its memory)",
		[HS_PY_CODE] = ".f_code",
		[HS_PY_FUNCTION] = "(its function)",
		[HS_PY_LOCALS] = ".f_locals",
		[HS_PY_FRAME_OBJECT] = "(its frame)",
	};
	(void)snprintf(buf, size, "%s", words[ref->edge]);
}

/* The function that the code at CODE is of. */
static void code_name(struct hs_py *py, hs_addr code, char *buf, size_t size)
{
	/* The qualified name stands behind the plain one; 3.9 and 3.10 have
	 * none. */
	unsigned at = py->layout->minor < 11 ? OLD_CODE_NAME
					     : py->layout->code_name + 8;
	uint64_t name;
	if (!hs_peek(py->n, code + at, &name) ||
	    !name_text(py, name, buf, size))
		buf[0] = 0;
}

void hs_py_function(struct hs_py *py, hs_addr frame, char *buf, size_t size)
{
	hs_addr code;
	buf[0] = 0;
	if (hs_py_frame_code(py, frame, &code))
		code_name(py, code, buf, size);
}

static void frame_name(struct hs_py *py, hs_addr frame, char *buf, size_t size)
{
	uint64_t inner, code;
	buf[0] = 0;
	if (size < 4)
		return;
	if (py->layout->minor >= 11) {
		if (hs_peek(py->n, frame + FRAME_INNER, &inner))
			hs_py_function(py, inner, buf, size - 2);
	} else if (hs_peek(py->n, frame + OLD_FRAME_CODE, &code)) {
		code_name(py, code, buf, size - 2);
	}
	if (buf[0])
		memcpy(buf + strlen(buf), "()", sizeof("()"));
}

bool hs_py_name(struct hs_py *py, hs_addr addr, char *buf, size_t size)
{
	const struct hs_py_class *c = hs_py_class_of(py, addr);
	uint64_t name;
	buf[0] = 0;
	if (!c)
		return false;
	bool module =
		strcmp(c->name, "module") == 0 && !(c->flags & HS_PY_HEAP);
	if (c->kind == HS_PY_FRAME) {
		frame_name(py, addr, buf, size);
		return false;
	}
	if (c->kind == HS_PY_TYPE
		    ? !hs_peek(py->n, addr + TYPE_NAME, &name) ||
			      !hs_peek_name(py->n, name, buf, size, NULL)
		    : !module ||
			      !hs_peek(py->n, addr + c->weak + MODULE_NAME,
				       &name) ||
			      !name_text(py, name, buf, size))
		buf[0] = 0;
	return module;
}
