/* SPDX-License-Identifier: MIT */
#include <editline/readline.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/line.h"

#define HISTORY_LINES 500

static struct {
	line_words_fn words;
	bool is_terminal;
} editor;

static char *next_word(const char *word, int state)
{
	return editor.words(rl_line_buffer, word, state);
}

static char **complete(const char *word, int start, int end)
{
	(void)start;
	(void)end;
	rl_attempted_completion_over = 1;
	return rl_completion_matches(word, next_word);
}

void line_init(line_words_fn words)
{
	editor.words = words;
	editor.is_terminal = isatty(STDIN_FILENO);
	if (!editor.is_terminal)
		return;
	rl_readline_name = "heapscan";
	rl_attempted_completion_function = complete;
	/* The prompt goes beside the answers, not into them. */
	rl_outstream = stderr;
	(void)rl_initialize();
	using_history();
	stifle_history(HISTORY_LINES);
}

char *line_read(const char *prompt)
{
	if (!editor.is_terminal)
		return line_get();
	char *line = readline(prompt);
	if (line && *line)
		(void)add_history(line);
	return line;
}
