/* SPDX-License-Identifier: MIT */
#include "types/bash_commands.h"

/*
 * Commands of bash, as its parser makes them:
 *
 *	command  {kind u32, flags i32, line i32, redirections, parts}
 *	words    {next, word}
 *	word     {text, flags i32}
 *	redirect {next, from, flags i32[2], kind u32, to, end of here-document}
 *
 * What the parts are depends on the kind; some lead to commands again.
 */
#define COMMAND_BYTES 32u
#define WORDS_BYTES 16u
#define WORD_BYTES 16u
#define REDIRECT_BYTES 48u
#define REDIRECT_KINDS 20u
#define FROM_IS_WORD 1u /* flag of a redirection: {name}>file */

#define HIGH HS_CONFIDENCE_HIGH
static const struct hs_shape_name shapes[] = {
	[HS_BASH_TABLE] = { "bash hash table",
			    "a count of its entries, and their hashes", HIGH },
	[HS_BASH_BUCKETS] = { "bash hash buckets", "the table, and its count",
			      HIGH },
	[HS_BASH_ENTRY] = { "bash hash entry", "its hash, and the table",
			    HIGH },
	[HS_BASH_CONTEXT] = { "bash variable context",
			      "the table that it leads to", HIGH },
	[HS_BASH_NAME] = { "bash name", "the table's entry", HIGH },
	[HS_BASH_VARIABLE] = { "bash variable", "its name, which is the key",
			       HIGH },
	[HS_BASH_VALUE] = { "bash value", "the variable that has it", HIGH },
	[HS_BASH_ARRAY] = { "bash array", "a ring of its elements", HIGH },
	[HS_BASH_ELEMENT] = { "bash array element",
			      "the array, and its neighbours", HIGH },
	[HS_BASH_FUNCTION] = { "bash function", "its name, which is the key",
			       HIGH },
	[HS_BASH_DEFINITION] = { "bash function definition",
				 "its name, which is the key", HIGH },
	[HS_BASH_COMMAND] = { "bash command", "the function that it is in",
			      HIGH },
	[HS_BASH_PARTS] = { "bash command's parts", "the command, by its kind",
			    HIGH },
	[HS_BASH_WORDS] = { "bash list of words", "the command that has it",
			    HIGH },
	[HS_BASH_WORD] = { "bash word", "the list that it is in", HIGH },
	[HS_BASH_TEXT] = { "bash text", "the word that has it", HIGH },
	[HS_BASH_REDIRECTION] = { "bash redirection", "the command that has it",
				  HIGH },
};
#undef HIGH

/* What a word of a command's parts leads to. */
enum part { NONE, COMMAND, WORD, WORDS, CLAUSES, CONDITION, TEXT };
#define PARTS 5u

static const struct {
	uint8_t words;
	uint8_t part[PARTS];
} kinds[] = {
	{ 4, { NONE, WORD, WORDS, COMMAND } },             /* for */
	{ 3, { NONE, WORD, CLAUSES } },                    /* case */
	{ 3, { NONE, COMMAND, COMMAND } },                 /* while */
	{ 4, { NONE, COMMAND, COMMAND, COMMAND } },        /* if */
	{ 3, { NONE, WORDS, NONE } },                      /* simple */
	{ 4, { NONE, WORD, WORDS, COMMAND } },             /* select */
	{ 4, { NONE, COMMAND, COMMAND, NONE } },           /* a && b */
	{ 4, { NONE, WORD, COMMAND, TEXT } },              /* function */
	{ 3, { NONE, COMMAND, COMMAND } },                 /* until */
	{ 2, { NONE, COMMAND } },                          /* { } */
	{ 2, { NONE, WORDS } },                            /* (( )) */
	{ 5, { NONE, NONE, WORD, CONDITION, CONDITION } }, /* [[ ]] */
	{ 5, { NONE, WORDS, WORDS, WORDS, COMMAND } },     /* for (( )) */
	{ 2, { NONE, COMMAND } },                          /* ( ) */
	{ 3, { NONE, TEXT, COMMAND } },                    /* coproc */
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
#define SIMPLE 4u
#define CONDITION_KIND 11u

/* What is still to be done; what does not fit has no name. */
#define PENDING 256u

struct todo {
	struct {
		hs_addr at;
		enum part part;
	} item[PENDING];
	unsigned count;
};

void hs_bash_put(struct hs_naming *n, hs_addr at, enum hs_bash_shape shape)
{
	struct hs_block b;
	uint32_t type;
	if (at && hs_naming_block_at(n, at, &b) &&
	    n->type_of[b.chunk] == HS_NO_TYPE &&
	    hs_shape_type(n, &shapes[shape], HS_TYPE_BASH, &type))
		n->type_of[b.chunk] = type;
}

/* The block at AT, if it has BYTES and no name yet: each is met once. */
static bool is_new(struct hs_naming *n, struct hs_bash *s, hs_addr at,
		   uint64_t bytes, struct hs_block *b)
{
	if (!at || !s->budget || !hs_naming_block_at(n, at, b) ||
	    n->type_of[b->chunk] != HS_NO_TYPE || !hs_block_fits(n, b, bytes))
		return false;
	s->budget--;
	return true;
}

static void add(struct todo *t, hs_addr at, enum part part)
{
	if (at && part != NONE && t->count < PENDING) {
		t->item[t->count].at = at;
		t->item[t->count++].part = part;
	}
}

static void put_word(struct hs_naming *n, struct hs_bash *s, hs_addr at)
{
	struct hs_block b;
	if (!is_new(n, s, at, WORD_BYTES, &b))
		return;
	hs_bash_put(n, at, HS_BASH_WORD);
	hs_bash_put(n, b.first, HS_BASH_TEXT);
}

static void put_words(struct hs_naming *n, struct hs_bash *s, hs_addr at)
{
	struct hs_block b;
	uint64_t word;
	while (is_new(n, s, at, WORDS_BYTES, &b) &&
	       hs_block_word(n, &b, 1, &word)) {
		hs_bash_put(n, at, HS_BASH_WORDS);
		put_word(n, s, word);
		at = b.first;
	}
}

static void put_redirections(struct hs_naming *n, struct hs_bash *s, hs_addr at)
{
	struct hs_block b;
	uint64_t from, kind, to, end, flags;
	while (is_new(n, s, at, REDIRECT_BYTES, &b) &&
	       hs_block_word(n, &b, 1, &from) &&
	       hs_block_word(n, &b, 2, &flags) &&
	       hs_block_word(n, &b, 3, &kind) &&
	       (uint32_t)kind < REDIRECT_KINDS &&
	       hs_block_word(n, &b, 4, &to) && hs_block_word(n, &b, 5, &end)) {
		hs_bash_put(n, at, HS_BASH_REDIRECTION);
		if (flags & FROM_IS_WORD)
			put_word(n, s, from);
		put_word(n, s, to); /* a number leads nowhere */
		hs_bash_put(n, end, HS_BASH_TEXT);
		at = b.first;
	}
}

/* {next, patterns, command, flags} */
static void put_clauses(struct hs_naming *n, struct hs_bash *s, struct todo *t,
			hs_addr at)
{
	struct hs_block b;
	uint64_t patterns, command;
	while (is_new(n, s, at, 32, &b) && hs_block_word(n, &b, 1, &patterns) &&
	       hs_block_word(n, &b, 2, &command)) {
		hs_bash_put(n, at, HS_BASH_PARTS);
		put_words(n, s, patterns);
		add(t, command, COMMAND);
		at = b.first;
	}
}

static void put_parts(struct hs_naming *n, struct hs_bash *s, struct todo *t,
		      hs_addr at, unsigned kind)
{
	struct hs_block b;
	uint64_t redirections, to;
	if (!is_new(n, s, at, 8 * kinds[kind].words, &b))
		return;
	hs_bash_put(n, at, HS_BASH_PARTS);
	for (unsigned i = 0; i < kinds[kind].words; i++)
		if (hs_block_word(n, &b, i, &to))
			add(t, to, (enum part)kinds[kind].part[i]);
	if (kind == SIMPLE && hs_block_word(n, &b, 2, &redirections))
		put_redirections(n, s, redirections);
}

static void put_one(struct hs_naming *n, struct hs_bash *s, struct todo *t,
		    hs_addr at)
{
	struct hs_block b;
	uint64_t redirections, parts, kind;
	if (!is_new(n, s, at, COMMAND_BYTES, &b) ||
	    (kind = b.first & UINT32_MAX) >= KINDS ||
	    !hs_block_word(n, &b, 2, &redirections) ||
	    !hs_block_word(n, &b, 3, &parts))
		return;
	hs_bash_put(n, at, HS_BASH_COMMAND);
	put_redirections(n, s, redirections);
	put_parts(n, s, t, parts, (unsigned)kind);
}

void hs_bash_put_command(struct hs_naming *n, struct hs_bash *s, hs_addr at)
{
	struct todo t = { .count = 0 };
	add(&t, at, COMMAND);
	while (t.count) {
		hs_addr next = t.item[--t.count].at;
		switch (t.item[t.count].part) {
		case COMMAND:
			put_one(n, s, &t, next);
			break;
		case WORD:
			put_word(n, s, next);
			break;
		case WORDS:
			put_words(n, s, next);
			break;
		case CLAUSES:
			put_clauses(n, s, &t, next);
			break;
		case CONDITION:
			put_parts(n, s, &t, next, CONDITION_KIND);
			break;
		default:
			hs_bash_put(n, next, HS_BASH_TEXT);
		}
	}
}
