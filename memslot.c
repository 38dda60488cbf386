// SPDX-License-Identifier: GPL-2.0
/*
 * memslot.c - guest physical memory: which gfn lies where in the process.
 *
 * Owns: the slot array (copied, changed and published as a whole under SRCU),
 * dirty bitmaps, and every access of ours to guest memory, which goes through
 * the process's own mappings, so that its page tables decide what is there.
 * Trusts: nothing; user addresses are checked when a slot is set and faults
 * are taken when it is used.
 *
 * Read next: mmu.c, which hangs its reverse maps on a slot's gfn_blocks.
 */
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include "kvm.h"

#define SLOT_MAX_PAGES	((1UL << 31) - 1)
#define MAX_GPA		BIT_ULL(52)	/* no processor has more */

int slots_init(struct kvm *kvm)
{
	struct kvm_slots *slots = kzalloc(sizeof(*slots), GFP_KERNEL_ACCOUNT);

	if (!slots)
		return -ENOMEM;
	rcu_assign_pointer(kvm->slots, slots);
	return 0;
}

static void slot_free(struct kvm_slot *slot)
{
	if (!slot)
		return;
	kvfree(slot->dirty);
	mmu_slot_free(slot);
	kfree(slot);
}

void slots_free(struct kvm *kvm)
{
	struct kvm_slots *slots = rcu_dereference_protected(kvm->slots, 1);
	unsigned int i;

	for (i = 0; i < slots->nr; i++)
		slot_free(slots->slot[i]);
	kfree(slots);
}

/* ------------------------------------------------------------------------
 * Look-up
 */

/* Binary search over slots sorted by gfn that do not overlap. */
struct kvm_slot *slot_search(struct kvm_slots *slots, gfn_t gfn)
{
	unsigned int lo = 0, hi = slots->nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;
		struct kvm_slot *slot = slots->slot[mid];

		if (gfn < slot->base_gfn) {
			hi = mid;
		} else if (gfn - slot->base_gfn < slot->npages) {
			WRITE_ONCE(slots->last, slot);
			return slot;
		} else {
			lo = mid + 1;
		}
	}
	return NULL;
}

/* ------------------------------------------------------------------------
 * Access
 */

void slot_mark_dirty(struct kvm_slot *slot, gfn_t gfn)
{
	if (slot->dirty)
		set_bit_le(gfn - slot->base_gfn, slot->dirty);
}

void mark_page_dirty(struct kvm *kvm, gfn_t gfn)
{
	/* One that is about to move, too: what is in its log moves with it. */
	struct kvm_slot *slot = slot_find(kvm_slots(kvm), gfn);

	if (slot)
		slot_mark_dirty(slot, gfn);
}

/*
 * The process's memory behind a slot: slots are user space's half only, and @data
 * is on our side, so the checks of copy_from_user() would only cost.  Items of 2, 4
 * and 8 bytes move in one piece, as the processor moves them: no other vCPU finds
 * half of a page table entry.  Bytes not copied, 0 if all was well.  Sleeps.
 */
unsigned long copy_from_guest(void *data, hva_t hva, unsigned int len)
{
	switch (len) {
	case 2:
		return __get_user(*(u16 *)data, (u16 __user *)hva) ? len : 0;
	case 4:
		return __get_user(*(u32 *)data, (u32 __user *)hva) ? len : 0;
	case 8:
		return __get_user(*(u64 *)data, (u64 __user *)hva) ? len : 0;
	}
	might_fault();
	return raw_copy_from_user(data, (void __user *)hva, len);
}

unsigned long copy_to_guest(hva_t hva, const void *data, unsigned int len)
{
	switch (len) {
	case 2:
		return __put_user(*(const u16 *)data, (u16 __user *)hva) ? len : 0;
	case 4:
		return __put_user(*(const u32 *)data, (u32 __user *)hva) ? len : 0;
	case 8:
		return __put_user(*(const u64 *)data, (u64 __user *)hva) ? len : 0;
	}
	might_fault();
	return raw_copy_to_user((void __user *)hva, data, len);
}

int kvm_read_guest(struct kvm *kvm, gpa_t gpa, void *data, unsigned long len)
{
	while (len) {
		unsigned int offset = offset_in_page(gpa);
		unsigned int n = min(len, PAGE_SIZE - offset);
		hva_t hva = gfn_to_hva(kvm, gpa_to_gfn(gpa), false);

		if (hva == INVALID_HVA ||
		    copy_from_guest(data, hva + offset, n))
			return -EFAULT;
		gpa += n;
		data += n;
		len -= n;
	}
	return 0;
}

int kvm_write_guest(struct kvm *kvm, gpa_t gpa, const void *data,
		    unsigned long len)
{
	while (len) {
		unsigned int offset = offset_in_page(gpa);
		unsigned int n = min(len, PAGE_SIZE - offset);
		gfn_t gfn = gpa_to_gfn(gpa);
		struct kvm_slot *slot = gfn_to_slot(kvm, gfn);

		if (!slot || (slot->flags & KVM_MEM_READONLY) ||
		    copy_to_guest(slot_hva(slot, gfn) + offset, data, n))
			return -EFAULT;
		slot_mark_dirty(slot, gfn);
		mmu_guest_written(kvm, gpa, n);
		gpa += n;
		data += n;
		len -= n;
	}
	return 0;
}

#define DEFINE_USER_CMPXCHG(type)					\
static int user_cmpxchg_##type(hva_t hva, const type *old, const type *new) \
{									\
	type __user *p = (type __user *)hva;				\
	type was = *old;						\
	int r;								\
									\
	if (!user_access_begin(p, sizeof(type)))			\
		return -EFAULT;						\
	r = unsafe_try_cmpxchg_user(p, &was, *new, fault) ? 0 : -EAGAIN; \
	user_access_end();						\
	return r;							\
fault:									\
	user_access_end();						\
	return -EFAULT;							\
}

DEFINE_USER_CMPXCHG(u8)
DEFINE_USER_CMPXCHG(u16)
DEFINE_USER_CMPXCHG(u32)
DEFINE_USER_CMPXCHG(u64)

/* No helper of the kernel's does sixteen bytes. */
static int user_cmpxchg16(hva_t hva, const u64 *old, const u64 *new)
{
	u64 lo = old[0], hi = old[1];
	int r = -EFAULT;
	bool same = false;

	if ((hva & 15) || !user_access_begin((void __user *)hva, 16))
		return -EFAULT;
	asm volatile("1: lock cmpxchg16b (%[p])\n"
		     "   setz %[same]\n"
		     "   xorl %[r], %[r]\n"
		     "2:\n"
		     _ASM_EXTABLE_UA(1b, 2b)
		     : [r] "+r" (r), [same] "+q" (same), "+a" (lo), "+d" (hi)
		     : [p] "r" (hva), "b" (new[0]), "c" (new[1])
		     : "memory", "cc");
	user_access_end();
	if (r)
		return r;
	return same ? 0 : -EAGAIN;
}

int user_cmpxchg(hva_t hva, const void *old, const void *new,
			unsigned int len)
{
	switch (len) {
	case 1:
		return user_cmpxchg_u8(hva, old, new);
	case 2:
		return user_cmpxchg_u16(hva, old, new);
	case 4:
		return user_cmpxchg_u32(hva, old, new);
	case 8:
		return user_cmpxchg_u64(hva, old, new);
	}
	return user_cmpxchg16(hva, old, new);
}

/* ------------------------------------------------------------------------
 * Changing the slots: slots_lock held
 */

static struct kvm_slot *slot_by_id(struct kvm_slots *slots, u16 id)
{
	unsigned int i;

	for (i = 0; i < slots->nr; i++)
		if (slots->slot[i]->id == id)
			return slots->slot[i];
	return NULL;
}

static bool slot_overlaps(struct kvm_slots *slots, const struct kvm_slot *new)
{
	unsigned int i;

	for (i = 0; i < slots->nr; i++) {
		const struct kvm_slot *s = slots->slot[i];

		if (s->id != new->id &&
		    new->base_gfn < s->base_gfn + s->npages &&
		    s->base_gfn < new->base_gfn + new->npages)
			return true;
	}
	return false;
}

/*
 * The array as it will be: without the slot @id, with @new if not NULL.
 * NULL: no memory.
 */
static struct kvm_slots *slots_prepare(struct kvm *kvm, u16 id,
				       struct kvm_slot *new)
{
	struct kvm_slots *old = kvm_slots(kvm), *slots;
	unsigned int i, n = 0;

	slots = kmalloc(struct_size(slots, slot, old->nr + 1),
			GFP_KERNEL_ACCOUNT);
	if (!slots)
		return NULL;
	for (i = 0; i < old->nr; i++) {
		struct kvm_slot *s = old->slot[i];

		if (s->id == id)
			continue;
		if (new && new->base_gfn < s->base_gfn) {
			slots->slot[n++] = new;
			new = NULL;
		}
		slots->slot[n++] = s;
	}
	if (new)
		slots->slot[n++] = new;
	slots->nr = n;
	slots->last = NULL;
	slots->generation = old->generation + 1;
	return slots;
}

/* On return no reader uses the old array. */
static void slots_install(struct kvm *kvm, struct kvm_slots *slots)
{
	struct kvm_slots *old = kvm_slots(kvm);

	rcu_assign_pointer(kvm->slots, slots);
	kvm_synchronize(kvm);
	kfree(old);
	mmu_slots_changed(kvm);
}

/*
 * Before a slot leaves the array, nothing may be mapped through it: until
 * then the MMU notifiers must find it there.  So it first dies for new
 * faults, then all that was mapped goes.
 */
static void slot_retire(struct kvm *kvm, struct kvm_slot *slot)
{
	WRITE_ONCE(slot->dead, true);
	kvm_synchronize(kvm);
	mmu_zap_all(kvm);
}

static int slot_delete(struct kvm *kvm, struct kvm_slot *old)
{
	struct kvm_slots *slots = slots_prepare(kvm, old->id, NULL);

	if (!slots)
		return -ENOMEM;
	slot_retire(kvm, old);
	slots_install(kvm, slots);
	slot_free(old);
	return 0;
}

static unsigned long dirty_bytes(const struct kvm_slot *slot)
{
	return ALIGN(slot->npages, BITS_PER_LONG) / 8;
}

static int slot_alloc_dirty(struct kvm_slot *slot)
{
	if (!(slot->flags & KVM_MEM_LOG_DIRTY_PAGES))
		return 0;
	slot->dirty = kvzalloc(dirty_bytes(slot), GFP_KERNEL_ACCOUNT);
	return slot->dirty ? 0 : -ENOMEM;
}

/* Same place, same memory: only the dirty log is switched. */
static int slot_change_flags(struct kvm *kvm, struct kvm_slot *old,
			     struct kvm_slot *new)
{
	struct kvm_slots *slots;

	if (slot_alloc_dirty(new))
		return -ENOMEM;
	new->blocks = old->blocks;
	new->settling = new->dirty;
	slots = slots_prepare(kvm, new->id, new);
	if (!slots) {
		kvfree(new->dirty);
		return -ENOMEM;
	}
	slots_install(kvm, slots);
	if (new->dirty)
		mmu_write_protect_slot(kvm, new);
	kvfree(old->dirty);
	kfree(old);
	return 0;
}

/* What is not fetched yet.  Nobody adds to the one log, vCPUs do to the other. */
static void dirty_moves(const struct kvm_slot *old, struct kvm_slot *new)
{
	unsigned long i;

	for_each_set_bit(i, old->dirty, new->npages)
		set_bit(i, new->dirty);
}

/* A new slot, or (@old) one that moves. */
static int slot_place(struct kvm *kvm, struct kvm_slot *old,
		      struct kvm_slot *new)
{
	struct kvm_slots *slots = NULL;
	int r = mmu_slot_alloc(new);

	if (!r)
		r = slot_alloc_dirty(new);
	if (!r)
		slots = slots_prepare(kvm, new->id, new);
	if (!slots) {
		mmu_slot_free(new);
		kvfree(new->dirty);
		return -ENOMEM;
	}
	if (old)
		slot_retire(kvm, old);
	new->settling = true;
	slots_install(kvm, slots);
	if (old) {
		if (old->dirty && new->dirty)
			dirty_moves(old, new);
		slot_free(old);
	}
	/* What was remembered of these gfns is wrong: they are memory now. */
	mmu_slot_added(kvm, new);
	/* Clocks that lie in it could not be written while it was not there. */
	kvm_request_all(kvm, KVM_REQ_CLOCK_UPDATE, false);
	return 0;
}

static bool region_valid(const struct kvm_userspace_memory_region *mem)
{
	u64 npages = mem->memory_size >> PAGE_SHIFT;

	if (mem->flags & ~(u32)(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY))
		return false;
	if (mem->memory_size & (PAGE_SIZE - 1) ||
	    mem->memory_size != (unsigned long)mem->memory_size ||
	    mem->guest_phys_addr & (PAGE_SIZE - 1) ||
	    mem->userspace_addr & (PAGE_SIZE - 1) ||
	    mem->userspace_addr != untagged_addr(mem->userspace_addr) ||
	    !access_ok((void __user *)(unsigned long)mem->userspace_addr,
		       mem->memory_size))
		return false;
	if (mem->slot >= KVM_USER_SLOTS || npages > SLOT_MAX_PAGES)
		return false;
	return mem->guest_phys_addr < MAX_GPA &&
	       mem->guest_phys_addr + mem->memory_size <= MAX_GPA;
}

/* KVM_SET_USER_MEMORY_REGION.  slots_lock held; sleeps. */
int slots_set_region(struct kvm *kvm,
		     const struct kvm_userspace_memory_region *mem)
{
	struct kvm_slots *slots = kvm_slots(kvm);
	struct kvm_slot *old, *new;
	int r;

	if (!region_valid(mem))
		return -EINVAL;
	old = slot_by_id(slots, mem->slot);
	if (!mem->memory_size)
		return old ? slot_delete(kvm, old) : -EINVAL;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->id = mem->slot;
	new->flags = mem->flags;
	new->base_gfn = mem->guest_phys_addr >> PAGE_SHIFT;
	new->npages = mem->memory_size >> PAGE_SHIFT;
	new->hva = mem->userspace_addr;

	r = -EINVAL;
	if (old && (new->hva != old->hva || new->npages != old->npages ||
		    (new->flags ^ old->flags) & KVM_MEM_READONLY))
		goto out;
	r = -EEXIST;
	if (slot_overlaps(slots, new))
		goto out;

	r = 0;
	if (!old || new->base_gfn != old->base_gfn)
		r = slot_place(kvm, old, new);
	else if (new->flags != old->flags)
		r = slot_change_flags(kvm, old, new);
	else
		goto out;	/* nothing to change */
	if (!r)
		return 0;
out:
	kfree(new);
	return r;
}

/* ------------------------------------------------------------------------
 * KVM_GET_DIRTY_LOG
 */

/*
 * Take a word of the bitmap, protect its pages, then tell user space.  A
 * write after the protection sets the bit again.
 */
int slots_dirty_log(struct kvm *kvm, const struct kvm_dirty_log *log)
{
	unsigned long i, words, *copy;
	struct kvm_slot *slot;
	int r = 0;

	if (log->slot >= KVM_USER_SLOTS)
		return -EINVAL;
	slot = slot_by_id(kvm_slots(kvm), log->slot);
	if (!slot || !slot->dirty)
		return -ENOENT;

	words = dirty_bytes(slot) / sizeof(long);
	copy = kvcalloc(words, sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	spin_lock(&kvm->mmu.lock);
	for (i = 0; i < words; i++) {
		if (!(i & 1023))
			cond_resched_lock(&kvm->mmu.lock);
		if (!slot->dirty[i])
			continue;
		copy[i] = xchg(&slot->dirty[i], 0);
		mmu_write_protect_mask(kvm, slot, i * BITS_PER_LONG, copy[i]);
		cond_resched_lock(&kvm->mmu.lock);
	}
	mmu_log_taken(kvm);
	spin_unlock(&kvm->mmu.lock);

	if (copy_to_user(log->dirty_bitmap, copy, dirty_bytes(slot))) {
		r = -EFAULT;
		/* Nobody has learnt of these pages. */
		for (i = 0; i < words; i++)
			if (copy[i])
				atomic_long_or(copy[i], (void *)&slot->dirty[i]);
	}
	kvfree(copy);
	return r;
}
