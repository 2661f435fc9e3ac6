/* SPDX-License-Identifier: MIT */
/* A module in memory, all of it made up: headers, dynamic section, tables. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/fake_target.h"
#include "symbols/memory_symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define BASE 0x10000000u
#define MAX_MODULE (64u << 10)

/* What the table promised: names that end, answers that fit the question. */
static void check(struct hs_symbol_table *table)
{
	for (size_t i = 0; i < table->count && i < 100; i++) {
		const struct hs_symbol *s = &table->symbol[i], *found;
		size_t n = strlen(s->name);
		bool tls = s->type == 6; /* STT_TLS */
		if (n == 0 || s->source != HS_SYMBOL_MEMORY)
			abort();
		if (hs_symbol_table_named(table, s->name, tls, &found, NULL))
			abort();
		if (n <= 255 && (!found || strcmp(found->name, s->name) != 0))
			abort();
		if (hs_symbol_table_at(table, s->value, &found, NULL))
			abort();
		if (!tls && found && found->value > s->value)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t module[MAX_MODULE];
	static const enum hs_arch archs[] = { HS_ARCH_X86_64, HS_ARCH_I386,
					      HS_ARCH_AARCH64 };
	if (len < 2)
		return 0;
	/* The first byte chooses; the rest is the module. */
	enum hs_arch arch = archs[data[0] % 3];
	bool given = data[0] & 4; /* a sound program header */
	len = len - 1 < MAX_MODULE ? len - 1 : MAX_MODULE;
	memcpy(module, data + 1, len);

	struct fake_target t;
	struct hs_image image;
	struct hs_symbol_table table = { 0 };
	fake_target_init(&t, arch);
	t.base.big_endian = data[0] & 8;
	fake_target_map(&t, BASE, module, len, FAKE_RW);
	fake_target_finish(&t);
	if (given)
		image = (struct hs_image){
			.word_size = t.base.word_size,
			.dynamic = 0x100,
			.dynamic_len = 0x200,
		};
	if (given || !hs_image_in_memory(&t.base, BASE, &image, NULL)) {
		if (hs_memory_symbols(&t.base, &image, BASE, BASE + len, &table,
				      NULL) == HS_OK)
			check(&table);
		hs_symbol_table_release(&table);
	}
	fake_target_release(&t);
	return 0;
}
