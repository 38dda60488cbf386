// SPDX-License-Identifier: GPL-2.0
/*
 * mmu_zap.c - when shadow pages have to go: the quota is used up, their guest
 * page is no page table any more, or the slots that they were made from change.
 *
 * Owns: kvm_mmu.max_pages, the MMIO generation.  Everything here takes mmu.lock
 * or says that it is held; callers hold slots_lock, or kvm->srcu for reading.
 *
 * Read next: memslot.c, slot_retire(), for the order of things.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include "kvm.h"
#include "mmu_private.h"

#define PAGES_PERMILLE	20	/* default quota, of the VM's memory */

/* ------------------------------------------------------------------------
 * The quota
 */

static unsigned long default_max_pages(struct kvm *kvm)
{
	struct kvm_slots *slots = kvm_slots(kvm);
	unsigned long pages = 0;
	unsigned int i;

	for (i = 0; i < slots->nr; i++)
		pages += slots->slot[i]->npages;
	return max_t(unsigned long, pages * PAGES_PERMILLE / 1000,
		     KVM_MIN_MMU_PAGES);
}

/* Oldest first; roots in use stay.  mmu.lock. */
static void shrink_to(struct kvm *kvm, unsigned long nr,
		      struct list_head *zapped)
{
	struct shadow_page *sp;

again:
	list_for_each_entry_reverse(sp, &kvm->mmu.active, link) {
		if (kvm->mmu.nr_pages <= nr)
			return;
		if (sp->root_count)
			continue;
		kvm->stats.mmu_recycled++;
		mmu_zap_page(kvm, sp, zapped);
		goto again;	/* children went with it */
	}
}

/* A table that unlink_child() left for later. */
static struct shadow_page *left_over(struct kvm_mmu *mmu)
{
	struct shadow_page *sp;

	if (list_empty(&mmu->active))
		return NULL;
	sp = list_last_entry(&mmu->active, struct shadow_page, link);
	return unlikely(!sp->born) ? sp : NULL;
}

void mmu_make_room(struct kvm *kvm, struct list_head *zapped)
{
	struct shadow_page *sp;

	while ((sp = left_over(&kvm->mmu)) &&
	       kvm->mmu.nr_zapped < MMU_ZAP_BATCH)
		mmu_zap_page(kvm, sp, zapped);
	if (likely(kvm->mmu.nr_pages + MMU_ROOM <= kvm->mmu.max_pages))
		return;
	/* A batch, so that the flush is paid for once. */
	shrink_to(kvm, kvm->mmu.max_pages - min(kvm->mmu.max_pages / 4,
						MMU_ZAP_BATCH), zapped);
}

bool mmu_unprotect(struct kvm *kvm, gfn_t gfn)
{
	struct shadow_page *sp;
	bool any = false;
	LIST_HEAD(zapped);

	spin_lock(&kvm->mmu.lock);
again:
	for_each_shadow(kvm, sp, gfn) {
		mmu_zap_page(kvm, sp, &zapped);
		any = true;
		goto again;
	}
	mmu_commit_zap(kvm, &zapped);
	mmu_audit_after(kvm, "unprotect");
	spin_unlock(&kvm->mmu.lock);
	return any;
}

/*
 * In steps, as there may be a million; the limit comes down with them, so that
 * faults meanwhile need not do the rest at once.  Roots in use stay.
 */
static void limit_pages(struct kvm *kvm, unsigned long nr)
{
	struct kvm_mmu *mmu = &kvm->mmu;
	unsigned long have, left;
	LIST_HEAD(zapped);

	do {
		have = mmu->nr_pages;
		shrink_to(kvm, max(nr, have - min(have, MMU_ZAP_BATCH)),
			  &zapped);
		mmu_commit_zap(kvm, &zapped);
		left = mmu->nr_pages;
		mmu->max_pages = max(nr, left);
		cond_resched_lock(&mmu->lock);
	} while (left > nr && left < have);
	mmu->max_pages = nr;
}

void mmu_set_max_pages(struct kvm *kvm, unsigned long nr)
{
	spin_lock(&kvm->mmu.lock);
	kvm->mmu.requested_pages = nr;
	limit_pages(kvm, nr);
	mmu_audit_after(kvm, "quota");
	spin_unlock(&kvm->mmu.lock);
}

/* The memory that the default quota is a part of is not what it was. */
void mmu_slots_changed(struct kvm *kvm)
{
	spin_lock(&kvm->mmu.lock);
	if (!kvm->mmu.requested_pages)
		limit_pages(kvm, default_max_pages(kvm));
	mmu_audit_after(kvm, "slots");
	spin_unlock(&kvm->mmu.lock);
}

/* ------------------------------------------------------------------------
 * Zapping by slot
 */

/*
 * All that are there now.  vCPUs make new ones whenever the lock is dropped,
 * and could do so for ever; what they make is right already.
 */
void mmu_zap_all(struct kvm *kvm)
{
	struct kvm_mmu *mmu = &kvm->mmu;
	struct shadow_page *sp;
	LIST_HEAD(zapped);
	u64 newest;

	spin_lock(&mmu->lock);
	newest = mmu->births;
	while (!list_empty(&mmu->active)) {
		sp = list_last_entry(&mmu->active, struct shadow_page, link);
		if (sp->born > newest)
			break;
		mmu_zap_page(kvm, sp, &zapped);
		if (need_resched() || spin_needbreak(&mmu->lock)) {
			mmu_commit_zap(kvm, &zapped);
			cond_resched_lock(&mmu->lock);
		}
	}
	mmu_commit_zap(kvm, &zapped);
	mmu_flush_dirty(kvm);
	mmu_audit_after(kvm, "zap");
	spin_unlock(&mmu->lock);
}

/*
 * What is remembered of the gfns of @slot, which were no memory, goes: markers of
 * MMIO carry a generation.  It does not come round while there are any, since all
 * shadow pages go with each slot that makes room for another one.
 */
void mmu_slot_added(struct kvm *kvm, struct kvm_slot *slot)
{
	BUILD_BUG_ON(SPTE_MMIO_GENS <= KVM_USER_SLOTS);
	spin_lock(&kvm->mmu.lock);
	kvm->mmu.mmio_generation++;
	slot->settling = false;
	mmu_audit_after(kvm, "new slot");
	spin_unlock(&kvm->mmu.lock);
}
