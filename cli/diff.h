/* SPDX-License-Identifier: MIT */
#ifndef CLI_DIFF_H
#define CLI_DIFF_H

#include "cli/cli.h"
#include "cli/fold.h"

/* How a number went from capture to capture. */
/* clang-format off */
#define DIFF_TRENDS(X)                                                    \
	X(SAME, "same")           /* it did not change */                 \
	X(GROWING, "growing")     /* in every step */                     \
	X(SLOWING, "slowing")     /* in every step, but less and less */  \
	X(RISING, "rising")       /* in some steps; in the others none */ \
	X(UNEVEN, "uneven")       /* up and down */                       \
	X(SHRINKING, "shrinking") /* in every step */
/* clang-format on */
enum diff_trend {
#define X(id, word) DIFF_##id,
	DIFF_TRENDS(X)
#undef X
};
const char *diff_trend_name(enum diff_trend trend);

/* A series of bytes, and what it says. */
struct diff_series {
	uint64_t *count; /* by capture */
	uint64_t *bytes; /* by capture, usable */
	double slope;    /* bytes a step, least squares */
	enum diff_trend trend;
	/* That it goes on like this: LOW for two steps, MEDIUM for three and
	 * four, HIGH from five on; LOW when it is not the same in each. */
	enum hs_confidence confidence;
};

/* What is counted together. */
struct diff_row {
	uint32_t class; /* of FOLD */
	struct diff_series is;
	hs_addr sample; /* a block of the last capture, one that appeared if
			 * that can be told; HS_NO_ADDR: none */
};

/* Two or more captures of one program, the first before, the last after. */
struct diff_view {
	struct fold fold;     /* its `by` is given */
	struct cli **capture; /* the first is the command's own */
	size_t captures;
	struct diff_series all;
	struct diff_row *row; /* by growth, largest first */
	size_t row_count, row_capacity;
	uint32_t *row_of; /* by chunk of the last capture, until sorted */
	bool incomplete;  /* memory that the answer needs was missing in one */
	char **text;      /* of targets that are closed already */
	size_t text_count;
	bool same_process; /* addresses can be compared */
	/* Of before and after; zeroes when addresses cannot be compared. */
	struct hs_total appeared, vanished, stayed;
};
/* Find everything out about CAPTURES captures, all targets open, v->capture and
 * v->fold.by given. Not EXIT_ANSWERED: it was reported. */
int diff_compare(struct cli *cli, struct diff_view *view);
void diff_release(struct diff_view *view);
/* What an opened capture holds; twice is fine. */
void diff_close_capture(struct cli *capture);

/* Came or went anything? */
bool diff_changed(const struct diff_view *view);
void out_diff(struct cli *cli, const struct diff_view *view);
void out_json_diff(struct cli *cli, const struct diff_view *view);

/*
 * Open the captures SPEC[0] to SPEC[N - 1] as CLI's own was opened, which
 * stands among them at place OWN of N + 1, compare and answer.
 */
int diff_run(struct cli *cli, char *const *spec, size_t n, size_t own);

#endif
