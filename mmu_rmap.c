// SPDX-License-Identifier: GPL-2.0
/*
 * mmu_rmap.c - reverse maps: from a guest page to the shadow ptes that map it.
 *
 * Owns: the lists themselves (gfn_block.rmap, shadow_page.parents), and all
 * that works page-wise through them: write protection and the dirty log.
 * Everything here runs under mmu.lock.
 *
 * Read next: mmu.c; mmu_host.c, which unmaps what the host takes away.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include "kvm.h"
#include "mmu_private.h"

/* ------------------------------------------------------------------------
 * Lists of sptes: nothing, one spte, or (bit 0 set) a chain of descriptors
 */

#define LIST_MANY	1ul

static struct pte_list_desc *list_desc(unsigned long head)
{
	return (struct pte_list_desc *)(head & ~LIST_MANY);
}

static struct pte_list_desc *desc_alloc(struct kvm_vcpu *vcpu)
{
	struct pte_list_desc *d = mmu_cache_take(&vcpu->mmu.desc_cache);

	d->nr = 0;
	d->behind = 0;
	d->more = NULL;
	return d;
}

void pte_list_add(struct kvm_vcpu *vcpu, unsigned long *head, u64 *sptep)
{
	struct pte_list_desc *d;

	if (!*head) {
		*head = (unsigned long)sptep;
		return;
	}
	if (!(*head & LIST_MANY)) {
		d = desc_alloc(vcpu);
		d->spte[d->nr++] = (u64 *)*head;
		*head = (unsigned long)d | LIST_MANY;
	}
	d = list_desc(*head);
	/* Only the first descriptor has room, so that adding is quick. */
	if (d->nr == ARRAY_SIZE(d->spte)) {
		struct pte_list_desc *first = desc_alloc(vcpu);

		first->more = d;
		first->behind = d->nr + d->behind;
		*head = (unsigned long)first | LIST_MANY;
		d = first;
	}
	d->spte[d->nr++] = sptep;
}

/* False: it was not there, which only the audit may be told. */
bool pte_list_remove(unsigned long *head, u64 *sptep)
{
	struct pte_list_desc *first, *d;
	unsigned long i;

	if (!(*head & LIST_MANY)) {
		if ((u64 *)*head != sptep)
			return false;
		*head = 0;
		return true;
	}
	first = list_desc(*head);
	for (d = first; d; d = d->more)
		for (i = 0; i < d->nr; i++)
			if (d->spte[i] == sptep)
				goto found;
	return false;
found:
	/* The hole is filled from the first descriptor, which shrinks. */
	d->spte[i] = first->spte[--first->nr];
	if (first->nr)
		return true;
	*head = first->more ? (unsigned long)first->more | LIST_MANY : 0;
	kmem_cache_free(mmu_desc_cache, first);
	return true;
}

unsigned int pte_list_count(unsigned long head)
{
	if (!(head & LIST_MANY))
		return !!head;
	return list_desc(head)->nr + list_desc(head)->behind;
}

u64 *pte_list_first(unsigned long head)
{
	return head & LIST_MANY ? list_desc(head)->spte[0] : (u64 *)head;
}

void pte_list_walk(unsigned long head, void (*fn)(u64 *sptep, void *arg),
		   void *arg)
{
	struct pte_list_desc *d;
	unsigned long i;

	if (!(head & LIST_MANY)) {
		if (head)
			fn((u64 *)head, arg);
		return;
	}
	for (d = list_desc(head); d; d = d->more)
		for (i = 0; i < d->nr; i++)
			fn(d->spte[i], arg);
}

/* ------------------------------------------------------------------------
 * A slot's blocks
 */

static unsigned long slot_nr_blocks(const struct kvm_slot *slot)
{
	return ((slot->base_gfn + slot->npages - 1) >> 9) -
	       (slot->base_gfn >> 9) + 1;
}

int mmu_slot_alloc(struct kvm_slot *slot)
{
	slot->blocks = kvcalloc(slot_nr_blocks(slot), sizeof(*slot->blocks),
				GFP_KERNEL_ACCOUNT);
	return slot->blocks ? 0 : -ENOMEM;
}

void mmu_slot_free(struct kvm_slot *slot)
{
	unsigned long i;

	if (!slot->blocks)
		return;
	for (i = 0; i < slot_nr_blocks(slot); i++)
		if (slot->blocks[i])
			mmu_free_block(slot->blocks[i]);
	kvfree(slot->blocks);
	slot->blocks = NULL;
}

/* @gfn is in @slot, on the path that a guest has mistrained, too. */
static struct gfn_block **block_of(const struct kvm_slot *slot, gfn_t gfn)
{
	gfn_t base = slot->base_gfn;

	gfn = base + array_index_nospec(gfn - base, slot->npages);
	return &slot->blocks[(gfn >> 9) - (base >> 9)];
}

struct gfn_block *slot_block(const struct kvm_slot *slot, gfn_t gfn)
{
	return READ_ONCE(*block_of(slot, gfn));
}

struct gfn_block *slot_block_get(struct kvm_vcpu *vcpu, struct kvm_slot *slot,
				 gfn_t gfn)
{
	struct gfn_block **p = block_of(slot, gfn);

	if (!*p)
		WRITE_ONCE(*p, mmu_cache_take(&vcpu->mmu.block_cache));
	return *p;
}

unsigned long *slot_rmap(struct gfn_block *block, gfn_t gfn, int level)
{
	return level == 1 ? &block->rmap[gfn & 511] : &block->rmap_2m;
}

unsigned long *slot_rmap_get(struct kvm_vcpu *vcpu, struct kvm_slot *slot,
			     gfn_t gfn, int level)
{
	struct gfn_block *block = slot_block_get(vcpu, slot, gfn);

	if (level == 1 && unlikely(block->rmap == NO_RMAP))
		block->rmap = mmu_cache_take(&vcpu->mmu.rmap_cache);
	return slot_rmap(block, gfn, level);
}

bool slot_has_rmap(const struct kvm_slot *slot, gfn_t gfn)
{
	const struct gfn_block *block = slot_block(slot, gfn);

	return block && block->rmap != NO_RMAP;
}

/* ------------------------------------------------------------------------
 * Write protection
 */

static void protect_spte(u64 *sptep, void *arg)
{
	bool *changed = arg;

	if (*sptep & PT_WRITE) {
		clear_bit(1, (unsigned long *)sptep);
		*changed = true;
	}
}

/* Takes the first spte off a list until none is left. */
void rmap_unmap(struct kvm *kvm, unsigned long *head)
{
	LIST_HEAD(none);

	while (*head) {
		u64 *sptep = pte_list_first(*head);
		struct shadow_page *sp = table_page(sptep);

		mmu_drop_entry(kvm, sp, sptep - sp->spt, &none);
		if (WARN_ON_ONCE(*head && pte_list_first(*head) == sptep))
			pte_list_remove(head, sptep);
	}
}

/*
 * @gfn shall not be written unseen.  A large mapping goes altogether: it is
 * made anew in small pages, of which only this one is protected.
 */
void rmap_write_protect(struct kvm *kvm, struct kvm_slot *slot, gfn_t gfn)
{
	struct gfn_block *block = slot_block(slot, gfn);
	bool changed = false;

	if (!block)
		return;
	pte_list_walk(block->rmap[gfn & 511], protect_spte, &changed);
	if (changed)
		kvm->mmu.tlbs_dirty = true;
	if (unlikely(block->rmap_2m))
		rmap_unmap(kvm, &block->rmap_2m);
}

void mmu_write_protect_mask(struct kvm *kvm, struct kvm_slot *slot,
			    unsigned long first, unsigned long mask)
{
	while (mask) {
		rmap_write_protect(kvm, slot, slot->base_gfn + first +
				   __ffs(mask));
		mask &= mask - 1;
	}
}

void mmu_log_taken(struct kvm *kvm)
{
	mmu_flush_dirty(kvm);
	mmu_audit_after(kvm, "dirty log");
}

/* Dirty logging begins: the first write to each page must be seen. */
void mmu_write_protect_slot(struct kvm *kvm, struct kvm_slot *slot)
{
	gfn_t gfn = slot->base_gfn, end = gfn + slot->npages;

	spin_lock(&kvm->mmu.lock);
	while (gfn < end) {
		gfn_t next = min(end, (gfn | 511) + 1);

		/* Terabytes may be registered that nobody has touched. */
		if (!slot_block(slot, gfn))
			gfn = next;
		for (; gfn < next; gfn++)
			rmap_write_protect(kvm, slot, gfn);
		cond_resched_lock(&kvm->mmu.lock);
	}
	mmu_flush_dirty(kvm);
	slot->settling = false;
	mmu_audit_after(kvm, "dirty log begins");
	spin_unlock(&kvm->mmu.lock);
}
