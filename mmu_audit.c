// SPDX-License-Identifier: GPL-2.0
/*
 * mmu_audit.c - re-derives every invariant of the shadow MMU from scratch and
 * reports the first that does not hold.
 *
 * Run after every Nth page-table write, CR3 load, zap, change of slots or
 * dirty log, or notifier, N being the module parameter `audit` (0: never); and
 * when somebody reads a VM's `audit` in debugfs.  Slow: for tests.  Trusts
 * nothing but the list of active pages and the slot array.
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
	char difference[128];	/* the first that was found */
	unsigned long leaves;	/* found in shadow pages */
	unsigned long mapped;	/* found on reverse maps */
	unsigned long links;	/* entries that point to a table */
	unsigned long parents;	/* found on the tables' lists of those */
	unsigned long unsync;	/* tables that are */
	unsigned long root_refs;	/* of vCPUs to tables that are active */
	unsigned long root_counts;	/* ... as those count them */
};

static bool audit_fail(struct audit *a, const struct shadow_page *sp,
		       unsigned int index, const char *what)
{
	if (!a->bad) {
		snprintf(a->difference, sizeof(a->difference),
			 "%s: gfn %llx role %x entry %u: %llx", what,
			 sp ? sp->gfn : 0, sp ? sp->role.word : 0, index,
			 sp ? sp->spt[index] : 0);
		pr_err_ratelimited("kvm: audit (%s): %s\n", a->where,
				   a->difference);
	}
	a->bad = true;
	return false;
}

/*
 * The page that a table belongs to, or NULL if it is not in use: whatever
 * refers to it refers to what was freed, and might now be anything.
 */
static struct shadow_page *live_page(const u64 *spt)
{
	unsigned long addr = (unsigned long)spt & PAGE_MASK;
	struct shadow_page *sp;
	u64 *its;

	if (!virt_addr_valid((void *)addr))
		return NULL;
	sp = table_page((u64 *)addr);
	if (!sp || get_kernel_nofault(its, &sp->spt) || its != (u64 *)addr)
		return NULL;
	return sp->zapped || hlist_unhashed(&sp->hash) ? NULL : sp;
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

/*
 * Rights: the walk's at most; the WP override alone trades user for write, but
 * not where SMAP, and not to execute where SMEP would have a say.
 */
static bool access_ok_for(const struct shadow_page *sp, unsigned int index)
{
	u8 have = spte_access(sp->spt[index]), may = sp->role.access;

	may &= sp->guest[index] & ACC_ALL;
	if (!sp->role.wp && !(have & ACC_USER) && (have & ~may & ACC_WRITE)) {
		if ((may & ACC_USER) &&
		    (sp->role.smap || (sp->role.smep && (have & ACC_EXEC))))
			return false;
		may |= ACC_WRITE;
	}
	return !(have & ~may);
}

static bool writable_unseen(struct audit *a, const struct kvm_slot *slot,
			    gfn_t gfn)
{
	struct shadow_page *sp;

	if (slot->dirty && !slot->settling &&
	    !test_bit_le(gfn - slot->base_gfn, slot->dirty))
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
	a.dirty = b.dirty = 0;
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
	if (!pfn_valid(spte_pfn(spte)))
		return audit_fail(a, sp, index, "maps no memory");
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
	if (level == 2 && slot->dirty && !slot->settling && (spte & PT_WRITE))
		return audit_fail(a, sp, index, "large page not logged");
	if ((spte & PT_WRITE) && (!(spte & SPTE_HOST_WRITE) ||
				  (slot->flags & KVM_MEM_READONLY)))
		return audit_fail(a, sp, index, "the host forbids writes");
	if ((spte & PT_WRITE) && level == 1 && writable_unseen(a, slot, gfn))
		return audit_fail(a, sp, index, "writable unseen");
	return true;
}

/* Is what a marker says of this generation still true? */
static bool audit_marker(struct audit *a, struct shadow_page *sp,
			 unsigned int index)
{
	u64 spte = sp->spt[index];
	gfn_t gfn = gpa_to_gfn(~spte & PT_ADDR);
	struct kvm_slot *slot = slot_find(kvm_slots(a->kvm), gfn);

	if (!spte_mmio(spte) || sp->role.level != 1)
		return audit_fail(a, sp, index, "neither mapping nor marker");
	if (!l1tf_safe(spte))
		return audit_fail(a, sp, index, "marker names memory");
	if (gfn != mmu_entry_gfn(sp, index))
		return audit_fail(a, sp, index, "marks another gfn");
	if ((spte >> SPTE_MMIO_ACC_SHIFT) & ACC_ALL & ~sp->role.access)
		return audit_fail(a, sp, index, "marker with more access");
	if (slot && !slot->settling && !READ_ONCE(slot->dead) &&
	    mmio_spte_valid(a->kvm, spte))
		return audit_fail(a, sp, index, "marks memory");
	return true;
}

/* Four shadows stand for a 32-bit directory, two for a table below it. */
static unsigned int child_quadrant(const struct shadow_page *child,
				   unsigned int index)
{
	return child->role.guest_levels == 2 && !child->role.direct ?
		index & 1 : 0;
}

static bool audit_entry(struct audit *a, struct shadow_page *sp,
			unsigned int index)
{
	u64 spte = sp->spt[index];
	struct shadow_page *child;

	if (!spte_present(spte))
		return audit_marker(a, sp, index);
	if (spte_leaf(spte, sp->role.level))
		return audit_leaf(a, sp, index);
	a->links++;
	child = live_page(__va(spte & PT_ADDR));
	if (!child)
		return audit_fail(a, sp, index, "points to a freed page");
	if (child->role.level != sp->role.level - 1 ||
	    (child->role.level == 1 && !child->role.direct &&
	     child->role.quadrant != child_quadrant(child, index)))
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

/* The gfn that entry @index of @sp stands for, if the guest's maps a large page. */
static gfn_t large_gfn(const struct shadow_page *sp, unsigned int index, u64 pte)
{
	gfn_t gfn = (pte & PT_ADDR) >> PAGE_SHIFT;

	if (sp->role.guest_levels != 2)
		return gfn & ~(PG_LEVEL_PAGES(sp->role.level) - 1);
	gfn = (gfn & ~1023ull) | ((pte >> 13) & 0xff) << 20;
	return gfn + (index & 1) * 512;
}

/* Rights that @pte does not give.  Those to write are the caller's matter. */
static bool pte_forbids(const struct shadow_page *sp, u64 pte, u8 access)
{
	return ((access & ACC_USER) && !(pte & PT_USER)) ||
	       ((access & ACC_EXEC) && (pte & PT_NX) && sp->role.nxe &&
		sp->role.guest_levels > 2);
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
	gfn_t gfn;

	if (!spte_present(spte) || !guest_entry(a, sp, index, &pte))
		return;
	if (!(pte & PT_PRESENT)) {
		audit_fail(a, sp, index, "the guest's entry is not present");
		return;
	}
	leaf = sp->role.level == 1 ||
	       ((pte & PT_PS) && (sp->role.guest_levels != 2 || sp->role.pse));
	may_write = (pte & PT_WRITE) || !sp->role.wp;
	gfn = leaf && sp->role.level > 1 ? large_gfn(sp, index, pte) :
	      (pte & PT_ADDR) >> PAGE_SHIFT;
	if (spte_leaf(spte, sp->role.level)) {
		if (!leaf || mmu_entry_gfn(sp, index) != gfn)
			audit_fail(a, sp, index, "the guest maps another page");
		else if ((spte & PT_WRITE) && !may_write)
			audit_fail(a, sp, index, "the guest forbids writes");
		else if (pte_forbids(sp, pte, spte_access(spte)))
			audit_fail(a, sp, index, "the guest forbids this access");
		return;
	}
	child = spte_child(spte);
	if (child->role.direct != leaf || child->gfn != gfn)
		audit_fail(a, sp, index, "the guest's table is another");
	else if ((child->role.access & ACC_WRITE && !(pte & PT_WRITE)) ||
		 pte_forbids(sp, pte, child->role.access))
		audit_fail(a, sp, index, "the guest allows its table less");
	else if (child->role.dirty && !(pte & PT_DIRTY))
		audit_fail(a, sp, index, "the guest's large page is not dirty");
}

struct parent_check {
	struct audit *a;
	struct shadow_page *child;
};

static void check_parent(u64 *sptep, void *arg)
{
	struct parent_check *c = arg;

	c->a->parents++;
	if (!live_page(sptep))
		audit_fail(c->a, c->child, 0, "a freed page is its parent");
	else if (!spte_present(*sptep) || spte_child(*sptep) != c->child)
		audit_fail(c->a, c->child, 0, "parent does not know child");
}

/* Roots are kept when no vCPU uses them, for the next switch back. */
static bool may_be_root(const struct shadow_page *sp)
{
	return sp->role.level == (sp->role.guest_levels == 4 ? 4 : 2);
}

/* Where the entries are, and which state the table is in. */
static void audit_table(struct audit *a, struct shadow_page *sp)
{
	struct kvm_slot *slot = slot_find(kvm_slots(a->kvm), sp->gfn);

	if (sp->zapped || live_page(sp->spt) != sp)
		audit_fail(a, sp, 0, "zapped, or another's table");
	if (sp->role.level < 1 || sp->role.level > 4 ||
	    sp->role.level > max_t(u32, sp->role.guest_levels, 2))
		audit_fail(a, sp, 0, "no such level");
	if (sp->unsync && (sp->role.level != 1 || sp->role.direct))
		audit_fail(a, sp, 0, "cannot be out of sync");
	if (sp->unsync == list_empty(&sp->unsync_link))
		audit_fail(a, sp, 0, "out of sync but not listed");
	if (!sp->role.direct && (!slot || !gfn_is_shadowed(slot, sp->gfn)))
		audit_fail(a, sp, 0, "not accounted as a page table");
	if (!sp->parents && !sp->root_count && sp->born && !may_be_root(sp))
		audit_fail(a, sp, 0, "nobody uses it");
	if (sp->root_count < 0 || (sp->root_count && !may_be_root(sp)))
		audit_fail(a, sp, 0, "cannot be a root");
	a->unsync += sp->unsync;
	a->root_counts += sp->root_count;
}

static void audit_page(struct audit *a, struct shadow_page *sp)
{
	struct parent_check parents = { .a = a, .child = sp };
	unsigned long before = a->parents;
	unsigned int i, present = 0;

	audit_table(a, sp);
	for (i = 0; i < 512 && !a->bad; i++) {
		if (!sp->spt[i])
			continue;
		present++;
		if (i < sp->first || i > sp->last)
			audit_fail(a, sp, i, "entry out of bounds");
		audit_entry(a, sp, i);
		if (a->guest_waits && !sp->role.direct && !sp->unsync &&
		    !a->bad)
			audit_guest_entry(a, sp, i);
	}
	if (a->bad)
		return;
	if (present != sp->nr_present)
		audit_fail(a, sp, 0, "wrong count of entries");
	if (pte_list_count(sp->parents) > PTE_LIST_MAX)
		audit_fail(a, sp, 0, "too many parents");
	pte_list_walk(sp->parents, check_parent, &parents);
	if (a->parents - before != pte_list_count(sp->parents))
		audit_fail(a, sp, 0, "wrong count of parents");
}

static void count_mapped(u64 *sptep, void *arg)
{
	struct audit *a = arg;

	a->mapped++;
	if (!live_page(sptep) || !spte_present(*sptep))
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
		unsigned long before = a->mapped;
		bool found = false;

		if (!block->rmap[i] && !test_bit(i, block->shadowed))
			continue;
		if (pte_list_count(block->rmap[i]) > PTE_LIST_MAX)
			audit_fail(a, NULL, i, "too long a reverse map");
		pte_list_walk(block->rmap[i], count_mapped, a);
		if (a->mapped - before != pte_list_count(block->rmap[i]))
			audit_fail(a, NULL, i, "wrong count of a reverse map");
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

/* A page is found under its gfn, and nothing else is to be found. */
static void audit_hash(struct audit *a)
{
	struct kvm_mmu *mmu = &a->kvm->mmu;
	struct shadow_page *sp;
	unsigned long pages = 0;
	unsigned int i;

	for (i = 0; i < 1 << MMU_HASH_BITS; i++)
		hlist_for_each_entry(sp, &mmu->hash[i], hash) {
			pages++;
			if (live_page(sp->spt) != sp)
				audit_fail(a, NULL, i, "freed page in the hash");
			else if (mmu_hash(a->kvm, sp->gfn) != i)
				audit_fail(a, sp, 0, "in another's hash list");
		}
	if (pages != mmu->nr_pages)
		audit_fail(a, NULL, 0, "wrong count of pages in the hash");
}

static void audit_lists(struct audit *a)
{
	struct kvm_mmu *mmu = &a->kvm->mmu;
	unsigned long unsync = 0, spare = 0;
	struct shadow_page *sp;

	list_for_each_entry(sp, &mmu->unsync, unsync_link) {
		unsync++;
		if (live_page(sp->spt) != sp || !sp->unsync)
			audit_fail(a, NULL, 0, "listed but not out of sync");
	}
	if (unsync != a->unsync || unsync != mmu->nr_unsync ||
	    unsync > MMU_UNSYNC_MAX + 256)
		audit_fail(a, NULL, 0, "wrong list of what is out of sync");
	list_for_each_entry(sp, &mmu->spare, link) {
		/* The first is the one that was given last. */
		if (live_page(sp->spt) ||
		    (!spare && memchr_inv(sp->spt, 0, PAGE_SIZE)))
			audit_fail(a, NULL, 0, "spare page in use");
		spare++;
	}
	if (spare != mmu->nr_spare || spare > MMU_SPARE_PAGES)
		audit_fail(a, NULL, 0, "wrong count of spare pages");
}

/* What a vCPU's CR3 leads to.  A zapped root it drops before it enters. */
static void audit_root(struct audit *a, const struct vcpu_mmu *mmu, int n)
{
	const struct shadow_page *sp = mmu->root_sp[n];
	bool pae = sp && sp->role.guest_levels != 4;

	if (!sp)
		return;
	if (sp->root_count <= 0) {
		audit_fail(a, sp, 0, "a vCPU's root counts no users");
		return;
	}
	if (sp->zapped)
		return;
	a->root_refs++;
	if (live_page(sp->spt) != sp)
		audit_fail(a, NULL, n, "a vCPU's root was freed");
	else if (!may_be_root(sp) || sp->role.access != ACC_ALL ||
		 (sp->role.guest_levels == 2 && sp->role.quadrant != n))
		audit_fail(a, sp, n, "a vCPU's root cannot be one");
	else if (mmu->root != (pae ? __pa(mmu->pae_root) : __pa(sp->spt)))
		audit_fail(a, sp, n, "a vCPU has another root");
	/*
	 * The processor may mark it accessed; VT-x lends the last one out, see
	 * vmx_vm86_directory().
	 */
	else if (pae && n < 3 &&
		 ((mmu->pae_root[n] ^ (PT_PRESENT | __pa(sp->spt))) &
		  (PT_PRESENT | PT_ADDR)))
		audit_fail(a, sp, n, "a vCPU has another PAE root");
}

static void audit_roots(struct audit *a)
{
	struct kvm_vcpu *vcpu;
	int i, n;

	kvm_for_each_vcpu(i, vcpu, a->kvm)
		for (n = 0; n < 4; n++)
			audit_root(a, &vcpu->mmu, n);
	if (a->root_refs != a->root_counts)
		audit_fail(a, NULL, 0, "wrong counts of users of roots");
}

/* A fault makes room first; only what vCPUs then have for roots may exceed it. */
static void audit_counts(struct audit *a, unsigned long pages)
{
	const struct kvm_mmu *mmu = &a->kvm->mmu;
	unsigned long roots = 4 * kvm_nr_vcpus(a->kvm);

	if (pages != mmu->nr_pages)
		audit_fail(a, NULL, 0, "wrong count of shadow pages");
	if (pages > mmu->max_pages && pages > roots + MMU_ROOM)
		audit_fail(a, NULL, 0, "more shadow pages than the quota");
	if (a->leaves != a->mapped)
		audit_fail(a, NULL, 0, "reverse maps and entries differ");
	if (a->links != a->parents)
		audit_fail(a, NULL, 0, "parents and entries differ");
}

/* mmu.lock held. */
static void audit(struct audit *a)
{
	struct kvm *kvm = a->kvm;
	struct shadow_page *sp;
	unsigned long pages = 0;
	int idx = srcu_read_lock(&kvm->srcu);

	kvm->stats.mmu_audits++;
	list_for_each_entry(sp, &kvm->mmu.active, link) {
		pages++;
		audit_page(a, sp);
		if (a->bad)
			break;
	}
	if (!a->bad) {
		audit_slots(a);
		audit_hash(a);
		audit_lists(a);
		audit_roots(a);
		audit_counts(a, pages);
	}
	srcu_read_unlock(&kvm->srcu, idx);
}

void mmu_audit_nth(struct kvm *kvm, const char *where, bool guest_waits)
{
	struct audit a = {
		.kvm = kvm, .where = where, .guest_waits = guest_waits,
	};

	if (++kvm->mmu.audit_count < mmu_audit_every)
		return;
	kvm->mmu.audit_count = 0;
	audit(&a);
	/* The runner of the tests looks for this. */
	WARN_ONCE(a.bad, "kvm: audit failed\n");
}

bool mmu_audit_now(struct kvm *kvm, char *difference, size_t size)
{
	struct audit a = { .kvm = kvm, .where = "on demand" };

	spin_lock(&kvm->mmu.lock);
	audit(&a);
	spin_unlock(&kvm->mmu.lock);
	strscpy(difference, a.difference, size);
	return !a.bad;
}
