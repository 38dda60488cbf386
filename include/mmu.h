/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mmu.h - shadow paging: what the processor walks is a shadow of the guest's
 * page tables, kept by us (mmu*.c).
 *
 * Included by kvm.h, which it completes; do not include it alone.
 * Read next: Documentation/design.md, "Shadow paging", then mmu.c.
 */
#ifndef KVM_MMU_H
#define KVM_MMU_H

/* Access rights of a walk, of a role, and asked of a translation. */
#define ACC_EXEC	BIT(0)
#define ACC_WRITE	BIT(1)
#define ACC_USER	BIT(2)
#define ACC_ALL		(ACC_EXEC | ACC_WRITE | ACC_USER)

/*
 * Page-fault error code bits, as the hardware gives them, and two of our own
 * for translations that we ask for.
 */
#define PFERR_PRESENT	BIT(0)
#define PFERR_WRITE	BIT(1)
#define PFERR_USER	BIT(2)
#define PFERR_RSVD	BIT(3)
#define PFERR_FETCH	BIT(4)
#define PFERR_IMPLICIT	BIT(16)		/* descriptor tables: AC does not help */
#define PFERR_AC	BIT(17)		/* RFLAGS.AC is set */

/*
 * Everything that changes what a shadow page means.  A page is reused only
 * where gfn and the whole word match.
 */
union mmu_role {
	u32 word;
	struct {
		u32 level:3;		/* 1 = leaf table .. 4 */
		u32 direct:1;		/* linear: no guest table behind it */
		u32 guest_levels:3;	/* 0 = no paging, 2, 3, 4 */
		u32 quadrant:2;		/* which part of a 4-byte-entry table */
		u32 access:3;		/* AND over the levels above */
		u32 wp:1;		/* CR0.WP */
		u32 nxe:1;		/* EFER.NXE */
		u32 smep:1;		/* CR4.SMEP */
		u32 smap:1;		/* CR4.SMAP */
		u32 pse:1;		/* CR4.PSE, two-level paging only */
		u32 dirty:1;		/* direct, neither W nor WP: the large page's D */
	};
};

#define MMU_SPARE_PAGES		64
#define MMU_ZAP_BATCH		64ul	/* at most, before those who wait get on */

/* One shadow page.  All fields: mmu.lock. */
struct shadow_page {
	struct hlist_node hash;
	struct list_head link;		/* kvm_mmu.active, by .born */
	struct list_head unsync_link;	/* kvm_mmu.unsync */
	gfn_t gfn;			/* of the guest table, or first mapped */
	u64 born;			/* kvm_mmu.births; 0: to go first */
	union mmu_role role;
	bool unsync;			/* guest may write it unseen */
	bool zapped;			/* off the hash; waits for its vCPUs */
	u8 write_count;			/* guest writes since last used */
	u16 nr_present;			/* entries of spt that are not 0 ... */
	u16 first, last;		/* ... all of them between these */
	int root_count;			/* vCPUs that hold it as a root */
	unsigned long parents;		/* pte_list of sptes that point here */
	u64 *spt;			/* the page that hardware walks */
	u64 *guest;			/* gpa | access of each leaf, recorded */
};

struct mmu_cache {
	int nr;
	void *obj[64];
};

struct paging_ops;

/* One vCPU's view.  Own thread only. */
struct vcpu_mmu {
	hpa_t root;			/* for hardware CR3; INVALID_PAGE: none */
	struct shadow_page *root_sp[4];	/* [0], or four under PAE */
	u64 *pae_root;			/* below 4 GiB, 32 bytes are used */
	union mmu_role role;		/* of pages made in this mode */
	u8 guest_levels;		/* 0 without paging, 2, 3 or 4 */
	u64 rsvd[2][5];			/* reserved gpte bits, [PS][level] */
	u8 fault[16];			/* see update_fault_table() */
	const struct paging_ops *ops;	/* by the width of a guest pte */
	bool gbpages;
	void *sync_buf;			/* a page: a guest table is read here */

	/* Filled before mmu.lock is taken, used under it. */
	struct mmu_cache desc_cache, page_cache, block_cache, rmap_cache;
};

/* A VM's side. */
struct kvm_mmu {
	spinlock_t lock;
	struct hlist_head *hash;	/* lock; MMU_HASH_BITS */
	u64 hash_multiplier;		/* odd */
	struct list_head active;	/* lock */
	struct list_head unsync;	/* lock */
	unsigned int nr_unsync;		/* lock */
	struct list_head spare;		/* lock: empty pages, to use again */
	unsigned int nr_spare;		/* lock */
	unsigned int nr_zapped;		/* lock: since the last commit */
	u64 births;			/* lock: shadow pages ever made */
	unsigned long nr_pages, max_pages;	/* lock */
	unsigned long requested_pages;	/* KVM_SET_NR_MMU_PAGES, or 0 */
	int invalidate_count;		/* lock: notifiers at work, do not map */
	/* sptes were removed without flushing everybody's TLB.  lock. */
	bool tlbs_dirty;
	unsigned int mmio_generation;	/* of the MMIO markers that count */
	unsigned int audit_count;	/* changes since the last audit */
};

struct x86_fault_info {		/* what a failed translation would raise */
	u8 vector;
	u32 error;
	gva_t address;
};

int mmu_module_init(void);
void mmu_module_exit(void);
int mmu_init_vm(struct kvm *kvm);
void mmu_free_vm(struct kvm *kvm);
int mmu_create_vcpu(struct kvm_vcpu *vcpu);
void mmu_free_vcpu(struct kvm_vcpu *vcpu);

/* Paging mode may have changed (CR0, CR4, EFER, CPUID): new role, new root. */
void mmu_reset(struct kvm_vcpu *vcpu);
/* CR3 was loaded: sync, switch the root, request a TLB flush. */
void mmu_new_cr3(struct kvm_vcpu *vcpu);
/* Build the root if there is none.  Sleeps.  0 or -ENOMEM, or 1: not memory. */
int mmu_load(struct kvm_vcpu *vcpu);
void mmu_unload(struct kvm_vcpu *vcpu);
void mmu_invlpg(struct kvm_vcpu *vcpu, gva_t gva);

/* #PF intercepted.  Contract as kvm_vendor_ops.handle_exit. */
int mmu_page_fault(struct kvm_vcpu *vcpu, gva_t cr2, u32 error);

/*
 * Translate as the guest's own access would be, setting accessed and dirty
 * bits.  @pfec: PFERR_* of the access wished.  INVALID_GPA: *fault is filled.
 */
bool mmu_access_faults(const struct vcpu_mmu *mmu, u32 pfec, u8 access);
gpa_t mmu_translate(struct kvm_vcpu *vcpu, gva_t gva, u32 pfec,
		    struct x86_fault_info *fault);

/*
 * Somebody but the guest's own code wrote guest memory: page tables follow.
 * True if the page still is one.
 */
bool mmu_guest_written(struct kvm *kvm, gpa_t gpa, unsigned int len);
/* The emulator cannot execute a write to a page table: let it go native. */
bool mmu_unprotect(struct kvm *kvm, gfn_t gfn);

/* Slots.  slots_lock held. */
void mmu_zap_all(struct kvm *kvm);
void mmu_slot_added(struct kvm *kvm, struct kvm_slot *slot);
void mmu_write_protect_slot(struct kvm *kvm, struct kvm_slot *slot);
void mmu_write_protect_mask(struct kvm *kvm, struct kvm_slot *slot,
			    unsigned long first, unsigned long mask);
/* Behind every change of the slots. */
void mmu_slots_changed(struct kvm *kvm);
/* Behind a pass of mmu_write_protect_mask(), before user space hears. */
void mmu_log_taken(struct kvm *kvm);
int mmu_slot_alloc(struct kvm_slot *slot);
void mmu_slot_free(struct kvm_slot *slot);
void mmu_set_max_pages(struct kvm *kvm, unsigned long nr);
/* Debugfs: re-derive all invariants; false: what the first difference is. */
bool mmu_audit_now(struct kvm *kvm, char *difference, size_t size);

/* mmu_host.c */
extern const struct mmu_notifier_ops mmu_notifier_ops;

#endif /* KVM_MMU_H */
