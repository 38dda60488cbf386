// SPDX-License-Identifier: GPL-2.0
/*
 * Stale translations: after a change and the flush that the architecture
 * demands, the new tables count; where it demands none, they count at once.
 * SDM vol. 3, "Caching Translation Information".
 */
#include "scene.h"

/* ------------------------------------------------------------------------
 * Changes of one entry, and the ways to flush
 */

static u64 make_absent(const struct scene *s, unsigned int level, u64 entry)
{
	(void)s, (void)level;
	return entry & ~PTE_P;
}

static u64 make_readonly(const struct scene *s, unsigned int level, u64 entry)
{
	(void)s, (void)level;
	return entry & ~PTE_W;
}

static u64 make_supervisor(const struct scene *s, unsigned int level, u64 entry)
{
	(void)s, (void)level;
	return entry & ~PTE_U;
}

static u64 make_nx(const struct scene *s, unsigned int level, u64 entry)
{
	(void)s, (void)level;
	return now.nxe && now.form->entry_size == 8 ? entry | PTE_NX : entry;
}

static u64 make_reserved(const struct scene *s, unsigned int level, u64 entry)
{
	u64 reserved = model_reserved(&now, level, entry) & ~PTE_PS;

	(void)s;
	return entry | (reserved & -reserved);
}

static u64 move(const struct scene *s, unsigned int level, u64 entry)
{
	(void)entry;
	return s->beside[level];
}

static u64 split(const struct scene *s, unsigned int level, u64 entry)
{
	return level == s->leaf && level > 1 ? s->split | PTE_ALL : entry;
}

static u64 join(const struct scene *s, unsigned int level, u64 entry)
{
	if (level == s->leaf || !has_pages_of(level))
		return entry;
	return leaf_entry(level, level < 3 ? s->other : s->frame, PTE_ALL);
}

static u64 forget(const struct scene *s, unsigned int level, u64 entry)
{
	(void)s, (void)level;
	return entry & ~(PTE_A | (level == s->leaf ? PTE_D : 0));
}

/* From a supervisor's page, where SMEP and SMAP make that a loss as well. */
static u64 make_user(const struct scene *s, unsigned int level, u64 entry)
{
	(void)s, (void)level;
	return entry | PTE_U;
}

typedef u64 change(const struct scene *s, unsigned int level, u64 entry);

static change *const changes[] = {
	make_absent, make_readonly, make_supervisor, make_nx, make_reserved, move, split, join,
	forget, make_user,
};

/* Those that only take rights away, so that undoing them needs no flush. */
static change *const restrictions[] = {
	make_absent, make_readonly, make_supervisor, make_nx, make_reserved,
};

static void flush_address(const struct scene *s)
{
	invlpg(s->va);
}

/* Any address of a page flushes all of it. */
static void flush_page(const struct scene *s)
{
	u64 size = level_size(now.form, s->leaf);

	invlpg((s->va & -size) + size / 2 + 123);
}

static void flush_cr3(const struct scene *s)
{
	(void)s;
	flush_all();
}

static void flush_pge(const struct scene *s)
{
	(void)s;
	flush_global();
}

static uintptr_t elsewhere;		/* a root without the scene */

static void flush_switch(const struct scene *s)
{
	uintptr_t root = now.root;

	(void)s;
	machine_root(elsewhere);
	machine_root(root);
}

#if BITS == 32
static void flush_pg(const struct scene *s)
{
	(void)s;
	paging_off();
	paging_on(now.form, now.root);
}
#endif

static const struct flush {
	void (*fn)(const struct scene *s);
	bool global;			/* flushes global pages, too */
	bool all_of_page;		/* and all tables that lead there */
} flushes[] = {
	{ flush_address, true, true },
	{ flush_page, true, false },
	{ flush_cr3, false, true },
	{ flush_switch, false, true },
	{ flush_pge, true, true },
#if BITS == 32
	{ flush_pg, true, true },
#endif
};

/* ------------------------------------------------------------------------
 * A change and a flush
 */

static void one_change(const struct scene *s, unsigned int level, change *change,
		       const struct flush *flush, bool global)
{
	unsigned int first = random_below(&rng, ACCESS_KINDS + 1);
	u64 entry, changed;

	scene_reset(s);
	if (global)
		scene_set(s, s->leaf, s->entry[s->leaf] | PTE_G);
	if (change == make_user)
		scene_set(s, level, scene_entry(s, level) & ~PTE_U);
	flush_global();
	/* What the processor has cached before: all kinds of use, or one, or none. */
	if (first == ACCESS_KINDS) {
		check_all(s->va);
	} else {
		struct access a = access_of_kind(first, s->va);

		check(&a);
	}
	entry = scene_entry(s, level);
	changed = change(s, level, entry);
	if (changed == entry)
		return;
	scene_set(s, level, changed);
	flush->fn(s);
	check_all(s->va);
}

static void all_changes(const struct scene *s, unsigned int level)
{
	unsigned int c, f, global;

	for (c = 0; c < ARRAY_SIZE(changes); c++)
		for (f = 0; f < ARRAY_SIZE(flushes); f++)
			for (global = 0; global < 2; global++) {
				if (global && !(now.pge && flushes[f].global))
					continue;
				/* Only the page itself is sure to be flushed. */
				if (level != s->leaf && !flushes[f].all_of_page)
					continue;
				one_change(s, level, changes[c], &flushes[f], global);
			}
}

static void for_each_entry(void (*fn)(const struct scene *s, unsigned int level))
{
	unsigned int leaf, level;
	struct scene s;

	for (leaf = 1; leaf <= top_level(); leaf++) {
		if (!has_pages_of(leaf))
			continue;
		scene_create(&s, 0, leaf);
		for (level = top_level(); level >= leaf; level--)
			fn(&s, level);
		/* The window is to be empty again, and has been used. */
		scene_set(&s, top_level(), 0);
		flush_global();
	}
}

int test_stale(void)
{
	unsigned int round, rounds = option("rounds", 3);

	elsewhere = space_create(now.form, 64 * MIB, false);
	for (round = 0; round < rounds; round++) {
		machine_controls(&(struct machine) {
			.wp = true, .nxe = features.nx, .pge = features.pge,
			.smep = features.smep && round % 2, .smap = features.smap && round % 2,
		});
		for_each_entry(all_changes);
	}
	return report("stale");
}

/* ------------------------------------------------------------------------
 * More rights, without a flush
 */

static void all_upgrades(const struct scene *s, unsigned int level)
{
	unsigned int r, kind;

	for (r = 0; r < ARRAY_SIZE(restrictions); r++) {
		for (kind = 0; kind < ACCESS_KINDS; kind++) {
			struct access a = access_of_kind(kind, s->va);

			scene_reset(s);
			scene_set(s, level, restrictions[r](s, level, s->entry[level]));
			flush_all();
			invlpg(s->va);
			check(&a);
			/* No more flushes from here on, so what was used stays so. */
			scene_set(s, level, s->entry[level] |
				  (scene_entry(s, level) & (PTE_A | PTE_D)));
			check(&a);
			check_all(s->va);
		}
	}
}

/*
 * What CR0.WP, SMEP and SMAP say counts at once, too.  SMAP without WP is left
 * out: the stock module forgets SMAP then after a write with AC (see
 * test_smap()).
 */
static void all_controls(const struct scene *s, unsigned int level)
{
	unsigned int r, i;

	for (r = 0; r < ARRAY_SIZE(restrictions); r++) {
		scene_reset(s);
		scene_set(s, level, restrictions[r](s, level, s->entry[level]));
		flush_all();
		invlpg(s->va);
		for (i = 0; i < 16; i++) {
			unsigned int bits = random_below(&rng, 8);

			machine_controls(&(struct machine) {
				.nxe = now.nxe,
				.wp = bits & 1,
				.smep = features.smep && bits & 2,
				.smap = features.smap && (bits & 5) == 5,
			});
			check_all(s->va);
		}
	}
}

/*
 * A fault leaves nothing stale at its address: that the page is another one
 * now need not be seen by the read that is allowed, but by all after a write
 * that is not.
 */
static void after_fault(const struct scene *s, unsigned int level)
{
	struct access read = access_of_kind(1, s->va), write = access_of_kind(7, s->va);
	unsigned int i;

	scene_reset(s);
	scene_set(s, level, s->entry[level] & ~PTE_W);
	flush_all();
	invlpg(s->va);
	for (i = 0; i < 4; i++) {
		check(&read);
		scene_set(s, level, (i & 1 ? s->entry[level] : s->beside[level]) & ~PTE_W);
		check(&write);
		check(&read);
		check_all(s->va);
	}
}

int test_upgrade(void)
{
	for_each_entry(all_upgrades);
	for_each_entry(after_fault);
	for_each_entry(all_controls);
	return report("upgrade");
}

/* ------------------------------------------------------------------------
 * SMAP, where the stock module has it wrong
 */

static void smap_without_wp(const struct scene *s, unsigned int level)
{
	unsigned int i, kind;

	scene_reset(s);
	for (i = 0; i < 2; i++) {
		scene_set(s, level, s->entry[level] & ~(i ? PTE_W : 0));
		flush_all();
		invlpg(s->va);
		for (kind = 0; kind < 10 * ACCESS_KINDS; kind++) {
			struct access a = access_of_kind(random_below(&rng, ACCESS_KINDS), s->va);

			check(&a);
		}
	}
}

/* Whatever RFLAGS.AC says, at CPL 3 it is not the supervisor's leave. */
static void smap_implicit(const struct scene *s, unsigned int level)
{
	struct access a = { .va = (s->va & -PAGE_SIZE) + 128, .kind = IMPLICIT, .user = true };
	unsigned int i;

	scene_reset(s);
	for (i = 0; i < 4; i++) {
		scene_set(s, level, s->entry[level] & ~(i & 1 ? PTE_U : 0));
		invlpg(s->va);
		a.ac = i & 2;
		check(&a);
	}
}

/* Not for the stock module: see deviations.h. */
int test_smap(void)
{
	unsigned int wp;

	if (!features.smap) {
		printf("this processor has no SMAP\n");
		return SKIP;
	}
	for (wp = 0; wp < 2; wp++) {
		machine_controls(&(struct machine) { .wp = wp, .nxe = now.nxe, .smap = true });
		for_each_entry(smap_without_wp);
		for_each_entry(smap_implicit);
	}
	return report("smap");
}

/* ------------------------------------------------------------------------
 * Many roots
 */

#define ROOTS		100
#define ROOT_PAGES	4

static uintptr_t roots[ROOTS], leaves[ROOTS];

/* Makes page @page of process @root show @frame. */
static void point(unsigned int root, unsigned int page, uintptr_t frame)
{
	entry_write(now.form, leaves[root], table_index(now.form, window(0), 1) + page,
		    frame | PTE_ALL);
}

static void check_process(unsigned int page)
{
	struct access a = access_of_kind(random_below(&rng, ACCESS_KINDS),
					 window(0) + page * PAGE_SIZE);

	check(&a);
}

/*
 * More address spaces than any cache of roots holds, changed while they are
 * loaded and while they are not.
 */
int test_roots(void)
{
	unsigned int i, page, step, steps = option("steps", 2000), root = 0;

	for (i = 0; i < ROOTS; i++) {
		roots[i] = space_create(now.form, 64 * MIB, false);
		leaves[i] = space_table(now.form, roots[i], window(0), 1);
		for (page = 0; page < ROOT_PAGES; page++)
			point(i, page, frame_alloc());
	}
	for (step = 0; step < steps; step++) {
		/* Back and forth between two, or on to any other. */
		root = step % 3 ? random_below(&rng, ROOTS) : (root + 1) % ROOTS;
		machine_root(roots[root]);
		for (i = 0; i < 3; i++)
			check_process(random_below(&rng, ROOT_PAGES));
		i = random_below(&rng, 4) ? random_below(&rng, ROOTS) : root;
		page = random_below(&rng, ROOT_PAGES);
		point(i, page, entry_read(now.form, leaves[random_below(&rng, ROOTS)],
					  table_index(now.form, window(0), 1) + page) &
			       PTE_ADDRESS);
		if (i == root) {
			invlpg(window(0) + page * PAGE_SIZE);
			check_process(page);
		}
	}
	return report("roots");
}
