/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mmu_private.h - what the files of the shadow MMU share, and nobody else
 * uses: the format of a shadow pte, the guest walk, reverse maps.
 *
 * mmu.c		shadow pages, roots, the page fault
 * mmu_rmap.c		reverse maps and all that works through them
 * mmu_host.c		the process's page tables, MMU notifiers
 * mmu_walk.c		the guest's tables: walk and sync, from paging_tmpl.h
 * mmu_zap.c		the quota, and what a change of slots makes go
 * mmu_audit.c		re-derives every invariant
 */
#ifndef KVM_MMU_PRIVATE_H
#define KVM_MMU_PRIVATE_H

#include "kvm.h"

/* ---- ptes, the guest's and ours ---- */

#define PT_PRESENT	BIT_ULL(0)
#define PT_WRITE	BIT_ULL(1)
#define PT_USER		BIT_ULL(2)
#define PT_ACCESSED	BIT_ULL(5)
#define PT_DIRTY	BIT_ULL(6)
#define PT_PS		BIT_ULL(7)
#define PT_NX		BIT_ULL(63)
#define PT_ADDR		GENMASK_ULL(51, 12)

/*
 * A shadow pte is 0, or maps (PT_PRESENT), or remembers MMIO: not present,
 * SPTE_MMIO, the access rights of the guest's walk, the generation, and the
 * gfn, inverted so that a processor that ignores the present bit while it
 * speculates (L1TF) finds no memory there: see l1tf_safe().
 */
#define SPTE_MMIO		BIT_ULL(11)
#define SPTE_MMIO_ACC_SHIFT	8		/* 3 bits, ACC_* */
#define SPTE_MMIO_GEN_SHIFT	52
#define SPTE_MMIO_GENS		(1u << 11)
/* The host's mapping allowed writes when this was made. */
#define SPTE_HOST_WRITE		BIT_ULL(9)

static inline bool spte_present(u64 spte)
{
	return spte & PT_PRESENT;
}

static inline bool spte_mmio(u64 spte)
{
	return (spte & (SPTE_MMIO | PT_PRESENT)) == SPTE_MMIO;
}

/*
 * The address bits of a marker are the guest's choice.  Inverted, a gfn of the
 * lower half of what the cache can hold names the upper half, where the host
 * has no memory to hide; one of the upper half would name any page it likes.
 */
static inline bool l1tf_safe(u64 spte)
{
	return spte >> PAGE_SHIFT & l1tf_pfn_limit();
}

static inline bool mmio_spte_valid(struct kvm *kvm, u64 spte)
{
	return spte_mmio(spte) && (spte >> SPTE_MMIO_GEN_SHIFT) ==
	       kvm->mmu.mmio_generation % SPTE_MMIO_GENS;
}

static inline bool spte_leaf(u64 spte, int level)
{
	return level == 1 || (spte & PT_PS);
}

static inline kvm_pfn_t spte_pfn(u64 spte)
{
	return (spte & PT_ADDR) >> PAGE_SHIFT;
}

static inline unsigned int pt_index(gva_t gva, int level)
{
	return (gva >> (PAGE_SHIFT + (level - 1) * 9)) & 511;
}

static inline struct shadow_page *table_page(const u64 *spt)
{
	return (struct shadow_page *)page_private(virt_to_page(spt));
}

static inline struct shadow_page *spte_child(u64 spte)
{
	return table_page(__va(spte & PT_ADDR));
}

/* ---- one walk of the guest's tables ---- */

struct guest_walk {
	int level;		/* of the leaf: 1, or 2, 3 for large pages */
	u8 access;		/* of the translation; write only if dirty */
	gfn_t gfn;		/* of the 4 KiB page asked for */
	/* Per level walked, leaf included. */
	gfn_t table[5];		/* the guest table's gfn */
	gpa_t pte_gpa[5];
	u64 pte[5];		/* as read, 4-byte entries zero-extended */
	u8 above[5];		/* ACC_*: the AND over the levels above */
	struct x86_fault_info fault;
};

/* Compiled once per width and depth of the guest's tables. */
struct paging_ops {
	/* 0, or 1: w->fault.  Sets accessed and dirty bits.  May sleep. */
	int (*walk)(struct kvm_vcpu *vcpu, struct guest_walk *w, gva_t gva,
		    u32 pfec);
	/* Has the entry at @level changed since the walk?  mmu.lock. */
	bool (*changed)(struct kvm_vcpu *vcpu, const struct guest_walk *w,
			int level);
	/* Make a leaf table follow the guest's.  False: cannot.  mmu.lock. */
	bool (*sync)(struct kvm_vcpu *vcpu, struct shadow_page *sp);
	/* Link the children of a new top-level table that are known. */
	void (*adopt)(struct kvm_vcpu *vcpu, struct shadow_page *sp);
	/* Map neighbours of a leaf that the guest has in use.  mmu.lock. */
	void (*prefetch)(struct kvm_vcpu *vcpu, struct shadow_page *sp,
			 unsigned int index);
};

extern const struct paging_ops paging32_ops, pae_ops, paging64_ops;

/* ---- mmu_cache.c ---- */

extern struct kmem_cache *mmu_desc_cache;

/* Sleeps.  0 or -ENOMEM. */
int mmu_fill_caches(struct kvm_vcpu *vcpu);
void mmu_drain_caches(struct kvm_vcpu *vcpu);
void mmu_free_shadow(void *sp);
void mmu_free_block(void *block);

/* Topped up before the lock was taken, so it cannot be empty. */
static inline void *mmu_cache_take(struct mmu_cache *c)
{
	return c->obj[--c->nr];
}

/*
 * Of the descriptors, for the entries that are made: three links, the page and
 * its seven neighbours.  Children are adopted with what is left beyond these.
 */
#define DESCS_PER_FAULT	16

/* ---- mmu.c ---- */

/* What to put where; make_spte() decides the rights. */
struct spte_map {
	gfn_t gfn;
	kvm_pfn_t pfn;
	struct kvm_slot *slot;
	int level;
	u8 access;
	bool host_write;	/* the host lets us write the page */
	bool host_large;	/* ... and maps it as part of 2 MiB */
	bool write_fault;	/* ... and the guest wants to, now */
	bool user_fault;
};

/* True if a write fault cannot be served by mapping: emulate. */
bool mmu_set_spte(struct kvm_vcpu *vcpu, struct shadow_page *sp,
		  unsigned int index, const struct spte_map *map);
void mmu_adopt_child(struct kvm_vcpu *vcpu, struct shadow_page *sp,
		     unsigned int index, gfn_t gfn, u8 access);
/* Remove one entry, whatever it is.  True if it mapped something. */
bool mmu_drop_entry(struct kvm *kvm, struct shadow_page *sp,
		    unsigned int index, struct list_head *zapped);
void mmu_zap_page(struct kvm *kvm, struct shadow_page *sp,
		  struct list_head *zapped);
/* Flush, then free. */
void mmu_commit_zap(struct kvm *kvm, struct list_head *zapped);
void mmu_flush_remote(struct kvm *kvm);
/* Flush all TLBs if sptes went, or lost rights, without that. */
void mmu_flush_dirty(struct kvm *kvm);
void mmu_prefetch_entry(struct kvm_vcpu *vcpu, struct shadow_page *sp,
			unsigned int index, gfn_t gfn, u8 access);

#define for_each_shadow(kvm, sp, g)					\
	hlist_for_each_entry(sp, &(kvm)->mmu.hash[mmu_hash(kvm, g)], hash)	\
		if ((sp)->gfn != (g) || (sp)->role.direct) {} else

/* So many tables are synced at one go, with the lock held. */
#define MMU_UNSYNC_MAX	1024

#define MMU_HASH_BITS	12

/* By a secret multiplier: which gfns share a list is not the guest's to know. */
static inline unsigned int mmu_hash(const struct kvm *kvm, gfn_t gfn)
{
	return gfn * kvm->mmu.hash_multiplier >> (64 - MMU_HASH_BITS);
}

/* The gfn that leaf @index of @sp maps: recorded, never computed again. */
static inline gfn_t mmu_entry_gfn(const struct shadow_page *sp,
				  unsigned int index)
{
	return sp->guest[index] >> PAGE_SHIFT;
}

/* ---- mmu_walk.c ---- */
/* The guest's own translation; without paging, the identity.  Else w->fault. */
int mmu_walk_guest(struct kvm_vcpu *vcpu, struct guest_walk *w, gva_t gva,
		   u32 pfec);

/* ---- mmu_rmap.c ---- */

struct pte_list_desc {
	u64 *spte[14];
	u32 nr;
	u32 behind;		/* in the descriptors after this one */
	struct pte_list_desc *more;
};

/*
 * Removal searches the list, under the lock: a guest that maps one page very
 * often gets all of it unmapped now and then.
 */
#define PTE_LIST_MAX	1024


void pte_list_add(struct kvm_vcpu *vcpu, unsigned long *head, u64 *sptep);
bool pte_list_remove(unsigned long *head, u64 *sptep);
u64 *pte_list_first(unsigned long head);
unsigned int pte_list_count(unsigned long head);
/* Calls @fn for each spte, which must not change the list. */
void pte_list_walk(unsigned long head, void (*fn)(u64 *sptep, void *arg),
		   void *arg);

/* NULL: no page of this block was ever mapped. */
struct gfn_block *slot_block(const struct kvm_slot *slot, gfn_t gfn);
/* Allocates from the vCPU's caches. */
struct gfn_block *slot_block_get(struct kvm_vcpu *vcpu, struct kvm_slot *slot,
				 gfn_t gfn);
unsigned long *slot_rmap(struct gfn_block *block, gfn_t gfn, int level);
/* The same, made if there is none yet, for an spte to be added. */
unsigned long *slot_rmap_get(struct kvm_vcpu *vcpu, struct kvm_slot *slot,
			     gfn_t gfn, int level);
/* Can @gfn be mapped without memory for more than a list? */
bool slot_has_rmap(const struct kvm_slot *slot, gfn_t gfn);
/* What gfn_block.rmap is as long as nothing maps a part of it: all zeroes. */
#define NO_RMAP	((unsigned long *)empty_zero_page)
/* These two do not flush: see mmu_flush_dirty(). */
void rmap_unmap(struct kvm *kvm, unsigned long *head);
void rmap_write_protect(struct kvm *kvm, struct kvm_slot *slot, gfn_t gfn);

static inline bool gfn_is_shadowed(const struct kvm_slot *slot, gfn_t gfn)
{
	const struct gfn_block *block = slot_block(slot, gfn);

	return block && test_bit(gfn & 511, block->shadowed);
}

/* ---- mmu_host.c ---- */

/*
 * What the process's page table has for m->gfn of m->slot: fills pfn and
 * host_*.  False: nothing that allows the access.  mmu.lock held, and no
 * invalidation under way.
 */
bool host_lookup(struct kvm *kvm, bool write, struct spte_map *m);
/* The guest will write it, past the host's pte: what is swapped must be dirty. */
void host_mark_dirty(kvm_pfn_t pfn);
/* What the guest may execute is mapped in small pages, if the CPU needs that. */
extern bool mmu_split_code;
void mmu_protect_itlb(bool on);
/* Fault the page in.  Sleeps; 0, -EFAULT or -EINTR. */
int host_populate(hva_t hva, bool write);

/* ---- mmu_zap.c ---- */

/* Before a fault makes shadow pages, at most so many.  mmu.lock. */
#define MMU_ROOM	8
void mmu_make_room(struct kvm *kvm, struct list_head *zapped);

/* ---- mmu_audit.c ---- */

/*
 * Re-derive every invariant, every Nth time; print the first that fails.
 * mmu.lock held.
 */
extern unsigned int mmu_audit_every;
void mmu_audit_nth(struct kvm *kvm, const char *where, bool guest_waits);

static inline void mmu_audit_after(struct kvm *kvm, const char *where)
{
	if (unlikely(mmu_audit_every))
		mmu_audit_nth(kvm, where, false);
}

/* The same by a vCPU's thread; the only vCPU writes no tables meanwhile. */
static inline void mmu_audit_root(struct kvm *kvm, const char *where)
{
	if (unlikely(mmu_audit_every))
		mmu_audit_nth(kvm, where, kvm_nr_vcpus(kvm) == 1);
}

#endif /* KVM_MMU_PRIVATE_H */
