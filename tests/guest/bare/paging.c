// SPDX-License-Identifier: GPL-2.0
/*
 * Builders of page tables in all three forms.  Owns the memory from 16 MiB up,
 * which it gives out a page at a time.
 */
#include "paging.h"

const struct paging paging_32 = { "32-bit", 2, 4, 10, CR4_PSE };
const struct paging paging_pae = { "PAE", 3, 8, 9, CR4_PAE };
const struct paging paging_long = { "64-bit", 4, 8, 9, CR4_PAE };

extern u8 user_start[], user_end[];
static uintptr_t next_page = 16 * MIB;

u64 entry_read(const struct paging *p, uintptr_t table, unsigned int index)
{
	if (p->entry_size == 4)
		return ((volatile u32 *)table)[index];
	return ((volatile u64 *)table)[index];
}

void entry_write(const struct paging *p, uintptr_t table, unsigned int index, u64 value)
{
	if (p->entry_size == 4)
		((volatile u32 *)table)[index] = value;
	else
		((volatile u64 *)table)[index] = value;
}

uintptr_t pages_alloc(size_t pages, size_t align)
{
	uintptr_t page = (next_page + align - 1) & -align;

	next_page = page + pages * PAGE_SIZE;
	memset((void *)page, 0, pages * PAGE_SIZE);
	return page;
}

/* An entry that points to a table; the top ones of PAE have no rights. */
static u64 table_entry(const struct paging *p, unsigned int level, uintptr_t table)
{
	return table | (p == &paging_pae && level == 3 ? PTE_P : PTE_ALL);
}

uintptr_t space_table(const struct paging *p, uintptr_t root, u64 va, unsigned int level)
{
	uintptr_t table = root;
	unsigned int at, index;

	for (at = p->levels; at > level; at--) {
		index = table_index(p, va, at);
		if (!(entry_read(p, table, index) & PTE_P))
			entry_write(p, table, index, table_entry(p, at, page_alloc()));
		table = entry_read(p, table, index) & PTE_ADDRESS;
	}
	return table;
}

void space_map(const struct paging *p, uintptr_t root, u64 va, unsigned int level, u64 entry)
{
	entry_write(p, space_table(p, root, va, level), table_index(p, va, level), entry);
}

uintptr_t space_create(const struct paging *p, u64 size, bool small)
{
	uintptr_t root = page_alloc();
	unsigned int level = small ? 1 : 2;
	u64 va, step = level_size(p, level);

	for (va = 0; va < size; va += step) {
		bool user = va + step > (uintptr_t)user_start && va < (uintptr_t)user_end;

		space_map(p, root, va, level, va | PTE_P | PTE_W | (user ? PTE_U : 0) |
			  (small ? 0 : PTE_PS));
	}
	return root;
}

#if BITS == 32
void paging_off(void)
{
	write_cr0(read_cr0() & ~CR0_PG);
}

void paging_on(const struct paging *p, uintptr_t root)
{
	paging_off();
	write_cr4((read_cr4() & ~(CR4_PSE | CR4_PAE)) | p->cr4);
	write_cr3(root);
	write_cr0(read_cr0() | CR0_PG);
}
#endif
