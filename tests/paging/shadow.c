// SPDX-License-Identifier: GPL-2.0
/*
 * What a processor does by itself and shadow paging has to take care of: one
 * page in very many places, tables with many parents, very many tables in one
 * place, tables that come to a new place while they are out of step, tables
 * within the page that they map.
 */
#include "scene.h"

/* One kind of access after the other. */
static void check_some(u64 va)
{
	static unsigned int next;
	struct access a = access_of_kind(next++ % ACCESS_KINDS, va);

	check(&a);
}

static u64 *word_at(u64 va)
{
	return (u64 *)(uintptr_t)va;
}

/* ------------------------------------------------------------------------
 * Many mappings of one page
 */

#define PLACES		1300	/* more than a list is allowed to have */

/* The page of PLACES mappings becomes a table, and is written through them. */
static void table_in_many_places(const uintptr_t *frames)
{
	uintptr_t table = page_alloc();
	u64 many = window(4), va = window(5);
	unsigned int i, place;

	entry_write(now.form, table, 0, frames[0] | PTE_ALL);
	for (i = 0; i < PLACES; i++) {
		space_map(now.form, now.root, many + i * PAGE_SIZE, 1, table | PTE_ALL);
		/* Beyond the entry that is used. */
		*(volatile u32 *)(uintptr_t)(many + i * PAGE_SIZE + 2048) = 0;
	}
	space_map(now.form, now.root, va, 2, table | PTE_ALL);
	check_all(va);
	for (i = 0; i < 40; i++) {
		place = random_below(&rng, PLACES);
		*(volatile u32 *)(uintptr_t)(many + place * PAGE_SIZE) =
			frames[random_below(&rng, 2)] | PTE_ALL;
		invlpg(va);
		check_all(va);
	}
}

/* One table below very many entries. */
static void many_parents(const uintptr_t *frames)
{
	uintptr_t table = page_alloc();
	u64 size = level_size(now.form, 2), va = window(6);
	unsigned int ways = now.form == &paging_long ? PLACES : 256 * MIB / size, i;

	entry_write(now.form, table, 0, frames[0] | PTE_ALL);
	entry_write(now.form, table, 1, frames[1] | PTE_ALL);
	for (i = 0; i < ways; i++) {
		space_map(now.form, now.root, va + i * size, 2, table | PTE_ALL);
		check_some(va + i * size);
	}
	for (i = 0; i < 8; i++) {
		unsigned int way = random_below(&rng, ways);

		entry_write(now.form, table, i & 1, frames[random_below(&rng, 2)] | PTE_ALL);
		if (!random_below(&rng, 4))
			space_map(now.form, now.root, va + way * size, 2,
				  table | PTE_P | PTE_U);
		flush_all();
		check_some(va + way * size + (i & 1) * PAGE_SIZE);
		check_some(va + random_below(&rng, ways) * size);
	}
}

#define TREE		600		/* leaf tables below one top entry */

/*
 * A top entry with very many tables below it comes and goes, which takes the
 * hypervisor long; while it is gone some of them change, or are no tables.
 */
static void big_tree(const uintptr_t *frames)
{
	uintptr_t pointers = page_alloc(), directory = 0, tables[TREE];
	u64 va = window(7), size = level_size(now.form, 2);
	unsigned int i, round;

	for (i = 0; i < TREE; i++) {
		if (i % 512 == 0) {
			directory = page_alloc();
			entry_write(now.form, pointers, i / 512, directory | PTE_ALL);
		}
		tables[i] = page_alloc();
		entry_write(now.form, tables[i], 0, frames[i & 1] | PTE_ALL);
		entry_write(now.form, directory, i % 512, tables[i] | PTE_ALL);
	}
	va &= -level_size(now.form, 4);
	for (round = 0; round < 4; round++) {
		space_map(now.form, now.root, va, 4, pointers | PTE_ALL);
		for (i = 0; i < TREE; i++)
			check_some(va + i * size);
		space_map(now.form, now.root, va, 4, 0);
		flush_all();
		check_some(va + random_below(&rng, TREE) * size);
		for (i = 0; i < TREE; i += 1 + random_below(&rng, 9)) {
			if (random_below(&rng, 2))
				memset((void *)tables[i], 0, PAGE_SIZE);
			entry_write(now.form, tables[i], 0,
				    frames[random_below(&rng, 2)] | PTE_ALL);
		}
	}
}

int test_many(void)
{
	uintptr_t frames[2] = { frame_alloc(), frame_alloc() };
	u64 va = window(3);
	unsigned int i;

	/* The top entries of PAE are loaded with CR3. */
	for (i = 3; i < 7; i++)
		space_table(now.form, now.root, window(i), 1);
	flush_all();
	for (i = 0; i < PLACES; i++) {
		space_map(now.form, now.root, va + i * PAGE_SIZE, 1, frames[0] | PTE_ALL);
		check_some(va + i * PAGE_SIZE);
	}
	for (i = 0; i < PLACES; i += 7) {
		space_map(now.form, now.root, va + i * PAGE_SIZE, 1, frames[1] | PTE_ALL);
		invlpg(va + i * PAGE_SIZE);
		check_some(va + i * PAGE_SIZE);
		check_some(va + random_below(&rng, PLACES) / 7 * 7 * PAGE_SIZE);
	}
	table_in_many_places(frames);
	many_parents(frames);
	if (now.form == &paging_long)
		big_tree(frames);
	return report("many");
}

/* ------------------------------------------------------------------------
 * 64-bit paging only
 */

#define UPPER		256		/* entries of the upper half */
#define UPPER_VA(i)	(0xffff800000000000ull + ((u64)(i) << 39))

/*
 * Roots whose upper halves lead to 256 tables that are known already, when
 * the root is loaded for the first time.
 */
static void roots_alike(void)
{
	uintptr_t directory = page_alloc(), table = page_alloc(), pointers[UPPER], first, root;
	unsigned int i, round;

	entry_write(now.form, table, 0, frame_alloc() | PTE_ALL);
	entry_write(now.form, directory, 0, table | PTE_ALL);
	first = now.root;
	for (i = 0; i < UPPER; i++) {
		pointers[i] = page_alloc();
		entry_write(now.form, pointers[i], 0, directory | PTE_ALL);
		entry_write(now.form, first, UPPER + i, pointers[i] | PTE_ALL);
		check_some(UPPER_VA(i));
	}
	for (round = 0; round < 8; round++) {
		root = page_alloc();
		memcpy((void *)root, (void *)first, PAGE_SIZE);
		/* Not all of them are the same, or have the same rights. */
		for (i = round; i < UPPER; i += 8)
			entry_write(now.form, root, UPPER + i,
				    pointers[random_below(&rng, UPPER)] | PTE_A | PTE_P |
				    (i & 8 ? PTE_W : PTE_U));
		machine_root(root);
		for (i = 0; i < UPPER; i++)
			check_some(UPPER_VA(i));
	}
	machine_root(first);
	for (i = 0; i < UPPER; i++)
		check_some(UPPER_VA(i));
}

/*
 * A table that is in use comes to a place that was empty, after what it leads
 * to has changed without a flush.  The old address may see either; the new
 * one was never used.
 */
static void new_place(unsigned int level)
{
	uintptr_t frames[2] = { frame_alloc(), frame_alloc() };
	u64 size = level_size(now.form, level), va = window(level == 4 ? 7 : level - 2);
	unsigned int i;

	va &= -size;
	for (i = 0; i < 8; i++) {
		u64 old = va + i * size, new = old + size;
		uintptr_t above = space_table(now.form, now.root, old, level);
		uintptr_t leaf = space_table(now.form, now.root, va, 1);

		if (i == 0)
			entry_write(now.form, leaf, 0, frames[0] | PTE_ALL);
		check_all(old);
		entry_write(now.form, leaf, 0, frames[~i & 1] | PTE_ALL);
		/* Twice, as the first write is special to some. */
		entry_write(now.form, leaf, 1, frames[i & 1] | PTE_ALL);
		space_map(now.form, now.root, new, level,
			  entry_read(now.form, above, table_index(now.form, old, level)));
		check_all(new);
		flush_all();
	}
}

/* The directory lies in the large page by which it is first written. */
static void directory_in_itself(unsigned int level)
{
	uintptr_t region = pages_alloc(1024, 4 * MIB), directory = region + 5 * PAGE_SIZE;
	uintptr_t table = page_alloc(), frames[2] = { frame_alloc(), frame_alloc() };
	u64 va = window(level + 1), inside = va, other;
	unsigned int i;

	/* At level 3 the page of 1 GiB is memory from 0 on; at level 2, the region. */
	other = va + level_size(now.form, level);
	if (level == 2)
		inside += directory - region;
	else
		inside += directory;
	entry_write(now.form, directory, table_index(now.form, va, level),
		    (level == 2 ? region : 0) | PTE_ALL | PTE_PS);
	entry_write(now.form, table, 0, frames[0] | PTE_ALL);
	if (level == 3) {
		uintptr_t between = page_alloc();

		entry_write(now.form, between, 0, table | PTE_ALL);
		table = between;
	}
	entry_write(now.form, directory, table_index(now.form, other, level), table | PTE_ALL);
	space_map(now.form, now.root, va, level + 1, directory | PTE_ALL);
	/* Writes beyond the entries in use: this is what maps the page. */
	*word_at(inside + 2048 + 64) = 0;
	check_all(other);
	for (i = 0; i < 4; i++) {
		u64 *entry = word_at(inside) + table_index(now.form, other, level);

		*entry = i & 1 ? table | PTE_ALL : table | PTE_P | PTE_U;
		invlpg(other);
		check_all(other);
	}
}

int test_places(void)
{
	unsigned int level;

	if (now.form != &paging_long)
		die("for 64-bit paging");
	for (level = 2; level <= 4; level++)
		new_place(level);
	directory_in_itself(2);
	if (features.gb_pages)
		directory_in_itself(3);
	roots_alike();
	return report("places");
}
