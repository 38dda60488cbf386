// SPDX-License-Identifier: GPL-2.0
/*
 * Random tables.  A pool of pages is linked at random: any of them may be a
 * root, a table of any level, several at once, or a page of data, so that
 * tables are mapped by themselves and by each other, and written through such
 * mappings.  After each few changes everything is flushed and addresses are
 * tried; the model says how each must go.
 *
 * No entry made here leads outside the pool, but the one by which each root
 * maps low memory and ourselves; what the model says would go astray through
 * that is not tried.
 */
#include "scene.h"

#define POOL		24		/* pages that may be tables */
#define FRAMES		8		/* pages of code and data */

static uintptr_t pool[POOL], frames[FRAMES];
static uintptr_t large;			/* 4 MiB, for large pages */
static unsigned int nr_roots;
static uintptr_t roots[4];

/* In any table, since any may be a root: what maps low memory in a root. */
static bool is_own_entry(unsigned int index)
{
	return now.form != &paging_pae &&
	       index < table_index(now.form, window(0), now.form->levels);
}

/* Each table is meant for one level, though it may come to serve at any. */
static unsigned int meant_level(unsigned int table)
{
	return top_level() - table % top_level();
}

static uintptr_t page_of_level(unsigned int level)
{
	unsigned int i;

	if (!level)
		return frames[random_below(&rng, FRAMES)];
	do
		i = random_below(&rng, POOL);
	while (meant_level(i) != level);
	return pool[i];
}

static uintptr_t any_page(void)
{
	unsigned int i = random_below(&rng, POOL + FRAMES);

	return i < POOL ? pool[i] : frames[i - POOL];
}

/* An entry for a table of @level, as a rule; whatever it is, it is random. */
static u64 random_entry(unsigned int level)
{
	u64 entry = random_below(&rng, 20) ? PTE_P : 0;

	entry |= random_below(&rng, 8) ? PTE_W : 0;
	entry |= random_below(&rng, 8) ? PTE_U : 0;
	entry |= random_below(&rng, 2) ? PTE_A : 0;
	entry |= random_below(&rng, 2) ? PTE_D : 0;
	entry |= now.pge && level == 1 && !random_below(&rng, 4) ? PTE_G : 0;
	if (now.form->entry_size == 8) {
		entry |= !random_below(&rng, 20) ? PTE_NX : 0;
		entry |= !random_below(&rng, 50) ? BIT64(51) : 0;
	}
	/* Where it is no large page it is a table without entries. */
	if (!random_below(&rng, level == 2 ? 4 : 40))
		return entry | large | PTE_PS;
	if (!random_below(&rng, 5))
		return entry | any_page();
	return entry | page_of_level(level - 1);
}

/* Few slots of each table are used, so that walks get somewhere. */
static unsigned int random_index(void)
{
	return table_index(now.form, window(0), now.form->levels) + random_below(&rng, 3);
}

static void change_entry(void)
{
	unsigned int table = random_below(&rng, POOL), index = random_index();

	if (!is_own_entry(index))
		entry_write(now.form, pool[table], index, random_entry(meant_level(table)));
}

static u64 random_address(void)
{
	u64 va = 0;
	unsigned int level;

	for (level = now.form->levels; level; level--) {
		unsigned int index = random_index();

		/* The top entries of PAE: two lead to the pool. */
		if (now.form == &paging_pae && level == 3)
			index = 2 + random_below(&rng, 2);
		va |= (u64)index << (12 + (level - 1) * now.form->index_bits);
	}
	return va;
}

static bool in_pages(u64 pa, const uintptr_t *pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if ((pa & -PAGE_SIZE) == pages[i])
			return true;
	return false;
}

/*
 * May this be tried?  Data in frames and the large page always; tables may be
 * read, and written where no entry of low memory lies; only frames hold code.
 */
static bool is_harmless(const struct access *a, const struct walk *w)
{
	if (w->fault)
		return true;
	if (in_pages(w->pa, frames, FRAMES))
		return true;
	if (a->kind == FETCH || a->kind == IMPLICIT)
		return false;
	if (w->pa >= large && w->pa < large + 4 * MIB)
		return true;
	return in_pages(w->pa, pool, POOL) && a->kind == READ;
}

/*
 * Writes an entry through whatever maps its table at the moment, if anything
 * does: the processor writes a table where none is looked for.
 */
static void write_through_mapping(u64 va)
{
	struct access a = { .va = va & -PAGE_SIZE, .kind = READ };
	unsigned int index = random_index();
	struct walk w;

	model_walk(&now, &a, &w);
	if (w.fault || !in_pages(w.pa, pool, POOL) || is_own_entry(index))
		return;
	/* In one piece, as the first half could unmap the second. */
	a.kind = WRITE;
	a.va += index * now.form->entry_size;
	model_walk(&now, &a, &w);
	if (!w.fault)
		*(volatile u32 *)(uintptr_t)a.va =
			random_entry(1 + random_below(&rng, top_level()));
}

static void try_addresses(void)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		u64 va = random_address();
		unsigned int kind, first = random_below(&rng, ACCESS_KINDS);

		for (kind = first; kind < ACCESS_KINDS; kind += 1 + random_below(&rng, 4)) {
			struct access a = access_of_kind(kind, va);
			struct walk w;

			model_walk(&now, &a, &w);
			if (!is_harmless(&a, &w))
				continue;
			check(&a);
			/* A bit that was set may have been set in another walk's entry. */
			if (!w.fault && a.kind == WRITE)
				flush_all();
		}
	}
	/* Last, as what it changes is not flushed. */
	if (!random_below(&rng, 2))
		write_through_mapping(random_address());
}

static void new_controls(void)
{
	u32 bits = random64(&rng);

	machine_controls(&(struct machine) {
		.wp = bits & 1,
		.nxe = features.nx,
		.smep = features.smep && bits & 2,
		.smap = features.smap && (bits & 5) == 5,
		.pge = features.pge && bits & 8,
	});
}

static void set_up(void)
{
	unsigned int i, j;

	large = pages_alloc(1024, 4 * MIB);
	for (i = 0; i < FRAMES; i++)
		frames[i] = frame_alloc();
	for (i = 0; i < POOL; i++)
		pool[i] = page_alloc();
	nr_roots = ARRAY_SIZE(roots);
	for (i = 0; i < nr_roots; i++) {
		/* PAE roots are no tables of the pool: their entries are special. */
		roots[i] = now.form == &paging_pae ? page_alloc() :
						       pool[i * now.form->levels];
		memcpy((void *)roots[i], (void *)now.root, PAGE_SIZE);
		if (now.form == &paging_pae)
			for (j = 2; j < 4; j++)
				entry_write(now.form, roots[i], j,
					    pool[(2 * i + j) % POOL] | PTE_P);
	}
	for (i = 0; i < 10 * POOL; i++)
		change_entry();
}

int test_random(void)
{
	unsigned int step, steps = option("steps", 5000), i;

	set_up();
	machine_root(roots[0]);
	for (step = 0; step < steps && !failures; step++) {
		for (i = random_below(&rng, 8); i; i--)
			change_entry();
		if (!random_below(&rng, 50))
			new_controls();
		machine_root(roots[random_below(&rng, nr_roots)]);
		if (now.pge)
			flush_global();
		try_addresses();
	}
	if (failures)
		printf("  at step %u\n", step);
	return report("random");
}
