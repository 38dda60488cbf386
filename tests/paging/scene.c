// SPDX-License-Identifier: GPL-2.0
/*
 * Scenes: one address with a chain of tables of its own, and beside each entry
 * of the chain another that it could hold.  The tests change entries of a
 * scene and see what becomes of the address.
 *
 * All frames of a scene lie at the same offset of their 4 MiB, so that any of
 * them can be part of a large page and the address stays the same.
 */
#include "scene.h"

#define REGION		(4 * MIB)

/* A frame at the scene's offset in 4 MiB of its own. */
uintptr_t region_frame(void)
{
	uintptr_t frame = pages_alloc(REGION / PAGE_SIZE, REGION) + SCENE_OFFSET;

	frame_fill(frame);
	return frame;
}

unsigned int top_level(void)
{
	/* The top entries of PAE are loaded with CR3: see test_pdpte(). */
	return now.form == &paging_pae ? 2 : now.form->levels;
}

bool has_pages_of(unsigned int level)
{
	return level <= top_level() && model_is_leaf(&now, level, PTE_PS);
}

/* The entry of @level that maps @frame's page of that size. */
u64 leaf_entry(unsigned int level, uintptr_t frame, u64 flags)
{
	return (frame & -level_size(now.form, level)) | flags | (level > 1 ? PTE_PS : 0);
}

/* The table below an entry of @level that leads to @frame by pages of @leaf. */
static uintptr_t subtree(const struct scene *s, unsigned int level, uintptr_t frame)
{
	uintptr_t table = page_alloc();
	unsigned int below = level - 1, index = table_index(now.form, s->va, below);
	u64 entry;

	if (below == s->leaf)
		entry = leaf_entry(below, frame, PTE_ALL);
	else
		entry = subtree(s, below, frame) | PTE_ALL;
	entry_write(now.form, table, index, entry);
	return table;
}

void scene_create(struct scene *s, unsigned int slot, unsigned int leaf)
{
	unsigned int level;

	s->leaf = leaf;
	s->frame = region_frame();
	/* There is but one page of 1 GiB that holds memory. */
	s->other = leaf < 3 ? region_frame() : s->frame;
	s->va = window(slot) | (s->frame & 0x3fffffff);
	for (level = top_level(); level >= leaf; level--) {
		s->table[level] = space_table(now.form, now.root, s->va, level);
		s->index[level] = table_index(now.form, s->va, level);
		if (level == leaf) {
			s->entry[level] = leaf_entry(leaf, s->frame, PTE_ALL);
			s->beside[level] = leaf_entry(leaf, s->other, PTE_ALL);
		} else {
			s->entry[level] = space_table(now.form, now.root, s->va, level - 1) |
					  PTE_ALL;
			s->beside[level] = subtree(s, level, s->other) | PTE_ALL;
		}
	}
	/* The table by which a large page may be replaced, at its usual place. */
	s->split = leaf > 1 ? page_alloc() : 0;
	if (leaf > 1) {
		struct scene small = { .va = s->va, .leaf = 1 };

		s->split = subtree(&small, leaf, s->other);
	}
	scene_reset(s);
}

u64 scene_entry(const struct scene *s, unsigned int level)
{
	return entry_read(now.form, s->table[level], s->index[level]);
}

void scene_set(const struct scene *s, unsigned int level, u64 entry)
{
	entry_write(now.form, s->table[level], s->index[level], entry);
}

/* As created; flushes everything. */
void scene_reset(const struct scene *s)
{
	unsigned int level;

	for (level = top_level(); level >= s->leaf; level--)
		if (scene_entry(s, level) != s->entry[level])
			scene_set(s, level, s->entry[level]);
	flush_all();
	invlpg(s->va);
}
