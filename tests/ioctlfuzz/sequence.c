// SPDX-License-Identifier: GPL-2.0
/*
 * sequence.c - what a thread does, one thing after the other.  New sequences
 * are random, or come of one in the corpus by a few changes.
 */
#include "ioctlfuzz.h"

u64 interesting(struct rng *r)
{
	static const u64 edges[] = {
		0, 1, 2, 3, 4, 7, 8, 16, 24, 31, 32, 63, 64, 255, 256, 508, 509, 4095, 4096,
		0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32, 0xfee00000, 0xfee00900,
		0xfec00000, CODE, PAGE_TABLES, FREE, MEM_SIZE, MMIO, ARENA, 1ull << 36, 1ull << 40,
		1ull << 47, 1ull << 52, 1ull << 63, ~0ull, ~0ull << 12, ~0ull << 47,
	};

	switch (below(r, 4)) {
	case 0:
		return rnd(r);
	case 1:
		return BIT(below(r, 64));
	case 2:
		return edges[below(r, ARRAY_SIZE(edges))] + below(r, 3) - 1;
	default:
		return edges[below(r, ARRAY_SIZE(edges))];
	}
}

/* ------------------------------------------------------------------------
 * One operation
 */

static void edit_random(struct edit *e, struct rng *r)
{
	e->at = below(r, 4) ? below(r, 128) : rnd(r);
	e->size = 1 << below(r, 4);
	e->value = interesting(r);
}

/* Good arguments open doors, so there are many of them. */
static void op_random(struct op *op, struct rng *r)
{
	u32 dice = below(r, 100);

	memset(op, 0, sizeof(*op));
	op->what = dice < 20 ? run_row() : dice < 80 ? below(r, nr_calls) :
		   nr_calls + below(r, nr_acts);
	op->on = rnd(r);
	op->seed = rnd(r);
	op->value = interesting(r);
	op->from = below(r, 2) ? FROM_GOOD : below(r, NR_FROM);
	op->place = below(r, 10) ? PLACE_PLAIN : below(r, NR_PLACES);
	if (below(r, 2))
		op->nr_edits = below(r, MAX_EDITS + 1);
	for (dice = 0; dice < op->nr_edits; dice++)
		edit_random(&op->edit[dice], r);
}

static void op_change(struct op *op, struct rng *r)
{
	switch (below(r, 8)) {
	case 0:
		op->on = rnd(r);
		break;
	case 1:
		op->seed = rnd(r);
		break;
	case 2:
		op->value = interesting(r);
		break;
	case 3:
		op->from = below(r, NR_FROM);
		break;
	case 4:
		op->place = below(r, NR_PLACES);
		break;
	case 5:
		if (op->nr_edits)
			op->nr_edits--;
		break;
	default:
		if (op->nr_edits < MAX_EDITS && below(r, 2))
			edit_random(&op->edit[op->nr_edits++], r);
		else
			edit_random(&op->edit[below(r, MAX_EDITS)], r);
	}
}

void op_print(const struct op *op)
{
	static const char *const from[] = { "good", "got", "zero", "noise" };
	static const char *const place[] = {
		"plain", "odd", "guest", "run", "end", "readonly", "gone", "wild",
	};
	char text[400];
	unsigned int i;
	int n;

	n = snprintf(text, sizeof(text), "  thread %d: %s on %d, %s %s, seed %#x value %#llx", me->nr,
		     op->what < nr_calls ? call_name(op->what) : act_name(op->what - nr_calls),
		     op->on, from[op->from % NR_FROM], place[op->place % NR_PLACES], op->seed,
		     (unsigned long long)op->value);
	for (i = 0; i < op->nr_edits; i++)
		n += snprintf(text + n, sizeof(text) - n, ", %u+%u=%#llx", op->edit[i].at,
			      op->edit[i].size, (unsigned long long)op->edit[i].value);
	text[n++] = '\n';
	/* In one piece, and out before anything happens. */
	(void)!write(2, text, n);
}

/* ------------------------------------------------------------------------
 * Sequences
 */

static void sequence_random(struct sequence *s, struct rng *r)
{
	s->nr = 1 + below(r, MAX_OPS);
	for (unsigned int i = 0; i < s->nr; i++)
		op_random(&s->op[i], r);
}

static void op_insert(struct sequence *s, unsigned int at, const struct op *op)
{
	if (s->nr == MAX_OPS)
		return;
	memmove(&s->op[at + 1], &s->op[at], (s->nr - at) * sizeof(*op));
	s->op[at] = *op;
	s->nr++;
}

/* The beginning of @s, then the end of @other. */
static void splice(struct sequence *s, const struct sequence *other, struct rng *r)
{
	unsigned int keep = below(r, s->nr + 1), from = below(r, other->nr);
	unsigned int n = other->nr - from;

	if (n > MAX_OPS - keep)
		n = MAX_OPS - keep;
	memcpy(&s->op[keep], &other->op[from], n * sizeof(s->op[0]));
	s->nr = keep + n;
}

static void mutate(struct sequence *s, const struct sequence *corpus, unsigned int nr,
		   struct rng *r)
{
	unsigned int at = below(r, s->nr);
	struct op op;

	switch (below(r, 8)) {
	case 0:
		splice(s, &corpus[below(r, nr)], r);
		break;
	case 1:
		op = s->op[at];
		op_insert(s, below(r, s->nr + 1), &op);
		break;
	case 2:
		if (s->nr > 1) {
			s->nr--;
			memmove(&s->op[at], &s->op[at + 1], (s->nr - at) * sizeof(op));
		}
		break;
	case 3:
		op_random(&op, r);
		op_insert(s, below(r, s->nr + 1), &op);
		break;
	default:
		op_change(&s->op[at], r);
	}
}

void sequence_make(struct sequence *s, u64 seed, const struct sequence *corpus, unsigned int nr)
{
	struct rng r = { seed };
	unsigned int i;

	if (!nr || !below(&r, 4)) {
		sequence_random(s, &r);
		return;
	}
	/* The latest have been tried the least. */
	i = below(&r, 2) ? below(&r, nr) : nr - 1 - below(&r, nr < 64 ? nr : 64);
	*s = corpus[i];
	for (i = 1 + below(&r, 5); i; i--)
		mutate(s, corpus, nr, &r);
}
