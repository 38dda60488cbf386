/* SPDX-License-Identifier: GPL-2.0 */
/*
 * paging_tmpl.h - the guest's side of paging: walk its tables as the
 * processor would, and make leaf shadows follow them.
 *
 * Compiled by mmu_walk.c once for each GUEST_LEVELS: 2 (32-bit entries), 3
 * (PAE: the four top entries live in registers), 4 (64-bit).  NAME() gives
 * each copy its own functions.  SDM vol. 3, ch. 4; APM vol. 2, ch. 5.
 */

#if GUEST_LEVELS == 2
#define NAME(x)		paging32_##x
typedef u32 NAME(pte_t);
#define INDEX_BITS	10
#elif GUEST_LEVELS == 3
#define NAME(x)		pae_##x
typedef u64 NAME(pte_t);
#define INDEX_BITS	9
#else
#define NAME(x)		paging64_##x
typedef u64 NAME(pte_t);
#define INDEX_BITS	9
#endif

#define PTES_PER_TABLE	(1u << INDEX_BITS)

static unsigned int NAME(index)(gva_t gva, int level)
{
	return (gva >> (PAGE_SHIFT + (level - 1) * INDEX_BITS)) &
	       (PTES_PER_TABLE - 1);
}

static bool NAME(is_leaf)(const struct vcpu_mmu *mmu, u64 pte, int level)
{
	if (level == 1)
		return true;
	if (!(pte & PT_PS))
		return false;
	if (GUEST_LEVELS == 2)
		return mmu->role.pse;
	return level == 2 || (GUEST_LEVELS == 4 && level == 3);
}

static bool NAME(is_reserved)(const struct vcpu_mmu *mmu, u64 pte, int level)
{
	bool ps = level > 1 && (pte & PT_PS);

	if (GUEST_LEVELS == 2 && !mmu->role.pse)
		return false;
	return pte & mmu->rsvd[ps][level];
}

static u8 NAME(access)(const struct vcpu_mmu *mmu, u64 pte)
{
	u8 access = ACC_EXEC;

	if (pte & PT_WRITE)
		access |= ACC_WRITE;
	if (pte & PT_USER)
		access |= ACC_USER;
	if (GUEST_LEVELS > 2 && mmu->role.nxe && (pte & PT_NX))
		access &= ~ACC_EXEC;
	return access;
}

/* The gfn of the next table, or of the 4 KiB page within a leaf. */
static gfn_t NAME(gfn)(u64 pte, gva_t gva, int level, bool leaf)
{
	gfn_t gfn = (pte & PT_ADDR) >> PAGE_SHIFT, mask;

	if (!leaf || level == 1)
		return gfn;
	mask = (1ul << ((level - 1) * INDEX_BITS)) - 1;
	if (GUEST_LEVELS == 2)
		gfn = (gfn & ~mask) | ((pte >> 13) & 0xff) << 20;
	return (gfn & ~mask) | ((gva >> PAGE_SHIFT) & mask);
}

static int NAME(fault)(struct kvm_vcpu *vcpu, struct guest_walk *w, gva_t gva,
		       u32 pfec, u32 error)
{
	const union mmu_role role = vcpu->mmu.role;

	error |= pfec & (PFERR_WRITE | PFERR_USER);
	if ((pfec & PFERR_FETCH) && (role.nxe || role.smep))
		error |= PFERR_FETCH;
	w->fault.vector = PF_VECTOR;
	w->fault.error = error;
	w->fault.address = gva;
	return 1;
}

/* 0, or 1: the table is not memory. */
static int NAME(read)(struct kvm_vcpu *vcpu, gpa_t gpa, u64 *pte)
{
	hva_t hva = gfn_to_hva(vcpu->kvm, gpa_to_gfn(gpa), false);
	NAME(pte_t) val;

	if (hva == INVALID_HVA ||
	    get_user(val, (NAME(pte_t) __user *)(hva + offset_in_page(gpa))))
		return 1;
	*pte = val;
	return 0;
}

/*
 * Set accessed (and dirty) atomically in the guest's entry, through the
 * user mapping.  False: the entry changed, walk again.  A table in ROM keeps
 * its bits, as it would on hardware.
 */
static bool NAME(set_bits)(struct kvm_vcpu *vcpu, struct guest_walk *w,
			   int level, u64 bits)
{
	gpa_t gpa = w->pte_gpa[level];
	hva_t hva = gfn_to_hva(vcpu->kvm, gpa_to_gfn(gpa), true);
	NAME(pte_t) old = w->pte[level], new = old | bits;
	int r;

	if (hva == INVALID_HVA)
		return true;
	r = user_cmpxchg(hva + offset_in_page(gpa), &old, &new, sizeof(old));
	if (r == -EAGAIN)
		return false;
	if (r)
		return true;
	mark_page_dirty(vcpu->kvm, gpa_to_gfn(gpa));
	w->pte[level] = new;
	return true;
}

static bool NAME(update_bits)(struct kvm_vcpu *vcpu, struct guest_walk *w,
			      int top, bool write)
{
	int level;

	for (level = top; level >= w->level; level--) {
		u64 bits = PT_ACCESSED;

		if (level == w->level && write)
			bits |= PT_DIRTY;
		if ((w->pte[level] & bits) != bits &&
		    !NAME(set_bits)(vcpu, w, level, bits))
			return false;
	}
	return true;
}

/* Where the walk begins; 1 if a PAE top entry is not present. */
static int NAME(start)(struct kvm_vcpu *vcpu, gva_t gva, gfn_t *table)
{
#if GUEST_LEVELS == 3
	u64 pdpte = vcpu->s.pdptrs[(gva >> 30) & 3];

	*table = (pdpte & PT_ADDR) >> PAGE_SHIFT;
	return !(pdpte & PT_PRESENT);
#elif GUEST_LEVELS == 2
	*table = (vcpu->s.cr3 & 0xffffffff) >> PAGE_SHIFT;
	return 0;
#else
	*table = (vcpu->s.cr3 & PT_ADDR) >> PAGE_SHIFT;
	return 0;
#endif
}

static int NAME(walk)(struct kvm_vcpu *vcpu, struct guest_walk *w, gva_t gva,
		      u32 pfec)
{
	const struct vcpu_mmu *mmu = &vcpu->mmu;
	const int top = GUEST_LEVELS == 3 ? 2 : GUEST_LEVELS;
	u8 access;
	gfn_t table;
	u64 pte;
	int level;

again:
	access = ACC_ALL;
	if (NAME(start)(vcpu, gva, &table))
		return NAME(fault)(vcpu, w, gva, pfec, 0);
	for (level = top;; level--) {
		gpa_t gpa = gfn_to_gpa(table) + NAME(index)(gva, level) *
			    sizeof(NAME(pte_t));

		if (NAME(read)(vcpu, gpa, &pte) || !(pte & PT_PRESENT))
			return NAME(fault)(vcpu, w, gva, pfec, 0);
		if (unlikely(NAME(is_reserved)(mmu, pte, level)))
			return NAME(fault)(vcpu, w, gva, pfec,
					   PFERR_PRESENT | PFERR_RSVD);
		w->table[level] = table;
		w->pte_gpa[level] = gpa;
		w->pte[level] = pte;
		w->above[level] = access;
		access &= NAME(access)(mmu, pte);
		if (NAME(is_leaf)(mmu, pte, level))
			break;
		table = NAME(gfn)(pte, gva, level, false);
	}
	w->level = level;
	if (mmu_access_faults(mmu, pfec, access))
		return NAME(fault)(vcpu, w, gva, pfec, PFERR_PRESENT);
	if (!NAME(update_bits)(vcpu, w, top, pfec & PFERR_WRITE))
		goto again;
	/* The first write to a clean page must come by here again. */
	if (!(w->pte[level] & PT_DIRTY))
		access &= ~ACC_WRITE;
	w->access = access;
	w->gfn = NAME(gfn)(w->pte[level], gva, level, true);
	return 0;
}

/* Read part of a guest table without sleeping. */
static bool NAME(read_atomic)(struct kvm_vcpu *vcpu, gpa_t gpa, void *buf,
			      unsigned int len)
{
	hva_t hva = gfn_to_hva(vcpu->kvm, gpa_to_gfn(gpa), false);
	unsigned long left;

	if (hva == INVALID_HVA)
		return false;
	pagefault_disable();
	left = __copy_from_user_inatomic(buf, (void __user *)hva +
					 offset_in_page(gpa), len);
	pagefault_enable();
	return !left;
}

static bool NAME(changed)(struct kvm_vcpu *vcpu, const struct guest_walk *w,
			  int level)
{
	NAME(pte_t) pte;

	return !NAME(read_atomic)(vcpu, w->pte_gpa[level], &pte, sizeof(pte)) ||
	       pte != w->pte[level];
}

/* Byte offset of entry @index of a leaf shadow in the guest's table. */
static unsigned int NAME(offset)(const struct shadow_page *sp,
				 unsigned int index)
{
	if (GUEST_LEVELS == 2)
		index += sp->role.quadrant * 512;
	return index * sizeof(NAME(pte_t));
}

/* What a leaf entry would map now: gfn | rights, or 0 for nothing. */
static u64 NAME(leaf_target)(const struct vcpu_mmu *mmu,
			     const struct shadow_page *sp, u64 pte)
{
	u8 access;

	if (!(pte & PT_PRESENT) || !(pte & PT_ACCESSED) ||
	    NAME(is_reserved)(mmu, pte, 1))
		return 0;
	access = sp->role.access & NAME(access)(mmu, pte);
	if (!(pte & PT_DIRTY))
		access &= ~ACC_WRITE;
	return (pte & PT_ADDR) | access;
}

/*
 * One entry: what the guest's entry maps now is kept, narrowed to read-only
 * in place (a fork does that to many), or dropped.  It is never widened.
 */
static void NAME(sync_entry)(struct kvm_vcpu *vcpu, struct shadow_page *sp,
			     unsigned int index, u64 target)
{
	u64 was = sp->guest[index], spte = sp->spt[index];
	/* By wp_override(); that the guest's entry is dirty is not recorded. */
	bool override = (spte & PT_WRITE) && !(was & ACC_WRITE);
	LIST_HEAD(none);

	if (likely(target == was && !override))
		return;
	/*
	 * Changed in anything but rights to write and rights gained: out.  The
	 * user's right is also a ban on the supervisor, by SMEP and SMAP.
	 */
	if (!spte_present(spte) || !target || override ||
	    ((target ^ was) & (PT_ADDR | ACC_USER)) ||
	    (was & ~target & ACC_EXEC)) {
		mmu_drop_entry(vcpu->kvm, sp, index, &none);
		return;
	}
	sp->guest[index] = target;
	if ((spte & PT_WRITE) && !(target & ACC_WRITE)) {
		clear_bit(1, (unsigned long *)&sp->spt[index]);
		vcpu->kvm->mmu.tlbs_dirty = true;
	}
}

static bool NAME(sync)(struct kvm_vcpu *vcpu, struct shadow_page *sp)
{
	const NAME(pte_t) *ptes = vcpu->mmu.sync_buf;
	unsigned int i;

	if (!NAME(read_atomic)(vcpu, gfn_to_gpa(sp->gfn) + NAME(offset)(sp, 0),
			       vcpu->mmu.sync_buf, 512 * sizeof(*ptes)))
		return false;
	for (i = sp->first; i <= sp->last; i++)
		if (sp->spt[i])
			NAME(sync_entry)(vcpu, sp, i,
					 NAME(leaf_target)(&vcpu->mmu, sp,
							   ptes[i]));
	return true;
}

/* Eight neighbours at a time, of those that the guest already uses. */
static void NAME(prefetch)(struct kvm_vcpu *vcpu, struct shadow_page *sp,
			   unsigned int index)
{
	unsigned int first = index & ~7u, i;
	hva_t hva = gfn_to_hva(vcpu->kvm, sp->gfn, false);
	NAME(pte_t) pte;
	u64 target;

	if (hva == INVALID_HVA)
		return;
	hva += NAME(offset)(sp, first);
	pagefault_disable();
	for (i = 0; i < 8; i++, hva += sizeof(pte)) {
		/* In one piece each: the guest may write a table out of sync. */
		if (__get_user(pte, (NAME(pte_t) __user *)hva))
			break;
		target = NAME(leaf_target)(&vcpu->mmu, sp, pte);
		if (target && !sp->spt[first + i])
			mmu_prefetch_entry(vcpu, sp, first + i,
					   (target & PT_ADDR) >> PAGE_SHIFT,
					   target & ACC_ALL);
	}
	pagefault_enable();
}

#if GUEST_LEVELS == 4
static void NAME(adopt)(struct kvm_vcpu *vcpu, struct shadow_page *sp)
{
	const u64 *ptes = vcpu->mmu.sync_buf;
	unsigned int i;

	if (!NAME(read_atomic)(vcpu, gfn_to_gpa(sp->gfn) + 256 * sizeof(*ptes),
			       vcpu->mmu.sync_buf, 256 * sizeof(*ptes)))
		return;
	for (i = 0; i < 256; i++) {
		u64 pte = ptes[i];

		if ((pte & (PT_PRESENT | PT_ACCESSED)) !=
		    (PT_PRESENT | PT_ACCESSED) ||
		    NAME(is_reserved)(&vcpu->mmu, pte, 4))
			continue;
		mmu_adopt_child(vcpu, sp, 256 + i,
				(pte & PT_ADDR) >> PAGE_SHIFT,
				NAME(access)(&vcpu->mmu, pte));
	}
}
#endif

const struct paging_ops NAME(ops) = {
	.walk = NAME(walk),
	.changed = NAME(changed),
	.sync = NAME(sync),
	.prefetch = NAME(prefetch),
#if GUEST_LEVELS == 4
	.adopt = NAME(adopt),
#endif
};

#undef NAME
#undef INDEX_BITS
#undef PTES_PER_TABLE
