// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's tables and their mutations.  A pool of pages is linked at random:
 * any of them may be a root, a table of any level, several at once, or a page
 * that is mapped, so that tables are written through mappings that they make.
 *
 * No entry made here leads outside of the pool, the frames, one large page and
 * a hole, but for those by which each root maps low memory and ourselves.
 */
#include "guestfuzz.h"

#define ROOTS		4

static uintptr_t pool[POOL], frames[FRAMES], roots[ROOTS];
static uintptr_t large;			/* 4 MiB, for large pages */

static int index_in(u64 pa, const uintptr_t *pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if ((pa & -PAGE_SIZE) == pages[i])
			return i;
	return -1;
}

int pool_index(u64 pa)
{
	return index_in(pa, pool, POOL);
}

static bool place_harmless(const struct access *a, u64 pa)
{
	if (index_in(pa, frames, FRAMES) >= 0)
		return true;
	/* Code and descriptors are in frames only. */
	if (a->kind == FETCH || a->kind == IMPLICIT)
		return false;
	if (pa >= large && pa < large + 4 * MIB)
		return true;
	if ((pa & -PAGE_SIZE) == HOLE)
		return true;
	/* Tables may be read; mutate_entry() knows which of them may be written. */
	return pool_index(pa) >= 0 && a->kind == READ;
}

bool is_harmless(const struct access *a, const struct seen *seen)
{
	unsigned int i;

	if (seen->unknown)
		return false;
	for (i = 0; i < seen->nr; i++)
		if (!place_harmless(a, seen->pa[i]))
			return false;
	return true;
}

/* ------------------------------------------------------------------------
 * Entries
 */

static unsigned int top_level(void)
{
	return now.form == &paging_pae ? 2 : now.form->levels;
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

static u64 random_target(unsigned int level)
{
	unsigned int i = random_below(&rng, POOL + FRAMES);

	/* Where it is no large page it is a table without entries. */
	if (one_in(level == 2 ? 4 : 40))
		return large | PTE_PS;
	if (level == 1 && !stock && one_in(60))
		return HOLE;
	if (one_in(5))
		return i < POOL ? pool[i] : frames[i - POOL];
	return page_of_level(level - 1);
}

static u64 random_entry(unsigned int level)
{
	u64 entry = random_target(level);

	entry |= one_in(20) ? 0 : PTE_P;
	entry |= one_in(8) ? 0 : PTE_W;
	entry |= one_in(8) ? 0 : PTE_U;
	entry |= one_in(2) ? PTE_A : 0;
	entry |= one_in(2) ? PTE_D : 0;
	/* Of table entries, one that the processor ignores or refuses. */
	entry |= one_in(level == 1 ? 4 : 100) ? PTE_G : 0;
	entry |= random64(&rng) & 7 << 9;
	if (now.form->entry_size == 8) {
		entry |= one_in(20) ? PTE_NX : 0;
		entry |= one_in(50) ? BIT64(51) : 0;
	}
	return entry;
}

/* The same with one bit changed; where it leads is still somewhere of ours. */
static u64 flipped(u64 entry)
{
	static const u8 bits[] = { 0, 1, 2, 3, 4, 5, 6, 8, 9, 0, 1, 2, 63, 51, 1, 2 };
	unsigned int bit = bits[random_below(&rng, ARRAY_SIZE(bits))];

	/* PWT and PCD choose cache types, and are nothing to a shadow. */
	return bit < now.form->entry_size * 8 ? entry ^ BIT64(bit) : entry;
}

static u64 new_value(unsigned int table, u64 old)
{
	switch (random_below(&rng, 8)) {
	case 0 ... 2:
		return flipped(old);
	case 3:
		return old & ~(PTE_A | PTE_D);
	case 4:
		return entry_read(now.form, pool[random_below(&rng, POOL)],
				  first_slot() + random_below(&rng, SLOTS));
	default:
		return random_entry(meant_level(table));
	}
}

/* ------------------------------------------------------------------------
 * Ways to write an entry.  Nobody uses it half way, nor may see what it was then.
 */

enum piece { BYTE, WORD, LONG, STRING, WHOLE, EXCHANGE };

static const u8 piece_size[] = { 1, 2, 4, 4, 8, 8 };

static void exchange(uintptr_t at, u64 value)
{
	u32 low = *(volatile u32 *)at, high = *(volatile u32 *)(at + 4);

	asm volatile("lock cmpxchg8b %0"
		     : "+m"(*(volatile u64 *)at), "+a"(low), "+d"(high)
		     : "b"((u32)value), "c"((u32)(value >> 32)) : "memory", "cc");
}

static void put_piece(uintptr_t at, u64 value, enum piece how)
{
	switch (how) {
	case BYTE:
		*(volatile u8 *)at = value;
		break;
	case WORD:
		*(volatile u16 *)at = value;
		break;
	case LONG:
		*(volatile u32 *)at = value;
		break;
	case STRING:
		memcpy((void *)at, &value, 4);
		break;
	case WHOLE:
#if BITS == 64
		*(volatile u64 *)at = value;
		break;
#endif
	default:
		exchange(at, value);
	}
}

static void write_entry(unsigned int table, unsigned int slot, u64 value, uintptr_t through)
{
	static const u8 ways[] = { LONG, LONG, WHOLE, WHOLE, WHOLE, EXCHANGE, STRING, BYTE, WORD };
	u64 old = entry_read(now.form, pool[table], first_slot() + slot);
	unsigned int entry_size = now.form->entry_size, size, done;
	enum piece how = ways[random_below(&rng, ARRAY_SIZE(ways))];

	if (piece_size[how] > entry_size)
		how = LONG;
	size = piece_size[how];
	seen_change(table, slot, old);
	for (done = 0; done < entry_size; done += size) {
		u64 mask = size == 8 ? ~0ull : (BIT64(size * 8) - 1);

		if ((old ^ value) >> (8 * done) & mask)
			put_piece(through + done, value >> (8 * done), how);
	}
}

/*
 * Where the entry appears through a mapping that there is now for sure, or its
 * own address.  Only for what is written in one piece: the first could take
 * the mapping away.
 */
static uintptr_t find_alias(unsigned int table, unsigned int slot)
{
	unsigned int offset = (first_slot() + slot) * now.form->entry_size, tries;

	for (tries = 0; tries < 4; tries++) {
		unsigned int number = random_below(&rng, nr_addresses());
		struct access a = { .va = address_of(number) + offset, .kind = WRITE };
		struct seen seen;

		seen_by(&a, number, &seen);
		if (seen.nr == 1 && !seen.stale && !seen.unknown &&
		    (seen.pa[0] & -PAGE_SIZE) == pool[table])
			return a.va;
	}
	return 0;
}

void mutate_entry(void)
{
	unsigned int table = random_below(&rng, POOL), slot = random_below(&rng, SLOTS);
	uintptr_t own = pool[table] + (first_slot() + slot) * now.form->entry_size, alias = 0;
	u64 old = entry_read(now.form, pool[table], first_slot() + slot);
	u64 value = new_value(table, old);

	if (one_in(3))
		alias = find_alias(table, slot);
	trace("entry %u of table %lx: %llx becomes %llx%s", first_slot() + slot,
	      (unsigned long)pool[table], old, value, alias ? ", by a mapping" : "");
	if (!alias) {
		write_entry(table, slot, value, own);
		return;
	}
	seen_change(table, slot, old);
	if (BITS == 64)
		*(volatile u64 *)alias = value;
	else
		*(volatile u32 *)alias = value;
}

/* ------------------------------------------------------------------------
 * Registers
 */

void mutate_root(void)
{
	unsigned int i = random_below(&rng, ROOTS);

	/* Of a root that is not loaded, the top entries count with the next load. */
	if (now.form == &paging_pae && roots[i] != now.root && one_in(2))
		entry_write(now.form, roots[i], 2 + random_below(&rng, 2),
			    page_of_level(2) | (one_in(10) ? 0 : PTE_P));
	trace("root %lx", (unsigned long)roots[i]);
	load_root(roots[i]);
}

void mutate_controls(void)
{
	u32 bits = random64(&rng);
	struct machine wanted = {
		.wp = bits & 1,
		.nxe = features.nx && (stock || bits & 0x70),
		.smep = features.smep && bits & 2,
		/* See tests/paging/deviations.h, smap_without_wp. */
		.smap = features.smap && (bits & 5) == 5,
		.pge = features.pge && bits & 8,
	};
	bool flush = wanted.nxe != now.nxe || wanted.pge != now.pge ||
		     now.form == &paging_pae;

	trace("controls:%s%s%s%s%s", wanted.wp ? " WP" : "", wanted.nxe ? " NXE" : "",
	      wanted.smep ? " SMEP" : "", wanted.smap ? " SMAP" : "", wanted.pge ? " PGE" : "");
	machine_controls(&wanted);
	if (flush)
		flush_everything();
}

void tables_setup(void)
{
	unsigned int i, j;

	large = pages_alloc(1024, 4 * MIB);
	for (i = 0; i < FRAMES; i++)
		frames[i] = frame_alloc();
	for (i = 0; i < POOL; i++)
		pool[i] = page_alloc();
	for (i = 0; i < ROOTS; i++) {
		/* PAE roots are no tables of the pool: their entries are special. */
		roots[i] = now.form == &paging_pae ? page_alloc() :
						     pool[i * now.form->levels];
		memcpy((void *)roots[i], (void *)now.root, PAGE_SIZE);
		for (j = 2; j < 4 && now.form == &paging_pae; j++)
			entry_write(now.form, roots[i], j, pool[(2 * i + j) % POOL] | PTE_P);
	}
	for (i = 0; i < POOL; i++)
		for (j = 0; j < SLOTS; j++)
			entry_write(now.form, pool[i], first_slot() + j,
				    random_entry(meant_level(i)));
	load_root(roots[0]);
	flush_everything();
}
