/* SPDX-License-Identifier: MIT */
#include "cli/intern.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

uint64_t intern_hash(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

/* Where TEXT is, or the empty slot where it belongs. */
static size_t find(const struct intern *in, const char *text)
{
	size_t at = (size_t)intern_hash(text) & (in->slots - 1);
	while (in->slot[at] && strcmp(in->text[in->slot[at] - 1], text) != 0)
		at = (at + 1) & (in->slots - 1);
	return at;
}

static bool make_room(struct intern *in)
{
	if (in->count == in->capacity) {
		size_t more = in->capacity ? in->capacity * 2 : 64;
		char **text = realloc(in->text, more * sizeof(*text));
		if (!text)
			return false;
		in->text = text;
		in->capacity = more;
	}
	if (in->slots && in->count < in->slots / 2)
		return true;
	size_t old = in->slots;
	uint32_t *was = in->slot;
	in->slots = old ? old * 2 : 128;
	in->slot = calloc(in->slots, sizeof(*in->slot));
	if (!in->slot) {
		in->slot = was;
		in->slots = old;
		return false;
	}
	for (size_t i = 0; i < in->count; i++)
		in->slot[find(in, in->text[i])] = (uint32_t)(i + 1);
	free(was);
	return true;
}

uint32_t intern_get(struct intern *intern, const char *text)
{
	if (intern->count >= INTERN_FAILED - 1 || !make_room(intern))
		return INTERN_FAILED;
	size_t at = find(intern, text);
	if (intern->slot[at])
		return intern->slot[at] - 1;
	char *copy = strdup(text);
	if (!copy)
		return INTERN_FAILED;
	intern->text[intern->count++] = copy;
	intern->slot[at] = (uint32_t)intern->count;
	return (uint32_t)(intern->count - 1);
}

void intern_release(struct intern *intern)
{
	for (size_t i = 0; i < intern->count; i++)
		free(intern->text[i]);
	free(intern->text);
	free(intern->slot);
	*intern = (struct intern){ .text = NULL };
}
