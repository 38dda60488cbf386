// SPDX-License-Identifier: GPL-2.0
/*
 * What may be seen without a flush.  Each entry in use has a short history of
 * what it held and when.  A translation may be made of any of these that were
 * there after the last flush that counts for it, top entries first: a table
 * cannot have been read before the entry that leads to it.
 *
 * That is for accesses that succeed.  A fault is always by the tables of now:
 * the processors that this project knows walk again before they fault.
 */
#include "guestfuzz.h"

#define PAST		4
#define PAST_ROOTS	3
#define EVER		0xffffffffu

struct past {
	u64 value;
	u32 from, until;
};

struct history {
	u32 since;		/* when what it holds now came */
	unsigned int nr;
	struct past past[PAST];
};

struct past_root {
	struct machine machine;
	u32 from, until;
};

static struct history histories[POOL][SLOTS];
static struct past_root past_roots[PAST_ROOTS];
static unsigned int nr_past_roots;
static u32 root_since;
static u32 now_time = 1, flushed, flushed_all, flushed_number[MAX_ADDRESSES];

/* ------------------------------------------------------------------------
 * Addresses
 */

unsigned int first_slot(void)
{
	return table_index(now.form, window(0), now.form->levels);
}

/* The top entries of PAE: two lead to the pool, and there are no more. */
static unsigned int slots_of(unsigned int level)
{
	return now.form == &paging_pae && level == 3 ? 2 : SLOTS;
}

unsigned int nr_addresses(void)
{
	unsigned int level, nr = 1;

	for (level = now.form->levels; level; level--)
		nr *= slots_of(level);
	return nr;
}

u64 address_of(unsigned int number)
{
	unsigned int level;
	u64 va = 0;

	for (level = 1; level <= now.form->levels; level++) {
		u64 index = first_slot() + number % slots_of(level);

		number /= slots_of(level);
		va |= index << (12 + (level - 1) * now.form->index_bits);
	}
	return va;
}

/* ------------------------------------------------------------------------
 * Changes and flushes
 */

/* What nobody can see any more. */
static void forget(struct history *h)
{
	unsigned int i, kept = 0;

	for (i = 0; i < h->nr; i++)
		if (h->past[i].until > (now.pge ? flushed_all : flushed))
			h->past[kept++] = h->past[i];
	h->nr = kept;
}

void seen_change(unsigned int table, unsigned int slot, u64 old)
{
	struct history *h = &histories[table][slot];

	forget(h);
	if (h->nr == PAST) {
		flush_everything();
		h->nr = 0;
	}
	now_time++;
	/* What is not present is not cached; what is malformed is by nobody used. */
	if (old & PTE_P)
		h->past[h->nr++] = (struct past) { old, h->since, now_time };
	h->since = now_time;
}

void flush_space(void)
{
	flush_all();
	flushed = ++now_time;
}

void flush_everything(void)
{
	if (features.pge)
		flush_global();
	else
		flush_all();
	flushed = flushed_all = ++now_time;
	nr_past_roots = 0;
}

void flush_number(unsigned int number)
{
	invlpg(address_of(number));
	flushed_number[number] = ++now_time;
}

void seen_fault(unsigned int number)
{
	flushed_number[number] = ++now_time;
}

void load_root(uintptr_t root)
{
	if (nr_past_roots == PAST_ROOTS)
		flush_everything();
	now_time++;
	past_roots[nr_past_roots++] = (struct past_root) { now, root_since, now_time };
	machine_root(root);
	root_since = flushed = now_time;
	if (!now.pge)
		nr_past_roots = 0;
}

/* ------------------------------------------------------------------------
 * What may be seen
 */

struct search {
	const struct access *access;
	const struct machine *machine;	/* root and top entries; the rest is as now */
	struct seen *seen;
	u32 flushed;			/* for this address alone */
	unsigned int paths;
};

/* A walk so far: its rights, when its newest entry came and its oldest went. */
struct path {
	struct rights rights;
	u32 newest, oldest;
};

static void add_place(struct seen *seen, u64 pa)
{
	unsigned int i;

	for (i = 0; i < seen->nr; i++)
		if (seen->pa[i] == pa)
			return;
	if (seen->nr == MAX_SEEN)
		seen->unknown = true;
	else
		seen->pa[seen->nr++] = pa;
}

static void end_of_walk(struct search *s, unsigned int level, u64 entry, const struct path *path)
{
	u32 last = (entry & PTE_G) && now.pge ? flushed_all : flushed;

	if (last < s->flushed)
		last = s->flushed;
	if (path->oldest <= last)
		return;
	if (path->oldest != EVER)
		s->seen->stale = true;
	if (model_allowed(&now, s->access, &path->rights))
		add_place(s->seen, model_address(&now, level, entry, s->access->va));
}

static void search_table(struct search *s, unsigned int level, uintptr_t table, struct path path);

static void search_entry(struct search *s, unsigned int level, u64 entry, struct path path,
			 u32 from, u32 until)
{
	if (!(entry & PTE_P) || model_is_malformed(&now, level, entry))
		return;
	if (until <= s->flushed || until <= path.newest)
		return;
	if (++s->paths > 2000) {
		s->seen->unknown = true;
		return;
	}
	model_and(&path.rights, entry);
	if (path.newest < from)
		path.newest = from;
	if (path.oldest > until)
		path.oldest = until;
	if (model_is_leaf(&now, level, entry))
		end_of_walk(s, level, entry, &path);
	else
		search_table(s, level - 1, entry & PTE_ADDRESS, path);
}

static void search_table(struct search *s, unsigned int level, uintptr_t table, struct path path)
{
	unsigned int index = table_index(now.form, s->access->va, level), i;
	int known = pool_index(table);
	const struct history *h;
	u64 entry;

	/* Nobody knows what a table is where there is no memory. */
	if (table == HOLE) {
		s->seen->unknown = true;
		return;
	}
	entry = entry_read(now.form, table, index);
	/* Of a page that is no table of ours, the entries here never change. */
	if (known < 0) {
		search_entry(s, level, entry, path, 0, EVER);
		return;
	}
	h = &histories[known][index - first_slot()];
	search_entry(s, level, entry, path, h->since, EVER);
	for (i = 0; i < h->nr; i++)
		search_entry(s, level, h->past[i].value, path, h->past[i].from, h->past[i].until);
}

static void search_root(struct search *s, u32 from, u32 until)
{
	const struct machine *m = s->machine;
	struct path path = { { true, true, true }, from, until };
	u64 top = m->pdpte[s->access->va >> 30 & 3];

	if (until <= s->flushed)
		return;
	if (now.form != &paging_pae)
		search_table(s, now.form->levels, m->root, path);
	else if (top & PTE_P)
		search_table(s, 2, top & PTE_ADDRESS, path);
}

void seen_by(const struct access *a, unsigned int number, struct seen *seen)
{
	struct search s = {
		.access = a, .machine = &now, .seen = seen, .flushed = flushed_number[number],
	};
	unsigned int i;

	*seen = (struct seen) { 0 };
	search_root(&s, root_since, EVER);
	/* Of another space, global translations may still be there. */
	for (i = 0; i < nr_past_roots; i++) {
		s.machine = &past_roots[i].machine;
		search_root(&s, past_roots[i].from, past_roots[i].until);
	}
}
