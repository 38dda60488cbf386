/* SPDX-License-Identifier: GPL-2.0 */
/* See scene.c. */
#ifndef SCENE_H
#define SCENE_H

#include "paging_test.h"

#define SCENE_OFFSET	0x143000ul	/* of frames in their 4 MiB: in the first 2 */

struct scene {
	u64 va;
	unsigned int leaf;		/* level of the page that maps va */
	uintptr_t frame, other;
	uintptr_t table[5];		/* by level */
	unsigned int index[5];
	u64 entry[5];			/* leads to frame, all rights */
	u64 beside[5];			/* leads to other, all rights */
	uintptr_t split;		/* level below a large page, leads to other */
};

unsigned int top_level(void);
bool has_pages_of(unsigned int level);
u64 leaf_entry(unsigned int level, uintptr_t frame, u64 flags);
uintptr_t region_frame(void);

/* Makes a scene in window(@slot); not more than one for each slot. */
void scene_create(struct scene *s, unsigned int slot, unsigned int leaf);
void scene_reset(const struct scene *s);
u64 scene_entry(const struct scene *s, unsigned int level);
void scene_set(const struct scene *s, unsigned int level, u64 entry);

#endif
