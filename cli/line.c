/* SPDX-License-Identifier: MIT */
#include "cli/line.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *line_get(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len = getline(&line, &room, stdin);
	if (len < 0) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\n")] = 0;
	return line;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The word at *FROM, unquoted and ended, to *TO, both moved on. False: a quote
 * is not closed. */
static bool take_word(const char **from, char **to)
{
	char quote = 0;
	for (;; ++*from) {
		char c = **from;
		if (!c || (!quote && (is_blank(c) || c == '|' || c == '>')))
			break;
		if (quote && c == quote) {
			quote = 0;
			continue;
		}
		if (!quote && (c == '\'' || c == '"')) {
			quote = c;
			continue;
		}
		if (c == '\\' && quote != '\'' && (*from)[1])
			c = *++*from;
		*(*to)++ = c;
	}
	*(*to)++ = 0;
	return !quote;
}

int line_split(const char *line, char *buf, char **words, int max,
	       const char **tail)
{
	int count = 0;
	*tail = NULL;
	for (;;) {
		while (is_blank(*line))
			line++;
		if (!*line || *line == '#')
			return count;
		if (*line == '|' || *line == '>') {
			*tail = *line == '|' ? line + 1 : line;
			return count;
		}
		if (count == max)
			return -1;
		words[count++] = buf;
		if (!take_word(&line, &buf))
			return -1;
	}
}
