/* SPDX-License-Identifier: MIT */
#include "support/twin.h"

struct twin {
	char before[96];
	long value;
};

__attribute__((__used__)) static struct twin twin;
int twin_home;
const size_t twin_value_offset = offsetof(struct twin, value);
const size_t twin_size = sizeof(twin);
