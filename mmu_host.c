// SPDX-License-Identifier: GPL-2.0
/*
 * mmu_host.c - the host's side of a mapping: what the process's own page
 * tables hold, and the notifiers that say when that changes.
 *
 * The rule that keeps the host safe: a fault reads the process's page table
 * under mmu.lock while no invalidation is under way, and a notifier takes the
 * lock before the host changes anything; so what was read is true until the
 * lock is dropped, and from then on the reverse maps lead the notifier to it.
 * No page is held by a reference.  When a notifier returns, no processor has
 * a translation left to what the host takes away.
 *
 * Read next: mmu.c, fault_in(); mmu_rmap.c.
 */
#include <linux/cpu.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include "compat.h"
#include "kvm.h"
#include "mmu_private.h"

/* ------------------------------------------------------------------------
 * The process's page table
 */

/* A leaf at any level: its flags, and the pfn of the 4 KiB page asked for. */
struct host_leaf {
	unsigned long flags;
	kvm_pfn_t pfn;
	int level;
};

/*
 * Interrupts off: tables are freed only after an IPI that this holds off.  But
 * munmap() clears the entries that point to them when its notifier is over, so
 * each is read once, and the value followed.  An entry that is being split or
 * migrated is not present in the hardware's sense, which is the one that counts
 * here.
 */
static bool find_leaf(struct mm_struct *mm, hva_t hva, struct host_leaf *leaf)
{
	pgd_t *pgdp = pgd_offset(mm, hva), pgd = READ_ONCE(*pgdp);
	p4d_t *p4dp, p4d;
	pud_t *pudp, pud;
	pmd_t *pmdp, pmd;
	pte_t pte;

	if (!pgd_present(pgd))
		return false;
	p4dp = p4d_offset_lockless(pgdp, pgd, hva);
	p4d = READ_ONCE(*p4dp);
	if (!p4d_present(p4d))
		return false;
	pudp = pud_offset_lockless(p4dp, p4d, hva);
	pud = READ_ONCE(*pudp);
	if (!(pud_val(pud) & _PAGE_PRESENT))
		return false;
	if (pud_val(pud) & _PAGE_PSE) {
		leaf->flags = pud_flags(pud);
		leaf->pfn = pud_pfn(pud) + (hva & ~PUD_MASK) / PAGE_SIZE;
		leaf->level = 3;
		return true;
	}
	pmdp = pmd_offset_lockless(pudp, pud, hva);
	pmd = READ_ONCE(*pmdp);
	if (!(pmd_val(pmd) & _PAGE_PRESENT))
		return false;
	if (pmd_val(pmd) & _PAGE_PSE) {
		leaf->flags = pmd_flags(pmd);
		leaf->pfn = pmd_pfn(pmd) + (hva & ~PMD_MASK) / PAGE_SIZE;
		leaf->level = 2;
		return true;
	}
	pte = READ_ONCE(*pte_offset_kernel(&pmd, hva));
	leaf->flags = pte_flags(pte);
	leaf->pfn = pte_pfn(pte);
	leaf->level = 1;
	return true;
}

void host_mark_dirty(kvm_pfn_t pfn)
{
	struct folio *folio = page_folio(pfn_to_page(pfn));

	if ((folio_test_anon(folio) || folio_test_swapbacked(folio)) &&
	    !folio_test_dirty(folio))
		folio_set_dirty(folio);
}

bool host_lookup(struct kvm *kvm, bool write, struct spte_map *m)
{
	struct host_leaf leaf;
	unsigned long flags;
	bool found;

	local_irq_save(flags);
	found = find_leaf(kvm->mm, slot_hva(m->slot, m->gfn), &leaf);
	local_irq_restore(flags);
	if (!found || (leaf.flags & (_PAGE_PRESENT | _PAGE_USER)) !=
		      (_PAGE_PRESENT | _PAGE_USER))
		return false;
	/* Devices' pages have no place here; the zero page does, to read. */
	if ((leaf.flags & (_PAGE_SPECIAL | _PAGE_DEVMAP)) &&
	    !is_zero_pfn(leaf.pfn))
		return false;
	m->host_write = (leaf.flags & _PAGE_RW) &&
			!(m->slot->flags & KVM_MEM_READONLY);
	if (write && !m->host_write)
		return false;
	m->pfn = leaf.pfn;
	m->host_large = leaf.level > 1;
	return true;
}

/* host_lookup() has found nothing: the fast way would not either. */
int host_populate(hva_t hva, bool write)
{
	struct page *page;
	int r = get_user_pages_unlocked(hva, 1, &page,
					COMPAT_FOLL_NUMA_FAULT |
					(write ? FOLL_WRITE : 0));

	if (r == 1) {
		/* What host_lookup() will never take. */
		bool refused = is_zone_device_page(page);

		put_page(page);
		return refused ? -EFAULT : 0;
	}
	return r == -EINTR || r == -ERESTARTSYS ? -EINTR : -EFAULT;
}

/*
 * Processors that check the machine when code is fetched from a page whose size
 * has changed, and no flush came in between (CVE-2018-12207).  A guest can do
 * that at will, if its code is in large pages.
 */
bool mmu_split_code;
extern bool itlb_multihit_kvm_mitigation;	/* what sysfs says of it */

void mmu_protect_itlb(bool on)
{
	mmu_split_code = on && boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) &&
			 !cpu_mitigations_off();
	itlb_multihit_kvm_mitigation = mmu_split_code;
}

/* ------------------------------------------------------------------------
 * MMU notifiers: the host takes pages away, or asks whether they are in use
 */

struct young {
	bool found;
	bool clear;
};

static void young_spte(u64 *sptep, void *arg)
{
	struct young *young = arg;

	if (!(*sptep & PT_ACCESSED))
		return;
	young->found = true;
	if (young->clear)
		clear_bit(5, (unsigned long *)sptep);
}

static void unmap_rmap(struct kvm *kvm, unsigned long *head, void *arg)
{
	rmap_unmap(kvm, head);
}

static void age_rmap(struct kvm *kvm, unsigned long *head, void *arg)
{
	pte_list_walk(*head, young_spte, arg);
}

typedef void (*rmap_fn)(struct kvm *kvm, unsigned long *head, void *arg);

/*
 * All reverse maps of the gfns from @first to @last that exist.  The range can
 * be all of the guest's memory.
 */
static void for_gfns(struct kvm *kvm, struct kvm_slot *slot, gfn_t first,
		     gfn_t last, rmap_fn fn, void *arg, bool may_sleep)
{
	gfn_t gfn = first;

	while (gfn <= last) {
		struct gfn_block *block = slot_block(slot, gfn);
		gfn_t end = min(last, gfn | 511);

		if (block && block->rmap_2m)
			fn(kvm, &block->rmap_2m, arg);
		for (; block && gfn <= end; gfn++) {
			if (!block->rmap[gfn & 511])
				continue;
			fn(kvm, &block->rmap[gfn & 511], arg);
			if (may_sleep)
				cond_resched_lock(&kvm->mmu.lock);
		}
		if (may_sleep)
			cond_resched_lock(&kvm->mmu.lock);
		gfn = end + 1;
	}
}

/* ... of the process's addresses from @start up to @end. */
static void for_hvas(struct kvm *kvm, hva_t start, hva_t end, rmap_fn fn,
		     void *arg, bool may_sleep)
{
	struct kvm_slots *slots = kvm_slots(kvm);
	unsigned int i;

	for (i = 0; i < slots->nr; i++) {
		struct kvm_slot *slot = slots->slot[i];
		hva_t from = max(start, slot->hva);
		hva_t to = min(end, slot->hva + (slot->npages << PAGE_SHIFT));

		if (from >= to)
			continue;
		for_gfns(kvm, slot, slot->base_gfn +
			 ((from - slot->hva) >> PAGE_SHIFT),
			 slot->base_gfn +
			 ((to - 1 - slot->hva) >> PAGE_SHIFT), fn, arg,
			 may_sleep);
	}
}

static struct kvm *notifier_kvm(struct mmu_notifier *mn)
{
	return container_of(mn, struct kvm, notifier);
}

/*
 * From start to end no fault looks at the process's page table: it sees
 * invalidate_count, and the guest tries again.
 */
static int notifier_start(struct mmu_notifier *mn,
			  const struct mmu_notifier_range *range)
{
	struct kvm *kvm = notifier_kvm(mn);
	int idx = srcu_read_lock(&kvm->srcu);

	spin_lock(&kvm->mmu.lock);
	kvm->mmu.invalidate_count++;
	kvm->stats.mmu_invalidations++;
	for_hvas(kvm, range->start, range->end, unmap_rmap, NULL,
		 mmu_notifier_range_blockable(range));
	mmu_flush_dirty(kvm);
	mmu_audit_after(kvm, "notifier");
	spin_unlock(&kvm->mmu.lock);
	srcu_read_unlock(&kvm->srcu, idx);
	return 0;
}

static void notifier_end(struct mmu_notifier *mn,
			 const struct mmu_notifier_range *range)
{
	struct kvm *kvm = notifier_kvm(mn);

	spin_lock(&kvm->mmu.lock);
	kvm->mmu.invalidate_count--;
	spin_unlock(&kvm->mmu.lock);
}

static bool notifier_age(struct mmu_notifier *mn, hva_t start, hva_t end,
			 bool clear)
{
	struct kvm *kvm = notifier_kvm(mn);
	struct young young = { .clear = clear };
	int idx = srcu_read_lock(&kvm->srcu);

	spin_lock(&kvm->mmu.lock);
	for_hvas(kvm, start, end, age_rmap, &young, false);
	spin_unlock(&kvm->mmu.lock);
	srcu_read_unlock(&kvm->srcu, idx);
	return young.found;
}

static int notifier_clear_flush_young(struct mmu_notifier *mn,
				      struct mm_struct *mm,
				      unsigned long start, unsigned long end)
{
	bool found = notifier_age(mn, start, end, true);
	struct kvm *kvm = notifier_kvm(mn);

	if (found) {
		spin_lock(&kvm->mmu.lock);
		mmu_flush_remote(kvm);
		spin_unlock(&kvm->mmu.lock);
	}
	return found;
}

/* The TLBs may keep the bit: the page then looks a little too old. */
static int notifier_clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
				unsigned long start, unsigned long end)
{
	return notifier_age(mn, start, end, true);
}

static int notifier_test_young(struct mmu_notifier *mn, struct mm_struct *mm,
			       unsigned long address)
{
	return notifier_age(mn, address, address + PAGE_SIZE, false);
}

/* The process is gone; its pages follow. */
static void notifier_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct kvm *kvm = notifier_kvm(mn);
	int idx = srcu_read_lock(&kvm->srcu);

	mmu_zap_all(kvm);
	srcu_read_unlock(&kvm->srcu, idx);
}

const struct mmu_notifier_ops mmu_notifier_ops = {
	.release = notifier_release,
	.invalidate_range_start = notifier_start,
	.invalidate_range_end = notifier_end,
	.clear_flush_young = notifier_clear_flush_young,
	.clear_young = notifier_clear_young,
	.test_young = notifier_test_young,
};
