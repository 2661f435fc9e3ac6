/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/*
 * A large heap as programs make them: lists, search trees, hash tables and
 * strings, a tenth of all blocks freed again. About one in ninety is leaked:
 * single blocks, some that hold another, some in pairs that hold each other.
 *
 *	gen_heap [LIVE_BLOCKS]     default 4,500,000: about 970 MB
 *	gen_heap LIVE_BLOCKS small   short chains of small blocks, one in a
 *	                             hundred leaked: about 32 bytes each
 *
 * Prints "ready LIVE LEAKED" (blocks) and waits for a signal; SIGABRT leaves
 *the core.
 */

struct item {
	struct item *next;
	char payload[184];
};

struct node {
	struct node *left, *right;
	uint64_t key;
	char *name;
};

struct entry {
	struct entry *chain;
	char *key;
	uint8_t *value;
	size_t length;
};

struct small {
	struct small *next;
	uint64_t key;
};

#define BUCKETS (1u << 18)

static struct item *list;
static struct node *tree;
static struct entry *table[BUCKETS];
static struct small *chain[BUCKETS];
static uint64_t live, leaked, state = 0x9e3779b97f4a7c15u;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void *need(size_t len)
{
	void *p = malloc(len);
	if (!p) {
		(void)fprintf(stderr, "gen_heap: out of memory\n");
		exit(1);
	}
	live++;
	return p;
}

static void drop(void *p)
{
	free(p);
	live--;
}

static char *make_text(void)
{
	size_t len = 12 + next_random() % 100;
	char *text = need(len + 1);
	memset(text, 'a' + (int)(len % 26), len);
	text[len] = '\0';
	return text;
}

static void add_item(void)
{
	struct item *item = need(sizeof(*item));
	memset(item->payload, 0x11, sizeof(item->payload));
	item->next = list;
	list = item;
}

/* Random keys keep the tree shallow enough. */
static void add_node(void)
{
	struct node *node = need(sizeof(*node));
	*node = (struct node){ .key = next_random(), .name = make_text() };
	struct node **at = &tree;
	while (*at)
		at = node->key < (*at)->key ? &(*at)->left : &(*at)->right;
	*at = node;
}

static void add_entry(void)
{
	struct entry *entry = need(sizeof(*entry));
	entry->key = make_text();
	entry->length = 64 + next_random() % 1120;
	entry->value = need(entry->length);
	memset(entry->value, 0x22, entry->length);
	struct entry **at = &table[next_random() % BUCKETS];
	entry->chain = *at;
	*at = entry;
}

static void drop_entry(void)
{
	struct entry **at = &table[next_random() % BUCKETS];
	struct entry *entry = *at;
	if (!entry)
		return;
	*at = entry->chain;
	drop(entry->key);
	drop(entry->value);
	drop(entry);
}

/* Not inlined, so that no pointer stays in a register. */
__attribute__((__noinline__)) static void leak(unsigned turn)
{
	struct item *item = need(sizeof(*item) - turn % 100);
	memset(item, 0x33, sizeof(*item) - turn % 100);
	leaked++;
	if (turn % 3 == 0)
		return;
	struct node *other = need(sizeof(*other));
	memset(other, 0x44, sizeof(*other));
	/* Volatile: nobody reads it, but it must be there. */
	*(void *volatile *)item->payload = other;
	leaked++;
	if (turn % 3 == 1)
		*(void *volatile *)&other->right = item;
}

static void add_small(unsigned turn)
{
	struct small *small = need(sizeof(*small));
	*small = (struct small){ .key = turn };
	if (turn % 100 == 99) {
		leaked++;
		return;
	}
	struct small **at = &chain[next_random() % BUCKETS];
	small->next = *at;
	*at = small;
}

int main(int argc, char **argv)
{
	uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 4500000;
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	bool small = argc > 2 && strcmp(argv[2], "small") == 0;
	for (unsigned turn = 0; small && live < wanted; turn++)
		add_small(turn);
	for (unsigned turn = 0; live < wanted; turn++) {
		add_item();
		if (turn % 3 == 0)
			add_node();
		add_entry();
		if (turn % 10 == 9)
			drop_entry();
		if (turn % 35 == 20)
			leak(turn);
	}
	printf("ready %" PRIu64 " %" PRIu64 "\n", live, leaked);
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}
