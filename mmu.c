// SPDX-License-Identifier: GPL-2.0
/*
 * mmu.c - shadow paging: shadow pages, roots, and the page fault.
 *
 * The processor never walks the guest's tables but shadows of them, made as
 * the guest faults.  A shadow page stands for one guest table (gfn) under one
 * role; the guest's table is write-protected as long as the shadow page
 * lives, so that the shadow follows every write.  Leaf tables may go "out of
 * sync" instead: the guest writes them freely, and they are made to follow
 * at the next flush that the architecture demands of the guest.
 *
 * Owns: everything under mmu.lock but the reverse maps.  Trusts: nothing a
 * guest's table says, beyond asking the slot array and the process's own page
 * tables for what stands behind it.
 *
 * Read next: include/mmu_private.h for the pte format; mmu_page_fault() and
 * fault_in() below; paging_tmpl.h for the guest's side; mmu_rmap.c; mmu_zap.c.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "kvm.h"
#include "mmu_private.h"
#include "trace.h"
#include "x86_emulate.h"

#define FLOOD_WRITES	3	/* writes in a row: no page table any more */

static_assert(sizeof(struct pte_list_desc) == 128);
static_assert(sizeof(union mmu_role) == 4);

/* ------------------------------------------------------------------------
 * TLBs
 */

/*
 * No processor uses a translation that was removed before.  A vCPU outside
 * the guest flushes before it enters.
 */
void mmu_flush_remote(struct kvm *kvm)
{
	kvm->mmu.tlbs_dirty = false;
	kvm->stats.remote_tlb_flush++;
	kvm_request_all(kvm, KVM_REQ_TLB_FLUSH, true);
}

/*
 * The same for who relies on the sptes alone: what they do not allow may
 * still be in a TLB, from an entry that went without a flush.
 */
void mmu_flush_dirty(struct kvm *kvm)
{
	if (kvm->mmu.tlbs_dirty)
		mmu_flush_remote(kvm);
}

/* ------------------------------------------------------------------------
 * Entries
 */

static void entry_write(struct shadow_page *sp, unsigned int index, u64 spte)
{
	sp->nr_present += !!spte - !!sp->spt[index];
	sp->first = min_t(u16, sp->first, index);
	sp->last = max_t(u16, sp->last, index);
	WRITE_ONCE(sp->spt[index], spte);
}

static void leaf_drop(struct kvm *kvm, struct shadow_page *sp,
		      unsigned int index)
{
	gfn_t gfn = mmu_entry_gfn(sp, index);
	struct kvm_slot *slot = slot_find(kvm_slots(kvm), gfn);
	int level = sp->spt[index] & PT_PS ? 2 : 1;
	struct gfn_block *block = slot ? slot_block(slot, gfn) : NULL;

	if (WARN_ON_ONCE(!block))
		return;
	WARN_ON_ONCE(!pte_list_remove(slot_rmap(block, gfn, level),
				      &sp->spt[index]));
}

/* A table without parents is of no use: it goes, or if many just did, soon. */
static void unlink_child(struct kvm *kvm, struct shadow_page *child,
			 u64 *parent, struct list_head *zapped)
{
	WARN_ON_ONCE(!pte_list_remove(&child->parents, parent));
	if (child->parents || child->root_count || child->zapped)
		return;
	if (kvm->mmu.nr_zapped < MMU_ZAP_BATCH) {
		mmu_zap_page(kvm, child, zapped);
		return;
	}
	child->born = 0;
	list_move_tail(&child->link, &kvm->mmu.active);
}

bool mmu_drop_entry(struct kvm *kvm, struct shadow_page *sp,
		    unsigned int index, struct list_head *zapped)
{
	u64 spte = sp->spt[index];

	if (!spte)
		return false;
	if (!spte_present(spte)) {
		entry_write(sp, index, 0);
		return false;
	}
	if (spte_leaf(spte, sp->role.level))
		leaf_drop(kvm, sp, index);
	entry_write(sp, index, 0);
	kvm->mmu.tlbs_dirty = true;
	if (!spte_leaf(spte, sp->role.level))
		unlink_child(kvm, spte_child(spte), &sp->spt[index], zapped);
	return true;
}

/* ------------------------------------------------------------------------
 * Shadow pages
 */

/* Guest tables are not mapped large, and not mapped writable unseen. */
static void account_shadowed(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	struct kvm *kvm = vcpu->kvm;
	struct kvm_slot *slot = slot_find(kvm_slots(kvm), gfn);
	struct gfn_block *block;

	if (!slot)
		return;
	block = slot_block_get(vcpu, slot, gfn);
	if (!__test_and_set_bit(gfn & 511, block->shadowed))
		block->nr_shadowed++;
	rmap_write_protect(kvm, slot, gfn);
	mmu_flush_dirty(kvm);
	/* Who writes guest memory looks at the bit after the write. */
	smp_mb();
}

static void unaccount_shadowed(struct kvm *kvm, struct shadow_page *gone)
{
	struct kvm_slot *slot = slot_find(kvm_slots(kvm), gone->gfn);
	struct gfn_block *block = slot ? slot_block(slot, gone->gfn) : NULL;
	struct shadow_page *sp;

	if (!block)
		return;
	for_each_shadow(kvm, sp, gone->gfn)
		return;		/* still a table, in another role */
	if (__test_and_clear_bit(gone->gfn & 511, block->shadowed))
		block->nr_shadowed--;
}

/* The table of a page that was zapped is all zeroes again: worth keeping. */
static struct shadow_page *take_spare(struct kvm_vcpu *vcpu)
{
	struct kvm_mmu *mmu = &vcpu->kvm->mmu;
	struct shadow_page *sp;

	if (!mmu->nr_spare)
		return mmu_cache_take(&vcpu->mmu.page_cache);
	mmu->nr_spare--;
	sp = list_first_entry(&mmu->spare, struct shadow_page, link);
	list_del(&sp->link);
	return sp;
}

static void give_spare(struct kvm_mmu *mmu, struct shadow_page *sp)
{
	set_page_private(virt_to_page(sp->spt), 0);
	if (mmu->nr_spare == MMU_SPARE_PAGES) {
		mmu_free_shadow(sp);
		return;
	}
	list_move(&sp->link, &mmu->spare);
	mmu->nr_spare++;
}

static struct shadow_page *new_shadow(struct kvm_vcpu *vcpu, gfn_t gfn,
				      union mmu_role role)
{
	struct shadow_page *sp = take_spare(vcpu);
	struct kvm_mmu *mmu = &vcpu->kvm->mmu;

	*sp = (struct shadow_page){
		.gfn = gfn, .role = role, .first = 511,
		.born = ++mmu->births,
		.spt = sp->spt, .guest = sp->guest,
	};
	set_page_private(virt_to_page(sp->spt), (unsigned long)sp);
	INIT_LIST_HEAD(&sp->unsync_link);
	hlist_add_head(&sp->hash, &mmu->hash[mmu_hash(vcpu->kvm, gfn)]);
	list_add(&sp->link, &mmu->active);
	mmu->nr_pages++;
	vcpu->kvm->stats.mmu_pages_peak = max_t(u64, mmu->nr_pages,
					vcpu->kvm->stats.mmu_pages_peak);
	return sp;
}

/* Only when its entries are right, or gone: mmu_invlpg() looks without a lock. */
static void set_synced(struct kvm *kvm, struct shadow_page *sp)
{
	sp->unsync = false;
	list_del_init(&sp->unsync_link);
	kvm->mmu.nr_unsync--;
}

/* No entry points to @sp any more; it stays for whoever asks for it. */
static void leave_parents(struct kvm *kvm, struct shadow_page *sp)
{
	while (sp->parents) {
		u64 *parent = pte_list_first(sp->parents);
		struct shadow_page *psp = table_page(parent);

		entry_write(psp, parent - psp->spt, 0);
		pte_list_remove(&sp->parents, parent);
		kvm->mmu.tlbs_dirty = true;
	}
}

void mmu_zap_page(struct kvm *kvm, struct shadow_page *sp,
		  struct list_head *zapped)
{
	unsigned int i;

	sp->zapped = true;
	hlist_del_init(&sp->hash);
	kvm->mmu.nr_pages--;
	kvm->stats.mmu_shadow_zapped++;
	for (i = sp->first; sp->nr_present && i <= sp->last; i++)
		if (sp->spt[i])
			mmu_drop_entry(kvm, sp, i, zapped);
	leave_parents(kvm, sp);
	if (sp->unsync)
		set_synced(kvm, sp);
	if (!sp->role.direct)
		unaccount_shadowed(kvm, sp);
	if (!sp->root_count) {
		list_move(&sp->link, zapped);
		kvm->mmu.nr_zapped++;
	} else {
		/* Its vCPUs drop it before they enter again. */
		list_del_init(&sp->link);
		kvm_request_all(kvm, KVM_REQ_MMU_RELOAD, false);
	}
}

/* The processors' own caches of upper levels point into these, too. */
void mmu_commit_zap(struct kvm *kvm, struct list_head *zapped)
{
	struct shadow_page *sp, *next;

	if (list_empty(zapped))
		return;
	mmu_flush_remote(kvm);
	list_for_each_entry_safe(sp, next, zapped, link)
		give_spare(&kvm->mmu, sp);
	INIT_LIST_HEAD(zapped);
	kvm->mmu.nr_zapped = 0;
}

/* The part of a role that is the same for all tables of a paging mode. */
static u32 mode_word(union mmu_role role)
{
	role.level = 0;
	role.direct = 0;
	role.quadrant = 0;
	role.access = 0;
	role.dirty = 0;
	return role.word;
}

static void protect_table(struct kvm *kvm, const struct shadow_page *sp)
{
	struct kvm_slot *slot = slot_find(kvm_slots(kvm), sp->gfn);

	if (slot)
		rmap_write_protect(kvm, slot, sp->gfn);
}

/*
 * Bring a table up to date that was out of sync and is protected again, in all
 * TLBs.  One that cannot be read, or is of another paging mode, is zapped.  The
 * caller flushes this vCPU's TLB if the guest asked for that.
 */
static void follow_table(struct kvm_vcpu *vcpu, struct shadow_page *sp,
			 struct list_head *zapped)
{
	struct kvm *kvm = vcpu->kvm;
	struct kvm_slot *slot = slot_find(kvm_slots(kvm), sp->gfn);

	if (!slot || mode_word(sp->role) != mode_word(vcpu->mmu.role) ||
	    !vcpu->mmu.ops->sync(vcpu, sp))
		mmu_zap_page(kvm, sp, zapped);
	else
		set_synced(kvm, sp);
}

static void sync_page(struct kvm_vcpu *vcpu, struct shadow_page *sp,
		      struct list_head *zapped)
{
	protect_table(vcpu->kvm, sp);
	mmu_flush_dirty(vcpu->kvm);
	follow_table(vcpu, sp, zapped);
}

/* With one flush for all of them. */
static void sync_all(struct kvm_vcpu *vcpu, struct list_head *zapped)
{
	struct kvm *kvm = vcpu->kvm;
	struct list_head *unsync = &kvm->mmu.unsync;
	struct shadow_page *sp;

	if (list_empty(unsync))
		return;
	list_for_each_entry(sp, unsync, unsync_link)
		protect_table(kvm, sp);
	mmu_flush_dirty(kvm);
	while (!list_empty(unsync))
		follow_table(vcpu, list_first_entry(unsync, struct shadow_page,
						    unsync_link), zapped);
}

static void link_child(struct kvm_vcpu *vcpu, struct shadow_page *parent,
		       unsigned int index, struct shadow_page *child)
{
	u64 *sptep = &parent->spt[index];

	if (unlikely(pte_list_count(child->parents) >= PTE_LIST_MAX))
		leave_parents(vcpu->kvm, child);
	pte_list_add(vcpu, &child->parents, sptep);
	/* Rights are the leaves' matter: they carry the AND of all levels. */
	entry_write(parent, index, PT_PRESENT | PT_WRITE | PT_USER |
		    PT_ACCESSED | __pa(child->spt));
}

/*
 * A new top-level table shares most of its upper half with others: what is
 * known of it is linked at once, so that the guest need not fault for it.
 */
void mmu_adopt_child(struct kvm_vcpu *vcpu, struct shadow_page *sp,
		     unsigned int index, gfn_t gfn, u8 access)
{
	union mmu_role role = sp->role;
	struct shadow_page *child;

	if (vcpu->mmu.desc_cache.nr <= DESCS_PER_FAULT)
		return;
	role.level--;
	role.access = access;
	for_each_shadow(vcpu->kvm, child, gfn)
		if (child->role.word == role.word) {
			link_child(vcpu, sp, index, child);
			return;
		}
}

/*
 * Find or make the shadow of @gfn under @role.  A table that gets another
 * parent, or another role, must be in sync, and so must all below it: the new
 * place has no stale translations to excuse old entries with.
 */
static struct shadow_page *get_shadow(struct kvm_vcpu *vcpu, gfn_t gfn,
				      union mmu_role role,
				      struct list_head *zapped)
{
	struct kvm *kvm = vcpu->kvm;
	struct shadow_page *sp, *found = NULL;
	struct hlist_node *next;

	hlist_for_each_entry_safe(sp, next,
				  &kvm->mmu.hash[mmu_hash(kvm, gfn)], hash) {
		if (sp->gfn != gfn)
			continue;
		if (sp->unsync && !role.direct)
			sync_page(vcpu, sp, zapped);
		if (!sp->zapped && sp->role.word == role.word)
			found = sp;
	}
	if (found) {
		if (role.level > 1 && !role.direct)
			sync_all(vcpu, zapped);
		found->write_count = 0;
		return found;
	}
	sp = new_shadow(vcpu, gfn, role);
	if (!role.direct)
		account_shadowed(vcpu, gfn);
	if (role.level == 4)
		vcpu->mmu.ops->adopt(vcpu, sp);
	return sp;
}

/* ------------------------------------------------------------------------
 * Making entries
 */

static u64 mmio_spte(struct kvm *kvm, gfn_t gfn, u8 access)
{
	return SPTE_MMIO | (u64)access << SPTE_MMIO_ACC_SHIFT |
	       (u64)(kvm->mmu.mmio_generation % SPTE_MMIO_GENS) <<
			SPTE_MMIO_GEN_SHIFT |
	       (~gfn_to_gpa(gfn) & PT_ADDR);
}

/*
 * May the guest write this page unseen?  If all its roles are leaf tables,
 * they go out of sync with the first write.
 */
static bool try_unsync(struct kvm_vcpu *vcpu, gfn_t gfn, bool writing)
{
	struct shadow_page *sp;

	for_each_shadow(vcpu->kvm, sp, gfn)
		if (sp->role.level != 1 || (!sp->unsync && !writing))
			return false;
	for_each_shadow(vcpu->kvm, sp, gfn) {
		if (sp->unsync)
			continue;
		sp->unsync = true;
		list_add(&sp->unsync_link, &vcpu->kvm->mmu.unsync);
		vcpu->kvm->mmu.nr_unsync++;
		vcpu->stats.pf_unsync++;
	}
	return true;
}

/*
 * CR0.WP clear lets the supervisor write a read-only page.  Ours is always
 * set, so such a page becomes a supervisor's writable one until the user
 * touches it; SMEP must not let the supervisor execute it meanwhile.  SMAP
 * could not be kept up that way: then the write is emulated.  Of several large
 * pages that share a linear table, each has its own dirty bit: see child_key().
 */
static u64 wp_override(struct kvm_vcpu *vcpu, u64 spte, u8 access)
{
	if ((access & ACC_USER) && vcpu->mmu.role.smap)
		return spte;
	spte |= PT_WRITE;
	if (access & ACC_USER) {
		spte &= ~PT_USER;
		if (vcpu->mmu.role.smep)
			spte |= PT_NX;
	}
	return spte;
}

/* The rights of a leaf; *emulate: a write fault that no right can serve. */
static u64 make_spte(struct kvm_vcpu *vcpu, const struct spte_map *m,
		     bool *emulate)
{
	u64 spte = PT_PRESENT | PT_ACCESSED | m->pfn << PAGE_SHIFT;

	if (m->access & ACC_USER)
		spte |= PT_USER;
	if (!(m->access & ACC_EXEC))
		spte |= PT_NX;
	if (m->level == 2)
		spte |= PT_PS;
	if (m->host_write)
		spte |= SPTE_HOST_WRITE;
	else
		return spte;

	if (m->access & ACC_WRITE)
		spte |= PT_WRITE;
	else if (m->write_fault && !m->user_fault && !vcpu->mmu.role.wp)
		spte = wp_override(vcpu, spte, m->access);
	if (!(spte & PT_WRITE)) {
		*emulate = m->write_fault;
		return spte;
	}

	if (m->level == 1 && gfn_is_shadowed(m->slot, m->gfn) &&
	    !try_unsync(vcpu, m->gfn, m->write_fault)) {
		*emulate = m->write_fault;
		return spte & ~PT_WRITE;
	}
	if (m->slot->dirty) {
		if (!m->write_fault)
			return spte & ~PT_WRITE;
		slot_mark_dirty(m->slot, m->gfn);
	}
	host_mark_dirty(m->pfn);
	return spte | PT_DIRTY;
}

/*
 * Before a table comes where a large page may have been, or the reverse: there are
 * processors that must not find both in their TLBs (erratum 383).
 */
static void end_other_sizes(struct kvm *kvm)
{
	if (static_cpu_has_bug(X86_BUG_AMD_TLB_MMATCH))
		mmu_flush_dirty(kvm);
}

bool mmu_set_spte(struct kvm_vcpu *vcpu, struct shadow_page *sp,
		  unsigned int index, const struct spte_map *m)
{
	struct kvm *kvm = vcpu->kvm;
	u64 old = sp->spt[index], spte;
	bool emulate = false;
	LIST_HEAD(zapped);

	spte = make_spte(vcpu, m, &emulate);
	if (spte_present(old)) {
		bool same = spte_leaf(old, sp->role.level) &&
			    spte_pfn(old) == m->pfn &&
			    (old & PT_PS) == (spte & PT_PS) &&
			    mmu_entry_gfn(sp, index) == m->gfn;

		if (!same) {
			mmu_drop_entry(kvm, sp, index, &zapped);
			/* Another page here now: nobody may see the old. */
			mmu_flush_remote(kvm);
			mmu_commit_zap(kvm, &zapped);
			mmu_audit_after(kvm, "entry replaced");
			old = 0;
		} else if (old & ~spte & PT_WRITE) {
			kvm->mmu.tlbs_dirty = true;
		}
	}
	sp->guest[index] = gfn_to_gpa(m->gfn) | m->access;
	if (m->level > 1)
		end_other_sizes(kvm);
	if (!spte_present(old)) {
		unsigned long *rmap = slot_rmap_get(vcpu, m->slot, m->gfn,
						    m->level);

		if (unlikely(pte_list_count(*rmap) >= PTE_LIST_MAX))
			rmap_unmap(kvm, rmap);
		pte_list_add(vcpu, rmap, &sp->spt[index]);
	}
	entry_write(sp, index, spte);
	return emulate;
}

/* ------------------------------------------------------------------------
 * Roots
 */

static struct shadow_page *hold_root(struct kvm_vcpu *vcpu, gfn_t gfn,
				     union mmu_role role,
				     struct list_head *zapped)
{
	struct shadow_page *sp = get_shadow(vcpu, gfn, role, zapped);

	sp->root_count++;
	return sp;
}

static void drop_root(struct kvm *kvm, struct shadow_page *sp,
		      struct list_head *zapped)
{
	if (!sp || --sp->root_count)
		return;
	if (sp->zapped)
		list_add(&sp->link, zapped);
}

static void drop_roots(struct kvm_vcpu *vcpu, struct list_head *zapped)
{
	int i;

	for (i = 0; i < 4; i++) {
		drop_root(vcpu->kvm, vcpu->mmu.root_sp[i], zapped);
		vcpu->mmu.root_sp[i] = NULL;
	}
	vcpu->mmu.root = INVALID_PAGE;
}

void mmu_unload(struct kvm_vcpu *vcpu)
{
	LIST_HEAD(zapped);

	spin_lock(&vcpu->kvm->mmu.lock);
	drop_roots(vcpu, &zapped);
	mmu_commit_zap(vcpu->kvm, &zapped);
	mmu_audit_after(vcpu->kvm, "unload");
	spin_unlock(&vcpu->kvm->mmu.lock);
}

/* Four tables of 1 GiB each below a PAE root; NULL where the guest has none. */
static void load_pae_roots(struct kvm_vcpu *vcpu, struct list_head *zapped)
{
	struct vcpu_mmu *mmu = &vcpu->mmu;
	union mmu_role role = mmu->role;
	unsigned int i;

	role.level = 2;
	role.access = ACC_ALL;
	for (i = 0; i < 4; i++) {
		gfn_t gfn = gpa_to_gfn(vcpu->s.cr3 & 0xffffffff);

		mmu->pae_root[i] = 0;
		if (!mmu->guest_levels) {
			role.direct = 1;
			gfn = (gfn_t)i << 18;
		} else if (mmu->guest_levels == 2) {
			role.quadrant = i;
		} else {
			if (!(vcpu->s.pdptrs[i] & PT_PRESENT))
				continue;
			gfn = (vcpu->s.pdptrs[i] & PT_ADDR) >> PAGE_SHIFT;
		}
		mmu->root_sp[i] = hold_root(vcpu, gfn, role, zapped);
		mmu->pae_root[i] = PT_PRESENT | __pa(mmu->root_sp[i]->spt);
	}
	mmu->root = __pa(mmu->pae_root);
}

static void load_long_root(struct kvm_vcpu *vcpu, struct list_head *zapped)
{
	struct vcpu_mmu *mmu = &vcpu->mmu;
	union mmu_role role = mmu->role;

	role.level = 4;
	role.access = ACC_ALL;
	mmu->root_sp[0] = hold_root(vcpu, (vcpu->s.cr3 & PT_ADDR) >> PAGE_SHIFT,
				    role, zapped);
	mmu->root = __pa(mmu->root_sp[0]->spt);
}

/* CR3 and what hangs on it must be memory; else the guest cannot go on. */
static bool root_is_memory(struct kvm_vcpu *vcpu)
{
	u64 cr3 = vcpu->s.cr3, pdptr;
	int i;

	if (!vcpu->mmu.guest_levels)
		return true;
	if (vcpu->mmu.guest_levels != 4)
		cr3 &= 0xffffffff;
	for (i = 0; vcpu->mmu.guest_levels == 3 && i < 4; i++) {
		pdptr = vcpu->s.pdptrs[i];
		if ((pdptr & PT_PRESENT) &&
		    !gfn_to_slot(vcpu->kvm, (pdptr & PT_ADDR) >> PAGE_SHIFT))
			return false;
	}
	return gfn_to_slot(vcpu->kvm, (cr3 & PT_ADDR) >> PAGE_SHIFT);
}

int mmu_load(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = vcpu->kvm;
	LIST_HEAD(zapped);

	if (!root_is_memory(vcpu))
		return 1;
	if (mmu_fill_caches(vcpu))
		return -ENOMEM;
	spin_lock(&kvm->mmu.lock);
	mmu_make_room(kvm, &zapped);
	sync_all(vcpu, &zapped);
	if (vcpu->mmu.guest_levels == 4)
		load_long_root(vcpu, &zapped);
	else
		load_pae_roots(vcpu, &zapped);
	mmu_commit_zap(kvm, &zapped);
	mmu_audit_root(kvm, "root load");
	spin_unlock(&kvm->mmu.lock);
	vcpu_request(vcpu, KVM_REQ_TLB_FLUSH);
	return 0;
}

/*
 * The guest loaded CR3: all its translations are to be renewed.  The root is
 * most often one that is still known.
 */
void mmu_new_cr3(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = vcpu->kvm;
	struct vcpu_mmu *mmu = &vcpu->mmu;
	union mmu_role role = mmu->role;
	gfn_t gfn = (vcpu->s.cr3 & PT_ADDR) >> PAGE_SHIFT;
	struct shadow_page *sp;
	LIST_HEAD(zapped);

	vcpu->stats.cr3_switch++;
	kvm_ops->flush_tlb(vcpu);
	vcpu_emulator_flush(vcpu);
	if (!mmu->guest_levels)
		return;
	role.level = 4;
	role.access = ACC_ALL;

	spin_lock(&kvm->mmu.lock);
	sync_all(vcpu, &zapped);
	if (mmu->guest_levels == 4) {
		for_each_shadow(kvm, sp, gfn) {
			if (sp->role.word != role.word)
				continue;
			sp->root_count++;
			sp->write_count = 0;
			drop_roots(vcpu, &zapped);
			mmu->root_sp[0] = sp;
			mmu->root = __pa(sp->spt);
			goto found;
		}
	}
	drop_roots(vcpu, &zapped);
found:
	mmu_commit_zap(kvm, &zapped);
	mmu_audit_root(kvm, "CR3 load");
	spin_unlock(&kvm->mmu.lock);
}

/* ------------------------------------------------------------------------
 * The paging mode
 */

/*
 * Does an access fault?  Index: error code bits W and U, F, and whether AC
 * overrides SMAP; value: one bit for each set of rights a page may have.
 */
#define FAULT_W		BIT(0)
#define FAULT_U		BIT(1)
#define FAULT_AC	BIT(2)
#define FAULT_F		BIT(3)

static bool access_faults(union mmu_role role, unsigned int how, u8 access)
{
	bool user = how & FAULT_U;

	if ((how & FAULT_F) && !(access & ACC_EXEC))
		return true;
	if (user && !(access & ACC_USER))
		return true;
	if ((how & FAULT_W) && !(access & ACC_WRITE) && (user || role.wp))
		return true;
	if (user || !(access & ACC_USER))
		return false;
	if (how & FAULT_F)
		return role.smep;
	return role.smap && !(how & FAULT_AC);
}

static void update_fault_table(struct vcpu_mmu *mmu)
{
	unsigned int how, access;

	for (how = 0; how < ARRAY_SIZE(mmu->fault); how++) {
		mmu->fault[how] = 0;
		for (access = 0; access <= ACC_ALL; access++)
			if (access_faults(mmu->role, how, access))
				mmu->fault[how] |= BIT(access);
	}
}

bool mmu_access_faults(const struct vcpu_mmu *mmu, u32 pfec, u8 access)
{
	unsigned int how = ((pfec >> 1) & (FAULT_W | FAULT_U | FAULT_F)) |
			   (pfec & PFERR_AC && !(pfec & PFERR_IMPLICIT) ?
			    FAULT_AC : 0);

	return mmu->fault[how] & BIT(access);
}

/* Bits that must be 0 in a present entry (SDM vol. 3, tables of ch. 4). */
static void update_reserved_bits(struct kvm_vcpu *vcpu)
{
	struct vcpu_mmu *mmu = &vcpu->mmu;
	u64 high = GENMASK_ULL(51, vcpu->feat.maxphyaddr);
	u64 nx = mmu->role.nxe ? 0 : PT_NX;
	int level;

	if (vcpu->feat.maxphyaddr >= 52)
		high = 0;
	memset(mmu->rsvd, 0, sizeof(mmu->rsvd));
	if (mmu->guest_levels == 2) {
		/* PSE-36: address bits 39:32 live in 20:13; 21 is reserved. */
		mmu->rsvd[1][2] = BIT_ULL(21);
		if (vcpu->feat.maxphyaddr < 40)
			mmu->rsvd[1][2] |=
				GENMASK_ULL(20, vcpu->feat.maxphyaddr - 19);
		return;
	}
	if (mmu->guest_levels == 3)
		high |= GENMASK_ULL(62, 52);
	for (level = 1; level <= 4; level++)
		mmu->rsvd[0][level] = mmu->rsvd[1][level] = high | nx;
	mmu->rsvd[1][2] |= GENMASK_ULL(20, 13);
	mmu->rsvd[1][3] |= GENMASK_ULL(29, 13);
	if (!mmu->gbpages)
		mmu->rsvd[1][3] |= PT_PS;
	mmu->rsvd[0][4] |= PT_PS;
	mmu->rsvd[1][4] |= PT_PS;
	if (vcpu->feat.amd)	/* APM: bit 8 too; SDM: ignored */
		mmu->rsvd[0][4] |= BIT_ULL(8);
}

void mmu_reset(struct kvm_vcpu *vcpu)
{
	struct vcpu_mmu *mmu = &vcpu->mmu;
	u64 cr0 = vcpu_cr0(vcpu), cr4 = vcpu->s.cr4;
	union mmu_role role = {};

	mmu_unload(vcpu);
	if (!(cr0 & X86_CR0_PG)) {
		mmu->guest_levels = 0;
		mmu->ops = NULL;
	} else if (vcpu_long_mode(vcpu)) {
		mmu->guest_levels = 4;
		mmu->ops = &paging64_ops;
	} else if (cr4 & X86_CR4_PAE) {
		mmu->guest_levels = 3;
		mmu->ops = &pae_ops;
	} else {
		mmu->guest_levels = 2;
		mmu->ops = &paging32_ops;
	}
	mmu->gbpages = !vcpu->cpuid_nent ||
		       guest_has(vcpu, X86_FEATURE_GBPAGES);

	role.guest_levels = mmu->guest_levels;
	if (mmu->guest_levels) {
		role.wp = !!(cr0 & X86_CR0_WP);
		role.nxe = mmu->guest_levels > 2 &&
			   (vcpu->s.efer & EFER_NX);
		role.smep = !!(cr4 & X86_CR4_SMEP);
		role.smap = !!(cr4 & X86_CR4_SMAP);
		role.pse = mmu->guest_levels == 2 && (cr4 & X86_CR4_PSE);
	}
	mmu->role = role;
	update_fault_table(mmu);
	update_reserved_bits(vcpu);
	vcpu_emulator_flush(vcpu);
	vcpu_request(vcpu, KVM_REQ_TLB_FLUSH);
}

/* ------------------------------------------------------------------------
 * The page fault
 */

struct page_fault {
	gva_t gva;
	u32 pfec;		/* with PFERR_AC, PFERR_IMPLICIT added */
	bool marker;		/* it found one of MMIO, perhaps out of date */
	struct guest_walk walk;	/* also filled, as identity, without paging */
	struct spte_map map;
};

/*
 * The largest page to map: the guest's leaf, the slot, the host's mapping and
 * what we must see written set limits.
 */
static int mapping_level(const struct page_fault *f)
{
	const struct spte_map *m = &f->map;
	const struct kvm_slot *slot = m->slot;
	struct gfn_block *block = slot_block(slot, m->gfn);
	gfn_t base = m->gfn & ~511ull;

	if (f->walk.level < 2 || !m->host_large || slot->dirty ||
	    (block && block->nr_shadowed) ||
	    (mmu_split_code && (f->pfec & PFERR_FETCH)))
		return 1;
	if (base < slot->base_gfn ||
	    base + 512 > slot->base_gfn + slot->npages ||
	    ((slot_hva(slot, m->gfn) >> PAGE_SHIFT) ^ m->gfn) & 511)
		return 1;
	return 2;
}

static bool is_split(const struct page_fault *f, const struct shadow_page *sp)
{
	u64 spte = sp->spt[pt_index(f->gva, 2)];

	return mmu_split_code && (f->map.access & ACC_EXEC) &&
	       spte_present(spte) && !spte_leaf(spte, 2);
}

/*
 * What belongs one step down: the shadow of the guest's next table, or, where
 * the guest's leaf is larger than what we can map, a linear piece of it.
 */
static void child_key(struct kvm_vcpu *vcpu, const struct page_fault *f,
		      int level, gfn_t *gfn, union mmu_role *role)
{
	const struct guest_walk *w = &f->walk;

	*role = vcpu->mmu.role;
	role->level = level;
	if (level >= w->level) {
		role->access = w->above[level];
		if (vcpu->mmu.guest_levels == 2)
			role->quadrant = (f->gva >> 21) & 1;
		*gfn = w->table[level];
	} else {
		role->direct = 1;
		role->access = w->access;
		/* See wp_override(): the page may be written, but only this one. */
		role->dirty = !role->wp && !(w->access & ACC_WRITE) &&
			      (w->pte[w->level] & PT_DIRTY);
		*gfn = w->gfn & ~(PG_LEVEL_PAGES(level + 1) - 1);
	}
}

/* Has the guest changed what we walked, before it was protected? */
static bool walk_changed(struct kvm_vcpu *vcpu, const struct page_fault *f,
			 int level)
{
	return level >= f->walk.level &&
	       vcpu->mmu.ops->changed(vcpu, &f->walk, level);
}

/* The child in place, followed only if it is exactly the one that belongs. */
static struct shadow_page *fault_child(struct kvm_vcpu *vcpu,
				       const struct page_fault *f,
				       struct shadow_page *sp, int level,
				       struct list_head *zapped)
{
	unsigned int index = pt_index(f->gva, level);
	u64 spte = sp->spt[index];
	struct shadow_page *child;
	union mmu_role role;
	gfn_t gfn;

	child_key(vcpu, f, level - 1, &gfn, &role);
	if (spte_present(spte) && !spte_leaf(spte, level)) {
		child = spte_child(spte);
		if (likely(child->gfn == gfn && child->role.word == role.word))
			return child;
	}
	mmu_drop_entry(vcpu->kvm, sp, index, zapped);
	end_other_sizes(vcpu->kvm);
	child = get_shadow(vcpu, gfn, role, zapped);
	if (unlikely(walk_changed(vcpu, f, level))) {
		if (!child->parents && !child->root_count)
			mmu_zap_page(vcpu->kvm, child, zapped);
		return NULL;
	}
	link_child(vcpu, sp, index, child);
	return child;
}

/*
 * Walk the shadow down to the level of the mapping, making what is missing.
 * NULL: the guest changed its tables meanwhile, let it fault again.
 */
static struct shadow_page *fault_walk(struct kvm_vcpu *vcpu,
				      const struct page_fault *f,
				      struct list_head *zapped)
{
	int level = vcpu->mmu.guest_levels == 4 ? 4 : 2;
	struct shadow_page *sp = level == 4 ? vcpu->mmu.root_sp[0] :
				 vcpu->mmu.root_sp[(f->gva >> 30) & 3];

	if (unlikely(!sp || sp->zapped))
		return NULL;
	for (; level > f->map.level; level--) {
		sp->write_count = 0;
		sp = fault_child(vcpu, f, sp, level, zapped);
		if (!sp)
			return NULL;
	}
	return walk_changed(vcpu, f, level) ? NULL : sp;
}

/* A neighbour that is not mapped yet, if that costs no allocation of note. */
void mmu_prefetch_entry(struct kvm_vcpu *vcpu, struct shadow_page *sp,
			unsigned int index, gfn_t gfn, u8 access)
{
	struct spte_map m = {
		.gfn = gfn, .level = 1, .access = access,
		.slot = gfn_to_slot(vcpu->kvm, gfn),
	};

	if (!m.slot || !slot_has_rmap(m.slot, gfn) ||
	    !host_lookup(vcpu->kvm, false, &m))
		return;
	mmu_set_spte(vcpu, sp, index, &m);
}

/* What a linear table maps needs no guest table to be read. */
static void prefetch_direct(struct kvm_vcpu *vcpu, struct shadow_page *sp,
			    unsigned int index)
{
	unsigned int first = index & ~7u, i;

	for (i = first; i < first + 8; i++)
		if (!sp->spt[i])
			mmu_prefetch_entry(vcpu, sp, i, sp->gfn + i,
					   sp->role.access);
}

static void prefetch_around(struct kvm_vcpu *vcpu, struct shadow_page *sp,
			    unsigned int index)
{
	if (sp->role.direct)
		prefetch_direct(vcpu, sp, index);
	else
		vcpu->mmu.ops->prefetch(vcpu, sp, index);
}

enum fault_result {
	FAULT_FIXED,		/* or the guest may try again */
	FAULT_EMULATE,		/* no mapping can let this access through */
	FAULT_NEEDS_PAGE,	/* the process's page is not there yet */
};

/* The leaf is known to be memory (m->slot) or MMIO. */
static enum fault_result fault_map(struct kvm_vcpu *vcpu, struct page_fault *f,
				   struct list_head *zapped)
{
	struct kvm *kvm = vcpu->kvm;
	struct spte_map *m = &f->map;
	struct shadow_page *sp;
	unsigned int index;
	bool emulate;
	u64 spte;

	m->level = m->slot ? mapping_level(f) : 1;
	sp = fault_walk(vcpu, f, zapped);
	/*
	 * The tables of this very walk may lie in the large page; and code that
	 * was split stays so when its data is looked at.
	 */
	if (sp && m->level > 1 && (mapping_level(f) == 1 || is_split(f, sp))) {
		m->level = 1;
		sp = fault_walk(vcpu, f, zapped);
	}
	if (!sp)
		return FAULT_FIXED;
	index = pt_index(f->gva, m->level);
	if (!m->slot) {
		mmu_drop_entry(kvm, sp, index, zapped);
		spte = mmio_spte(kvm, m->gfn, m->access);
		if (unlikely(!l1tf_safe(spte)))
			return FAULT_EMULATE;	/* each access walks again */
		sp->guest[index] = gfn_to_gpa(m->gfn) | m->access;
		entry_write(sp, index, spte);
		return FAULT_EMULATE;
	}
	if (m->level == 2) {
		m->pfn &= ~511ull;
		m->gfn &= ~511ull;
		if (mmu_split_code)	/* until code is fetched */
			m->access &= ~ACC_EXEC;
	}
	emulate = mmu_set_spte(vcpu, sp, index, m);
	vcpu->stats.pf_fixed++;
	if (m->level == 1)
		prefetch_around(vcpu, sp, index);
	return emulate ? FAULT_EMULATE : FAULT_FIXED;
}

/*
 * The part of a fault that needs the lock.  While it is held and no
 * invalidation is under way, the process's page table cannot change under us.
 */
static enum fault_result fault_in(struct kvm_vcpu *vcpu, struct page_fault *f)
{
	struct kvm *kvm = vcpu->kvm;
	enum fault_result r = FAULT_FIXED;
	LIST_HEAD(zapped);

	spin_lock(&kvm->mmu.lock);
	if (unlikely(kvm->mmu.invalidate_count))
		goto out;
	r = FAULT_NEEDS_PAGE;
	if (f->map.slot && !host_lookup(kvm, f->map.write_fault, &f->map))
		goto out;
	mmu_make_room(kvm, &zapped);
	if (unlikely(kvm->mmu.nr_unsync >= MMU_UNSYNC_MAX))
		sync_all(vcpu, &zapped);
	r = fault_map(vcpu, f, &zapped);
out:
	if (unlikely(!list_empty(&zapped))) {
		mmu_commit_zap(kvm, &zapped);
		mmu_audit_after(kvm, "page fault");
	}
	spin_unlock(&kvm->mmu.lock);
	return r;
}

static int emulate_access(struct kvm_vcpu *vcpu, const struct page_fault *f,
			  int flags)
{
	u32 acc = (f->pfec & PFERR_WRITE ? X86_ACC_WRITE : 0) |
		  (f->pfec & PFERR_USER ? X86_ACC_USER : 0);

	if (f->pfec & PFERR_FETCH)
		acc = X86_ACC_FETCH;	/* no data access may take this hint */
	return vcpu_emulate(vcpu, f->gva, gfn_to_gpa(f->walk.gfn) |
			    offset_in_page(f->gva),
			    flags | acc << EMUL_ACC_SHIFT);
}

/* A second access to MMIO finds the marker that the first one left. */
static bool find_mmio(struct kvm_vcpu *vcpu, struct page_fault *f)
{
	int level = vcpu->mmu.guest_levels == 4 ? 4 : 2;
	struct kvm *kvm = vcpu->kvm;
	struct shadow_page *sp;
	u64 spte = 0;
	u8 access;

	spin_lock(&kvm->mmu.lock);
	sp = level == 4 ? vcpu->mmu.root_sp[0] :
	     vcpu->mmu.root_sp[(f->gva >> 30) & 3];
	for (; sp; level--) {
		spte = sp->spt[pt_index(f->gva, level)];
		if (!spte_present(spte) || spte_leaf(spte, level))
			break;
		sp = spte_child(spte);
	}
	spin_unlock(&kvm->mmu.lock);

	if (!mmio_spte_valid(kvm, spte))
		return false;
	f->marker = true;
	access = (spte >> SPTE_MMIO_ACC_SHIFT) & ACC_ALL;
	/* Without the right to write, the dirty bit may be missing, whatever WP says. */
	if ((f->pfec & PFERR_WRITE) && !(access & ACC_WRITE))
		return false;
	if (mmu_access_faults(&vcpu->mmu, f->pfec, access))
		return false;
	f->walk.gfn = gpa_to_gfn(~spte & PT_ADDR);
	return true;
}

/* What the error code does not say: SMAP's exception. */
static u32 full_pfec(struct kvm_vcpu *vcpu, u32 error)
{
	u32 pfec = error & (PFERR_WRITE | PFERR_USER | PFERR_FETCH);

	if (vcpu->mmu.role.smap && !(error & PFERR_USER)) {
		vcpu_need(vcpu, VG_RIP);
		if (vcpu_cpl(vcpu) == 3)
			pfec |= PFERR_IMPLICIT;
		else if (vcpu->s.rflags & X86_EFLAGS_AC)
			pfec |= PFERR_AC;
	}
	return pfec;
}

/*
 * A processor that faults forgets what it knew of the address (SDM vol. 3,
 * "Operations that Invalidate TLBs and Paging-Structure Caches"), so after the
 * fault only the tables count.  What says else is the emulator's memory, and an
 * entry or marker that is out of sync.
 */
static void forget(struct kvm_vcpu *vcpu, const struct page_fault *f, u32 error)
{
	if ((error & PFERR_PRESENT || f->marker) &&
	    !list_empty(&vcpu->kvm->mmu.unsync))
		mmu_invlpg(vcpu, f->gva);
	else
		vcpu_emulator_flush(vcpu);
}

int mmu_page_fault(struct kvm_vcpu *vcpu, gva_t cr2, u32 error)
{
	struct page_fault f = { .gva = cr2, .pfec = full_pfec(vcpu, error) };
	struct spte_map *m = &f.map;
	int r;

	trace_kvm_page_fault(vcpu, cr2, error);
	/*
	 * Only long mode has more.  Not every processor cuts what it adds to a
	 * 64-bit base (QEMU's, of the IDT); the tables are indexed by 32 bits,
	 * so what is found above would stand for the page below.
	 */
	if (vcpu->mmu.guest_levels != 4)
		f.gva = (u32)cr2;
	if (!(error & PFERR_PRESENT) && find_mmio(vcpu, &f)) {
		vcpu->stats.pf_mmio++;
		return emulate_access(vcpu, &f, 0);
	}
	if (mmu_walk_guest(vcpu, &f.walk, f.gva, f.pfec)) {
		forget(vcpu, &f, error);
		vcpu_inject_pf(vcpu, f.walk.fault.address, f.walk.fault.error);
		return 1;
	}
	if (mmu_fill_caches(vcpu))
		return -ENOMEM;

	m->gfn = f.walk.gfn;
	m->access = f.walk.access;
	m->write_fault = f.pfec & PFERR_WRITE;
	m->user_fault = f.pfec & PFERR_USER;
	m->slot = gfn_to_slot(vcpu->kvm, m->gfn);
	/* Writing a ROM is up to user space, like a device. */
	if (m->slot && m->write_fault && (m->slot->flags & KVM_MEM_READONLY))
		return emulate_access(vcpu, &f, 0);

	r = fault_in(vcpu, &f);
	if (r == FAULT_NEEDS_PAGE) {
		r = host_populate(slot_hva(m->slot, m->gfn), m->write_fault);
		if (r)
			return r;
		/* If it is gone again, the guest faults again. */
		r = fault_in(vcpu, &f);
	}
	if (r != FAULT_EMULATE)
		return 1;
	if (!m->slot) {
		vcpu->stats.pf_mmio++;
		return emulate_access(vcpu, &f, 0);
	}
	vcpu->stats.pf_pt_write++;
	return emulate_access(vcpu, &f, EMUL_PT_WRITE);
}

/* ------------------------------------------------------------------------
 * The guest writes its tables, or flushes
 */

/* Which entries of @sp a write to bytes [@offset, +@len) of its table hits. */
static bool written_entries(const struct shadow_page *sp, unsigned int offset,
			    unsigned int len, unsigned int *first,
			    unsigned int *count)
{
	unsigned int size = sp->role.guest_levels == 2 ? 4 : 8;
	unsigned int index = offset / size, n = DIV_ROUND_UP(len, size);

	if (offset % size || len % size)
		return false;
	*count = n;
	if (size == 8) {
		*first = index;
		return true;
	}
	if (sp->role.level == 1) {
		/* 1024 entries in two shadows of 512 */
		*count = index >> 9 == sp->role.quadrant ? n : 0;
		*first = index & 511;
	} else {
		/* 1024 entries of 4 MiB in four shadows of 512 times 2 MiB */
		*count = index >> 8 == sp->role.quadrant ? 2 * n : 0;
		*first = (index & 255) * 2;
	}
	return n == 1;
}

/*
 * Will the guest's INVLPG end less than it should?  It ends a large page by any
 * of its addresses, which may be several of ours; and what is cached of upper
 * levels, which matters where our table lives on in another place.
 */
static bool outlives_invlpg(const struct shadow_page *sp, unsigned int index)
{
	u64 spte = sp->spt[index];

	if (sp->role.level == 1 || !spte_present(spte))
		return false;
	return !spte_leaf(spte, sp->role.level) ||
	       sp->role.guest_levels == 2;		/* half of 4 MiB */
}

/* Returns true if pages were zapped, @sp or children of it. */
static bool table_written(struct kvm *kvm, struct shadow_page *sp,
			  unsigned int offset, unsigned int len,
			  struct list_head *zapped)
{
	unsigned int first, count, i;
	bool flush = false;

	if (!written_entries(sp, offset, len, &first, &count) ||
	    sp->write_count > FLOOD_WRITES) {
		kvm->stats.mmu_flooded++;
		mmu_zap_page(kvm, sp, zapped);
		return true;
	}
	for (i = first; i < first + count && i < 512; i++) {
		flush |= outlives_invlpg(sp, i);
		mmu_drop_entry(kvm, sp, i, zapped);
	}
	if (flush && list_empty(zapped))
		mmu_flush_remote(kvm);
	return !list_empty(zapped);
}

bool mmu_guest_written(struct kvm *kvm, gpa_t gpa, unsigned int len)
{
	struct kvm_slot *slot = gfn_to_slot(kvm, gpa_to_gfn(gpa));
	struct shadow_page *sp;
	LIST_HEAD(zapped);

	smp_mb();	/* the write, then the bit: see account_shadowed() */
	if (!slot || !gfn_is_shadowed(slot, gpa_to_gfn(gpa)))
		return false;
	spin_lock(&kvm->mmu.lock);
	kvm->stats.mmu_pte_write++;
	for_each_shadow(kvm, sp, gpa_to_gfn(gpa))
		sp->write_count++;
again:
	for_each_shadow(kvm, sp, gpa_to_gfn(gpa)) {
		if (sp->unsync)
			continue;
		if (table_written(kvm, sp, offset_in_page(gpa), len, &zapped)) {
			mmu_commit_zap(kvm, &zapped);
			goto again;
		}
	}
	mmu_audit_after(kvm, "page table write");
	spin_unlock(&kvm->mmu.lock);
	return gfn_is_shadowed(slot, gpa_to_gfn(gpa));
}

/* The entry may be out of sync: the next access finds out. */
static void drop_unsync_entry(struct kvm_vcpu *vcpu, gva_t gva)
{
	int level = vcpu->mmu.guest_levels == 4 ? 4 : 2;
	struct kvm *kvm = vcpu->kvm;
	struct shadow_page *sp;
	LIST_HEAD(zapped);

	spin_lock(&kvm->mmu.lock);
	sp = level == 4 ? vcpu->mmu.root_sp[0] :
	     vcpu->mmu.root_sp[(gva >> 30) & 3];
	for (; sp; level--) {
		unsigned int index = pt_index(gva, level);
		u64 spte = sp->spt[index];

		if (sp->unsync)
			mmu_drop_entry(kvm, sp, index, &zapped);
		if (!spte_present(spte) || spte_leaf(spte, level))
			break;
		sp = spte_child(spte);
	}
	mmu_audit_after(kvm, "INVLPG");
	spin_unlock(&kvm->mmu.lock);
}

void mmu_invlpg(struct kvm_vcpu *vcpu, gva_t gva)
{
	if (!list_empty(&vcpu->kvm->mmu.unsync))
		drop_unsync_entry(vcpu, gva);
	kvm_ops->flush_gva(vcpu, gva);
	vcpu_emulator_flush(vcpu);
}

/* ------------------------------------------------------------------------
 * Life cycle
 */

int mmu_create_vcpu(struct kvm_vcpu *vcpu)
{
	struct page *page;

	vcpu->mmu.root = INVALID_PAGE;
	/* A PAE root is loaded into a 32-bit CR3. */
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO | GFP_DMA32);
	if (!page)
		return -ENOMEM;
	vcpu->mmu.pae_root = page_address(page);
	vcpu->mmu.sync_buf = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return vcpu->mmu.sync_buf ? 0 : -ENOMEM;
}

void mmu_free_vcpu(struct kvm_vcpu *vcpu)
{
	struct vcpu_mmu *mmu = &vcpu->mmu;

	mmu_drain_caches(vcpu);
	free_page((unsigned long)mmu->pae_root);
	free_page((unsigned long)mmu->sync_buf);
}

int mmu_init_vm(struct kvm *kvm)
{
	kvm->mmu.hash = kvcalloc(1 << MMU_HASH_BITS, sizeof(*kvm->mmu.hash),
				 GFP_KERNEL_ACCOUNT);
	if (!kvm->mmu.hash)
		return -ENOMEM;
	kvm->mmu.hash_multiplier = get_random_u64() | 1;
	spin_lock_init(&kvm->mmu.lock);
	INIT_LIST_HEAD(&kvm->mmu.active);
	INIT_LIST_HEAD(&kvm->mmu.unsync);
	INIT_LIST_HEAD(&kvm->mmu.spare);
	kvm->mmu.max_pages = KVM_MIN_MMU_PAGES;
	return 0;
}

/* All vCPUs are gone or unloaded. */
void mmu_free_vm(struct kvm *kvm)
{
	struct shadow_page *sp, *next;
	int idx = srcu_read_lock(&kvm->srcu);

	mmu_zap_all(kvm);
	srcu_read_unlock(&kvm->srcu, idx);
	list_for_each_entry_safe(sp, next, &kvm->mmu.spare, link)
		mmu_free_shadow(sp);
	kvfree(kvm->mmu.hash);
}
