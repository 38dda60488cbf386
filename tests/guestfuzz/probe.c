// SPDX-License-Identifier: GPL-2.0
/*
 * Accesses, and the verdict on them: a success must be one that seen.c holds
 * possible, a fault the one of the tables of now; where nothing stale can have
 * had a part in it, accessed and dirty bits are exact, too.
 */
#include "guestfuzz.h"

static u32 next_value = 0x10000;	/* for writes: no two alike */

static u32 word_at(u64 pa)
{
	return (pa & -PAGE_SIZE) == HOLE ? ~0u : *(volatile u32 *)(uintptr_t)pa;
}

/* Exactly one place has what was written; a hole keeps nothing. */
static bool write_right(const struct seen *seen, const u32 *before, u32 value)
{
	unsigned int i, hits = 0;
	bool hole = false;

	for (i = 0; i < seen->nr; i++) {
		u32 is = word_at(seen->pa[i]);

		hole |= (seen->pa[i] & -PAGE_SIZE) == HOLE;
		if (is == value)
			hits++;
		else if (is != before[i])
			return false;
	}
	return hits == 1 || (!hits && hole);
}

static bool success_right(const struct access *a, const struct seen *seen,
			  const struct outcome *o, const u32 *before, u32 value)
{
	unsigned int i;

	if (a->kind == WRITE)
		return write_right(seen, before, value);
	for (i = 0; i < seen->nr; i++) {
		/* The number that a frame's code returns is in its second byte. */
		if (a->kind == IMPLICIT ||
		    (u32)o->value == word_at(seen->pa[i] + (a->kind == FETCH ? 1 : 0)))
			return true;
	}
	return false;
}

/* However stale, a walk changes accessed and dirty bits only, from 0 to 1. */
static bool bits_plausible(const struct walk *w)
{
	unsigned int level;

	for (level = w->top; level >= w->last && level; level--) {
		const struct walk_step *s = &w->step[level];
		u64 is = entry_read(now.form, s->table, s->index);

		if ((is | PTE_A | PTE_D) != (s->entry | PTE_A | PTE_D) || (s->entry & ~is))
			return false;
	}
	return true;
}

static const char *verdict(const struct access *a, const struct walk *w,
			   const struct seen *seen, const struct outcome *o,
			   const u32 *before, u32 value)
{
	if (o->vector != NO_FAULT && o->vector != 14)
		return "wrong exception";
	if (o->vector == 14 && !w->fault)
		return "fault without a reason";
	if (o->vector == 14 && (o->error ^ w->error) & ~w->unsure)
		return "wrong error code";
	if (o->vector == 14 && (u64)o->cr2 != a->va)
		return "wrong CR2";
	if (o->vector == NO_FAULT && !seen->nr)
		return "no fault";
	if (o->vector == NO_FAULT && !success_right(a, seen, o, before, value))
		return "wrong memory";
	if (!(seen->stale ? bits_plausible(w) : walk_bits_right(a, w)))
		return "wrong accessed or dirty bits";
	return NULL;
}

void probe(unsigned int number)
{
	struct access a = access_of_kind(random_below(&rng, ACCESS_KINDS), address_of(number));
	u32 before[MAX_SEEN], value = next_value++;
	struct outcome o;
	struct seen seen;
	struct walk w;
	const char *wrong;
	unsigned int i;

	seen_by(&a, number, &seen);
	if (!is_harmless(&a, &seen))
		return;
	model_walk(&now, &a, &w);
	for (i = 0; i < seen.nr; i++)
		before[i] = word_at(seen.pa[i]);
	probes++;
	o = access_make(&a, value);
	trace("access %u at %llx: vector %d, error %x", a.kind, a.va, o.vector, o.error);
	wrong = verdict(&a, &w, &seen, &o, before, value);
	if (wrong) {
		fail("%s", wrong);
		access_explain(&a, &w, &o);
		for (i = 0; i < seen.nr; i++)
			printf("  possible: %llx holds %x, held %x%s\n", seen.pa[i],
			       word_at(seen.pa[i]), before[i], seen.stale ? " (or stale)" : "");
	}
	if (o.vector == 14 && (!stock || (o.error & PF_PRESENT)))
		seen_fault(number);
}
