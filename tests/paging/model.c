// SPDX-License-Identifier: GPL-2.0
/*
 * A model of the processor's paging, written for clearness: one walk for all
 * three forms, reading the tables in memory.  It knows nothing of TLBs.
 */
#include "paging_test.h"

struct features features;

static u64 bits(unsigned int from, unsigned int to)
{
	return from > to ? 0 : (BIT64(to - from) * 2 - 1) << from;
}

bool model_is_leaf(const struct machine *m, unsigned int level, u64 entry)
{
	if (level == 1)
		return true;
	if (!(entry & PTE_PS))
		return false;
	if (m->form == &paging_32)
		return m->pse;
	return level == 2 || (level == 3 && m->form == &paging_long && features.gb_pages);
}

/* A 4 MiB page has bits 39:32 of its address in bits 20:13 of its entry. */
static u64 reserved_4m(void)
{
	unsigned int top = features.maxphyaddr > 40 ? 40 : features.maxphyaddr;

	return bits(features.pse36 ? 13 + top - 32 : 13, 21);
}

u64 model_reserved(const struct machine *m, unsigned int level, u64 entry)
{
	bool leaf = model_is_leaf(m, level, entry);
	u64 reserved;

	if (m->form == &paging_32)
		return level == 2 && leaf ? reserved_4m() : 0;
	reserved = bits(features.maxphyaddr, m->form == &paging_pae ? 62 : 51);
	if (level == 4 || (level == 3 && !leaf))
		reserved |= PTE_PS;
	if (level == 4 && features.amd)
		reserved |= BIT64(8);
	if (level > 1 && leaf)
		reserved |= bits(13, 12 + 9 * (level - 1) - 1);
	return reserved;
}

bool model_is_malformed(const struct machine *m, unsigned int level, u64 entry)
{
	return (entry & model_reserved(m, level, entry)) || (!m->nxe && (entry & PTE_NX));
}

u64 model_address(const struct machine *m, unsigned int level, u64 entry, u64 va)
{
	u64 offset = level_size(m->form, level) - 1;
	u64 base = entry & PTE_ADDRESS & ~offset;

	if (m->form == &paging_32) {
		base &= 0xffffffff;
		if (level == 2)
			base |= (entry >> 13 & 0xff) << 32;
	}
	return base | (va & offset);
}

void model_and(struct rights *rights, u64 entry)
{
	rights->write &= !!(entry & PTE_W);
	rights->user &= !!(entry & PTE_U);
	rights->fetch &= !(entry & PTE_NX);
}

bool model_allowed(const struct machine *m, const struct access *a, const struct rights *r)
{
	bool by_user = a->user && a->kind != IMPLICIT;

	if (by_user && !r->user)
		return false;
	if (a->kind == FETCH)
		return r->fetch && (by_user || !r->user || !m->smep);
	if (!by_user && r->user && m->smap && (a->kind == IMPLICIT || !a->ac))
		return false;
	return a->kind != WRITE || r->write || (!by_user && !m->wp);
}

static void set_fault(const struct machine *m, const struct access *a, struct walk *w, u32 why)
{
	w->fault = true;
	w->error = why;
	w->unsure = 0;
	if (a->kind == WRITE)
		w->error |= PF_WRITE;
	if (a->user && a->kind != IMPLICIT)
		w->error |= PF_USER;
	if (a->kind == FETCH && (m->smep || (m->nxe && m->form != &paging_32)))
		w->error |= PF_FETCH;
	/* By the manuals it is clear, but the stock module sets it. */
	else if (a->kind == FETCH && m->nxe)
		w->unsure = PF_FETCH;
}

/* Where the walk begins; false if a top entry of PAE is not present. */
static bool first_table(const struct machine *m, const struct access *a, struct walk *w,
			uintptr_t *table)
{
	w->top = m->form->levels;
	*table = m->root;
	if (m->form != &paging_pae)
		return true;
	w->top = 2;
	*table = m->pdpte[a->va >> 30 & 3] & PTE_ADDRESS;
	return m->pdpte[a->va >> 30 & 3] & PTE_P;
}

void model_walk(const struct machine *m, const struct access *a, struct walk *w)
{
	struct rights rights = { true, true, true };
	uintptr_t table;
	unsigned int level;
	u64 entry;

	w->fault = false;
	if (!first_table(m, a, w, &table)) {
		w->last = w->top + 1;		/* no entry in memory was seen */
		set_fault(m, a, w, 0);
		return;
	}
	for (level = w->top;; level--) {
		unsigned int index = table_index(m->form, a->va, level);

		entry = entry_read(m->form, table, index);
		w->step[level] = (struct walk_step) { table, index, entry };
		w->last = level;
		if (!(entry & PTE_P)) {
			set_fault(m, a, w, 0);
			return;
		}
		if (model_is_malformed(m, level, entry)) {
			set_fault(m, a, w, PF_PRESENT | PF_RESERVED);
			return;
		}
		model_and(&rights, entry);
		if (model_is_leaf(m, level, entry))
			break;
		table = entry & PTE_ADDRESS;
	}
	if (!model_allowed(m, a, &rights)) {
		set_fault(m, a, w, PF_PRESENT);
		return;
	}
	w->pa = model_address(m, level, entry, a->va);
}
