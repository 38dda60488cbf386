// SPDX-License-Identifier: GPL-2.0
/*
 * All combinations of the bits of an entry, at each level of each form of
 * paging and for each size of page, under all controls and for all accesses;
 * and all combinations of rights over all levels of a walk.
 *
 * The low 30 bits of the address are those of the frame, so that one address
 * leads to the same frame whatever the size of the page.
 */
#include "paging_test.h"
#include "scene.h"

/* Bits of an entry that the combinations vary; the rest follows from them. */
enum { VARY_P, VARY_W, VARY_U, VARY_PS, VARY_NX, VARY_RESERVED, VARY_A, VARY_D, VARIED };

static uintptr_t frame;
static u64 va;
static uintptr_t table[5];		/* by level, those that serve va */
static u64 wanted[5];			/* what their entries should be */

static void set_up(void)
{
	unsigned int level;

	frame = frame_alloc();
	va = window(0) | frame;
	for (level = now.form->levels; level; level--)
		table[level] = space_table(now.form, now.root, va, level);
}

/* An entry of @level that points to the next table, or, with PS, to the page. */
static u64 entry_for(unsigned int level, u64 flags)
{
	if (level == 1)
		return frame | flags;
	if (model_is_leaf(&now, level, flags))
		return (frame & -level_size(now.form, level)) | flags;
	return table[level - 1] | flags;
}

/* Makes the tables what is wanted, with as few writes as possible. */
static void restore(void)
{
	unsigned int level;

	for (level = top_level(); level; level--) {
		unsigned int index = table_index(now.form, va, level);

		if (entry_read(now.form, table[level], index) != wanted[level])
			entry_write(now.form, table[level], index, wanted[level]);
	}
	invlpg(va);
}

static void check_each(void)
{
	unsigned int kind;

	for (kind = 0; kind < ACCESS_KINDS; kind++) {
		struct access a = access_of_kind(kind, va);

		restore();
		check(&a);
	}
}

/* One of the bits that are reserved in @entry, or 0 if there are none. */
static u64 some_reserved_bit(unsigned int level, u64 entry)
{
	u64 reserved = model_reserved(&now, level, entry) & ~PTE_PS;
	unsigned int bit;

	if (!reserved)
		return 0;
	do
		bit = random_below(&rng, 63);
	while (!(reserved & BIT64(bit)));
	return BIT64(bit);
}

static u64 vary(unsigned int level, unsigned int combination)
{
	u64 flags = 0, entry;

	if (combination & 1 << VARY_P)
		flags |= PTE_P;
	if (combination & 1 << VARY_W)
		flags |= PTE_W;
	if (combination & 1 << VARY_U)
		flags |= PTE_U;
	if (combination & 1 << VARY_PS)
		flags |= PTE_PS;
	if (combination & 1 << VARY_A)
		flags |= PTE_A;
	if (combination & 1 << VARY_D)
		flags |= PTE_D;
	if ((combination & 1 << VARY_NX) && now.form->entry_size == 8)
		flags |= PTE_NX;
	entry = entry_for(level, flags);
	if (combination & 1 << VARY_RESERVED)
		entry |= some_reserved_bit(level, entry);
	return entry;
}

/* Not all combinations make a difference. */
static bool is_redundant(unsigned int combination)
{
	/* What an entry that is not present holds: one case in eight is enough. */
	if (!(combination & 1 << VARY_P))
		return random_below(&rng, 8);
	if ((combination & 1 << VARY_NX) && now.form->entry_size == 4)
		return true;
	return false;
}

/*
 * Every combination of @level's bits (one in @share of them) while all other
 * levels allow all.
 */
static void vary_level(unsigned int level, unsigned int leaf)
{
	unsigned int combination, at, share = option("share", 1);

	for (combination = 0; combination < 1 << VARIED; combination++) {
		if (is_redundant(combination) || (share > 1 && random_below(&rng, share)))
			continue;
		for (at = top_level(); at; at--)
			wanted[at] = entry_for(at, PTE_ALL | PTE_A |
					       (at == leaf && leaf > 1 ? PTE_PS : 0));
		wanted[level] = vary(level, combination);
		check_each();
	}
}

/* All settings of WP, NXE, SMEP and SMAP that this processor has. */
static void for_each_control(void (*fn)(unsigned int arg), unsigned int arg)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		struct machine m = {
			.wp = i & 1, .nxe = i & 2, .smep = i & 4, .smap = i & 8,
		};

		if ((m.nxe && !features.nx) || (m.smep && !features.smep) ||
		    (m.smap && !features.smap))
			continue;
		machine_controls(&m);
		flush_all();
		fn(arg);
	}
}

static void vary_levels(unsigned int leaf)
{
	unsigned int level;

	for (level = top_level(); level >= leaf; level--)
		vary_level(level, leaf);
}

int test_matrix(void)
{
	unsigned int leaf, only = option("leaf", 0);

	set_up();
	for (leaf = 1; leaf <= top_level(); leaf++)
		if (has_pages_of(leaf) && (!only || leaf == only))
			for_each_control(vary_levels, leaf);
	return report("matrix");
}

/* ------------------------------------------------------------------------
 * Rights over all levels
 */

/* W, U and NX of each level, three bits a level; one in @share is tried. */
static void vary_rights(unsigned int leaf)
{
	unsigned int levels = top_level() - leaf + 1, bits = now.form->entry_size == 8 ? 3 : 2;
	unsigned int combination, at, share = option("share", 1);

	for (combination = 0; combination < 1u << (levels * bits); combination++) {
		unsigned int rest = combination;

		if (share > 1 && random_below(&rng, share))
			continue;
		for (at = top_level(); at; at--) {
			u64 flags = PTE_P | PTE_A | (at == leaf && leaf > 1 ? PTE_PS : 0);

			if (at >= leaf) {
				flags |= (rest & 1 ? PTE_W : 0) | (rest & 2 ? PTE_U : 0);
				if (bits == 3)
					flags |= rest & 4 && now.nxe ? PTE_NX : 0;
				rest >>= bits;
			}
			wanted[at] = entry_for(at, flags);
		}
		check_each();
	}
}

int test_levels(void)
{
	unsigned int leaf;

	set_up();
	for (leaf = 1; leaf <= top_level(); leaf++)
		if (has_pages_of(leaf))
			for_each_control(vary_rights, leaf);
	return report("levels");
}
