/* SPDX-License-Identifier: MIT */
#include "cli/near.h"

#include <stddef.h>
#include <string.h>

#define NEAR_MAX 24 /* no name of ours is longer */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace, swap of neighbours. */
static size_t distance(const char *a, size_t m, const char *b, size_t n)
{
	size_t d[NEAR_MAX + 1][NEAR_MAX + 1];
	for (size_t i = 0; i <= m; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= n; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= m; i++) {
		for (size_t j = 1; j <= n; j++) {
			size_t other = a[i - 1] != b[j - 1];
			size_t best = least(d[i - 1][j], d[i][j - 1]) + 1;
			best = least(best, d[i - 1][j - 1] + other);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				best = least(best, d[i - 2][j - 2] + 1);
			d[i][j] = best;
		}
	}
	return d[m][n];
}

bool is_near(const char *name, const char *word)
{
	size_t m = strlen(name), n = strlen(word);
	if (m > NEAR_MAX || n > NEAR_MAX || n < 3)
		return false;
	return distance(name, m, word, n) <= (m > 5 ? 2u : 1u);
}
