/* SPDX-License-Identifier: GPL-2.0 */
/*
 * paging.h - page tables of all three forms, and memory to make them of.  The
 * tables are reached at their physical addresses, so the first 4 GiB (in
 * 32-bit programs: all memory in use) must be mapped one to one.
 */
#ifndef BARE_PAGING_H
#define BARE_PAGING_H

#include "bare.h"

/* Bits of an entry; those above 31 exist in entries of 8 bytes only. */
#define PTE_P		BIT64(0)
#define PTE_W		BIT64(1)
#define PTE_U		BIT64(2)
#define PTE_A		BIT64(5)
#define PTE_D		BIT64(6)
#define PTE_PS		BIT64(7)
#define PTE_G		BIT64(8)
#define PTE_NX		BIT64(63)
#define PTE_ALL		(PTE_P | PTE_W | PTE_U)
#define PTE_ADDRESS	0x000ffffffffff000ull

/* A form of paging: its tables, from level `levels` down to 1. */
struct paging {
	const char *name;
	unsigned int levels;
	unsigned int entry_size;
	unsigned int index_bits;
	uintptr_t cr4;			/* bits of CR4 that choose it */
};

extern const struct paging paging_32, paging_pae, paging_long;

/* How many bytes an entry of @level maps. */
static inline u64 level_size(const struct paging *p, unsigned int level)
{
	return 1ull << (12 + (level - 1) * p->index_bits);
}

static inline unsigned int table_index(const struct paging *p, u64 va, unsigned int level)
{
	unsigned int bits = p == &paging_pae && level == 3 ? 2 : p->index_bits;

	return va >> (12 + (level - 1) * p->index_bits) & ((1u << bits) - 1);
}

/* Entry @index of the table at @table. */
u64 entry_read(const struct paging *p, uintptr_t table, unsigned int index);
void entry_write(const struct paging *p, uintptr_t table, unsigned int index, u64 value);

/* Zeroed pages, from 16 MiB up; @align is in bytes.  They are never freed. */
uintptr_t pages_alloc(size_t pages, size_t align);
static inline uintptr_t page_alloc(void)
{
	return pages_alloc(1, PAGE_SIZE);
}

/*
 * A new root that maps the first @size bytes one to one, .user for CPL 3 and
 * all else for CPL 0, in large pages or, if @small, in 4 KiB pages.
 */
uintptr_t space_create(const struct paging *p, u64 size, bool small);

/*
 * The table of @level that serves @va under @root, made with entries of full
 * access where there is none.
 */
uintptr_t space_table(const struct paging *p, uintptr_t root, u64 va, unsigned int level);

/* Sets the entry of @level that serves @va. */
void space_map(const struct paging *p, uintptr_t root, u64 va, unsigned int level, u64 entry);

#if BITS == 32
/* Switches paging on in form @p with @root, or to it from another form; or off. */
void paging_on(const struct paging *p, uintptr_t root);
void paging_off(void);
#endif

#endif
