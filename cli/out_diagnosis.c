/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "cli/damage_view.h"
#include "cli/out_text.h"
#include "cli/reach.h"

/* Who holds a block: so many say enough, and `why` tells the rest. */
#define SHOWN_HOLDERS 3

static void label(struct cli *cli, const char *name)
{
	char padded[20];
	(void)snprintf(padded, sizeof(padded), "  %-10s", name);
	out_ink(&cli->out, cli->colour, INK_DIM, padded);
}

void out_verdict(struct cli *cli, const struct damage_view *view)
{
	struct out *out = &cli->out;
	if (!view->has_verdict)
		return;
	out_str(out, "glibc said: ");
	out_escaped(out, view->verdict.text);
	for (size_t i = 0; i < cli_thread_count(cli); i++) {
		struct hs_heap_thread_info t;
		cli_thread(cli, i, &t);
		if (view->verdict.tid < 0 || t.tid != view->verdict.tid)
			continue;
		out_printf(out, " (thread %" PRId64, t.tid);
		if (t.name) {
			out_str(out, ", ");
			out_escaped(out, t.name);
		}
		out_str(out, ")");
		break;
	}
	out_str(out, "\n");
}

static void chunk_line(struct cli *cli, const char *name, size_t chunk)
{
	char n[TEXT_LEN];
	struct hs_chunk_info c;
	if (chunk == SIZE_MAX)
		return;
	hs_heap_chunk(cli->heap, chunk, &c);
	label(cli, name);
	out_printf(&cli->out, "0x%" PRIx64 "  %s bytes, %s, chunk 0x%" PRIx64,
		   c.user, text_count(n, c.usable),
		   hs_chunk_state_name(c.state), c.addr);
	if (c.arena != SIZE_MAX) {
		struct hs_arena_info a;
		hs_heap_arena(cli->heap, c.arena, &a);
		out_printf(&cli->out, ", %sarena 0x%" PRIx64,
			   a.is_main ? "main " : "", a.addr);
	}
	out_str(&cli->out, "\n");
}

static void holder(struct cli *cli, const struct hs_holder *h)
{
	struct out *out = &cli->out;
	char text[ROOT_TEXT];
	if (h->is_root) {
		out_escaped(out, root_text(cli, &h->root, text));
	} else {
		struct hs_chunk_info c;
		hs_heap_chunk(cli->heap, h->chunk, &c);
		out_printf(out,
			   "block 0x%" PRIx64 " of %" PRIu64
			   " bytes at +%" PRIu64,
			   c.user, c.usable, h->offset);
	}
	if (h->interior)
		out_printf(out, " (to +%" PRIu64 ")", h->interior);
	out_str(out, "\n");
}

static void holders(struct cli *cli, struct hs_graph *graph, size_t chunk)
{
	struct hs_holder_list list = { NULL, 0 };
	char n[TEXT_LEN];
	if (!graph || chunk == SIZE_MAX ||
	    hs_graph_referrers(graph, chunk, &list, NULL))
		return;
	for (size_t i = 0; i < list.count && i < SHOWN_HOLDERS; i++) {
		label(cli, i ? "" : "held by");
		holder(cli, &list.holder[i]);
	}
	if (list.count > SHOWN_HOLDERS) {
		label(cli, "");
		out_printf(&cli->out, "... and %s more\n",
			   text_count(n, list.count - SHOWN_HOLDERS));
	}
	hs_holder_list_release(&list);
}

/* The bytes themselves, only where they were asked for. */
static void content(struct cli *cli, const struct hs_diagnosis *d)
{
	uint8_t bytes[SHOWN_BYTES];
	size_t len =
		d->length < sizeof(bytes) ? (size_t)d->length : sizeof(bytes);
	if (hs_target_read(cli->target, d->bytes, bytes, len, NULL))
		return;
	label(cli, "bytes");
	for (size_t i = 0; i < len; i++)
		out_printf(&cli->out, "%02x%s", bytes[i],
			   i % 8 == 7 ? " " : "");
	char raw[SHOWN_BYTES + 1], text[4 * SHOWN_BYTES + 8];
	bool readable = true;
	for (size_t i = 0; i < len; i++) {
		raw[i] = (char)bytes[i];
		readable = readable && bytes[i] >= ' ' && bytes[i] < 0x7f;
	}
	raw[len] = '\0';
	if (readable || d->look == HS_LOOK_TEXT) {
		text_escape(text, sizeof(text), raw);
		out_printf(&cli->out, " \"%s\"", text);
	}
	out_str(&cli->out, d->length > len ? "...\n" : "\n");
}

static void written(struct cli *cli, const struct hs_diagnosis *d, bool show)
{
	char n[TEXT_LEN];
	if (d->look == HS_LOOK_NONE)
		return;
	static const char *const words[] = {
		[HS_LOOK_TEXT] = "text",
		[HS_LOOK_ZEROES] = "zeroes",
		[HS_LOOK_REPEATED] = "one byte again and again",
		[HS_LOOK_POINTER] = "a pointer",
		[HS_LOOK_BINARY] = "neither text nor zeroes",
	};
	label(cli, "written");
	out_printf(&cli->out, "%s byte%s at 0x%" PRIx64 ", %s%s\n",
		   text_count(n, d->length), d->length == 1 ? "" : "s",
		   d->bytes, words[d->look],
		   show ? "" : " (--content shows it)");
	if (show)
		content(cli, d);
}

void out_diagnoses(struct cli *cli, const struct damage_view *view,
		   size_t limit)
{
	struct out *out = &cli->out;
	size_t count = hs_damage_count(view->damage);
	for (size_t i = 0; i < count && i < limit && !out->error; i++) {
		struct hs_diagnosis d;
		hs_damage_at(view->damage, i, &d);
		out_ink(out, cli->colour, INK_BAD, hs_cause_name(d.cause));
		out_str(out, ": ");
		out_escaped(out, d.message);
		out_printf(out, " [confidence %s]\n",
			   hs_confidence_name(d.confidence));
		if (d.victim_chunk != d.suspect_chunk)
			chunk_line(cli, "victim", d.victim_chunk);
		chunk_line(cli, "suspect", d.suspect_chunk);
		holders(cli, view->graph, d.suspect_chunk);
		written(cli, &d, view->content);
		out_str(out, "\n");
	}
	cli_announce_rest(cli, count < limit ? count : limit, count);
}
