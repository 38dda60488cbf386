// SPDX-License-Identifier: GPL-2.0
/*
 * mmu_audit.c - re-derives every invariant of the shadow MMU from scratch and
 * reports the first that does not hold.
 *
 * Run after every Nth page-table write, CR3 load, zap or notifier, N being the
 * module parameter `audit` (0: never).  Slow: for tests.  Trusts nothing but
 * the list of active pages and the slot array.
 *
 * Read next: the rules are those of Documentation/design.md, "Shadow paging".
 */
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include "kvm.h"
#include "mmu_private.h"

unsigned int mmu_audit_every;
module_param_named(audit, mmu_audit_every, uint, 0644);
MODULE_PARM_DESC(audit, "check all invariants of the shadow MMU after every Nth change (slow)");

struct audit {
	struct kvm *kvm;
	const char *where;
	bool bad;
	bool guest_waits;	/* nobody writes guest memory meanwhile */
	unsigned long leaves;	/* found in shadow pages */
	unsigned long mapped;	/* found on reverse maps */
};

static bool audit_fail(struct audit *a, const struct shadow_page *sp,
		       unsigned int index, const char *what)
{
	if (!a->bad)
		pr_err("kvm: audit (%s): %s: gfn %llx role %x entry %u: %llx\n",
		       a->where, what, sp ? sp->gfn : 0,
		       sp ? sp->role.word : 0, index, sp ? sp->spt[index] : 0);
	a->bad = true;
	return false;
}

struct find {
	const u64 *sptep;
	unsigned int count;
};

static void find_spte(u64 *sptep, void *arg)
{
	struct find *f = arg;

	if (sptep == f->sptep)
		f->count++;
}

static bool on_list_once(unsigned long head, const u64 *sptep)
{
	struct find f = { .sptep = sptep };

	pte_list_walk(head, find_spte, &f);
	return f.count == 1;
}

/* The host's page table must still say what we once were told. */
static bool host_agrees(struct audit *a, struct kvm_slot *slot, gfn_t gfn,
			u64 spte)
{
	struct page *page;
	bool same;

	if (a->kvm->mmu.invalidate_count || current->mm != a->kvm->mm ||
	    !get_user_page_fast_only(slot_hva(slot, gfn), 0, &page))
		return true;
	same = page_to_pfn(page) == spte_pfn(spte) + (spte & PT_PS ?
						      gfn & 511 : 0);
	put_page(page);
	return same;
}

static u8 spte_access(u64 spte)
{
	return (spte & PT_WRITE ? ACC_WRITE : 0) |
	       (spte & PT_USER ? ACC_USER : 0) |
	       (spte & PT_NX ? 0 : ACC_EXEC);
}

/* Rights: the walk's at most; the WP override alone trades user for write. */
static bool access_ok_for(const struct shadow_page *sp, unsigned int index)
{
	u8 have = spte_access(sp->spt[index]), may = sp->role.access;

	may &= sp->guest[index] & ACC_ALL;
	if (!sp->role.wp && !(have & ACC_USER))
		may |= ACC_WRITE;
	return !(have & ~may);
}

static bool writable_unseen(struct audit *a, const struct kvm_slot *slot,
			    gfn_t gfn)
{
	struct shadow_page *sp;

	if (slot->dirty && !test_bit_le(gfn - slot->base_gfn, slot->dirty))
		return true;
	for_each_shadow(a->kvm, sp, gfn)
		if (!sp->unsync)
			return true;
	return false;
}

/* The role's fields that all tables of a tree have in common. */
static bool same_mode(union mmu_role a, union mmu_role b)
{
	a.level = b.level = 0;
	a.direct = b.direct = 0;
	a.quadrant = b.quadrant = 0;
	a.access = b.access = 0;
	return a.word == b.word;
}

/* The first gfn that entry @index of a linear table covers. */
static gfn_t linear_gfn(const struct shadow_page *sp, unsigned int index)
{
	return sp->gfn + index * PG_LEVEL_PAGES(sp->role.level);
}

static bool audit_leaf(struct audit *a, struct shadow_page *sp,
		       unsigned int index)
{
	u64 spte = sp->spt[index];
	int level = spte & PT_PS ? 2 : 1;
	gfn_t gfn = mmu_entry_gfn(sp, index);
	struct kvm_slot *slot = slot_find(kvm_slots(a->kvm), gfn);
	struct gfn_block *block = slot ? slot_block(slot, gfn) : NULL;

	a->leaves++;
	if (sp->role.level != level)
		return audit_fail(a, sp, index, "leaf at the wrong level");
	if (gfn & (PG_LEVEL_PAGES(level) - 1) ||
	    (sp->role.direct && gfn != linear_gfn(sp, index)))
		return audit_fail(a, sp, index, "maps another gfn");
	if (!block || gfn + PG_LEVEL_PAGES(level) >
		      slot->base_gfn + slot->npages)
		return audit_fail(a, sp, index, "maps outside its slot");
	if (!on_list_once(*slot_rmap(block, gfn, level), &sp->spt[index]))
		return audit_fail(a, sp, index, "not on its reverse map");
	if (!host_agrees(a, slot, gfn, spte))
		return audit_fail(a, sp, index, "not the host's page");
	if (!access_ok_for(sp, index))
		return audit_fail(a, sp, index, "more access than the guest's");
	if (level == 2 && mmu_split_code && !(spte & PT_NX))
		return audit_fail(a, sp, index, "large page of code");
	if (level == 2 && block->nr_shadowed)
		return audit_fail(a, sp, index, "large page over page tables");
	if (level == 2 && slot->dirty && (spte & PT_WRITE))
		return audit_fail(a, sp, index, "large page not logged");
	if ((spte & PT_WRITE) && (!(spte & SPTE_HOST_WRITE) ||
				  (slot->flags & KVM_MEM_READONLY)))
		return audit_fail(a, sp, index, "the host forbids writes");
	if ((spte & PT_WRITE) && level == 1 && writable_unseen(a, slot, gfn))
		return audit_fail(a, sp, index, "writable unseen");
	return true;
}

static bool audit_entry(struct audit *a, struct shadow_page *sp,
			unsigned int index)
{
	u64 spte = sp->spt[index];
	struct shadow_page *child;

	if (!spte_present(spte)) {
		if (!spte_mmio(spte) || sp->role.level != 1)
			return audit_fail(a, sp, index,
					  "neither mapping nor marker");
		return l1tf_safe(spte) ? true :
			audit_fail(a, sp, index, "marker names memory");
	}
	if (spte_leaf(spte, sp->role.level))
		return audit_leaf(a, sp, index);
	child = spte_child(spte);
	if (child->role.level != sp->role.level - 1 || child->zapped)
		return audit_fail(a, sp, index, "wrong child");
	if (!same_mode(child->role, sp->role) ||
	    (child->role.access & ~sp->role.access))
		return audit_fail(a, sp, index, "child with more access");
	if (sp->role.direct && (!child->role.direct ||
				child->gfn != linear_gfn(sp, index)))
		return audit_fail(a, sp, index, "child of another gfn");
	if (!on_list_once(child->parents, &sp->spt[index]))
		return audit_fail(a, sp, index, "child does not know parent");
	return true;
}

/* Entry @index of @sp in the guest's own table; false: cannot be told. */
static bool guest_entry(struct audit *a, const struct shadow_page *sp,
			unsigned int index, u64 *pte)
{
	unsigned int size = sp->role.guest_levels == 2 ? 4 : 8;
	hva_t hva = gfn_to_hva(a->kvm, sp->gfn, false);
	unsigned long left;

	if (hva == INVALID_HVA)
		return false;
	if (size == 4)	/* two shadow entries of a directory stand for one */
		index = sp->role.level == 1 ? sp->role.quadrant * 512 + index :
			sp->role.quadrant * 256 + index / 2;
	*pte = 0;
	pagefault_disable();
	left = __copy_from_user_inatomic(pte, (void __user *)hva + index * size,
					 size);
	pagefault_enable();
	return !left;
}

/*
 * Does an entry lead where the guest's own does?  Known for sure where the
 * guest cannot be writing: at a root load of the only vCPU, by its thread.
 */
static void audit_guest_entry(struct audit *a, struct shadow_page *sp,
			      unsigned int index)
{
	const struct shadow_page *child;
	u64 spte = sp->spt[index], pte;
	bool leaf, may_write;

	if (!spte_present(spte) || !guest_entry(a, sp, index, &pte))
		return;
	if (!(pte & PT_PRESENT)) {
		audit_fail(a, sp, index, "the guest's entry is not present");
		return;
	}
	leaf = sp->role.level == 1 ||
	       ((pte & PT_PS) && (sp->role.guest_levels != 2 || sp->role.pse));
	may_write = (pte & PT_WRITE) || !sp->role.wp;
	if (spte_leaf(spte, sp->role.level)) {
		if (!leaf || (sp->role.level == 1 && mmu_entry_gfn(sp, index) !=
			      (pte & PT_ADDR) >> PAGE_SHIFT))
			audit_fail(a, sp, index, "the guest maps another page");
		else if ((spte & PT_WRITE) && !may_write)
			audit_fail(a, sp, index, "the guest forbids writes");
		else if ((spte & PT_USER) && !(pte & PT_USER))
			audit_fail(a, sp, index, "the guest forbids the user");
		return;
	}
	child = spte_child(spte);
	if (child->role.direct != leaf ||
	    (!leaf && child->gfn != (pte & PT_ADDR) >> PAGE_SHIFT))
		audit_fail(a, sp, index, "the guest's table is another");
	else if ((child->role.access & ACC_WRITE && !(pte & PT_WRITE)) ||
		 (child->role.access & ACC_USER && !(pte & PT_USER)))
		audit_fail(a, sp, index, "the guest allows its table less");
}

struct parent_check {
	struct audit *a;
	struct shadow_page *child;
};

static void check_parent(u64 *sptep, void *arg)
{
	struct parent_check *c = arg;

	if (!spte_present(*sptep) || spte_child(*sptep) != c->child)
		audit_fail(c->a, c->child, 0, "parent does not know child");
}

/* Roots are kept when no vCPU uses them, for the next switch back. */
static bool may_be_root(const struct shadow_page *sp)
{
	return sp->role.level == (sp->role.guest_levels == 4 ? 4 : 2);
}

static void audit_page(struct audit *a, struct shadow_page *sp)
{
	struct kvm_slot *slot = slot_find(kvm_slots(a->kvm), sp->gfn);
	struct parent_check parents = { .a = a, .child = sp };
	unsigned int i, present = 0;

	for (i = 0; i < 512 && !a->bad; i++) {
		if (!sp->spt[i])
			continue;
		present++;
		audit_entry(a, sp, i);
		if (a->guest_waits && !sp->role.direct && !sp->unsync)
			audit_guest_entry(a, sp, i);
	}
	if (a->bad)
		return;
	if (present != sp->nr_present)
		audit_fail(a, sp, 0, "wrong count of entries");
	if (sp->zapped || table_page(sp->spt) != sp)
		audit_fail(a, sp, 0, "zapped, or another's table");
	if (sp->unsync && (sp->role.level != 1 || sp->role.direct))
		audit_fail(a, sp, 0, "cannot be out of sync");
	if (sp->unsync == list_empty(&sp->unsync_link))
		audit_fail(a, sp, 0, "out of sync but not listed");
	if (!sp->role.direct && slot && !gfn_is_shadowed(slot, sp->gfn))
		audit_fail(a, sp, 0, "not accounted as a page table");
	if (!sp->parents && !sp->root_count && !may_be_root(sp))
		audit_fail(a, sp, 0, "nobody uses it");
	if (pte_list_count(sp->parents) > PTE_LIST_MAX)
		audit_fail(a, sp, 0, "too many parents");
	pte_list_walk(sp->parents, check_parent, &parents);
}

static void count_mapped(u64 *sptep, void *arg)
{
	struct audit *a = arg;

	a->mapped++;
	if (!spte_present(*sptep) || table_page(sptep)->zapped)
		audit_fail(a, NULL, 0, "reverse map of a dead entry");
}

/* What page tables the block claims to hold. */
static void audit_block(struct audit *a, struct kvm_slot *slot, gfn_t gfn,
			struct gfn_block *block)
{
	struct shadow_page *sp;
	unsigned int i;

	if (bitmap_weight(block->shadowed, 512) != block->nr_shadowed)
		audit_fail(a, NULL, 0, "wrong count of page tables");
	pte_list_walk(block->rmap_2m, count_mapped, a);
	for (i = 0; i < 512; i++) {
		bool found = false;

		if (pte_list_count(block->rmap[i]) > PTE_LIST_MAX)
			audit_fail(a, NULL, i, "too long a reverse map");
		pte_list_walk(block->rmap[i], count_mapped, a);
		if (!test_bit(i, block->shadowed))
			continue;
		for_each_shadow(a->kvm, sp, (gfn & ~511ull) + i)
			found = true;
		if (!found)
			audit_fail(a, NULL, i, "page table that is none");
	}
}

static void audit_slots(struct audit *a)
{
	struct kvm_slots *slots = kvm_slots(a->kvm);
	unsigned int i;
	gfn_t gfn;

	for (i = 0; i < slots->nr; i++) {
		struct kvm_slot *slot = slots->slot[i];
		gfn_t end = slot->base_gfn + slot->npages;

		for (gfn = slot->base_gfn; gfn < end; gfn = (gfn | 511) + 1) {
			struct gfn_block *block = slot_block(slot, gfn);

			if (block)
				audit_block(a, slot, gfn, block);
		}
	}
}

static void audit(struct kvm *kvm, const char *where, bool guest_waits)
{
	struct audit a = {
		.kvm = kvm, .where = where, .guest_waits = guest_waits,
	};
	struct shadow_page *sp;
	unsigned long pages = 0, unsync = 0;
	int idx = srcu_read_lock(&kvm->srcu);

	list_for_each_entry(sp, &kvm->mmu.active, link) {
		pages++;
		audit_page(&a, sp);
		if (a.bad)
			break;
	}
	if (!a.bad) {
		if (pages != kvm->mmu.nr_pages)
			audit_fail(&a, NULL, 0, "wrong count of shadow pages");
		list_for_each_entry(sp, &kvm->mmu.unsync, unsync_link)
			unsync++;
		/* A fault adds all roles of one page. */
		if (unsync != kvm->mmu.nr_unsync || unsync > MMU_UNSYNC_MAX + 256)
			audit_fail(&a, NULL, unsync, "wrong count of tables out of sync");
		audit_slots(&a);
		if (a.leaves != a.mapped)
			audit_fail(&a, NULL, 0, "reverse maps and entries differ");
	}
	srcu_read_unlock(&kvm->srcu, idx);
	/* The runner of the tests looks for this. */
	WARN_ONCE(a.bad, "kvm: audit failed\n");
}

void mmu_audit_nth(struct kvm *kvm, const char *where, bool guest_waits)
{
	if (++kvm->mmu.audit_count >= mmu_audit_every) {
		kvm->mmu.audit_count = 0;
		audit(kvm, where, guest_waits);
	}
}
