// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables as memory: written by every kind of instruction, through other
 * mappings of themselves, shared, used at two levels, replaced, and used for
 * data before and after.
 */
#include "scene.h"

/* ------------------------------------------------------------------------
 * Ways to write an entry
 */

static unsigned int entry_bytes;	/* 4 or 8 */

static void by_mov(volatile u8 *at, u64 old, u64 new)
{
	(void)old;
	if (entry_bytes == 8)
		*(volatile u64 *)at = new;
	else
		*(volatile u32 *)at = new;
}

static void by_bytes(volatile u8 *at, u64 old, u64 new)
{
	unsigned int i;

	(void)old;
	for (i = 0; i < entry_bytes; i++)
		at[i] = new >> (8 * i);
}

static void by_bytes_from_top(volatile u8 *at, u64 old, u64 new)
{
	unsigned int i;

	(void)old;
	for (i = entry_bytes; i--; )
		at[i] = new >> (8 * i);
}

static void by_words(volatile u8 *at, u64 old, u64 new)
{
	unsigned int i;

	(void)old;
	for (i = 0; i < entry_bytes; i += 2)
		*(volatile u16 *)(at + i) = new >> (8 * i);
}

static void by_halves_high_first(volatile u8 *at, u64 old, u64 new)
{
	(void)old;
	if (entry_bytes == 8)
		*(volatile u32 *)(at + 4) = new >> 32;
	*(volatile u32 *)at = new;
}

static void by_xchg(volatile u8 *at, u64 old, u64 new)
{
	unsigned int i;

	for (i = 0; i < entry_bytes; i += 4) {
		u32 value = new >> (8 * i);

		asm volatile("xchg %0, %1" : "+r"(value), "+m"(*(volatile u32 *)(at + i))
			     : : "memory");
		if (value != (u32)(old >> (8 * i)))
			fail("XCHG gave %x", value);
	}
}

static void by_cmpxchg(volatile u8 *at, u64 old, u64 new)
{
	unsigned int i;

	for (i = 0; i < entry_bytes; i += 4) {
		u32 is = old >> (8 * i), not = ~is, value = new >> (8 * i);

		/* One that must not do it, then one that must. */
		asm volatile("lock cmpxchg %2, %1" : "+a"(not), "+m"(*(volatile u32 *)(at + i))
			     : "r"(0x12345678) : "memory", "cc");
		if (not != is)
			fail("CMPXCHG read %x, not %x", not, is);
		asm volatile("lock cmpxchg %2, %1" : "+a"(is), "+m"(*(volatile u32 *)(at + i))
			     : "r"(value) : "memory", "cc");
	}
}

static void by_cmpxchg8b(volatile u8 *at, u64 old, u64 new)
{
	u64 seen = *(volatile u64 *)at, want = new;

	(void)old;
	if (entry_bytes == 4)
		want = (seen & 0xffffffff00000000) | (u32)new;
	asm volatile("lock cmpxchg8b %1" : "+A"(seen), "+m"(*(volatile u64 *)at)
		     : "b"((u32)want), "c"((u32)(want >> 32)),
#if BITS == 64
		       "a"((u32)seen), "d"((u32)(seen >> 32))
#else
		       "0"(seen)
#endif
		     : "memory", "cc");
}

#if BITS == 64
/* The entry and its neighbour: first what must not do it, then what must. */
static void by_cmpxchg16b(volatile u8 *at, u64 old, u64 new)
{
	volatile u64 *pair = (volatile u64 *)((uintptr_t)at & -16);
	u64 is[2] = { pair[0], pair[1] }, want[2] = { pair[0], pair[1] };
	u64 low = ~is[0], high = is[1];

	want[(uintptr_t)at >> 3 & 1] = new;
	asm volatile("lock cmpxchg16b %2" : "+a"(low), "+d"(high), "+m"(*(volatile u64 (*)[2])pair)
		     : "b"(~old), "c"(~new) : "memory", "cc");
	if (low != is[0] || high != is[1])
		fail("CMPXCHG16B read %llx %llx", high, low);
	asm volatile("lock cmpxchg16b %2" : "+a"(low), "+d"(high), "+m"(*(volatile u64 (*)[2])pair)
		     : "b"(want[0]), "c"(want[1]) : "memory", "cc");
}
#endif

static void by_locked_words(volatile u8 *at, u64 old, u64 new)
{
	unsigned int i;

	for (i = 0; i < entry_bytes; i += 2)
		asm volatile("lock xorw %1, %0" : "+m"(*(volatile u16 *)(at + i))
			     : "r"((u16)((old ^ new) >> (8 * i))) : "memory", "cc");
}

static void by_xor(volatile u8 *at, u64 old, u64 new)
{
	unsigned int i;

	for (i = 0; i < entry_bytes; i += 4)
		asm volatile("lock xor %1, %0" : "+m"(*(volatile u32 *)(at + i))
			     : "r"((u32)((old ^ new) >> (8 * i))) : "memory", "cc");
}

static void by_add(volatile u8 *at, u64 old, u64 new)
{
	u32 low = (u32)new - (u32)old;

	asm volatile("addl %1, %0" : "+m"(*(volatile u32 *)at) : "r"(low) : "memory", "cc");
	if (entry_bytes == 8)
		asm volatile("subl %1, %0" : "+m"(*(volatile u32 *)(at + 4))
			     : "r"((u32)(old >> 32) - (u32)(new >> 32)) : "memory", "cc");
}

/* Bit by bit, so that most states on the way are nonsense. */
static void by_bts(volatile u8 *at, u64 old, u64 new)
{
	unsigned int bit;

	for (bit = 0; bit < entry_bytes * 8; bit++) {
		if (!((old ^ new) >> bit & 1))
			continue;
		asm volatile("lock btcl %1, %0" : "+m"(*(volatile u32 *)(at + bit / 32 * 4))
			     : "Ir"(bit % 32) : "memory", "cc");
	}
}

static void by_rep_movsb(volatile u8 *at, u64 old, u64 new)
{
	(void)old;
	memcpy((void *)at, &new, entry_bytes);
}

static void by_rep_movsl(volatile u8 *at, u64 old, u64 new)
{
	u64 *from = &new;
	size_t count = entry_bytes / 4;

	(void)old;
	asm volatile("rep movsl" : "+D"(at), "+S"(from), "+c"(count) : : "memory");
}

static void by_stos(volatile u8 *at, u64 old, u64 new)
{
	size_t count = 1;

	(void)old;
	asm volatile("rep stosl" : "+D"(at), "+c"(count) : "a"((u32)new) : "memory");
	if (entry_bytes == 8)
		asm volatile("stosl" : "+D"(at) : "a"((u32)(new >> 32)) : "memory");
}

/* The string goes down, from the entry's last byte. */
static void by_stos_down(volatile u8 *at, u64 old, u64 new)
{
	unsigned int i;

	(void)old;
	at += entry_bytes - 1;
	for (i = entry_bytes; i--; )
		asm volatile("std; stosb; cld" : "+D"(at) : "a"((u8)(new >> (8 * i))) : "memory");
}

static void by_pop(volatile u8 *at, u64 old, u64 new)
{
	(void)old;
#if BITS == 64
	if (entry_bytes == 8) {
		asm volatile("push %1; popq %0" : "=m"(*(volatile u64 *)at) : "r"(new) : "memory");
		return;
	}
#endif
	by_halves_high_first(at, old, new);
#if BITS == 32
	asm volatile("push %1; popl %0" : "=m"(*(volatile u32 *)at) : "r"((u32)new) : "memory");
#endif
}

/* Sixteen bytes: two or four entries, of which one changes. */
static void by_sse(volatile u8 *at, u64 old, u64 new)
{
	volatile u8 *first = (volatile u8 *)((uintptr_t)at & -16);
	u8 buffer[16];

	(void)old;
	memcpy(buffer, (void *)first, sizeof(buffer));
	memcpy(buffer + (at - first), &new, entry_bytes);
	asm volatile("movdqu %0, %%xmm0; movaps %%xmm0, (%1)"
		     : : "m"(*(u8 (*)[16])buffer), "r"(first) : "memory");
}

/* A store that reaches from the entry before into this one, and one beyond. */
static void by_unaligned(volatile u8 *at, u64 old, u64 new)
{
	unsigned int half = entry_bytes / 2;
	u8 buffer[24];

	(void)old;
	memcpy(buffer, (void *)(at - 8), sizeof(buffer));
	memcpy(buffer + 8, &new, entry_bytes);
	if (entry_bytes == 8) {
		*(volatile u64 *)(at - half) = *(u64 *)(buffer + 8 - half);
		*(volatile u64 *)(at + half) = *(u64 *)(buffer + 8 + half);
	} else {
		*(volatile u32 *)(at - half) = *(u32 *)(buffer + 8 - half);
		*(volatile u32 *)(at + half) = *(u32 *)(buffer + 8 + half);
	}
}

static void by_movnti(volatile u8 *at, u64 old, u64 new)
{
	unsigned int i;

	(void)old;
	for (i = 0; i < entry_bytes; i += 4)
		asm volatile("movnti %1, %0" : "=m"(*(volatile u32 *)(at + i))
			     : "r"((u32)(new >> (8 * i))) : "memory");
}

typedef void writer(volatile u8 *at, u64 old, u64 new);

static const struct {
	const char *name;
	writer *write;
	bool strict;		/* with word strict=1 only: see deviations.h */
} writers[] = {
	{ "mov", by_mov }, { "bytes", by_bytes }, { "bytes from the top", by_bytes_from_top },
	{ "words", by_words }, { "halves", by_halves_high_first }, { "xchg", by_xchg },
	{ "cmpxchg", by_cmpxchg }, { "cmpxchg8b", by_cmpxchg8b }, { "xor", by_xor },
#if BITS == 64
	{ "cmpxchg16b", by_cmpxchg16b, .strict = true },
#endif
	{ "locked words", by_locked_words },
	{ "add", by_add }, { "btc", by_bts }, { "rep movsb", by_rep_movsb },
	{ "rep movsl", by_rep_movsl }, { "stos", by_stos }, { "stos down", by_stos_down },
	{ "pop", by_pop }, { "sse", by_sse }, { "unaligned", by_unaligned },
	{ "movnti", by_movnti },
};

/* ------------------------------------------------------------------------
 * Places to write an entry through
 */

#define ALIAS		3	/* window of the other mappings of tables */

/* The table is part of a large page that maps all memory one to one. */
static volatile u8 *in_direct_map(const struct scene *s, unsigned int level)
{
	return (volatile u8 *)(s->table[level] + s->index[level] * entry_bytes);
}

/* A page of 4 KiB elsewhere. */
static volatile u8 *in_alias(const struct scene *s, unsigned int level)
{
	u64 va = window(ALIAS) + level * PAGE_SIZE;

	space_map(now.form, now.root, va, 1, s->table[level] | PTE_ALL);
	invlpg(va);
	return (volatile u8 *)(uintptr_t)va + s->index[level] * entry_bytes;
}

/* Of the entry by which a table maps itself: one that is not used otherwise. */
static unsigned int self_index(void)
{
	return now.form == &paging_32 ? 1000 : 5;
}

/*
 * The table above points to itself, so that its tables appear as pages: the
 * way in which some kernels reach all of their tables.
 */
static volatile u8 *in_itself(const struct scene *s, unsigned int level)
{
	unsigned int above = level + 1, at;
	u64 va = s->va;

	if (above > top_level())
		return in_direct_map(s, level);
	entry_write(now.form, s->table[above], self_index(), s->table[above] | PTE_P | PTE_W);
	/* Down to `above` as usual, once around, and on to the table as a page. */
	va &= -level_size(now.form, above + 1);
	va |= self_index() * level_size(now.form, above);
	for (at = above - 1; at >= 1; at--)
		va |= (at == 1 ? (u64)s->index[above] : self_index()) * level_size(now.form, at);
	invlpg(va);
	return (volatile u8 *)(uintptr_t)va + s->index[level] * entry_bytes;
}

static volatile u8 *(*const places[])(const struct scene *s, unsigned int level) = {
	in_direct_map, in_alias, in_itself,
};

/* ------------------------------------------------------------------------
 * All ways in all places
 */

static void write_and_check(const struct scene *s, unsigned int level, writer *write,
			    volatile u8 *at, u64 new)
{
	u64 old = scene_entry(s, level);

	write(at, old, new);
	if (scene_entry(s, level) != new)
		fail("the entry holds %llx, not %llx", scene_entry(s, level), new);
	/* What was not present cannot have been cached. */
	if (old & PTE_P)
		invlpg(s->va);
	check_all(s->va);
}

static void all_writers(const struct scene *s, unsigned int level)
{
	unsigned int place, w;

	for (place = 0; place < ARRAY_SIZE(places); place++) {
		for (w = 0; w < ARRAY_SIZE(writers); w++) {
			unsigned int before = failures;
			volatile u8 *at;

			if (writers[w].strict && !option("strict", 0))
				continue;
			scene_reset(s);
			at = places[place](s, level);
			check_all(s->va);
			write_and_check(s, level, writers[w].write, at, s->beside[level]);
			write_and_check(s, level, writers[w].write, at, s->entry[level] & ~PTE_W);
			write_and_check(s, level, writers[w].write, at, 0);
			write_and_check(s, level, writers[w].write, at, s->entry[level]);
			if (failures != before)
				printf("  by %s, place %u, level %u of %u\n", writers[w].name,
				       place, level, s->leaf);
		}
	}
}

/* A store across the end of a page of data into the first entry of a table. */
static void across_pages(void)
{
	uintptr_t pages = pages_alloc(2, PAGE_SIZE), table = pages + PAGE_SIZE;
	uintptr_t frame = frame_alloc(), other = frame_alloc();
	u64 va = window(2), entry;
	unsigned int i;

	space_map(now.form, now.root, va, 2, table | PTE_ALL);
	for (i = 0; i < 20; i++) {
		entry = (i & 1 ? other : frame) | PTE_ALL;
		if (entry_bytes == 8) {
			*(volatile u64 *)(table - 4) = entry << 32 | 0x1234;
			*(volatile u64 *)(table + 4) = entry >> 32;
		} else {
			*(volatile u32 *)(table - 2) = entry << 16 | 0x34;
			*(volatile u32 *)(table + 2) = entry >> 16;
		}
		invlpg(va);
		check_all(va);
	}
}

#if BITS == 32
/* The stack lies half in a page, half in a directory: PUSHA writes both. */
static void half_in_directory(void)
{
	u64 va = window(6);
	uintptr_t directory = space_table(now.form, now.root, va, 2), frame = page_alloc();
	uintptr_t sp = (uintptr_t)va + PAGE_SIZE + 16, stack = sp;
	u32 *low = (u32 *)(directory + PAGE_SIZE - 16), *high = (u32 *)frame;

	space_map(now.form, now.root, va, 1, directory | PTE_ALL);
	space_map(now.form, now.root, va + PAGE_SIZE, 1, frame | PTE_ALL);
	flush_all();
	asm volatile("xchg %%esp, %%eax\n\tpusha\n\tmov %%eax, %%esp"
		     : "+a"(stack)
		     : "b"(0x10), "c"(0x20), "d"(0x30), "S"(0x40), "D"(0x50) : "memory");
	if (low[0] != 0x50 || low[1] != 0x40 || low[3] != sp)
		fail("PUSHA to a directory: %x %x %x", low[0], low[1], low[3]);
	if (high[0] != 0x10 || high[1] != 0x30 || high[2] != 0x20)
		fail("PUSHA above a directory: %x %x %x", high[0], high[1], high[2]);
	memset(low, 0, 16);
	flush_all();
}
#endif

int test_writes(void)
{
	unsigned int leaf, level;
	struct scene s;

	entry_bytes = now.form->entry_size;
	for (leaf = 1; leaf <= 2; leaf++) {
		if (!has_pages_of(leaf))
			continue;
		scene_create(&s, 0, leaf);
		for (level = top_level(); level >= leaf; level--)
			all_writers(&s, level);
		scene_set(&s, top_level(), 0);
		flush_all();
	}
	across_pages();
#if BITS == 32
	half_in_directory();
#endif
	return report("writes");
}

/* ------------------------------------------------------------------------
 * Shared tables
 */

static u64 random_rights(void)
{
	u64 nx = now.nxe && now.form->entry_size == 8 && !random_below(&rng, 4) ? PTE_NX : 0;

	return (random_below(&rng, 8) ? PTE_P : 0) | (random_below(&rng, 3) ? PTE_W : 0) |
	       (random_below(&rng, 3) ? PTE_U : 0) | nx;
}

/*
 * One table below four entries with different rights, which change, as do the
 * entries of the table; each address has the rights of its own way only.
 */
static void shared_below(unsigned int level)
{
	u64 size = level_size(now.form, level);
	uintptr_t table = page_alloc(), below[4];	/* what its entries point to */
	unsigned int first = table_index(now.form, window(1), level - 1);
	unsigned int i, at, step, steps = option("steps", 400);

	for (i = 0; i < 4; i++) {
		below[i] = frame_alloc();
		for (at = 2; at < level; at++) {
			uintptr_t above = page_alloc();

			entry_write(now.form, above, 0, below[i] | PTE_ALL);
			below[i] = above;
		}
	}
	for (step = 0; step < steps; step++) {
		unsigned int way = random_below(&rng, 4), which = random_below(&rng, 4);
		u64 va = window(1) + way * size, page = level_size(now.form, level - 1);

		if (random_below(&rng, 2))
			space_map(now.form, now.root, va, level, table | random_rights());
		entry_write(now.form, table, first + which,
			    below[random_below(&rng, 4)] | random_rights());
		flush_all();
		for (i = 0; i < 4; i++)
			check_all(window(1) + i * size + random_below(&rng, 4) * page);
	}
	for (i = 0; i < 4; i++)
		space_map(now.form, now.root, window(1) + i * size, level, 0);
	flush_all();
}

/*
 * One table as the last level under one address and as the one above under
 * another.  Its first entry shows `inner` as a page here and as a table there.
 */
static void two_levels_at_once(void)
{
	uintptr_t table = page_alloc(), inner = page_alloc(), frames[4];
	u64 page_va = window(2), table_va = window(2) + level_size(now.form, 3) * 8;
	unsigned int i, step, steps = option("steps", 400);

	if (top_level() == 2)
		return;
	for (i = 0; i < 4; i++)
		frames[i] = frame_alloc();
	/* There the table serves one level higher than here. */
	space_map(now.form, now.root, page_va, 2, table | PTE_ALL);
	space_map(now.form, now.root, table_va, 3, table | PTE_ALL);
	for (step = 0; step < steps; step++) {
		unsigned int slot = random_below(&rng, 4);
		u64 entry = frames[random_below(&rng, 4)] | random_rights();

		entry_write(now.form, table, 0, inner | PTE_ALL);
		flush_all();
		/* An entry of `inner`, now by its page, now by its place in memory. */
		if (step & 1)
			*(volatile u64 *)(uintptr_t)(page_va + slot * 8) = entry;
		else
			entry_write(now.form, inner, slot, entry);
		flush_all();
		check_all(table_va + slot * PAGE_SIZE);
		check_all(table_va + (slot ^ 1) * PAGE_SIZE);
		if (!random_below(&rng, 4)) {
			entry_write(now.form, table, 0, inner | random_rights());
			flush_all();
			check_all(table_va + slot * PAGE_SIZE);
		}
	}
}

int test_shared(void)
{
	unsigned int level;

	for (level = 2; level <= top_level(); level++)
		shared_below(level);
	two_levels_at_once();
	return report("shared");
}

/* ------------------------------------------------------------------------
 * Page and table in turn at one place (CVE-2026-53359, CVE-2026-46113)
 */

/*
 * The entry of a large page becomes a table and a page again, the table being
 * the first page of the very region, so that table and page have one frame
 * number; rights, region and what the table holds change at random.  Address
 * @va belongs to both forms; in its table it is served by entry @slot, and
 * below that by `small`, or, at level 2, it is `small`.
 */
static void replay(unsigned int level, unsigned int steps)
{
	uintptr_t region[2] = { 0, 0 }, frame = frame_alloc(), small = frame;
	u64 base = window(1), va = base + PAGE_SIZE, entry = 0;
	unsigned int step, slot, i;

	if (level == 2) {
		for (i = 0; i < 2; i++) {
			region[i] = region_frame() - SCENE_OFFSET;
			frame_fill(region[i] + PAGE_SIZE);
		}
	} else {
		/* The one page of 1 GiB with memory begins at 0. */
		va = base + (frame & 0x3fffffff);
		small = page_alloc();
		entry_write(now.form, small, table_index(now.form, va, 1), frame | PTE_ALL);
		memset(NULL, 0, PAGE_SIZE);
	}
	slot = table_index(now.form, va, level - 1);
	for (step = 0; step < steps; step++) {
		i = random_below(&rng, 2);
		switch (random_below(&rng, 4)) {
		case 0:
			entry = region[i] | PTE_PS | random_rights();
			break;
		case 1:
			entry = region[i] | random_rights();
			break;
		case 2:
			entry ^= PTE_W;
			break;
		default:
			entry_write(now.form, region[i], slot + random_below(&rng, 2),
				    small | random_rights());
		}
		space_map(now.form, now.root, base, level, entry);
		flush_all();
		check_all(va);
		if (!(entry & PTE_PS))
			check_all(va + level_size(now.form, level - 1));
	}
	space_map(now.form, now.root, base, level, 0);
	flush_all();
}

int test_replay(void)
{
	unsigned int level, steps = option("steps", 3000);

	for (level = 2; level <= top_level(); level++)
		if (has_pages_of(level))
			replay(level, steps);
	return report("replay");
}

/* ------------------------------------------------------------------------
 * Tables that become data, and data that become tables
 */

static void fill_random(volatile u32 *page, u32 seed)
{
	struct rng own = { seed };
	unsigned int i;

	/* Much of it looks like entries that are present. */
	for (i = 0; i < PAGE_SIZE / 4; i++)
		page[i] = random64(&own);
}

static void compare_random(const u32 *page, u32 seed)
{
	struct rng own = { seed };
	unsigned int i;

	for (i = 0; i < PAGE_SIZE / 4; i++)
		if (page[i] != (u32)random64(&own)) {
			fail("a page that was a table holds %x at %x", page[i], i * 4);
			return;
		}
}

int test_reuse(void)
{
	unsigned int step, steps = option("steps", 600), level, leaf;
	u64 alias = window(ALIAS);
	struct scene s;

	scene_create(&s, 0, 1);
	leaf = s.leaf;
	for (step = 0; step < steps; step++) {
		uintptr_t page;
		u32 *through;

		level = leaf + random_below(&rng, top_level() - leaf);
		page = s.table[level];
		scene_reset(&s);
		check_all(s.va);

		/* No table any more: out of the tree, flushed, filled. */
		scene_set(&s, level + 1, s.entry[level + 1] & ~PTE_P);
		flush_all();
		through = (u32 *)page;
		if (step & 1) {
			space_map(now.form, now.root, alias, 1, page | PTE_ALL);
			invlpg(alias);
			through = (u32 *)(uintptr_t)alias;
		}
		if (step % 4 < 2) {
			fill_random(through, step + 1);
			compare_random((u32 *)page, step + 1);
		} else {
			size_t count = PAGE_SIZE / sizeof(uintptr_t);

			asm volatile("rep stos%z2"
				     : "+D"(through), "+c"(count)
				     : "a"((uintptr_t)step * 0x1010101) : "memory");
		}
		check_all(s.va);

		/* And a table again. */
		memset((void *)page, 0, PAGE_SIZE);
		scene_set(&s, level, s.entry[level]);
		scene_set(&s, level + 1, s.entry[level + 1]);
		check_all(s.va);
	}
	return report("reuse");
}
