/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvm.h - the objects that every room shares: a VM (struct kvm), a virtual
 * CPU (struct kvm_vcpu), the architectural state both vendors cache
 * (struct vcpu_state) and the table that closes a vendor file
 * (struct kvm_vendor_ops).
 *
 * Each shared field names the lock or the rule that protects it.  Read next:
 * kvm_main.c for the run loop, then the header of the room in question.
 */
#ifndef KVM_KVM_H
#define KVM_KVM_H

#include <linux/bitops.h>
#include <linux/hashtable.h>
#include <linux/hrtimer.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>

/*
 * Address glossary
 *
 * gva  guest virtual (here always: linear) address, before the guest's paging
 * gpa  guest physical address, after the guest's paging
 * gfn  guest frame number, gpa >> PAGE_SHIFT
 * hva  host virtual address in the address space of the VM's process
 * hpa  host physical address
 * pfn  host page frame number, hpa >> PAGE_SHIFT
 */
typedef unsigned long	gva_t;
typedef u64		gpa_t;
typedef u64		gfn_t;
typedef unsigned long	hva_t;
typedef u64		hpa_t;
typedef u64		kvm_pfn_t;

#define INVALID_GPA	(~(gpa_t)0)
#define INVALID_PAGE	(~(hpa_t)0)
#define INVALID_HVA	(~(hva_t)0)

static inline gfn_t gpa_to_gfn(gpa_t gpa)
{
	return gpa >> PAGE_SHIFT;
}

static inline gpa_t gfn_to_gpa(gfn_t gfn)
{
	return gfn << PAGE_SHIFT;
}

/* Guest and host page levels: 1 = 4 KiB, 2 = 2 MiB, 3 = 1 GiB. */
#define PG_LEVEL_PAGES(level)	(1UL << (((level) - 1) * 9))

#define KVM_MAX_VCPUS		255	/* also bounds vCPU ids: xAPIC, 8 bits */
#define KVM_USER_SLOTS		509
#define KVM_MAX_IRQ_ROUTES	4096
#define KVM_MIN_MMU_PAGES	64
#define KVM_MAX_CPUID		256
#define KVM_EXIT_RING		64
#define CPUID_LEAF_SLOTS	80	/* see leaf_slot() */

/* ------------------------------------------------------------------------
 * Architectural state common to both vendors
 */

/* General registers in the order in which instructions encode them. */
enum {
	VCPU_RAX, VCPU_RCX, VCPU_RDX, VCPU_RBX,
	VCPU_RSP, VCPU_RBP, VCPU_RSI, VCPU_RDI,
	VCPU_R8, VCPU_R9, VCPU_R10, VCPU_R11,
	VCPU_R12, VCPU_R13, VCPU_R14, VCPU_R15,
	VCPU_NR_GPRS
};

/* Segment registers in the order in which instructions encode them. */
enum {
	VCPU_ES, VCPU_CS, VCPU_SS, VCPU_DS, VCPU_FS, VCPU_GS,
	VCPU_LDTR, VCPU_TR,
	VCPU_NR_SEGS
};

/*
 * A segment register with its hidden part.  Access rights are laid out as in
 * the VMCS (SDM, "Guest Register State"): descriptor bits 40..55 without the
 * limit nibble, plus SEG_UNUSABLE.
 */
struct vcpu_segment {
	u64 base;
	u32 limit;		/* in bytes, granularity applied */
	u16 selector;
	u32 ar;
};

#define SEG_TYPE_MASK	0x0000f
#define SEG_S		0x00010
#define SEG_DPL_SHIFT	5
#define SEG_DPL_MASK	0x00060
#define SEG_P		0x00080
#define SEG_AVL		0x01000
#define SEG_L		0x02000
#define SEG_DB		0x04000
#define SEG_G		0x08000
#define SEG_UNUSABLE	0x10000

#define GUESTDBG_VALID	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | \
			 KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW_BP | \
			 KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)

/* Debug register bits that the kernel's headers do not name. */
#define DR6_BD		BIT(13)
#define DR6_BS		BIT(14)
#define DR7_GD		BIT(13)

struct vcpu_dtable {
	u64 base;
	u16 limit;
};

/*
 * The registers fall into groups.  `valid` says which groups of the cache
 * hold what the hardware holds; common code calls vcpu_need() before it reads
 * and vcpu_touch() after it wrote.  The vendor fetches a group on first use
 * after an exit, and commits the dirty ones before the next entry.
 */
enum {
	VG_RIP	= BIT(0),	/* rip, rsp, rflags */
	VG_CS	= BIT(1),	/* cs, ss: mode and privilege level */
	VG_SEG	= BIT(2),	/* the other segment registers */
	VG_DT	= BIT(3),	/* gdt, idt */
	VG_CR	= BIT(4),	/* cr0, cr3, cr4, efer */
	VG_CR2	= BIT(5),
	VG_DR	= BIT(6),	/* db[], dr6, dr7 */
	VG_MSR	= BIT(7),	/* the MSRs that entry and exit swap, pat */
	VG_INT	= BIT(8),	/* interrupt shadow, NMI blocking */
	VG_ALL	= BIT(9) - 1,
};

struct vcpu_state {
	unsigned long regs[VCPU_NR_GPRS];	/* vmenter.S knows the layout */
	unsigned long rip;
	unsigned long rflags;
	u32 valid;
	u32 dirty;

	u64 cr0, cr2, cr3, cr4;
	u64 efer;
	u64 cr8;		/* TPR >> 4, while the APIC is userspace's */

	struct vcpu_segment seg[VCPU_NR_SEGS];
	struct vcpu_dtable gdt, idt;

	unsigned long db[4];
	unsigned long dr6, dr7;

	u64 star, lstar, cstar, fmask;
	u64 kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 pat;

	u8 int_shadow;		/* KVM_X86_SHADOW_INT_* */
	bool nmi_masked;	/* from NMI delivery to IRET */

	/* Not in any group: the hardware does not keep these per guest. */
	u64 xcr0;
	u64 tsc_aux;
	u64 pdptrs[4];		/* as loaded with CR3, PAE paging only */
};

/*
 * Events on their way into the guest.  "pending" is decided but may still be
 * merged or dropped; "injected" will be written to the hardware at the next
 * entry, or was interrupted during delivery and must be delivered again.
 * Only the vCPU's own thread touches this, except nmi_queued.
 */
struct vcpu_events {
	u8 committed;			/* VCPU_EVENT_*, written to hardware */
	struct {
		bool pending;
		bool injected;
		bool has_error;
		u8 vector;
		u32 error;
	} exception;
	struct {
		bool injected;
		bool soft;		/* INT n: RIP moves past it */
		u8 vector;
		u8 insn_len;
		bool held;		/* taken, but not deliverable now */
		u8 held_vector;
	} irq;
	struct {
		bool injected;
		u8 pending;		/* 0..2, SDM: one is latched */
	} nmi;
	bool again;			/* injected before, and interrupted */
	bool triple_fault;
	atomic_t nmi_queued;		/* from any thread */
};

/* One event as the hardware is told of it, or tells of it. */
enum {
	VCPU_EVENT_NONE,
	VCPU_EVENT_EXCEPTION,
	VCPU_EVENT_NMI,
	VCPU_EVENT_IRQ,
	VCPU_EVENT_SOFT,		/* INT n */
};

struct vcpu_event {
	u8 type;
	u8 vector;
	bool has_error;
	u8 insn_len;			/* of INT n */
	u32 error;
};

/* #BP and #OF: what an instruction of one byte raises, and returns behind. */
static inline bool event_is_soft_exception(const struct vcpu_event *e)
{
	return e->type == VCPU_EVENT_EXCEPTION &&
	       (e->vector == BP_VECTOR || e->vector == OF_VECTOR);
}

/* What the last exit left behind.  Written by the vendor, read by handlers. */
struct vcpu_exit {
	u32 reason;		/* SVM exit code or VMX basic reason */
	u8 insn_len;		/* 0: not known, see vcpu_skip_insn() */
	u8 nr_bytes;		/* instruction bytes given by the hardware */
	const u8 *bytes;
	u64 info1, info2;	/* EXITINFO1/2, or qualification and gla */
	unsigned long rip;	/* where the exit happened */
};

struct vcpu_exit_record {
	u32 reason;
	unsigned long rip;
	u64 info1, info2;
};

/* ------------------------------------------------------------------------
 * Memory slots (memslot.c)
 */

/*
 * What the MMU knows of the 512 gfns of one aligned 2 MiB block: allocated
 * when the first of them is mapped, so that gigabytes that are registered but
 * never touched cost 8 bytes per 2 MiB.  Protected by mmu.lock.
 */
struct gfn_block {
	unsigned long *rmap;		/* a page, or NO_RMAP: sptes of each gfn */
	unsigned long rmap_2m;		/* ... and those that map all of them */
	u32 nr_shadowed;		/* guest page tables in this block */
	DECLARE_BITMAP(shadowed, 512);	/* which gfns are page tables */
};

/*
 * Immutable once published, but for the dirty bitmap (atomic bit operations)
 * and the blocks (mmu.lock).  Freed after an SRCU grace period.
 */
struct kvm_slot {
	gfn_t base_gfn;
	unsigned long npages;
	hva_t hva;
	u32 flags;			/* KVM_MEM_* */
	u16 id;
	bool dead;			/* on its way out: not for new faults */
	/* New; what the MMU has from before still goes.  For the audit. */
	bool settling;			/* mmu.lock, once published */
	unsigned long *dirty;		/* npages bits, or NULL */
	struct gfn_block **blocks;	/* one per 2 MiB of gfn space */
};

/* A generation of the slot array, sorted by gfn.  SRCU. */
struct kvm_slots {
	u64 generation;
	struct kvm_slot *last;		/* a hint: found last, by anybody */
	unsigned int nr;
	struct kvm_slot *slot[];
};

/* ------------------------------------------------------------------------
 * A virtual CPU
 */

/* Requests: set by anybody with vcpu_request(), served by the vCPU's thread. */
enum {
	KVM_REQ_TLB_FLUSH,	/* flush all translations of this guest */
	KVM_REQ_MMU_RELOAD,	/* the root page may be gone */
	KVM_REQ_EVENT,		/* look for an event to inject */
	KVM_REQ_CLOCK_UPDATE,	/* refresh the guest's kvmclock page */
	KVM_REQ_UNBLOCK,	/* leave HLT without an interrupt */
	KVM_REQ_KICK,		/* nothing but to leave the guest */
	KVM_REQ_SRCU,		/* somebody waits for a grace period */
	KVM_REQ_STEPPED,	/* KVM_EXIT_DEBUG is owed, behind another exit */
};

/* vcpu->mode: tells kickers whether an IPI is needed. */
enum { OUTSIDE_GUEST, IN_GUEST };

/* One piece of an access to memory that user space emulates, 1..8 bytes. */
struct vcpu_mmio_piece {
	gpa_t gpa;
	u8 len;
	u8 data[8];
};

#define VCPU_MMIO_PIECES	16

struct kvm_lapic;
struct lapic_map;
struct vcpu_emulator;
struct kvm_io_bus;
struct kvm_irq_routing_table;
struct kvm_pic;
struct kvm_ioapic;
struct kvm_pit;

/* pvclock state of one vCPU (clock.c).  Own thread only. */
struct vcpu_clock {
	u64 msr;			/* MSR_KVM_SYSTEM_TIME(_NEW) as written */
	gpa_t gpa;			/* of struct pvclock_vcpu_time_info */
	u64 last_ns, last_host;		/* see clock_shown() */
	u64 base;			/* the VM's tsc_base_host at the last update */
	u32 mul;			/* what that told the guest */
	u64 tsc_lost;			/* to suspends, as the hardware knows it */
	bool stable;			/* the last update was from the TSC */
	bool guest_stopped;		/* KVM_KVMCLOCK_CTRL */
	bool missed;			/* the last update could not be written */
};

/* What is counted; names, types and units are in stats.c.  Own thread. */
struct vcpu_stats {
	u64 exits;
	u64 io_exits, mmio_exits, irq_exits, irq_window_exits, nmi_window_exits;
	u64 halt_exits, halt_wakeup, signal_exits, request_irq_exits;
	u64 halt_attempted_poll, halt_successful_poll, halt_wait_ns;
	u64 pf_fixed, pf_guest, pf_mmio, pf_pt_write, pf_unsync, invlpg;
	u64 insn_emulation, insn_emulation_fail, fpu_reload, hypercalls;
	u64 irq_injections, nmi_injections, exception_injections;
	u64 tlb_flush, cr3_switch, mmu_reload, msr_exits, cpuid_exits, cr_exits;
};

/* mmu.lock. */
struct vm_stats {
	u64 mmu_pages_peak;		/* most there were at once */
	u64 mmu_shadow_zapped, mmu_recycled;	/* recycled: for the quota */
	u64 mmu_pte_write, mmu_flooded;	/* flooded: was no table any more */
	u64 mmu_invalidations;		/* by the MMU notifiers */
	u64 mmu_audits;
	u64 remote_tlb_flush;
};

struct kvm;
struct kvm_vcpu;
#include "mmu.h"

struct kvm_vcpu {
	struct vcpu_state s;		/* own thread; first, for vmenter.S */
	struct vcpu_exit exit;
	struct vcpu_events ev;

	struct kvm *kvm;
	struct kvm_run *run;		/* shared with user space: read once */
	u8 *pio_data;			/* page 1 of the same mapping */
	int id;				/* user's, < KVM_MAX_VCPUS */
	int idx;			/* in kvm->vcpus */

	struct mutex mutex;		/* serialises the vCPU's ioctls */
	unsigned long requests;		/* atomic bits, KVM_REQ_* */
	int mode;			/* own thread writes, kickers read */
	int cpu;			/* loaded on, or -1 */
	int last_cpu;			/* loaded on before that */
	struct preempt_notifier pn;
	struct rcuwait wait;
	unsigned int halt_poll_ns;	/* how long to spin in HLT, adapted */
	int srcu_idx;
	sigset_t sigset;
	bool sigset_active;

	struct vcpu_mmu mmu;
	struct kvm_lapic *apic;		/* NULL: interrupt controllers outside */
	u32 mp_state;			/* KVM_MP_STATE_*; atomic by apic events */
	u64 apic_base;
	int pending_extint;		/* KVM_INTERRUPT without irqchip, or -1 */

	struct kvm_cpuid_entry2 *cpuid;	/* as set, cpuid.c */
	int cpuid_nent;
	u8 cpuid_slot[CPUID_LEAF_SLOTS];	/* first entry of a leaf, or 0xff */
	struct {			/* derived from cpuid by cpuid_update() */
		u64 cr4_reserved;
		u64 efer_allowed;
		u64 xcr0_allowed;
		u8 maxphyaddr;
		bool amd;		/* AMD or Hygon by vendor string */
	} feat;

	struct fpu_guest fpu;
	bool vendor_ready;		/* kvm_ops->vcpu_create() succeeded */

	/* I/O in flight (io.c, emulate.c).  Own thread. */
	int (*complete)(struct kvm_vcpu *vcpu);	/* at the next KVM_RUN */
	unsigned long asked_rip;	/* see vcpu_ask() */
	struct {
		u16 port;
		u8 size;
		u32 count;
		bool need;		/* string IN asks user space */
		bool answered;		/* pio_data holds what it wants */
		bool posted;		/* pio_data holds what string OUT sends */
	} pio;
	struct {
		struct vcpu_mmio_piece read[VCPU_MMIO_PIECES];
		struct vcpu_mmio_piece write[VCPU_MMIO_PIECES];
		u8 nr_read, next_read;
		u8 nr_write, next_write;
		unsigned long rip, rcx;	/* the element that read[] belongs to */
		unsigned long write_rcx;
		bool need;		/* read[nr_read] is being asked for */
		bool efault;		/* the process's memory is gone */
		bool then_halt;		/* the instruction was HLT */
	} mmio;
	struct vcpu_emulator *emul;

	/* Time (clock.c) */
	u64 tsc_offset;			/* guest TSC = clock_host_tsc() + offset */
	u64 tsc_adjust;			/* MSR_IA32_TSC_ADJUST */
	u64 last_host_tsc;		/* when it was last unloaded */
	struct vcpu_clock clock;

	/* MSRs that are only stored (msr.c) */
	u64 misc_enable, hwcr, ucode_rev;
	u64 mcg_cap, mcg_status;
	u64 *mce_banks;			/* 4 per bank: ctl, status, addr, misc */
	struct {
		u64 def_type;
		u64 fixed[11];
		u64 var[16];
	} mtrr;

	u32 guest_debug;		/* KVM_GUESTDBG_*, 0: no debugger */
	unsigned long debug_db[4], debug_dr7;

	struct vcpu_stats stats;
	struct vcpu_exit_record ring[KVM_EXIT_RING];
	unsigned int ring_head;
};

/* ------------------------------------------------------------------------
 * A virtual machine
 */

struct kvm_coalesced_zone {
	struct list_head link;		/* SRCU */
	struct list_head gone;
	gpa_t addr;
	u32 size;
	bool pio;
};

struct kvm {
	refcount_t users;		/* VM fd, vCPU fds */
	struct mm_struct *mm;		/* only this process may use the VM */
	struct mutex lock;		/* creation of vCPUs, irqchip, PIT */
	struct mutex slots_lock;	/* changes of slots and I/O buses */
	struct srcu_struct srcu;	/* readers of slots and buses */
	struct kvm_slots __rcu *slots;
	struct kvm_io_bus __rcu *buses[2];	/* KVM_MMIO_BUS, KVM_PIO_BUS */

	int nr_vcpus;			/* release after vcpus[] was filled */
	struct kvm_vcpu *vcpus[KVM_MAX_VCPUS];

	struct kvm_mmu mmu;
	struct vm_stats stats;
	struct mmu_notifier notifier;

	/* Interrupt controllers; set once under lock, then constant. */
	bool irqchip;			/* KVM_CREATE_IRQCHIP succeeded */
	struct kvm_pic *pic;
	struct kvm_ioapic *ioapic;
	struct kvm_pit *pit;
	bool pic_intr;			/* the 8259 pair's INTR line (pic.c) */
	struct lapic_map *lapic_map;	/* who answers to which APIC id */
	struct kvm_irq_routing_table __rcu *routing;	/* irq_lock */
	struct hlist_head irq_acks;	/* ack notifiers; irq_lock, RCU */
	struct mutex irq_lock;
	u32 bsp_id;

	/* Coalesced MMIO: ring_lock guards the ring, slots_lock the zones. */
	struct list_head coalesced_zones;
	spinlock_t ring_lock;
	struct kvm_coalesced_mmio_ring *coalesced_ring;

	/* Time (clock.c) */
	raw_spinlock_t clock_lock;
	s64 clock_offset;		/* clock_lock: to the host's boot time */
	u64 wall_msr;
	u64 tsc_base_host, tsc_base_ns;	/* clock_lock: one for all vCPUs */
	u64 tsc_offset;			/* clock_lock: what new vCPUs get */
	bool tsc_written;		/* clock_lock: user space set a TSC ... */
	u64 tsc_last;			/* ... the last time to this offset */

	struct dentry *debugfs;
};

/* ------------------------------------------------------------------------
 * The vendor table
 */

enum vcpu_entry {
	VCPU_ENTRY_OK,
	VCPU_ENTRY_VM86,	/* but events are delivered by the emulator */
	VCPU_ENTRY_EMULATE,	/* not: emulate one instruction */
};

/* Whose exit reasons traces show. */
#define KVM_TRACE_ISA_VMX	1
#define KVM_TRACE_ISA_SVM	2

struct kvm_vendor_ops {
	const char *name;
	size_t vcpu_size;		/* of the struct that starts with kvm_vcpu */
	/* What a guest gets as long as its CPUID and its user say nothing else. */
	bool amd;
	u64 ucode_rev;
	/* For people: what exit.reason & exit_mask is called, and in traces. */
	const struct trace_print_flags *exit_names;
	unsigned int nr_exit_names;
	u32 exit_mask;
	u32 isa;			/* KVM_TRACE_ISA_* */

	/* 0 if this CPU can be used; else an errno, and the reason printed. */
	int (*probe)(void);
	/* Once at module load and unload. */
	int (*setup)(void);
	void (*teardown)(void);
	/* On each CPU, interrupts off.  enable may fail with -EBUSY. */
	int (*cpu_enable)(void);
	void (*cpu_disable)(void);

	/* vCPU life cycle.  reset establishes the power-up state (INIT too). */
	int (*vcpu_create)(struct kvm_vcpu *vcpu);
	void (*vcpu_free)(struct kvm_vcpu *vcpu);
	void (*vcpu_reset)(struct kvm_vcpu *vcpu, bool init);
	/* Bind to this CPU and let go; preemption off. */
	void (*vcpu_load)(struct kvm_vcpu *vcpu, int cpu);
	void (*vcpu_put)(struct kvm_vcpu *vcpu);

	/* Bring the groups (VG_*) of vcpu->s up to date.  vCPU loaded. */
	void (*fetch)(struct kvm_vcpu *vcpu, u32 groups);
	/* How this state can be run; NULL: always by the hardware. */
	enum vcpu_entry (*entry_mode)(struct kvm_vcpu *vcpu);
	/*
	 * Commit what is dirty, enter the guest once, fill vcpu->exit.
	 * Interrupts off.  The host's interrupt, if that was the reason,
	 * arrives when the caller enables them.
	 */
	void (*enter)(struct kvm_vcpu *vcpu);
	/* 1 = resume, 0 = to user space with kvm_run filled, or -errno. */
	int (*handle_exit)(struct kvm_vcpu *vcpu);

	/* Before the next entry, forget all or one of the translations. */
	void (*flush_tlb)(struct kvm_vcpu *vcpu);
	void (*flush_gva)(struct kvm_vcpu *vcpu, gva_t gva);
	/* Exit as soon as an interrupt or an NMI could be taken. */
	void (*request_irq_window)(struct kvm_vcpu *vcpu);
	void (*request_nmi_window)(struct kvm_vcpu *vcpu);
	/* guest_debug, CPUID or debug registers changed: redo intercepts. */
	void (*update_intercepts)(struct kvm_vcpu *vcpu);
	void (*set_tsc_offset)(struct kvm_vcpu *vcpu);
	/* Print the VMCB or VMCS, for a guest that ended badly. */
	void (*dump)(struct kvm_vcpu *vcpu);
};

extern const struct kvm_vendor_ops svm_ops, vmx_ops;
extern const struct kvm_vendor_ops *kvm_ops;	/* the one in use */

/* ------------------------------------------------------------------------
 * Accessors
 */

static inline void vcpu_need(struct kvm_vcpu *vcpu, u32 groups)
{
	groups &= ~vcpu->s.valid;
	if (unlikely(groups))
		kvm_ops->fetch(vcpu, groups);
}

static inline void vcpu_touch(struct kvm_vcpu *vcpu, u32 groups)
{
	vcpu->s.dirty |= groups;
}

/* A general register by its number in an instruction; RSP is in VG_RIP. */
static inline unsigned long vcpu_read_gpr(struct kvm_vcpu *vcpu, int reg)
{
	if (reg == VCPU_RSP)
		vcpu_need(vcpu, VG_RIP);
	return vcpu->s.regs[reg & 15];
}

static inline void vcpu_write_gpr(struct kvm_vcpu *vcpu, int reg,
				  unsigned long val)
{
	if (reg == VCPU_RSP) {
		vcpu_need(vcpu, VG_RIP);
		vcpu_touch(vcpu, VG_RIP);
	}
	vcpu->s.regs[reg & 15] = val;
}

static inline unsigned long vcpu_rip(struct kvm_vcpu *vcpu)
{
	vcpu_need(vcpu, VG_RIP);
	return vcpu->s.rip;
}

static inline void vcpu_set_rip(struct kvm_vcpu *vcpu, unsigned long rip)
{
	vcpu_need(vcpu, VG_RIP);
	vcpu->s.rip = rip;
	vcpu_touch(vcpu, VG_RIP);
}

/*
 * @answer gets what user space will say to the exit that is about to be made.
 * If vcpu_was_moved() meanwhile, by a reset say, there is no use for it.
 */
static inline void vcpu_ask(struct kvm_vcpu *vcpu,
			    int (*answer)(struct kvm_vcpu *vcpu))
{
	vcpu->complete = answer;
	vcpu->asked_rip = vcpu_rip(vcpu);
}

static inline bool vcpu_was_moved(struct kvm_vcpu *vcpu)
{
	return unlikely(vcpu_rip(vcpu) != vcpu->asked_rip);
}

static inline u64 vcpu_cr0(struct kvm_vcpu *vcpu)
{
	vcpu_need(vcpu, VG_CR);
	return vcpu->s.cr0;
}

static inline bool vcpu_long_mode(struct kvm_vcpu *vcpu)
{
	return vcpu->s.efer & BIT(10);		/* EFER.LMA */
}

/* In 64-bit mode proper, not in compatibility mode. */
static inline bool vcpu_64bit(struct kvm_vcpu *vcpu)
{
	if (!vcpu_long_mode(vcpu))
		return false;
	vcpu_need(vcpu, VG_CS);
	return vcpu->s.seg[VCPU_CS].ar & SEG_L;
}

static inline int vcpu_cpl(struct kvm_vcpu *vcpu)
{
	vcpu_need(vcpu, VG_CS);
	return (vcpu->s.seg[VCPU_SS].ar & SEG_DPL_MASK) >> SEG_DPL_SHIFT;
}

static inline u64 vcpu_edx_eax(struct kvm_vcpu *vcpu)
{
	return (u32)vcpu->s.regs[VCPU_RAX] |
	       (u64)(u32)vcpu->s.regs[VCPU_RDX] << 32;
}

/* Does not wake or interrupt the vCPU: see vcpu_kick(). */
static inline void vcpu_request(struct kvm_vcpu *vcpu, int req)
{
	smp_wmb();	/* what the request is about is visible first */
	set_bit(req, &vcpu->requests);
}

static inline bool vcpu_check_request(struct kvm_vcpu *vcpu, int req)
{
	if (!test_bit(req, &vcpu->requests))
		return false;
	clear_bit(req, &vcpu->requests);
	smp_mb__after_atomic();
	return true;
}

static inline int kvm_nr_vcpus(struct kvm *kvm)
{
	return smp_load_acquire(&kvm->nr_vcpus);
}

#define kvm_for_each_vcpu(i, vcpu, kvm)					\
	for ((i) = 0; (i) < kvm_nr_vcpus(kvm) &&			\
	     ((vcpu) = (kvm)->vcpus[i], true); (i)++)

static inline bool kvm_irqchip_in_kernel(struct kvm *kvm)
{
	return smp_load_acquire(&kvm->irqchip);
}

/* ------------------------------------------------------------------------
 * kvm_main.c
 */

/* Virtualization is on while somebody holds it.  Sleeps; 0 or -EBUSY. */
/* Is this CPU in SVM or VMX mode?  Changes with interrupts off. */
DECLARE_PER_CPU(bool, virt_enabled);
int kvm_hardware_get(void);
void kvm_hardware_put(void);
/* KVM_CREATE_VCPU: a descriptor or -errno.  Destroy: the VM's last act. */
int kvm_create_vcpu(struct kvm *kvm, unsigned long id);
void kvm_vcpu_destroy(struct kvm_vcpu *vcpu);
struct kvm_vcpu *kvm_vcpu_by_id(struct kvm *kvm, u32 id);
void vcpu_load(struct kvm_vcpu *vcpu);
void vcpu_put(struct kvm_vcpu *vcpu);
/* Get a vCPU out of the guest or out of HLT.  From any context. */
void vcpu_kick(struct kvm_vcpu *vcpu);
/* Set @req on all vCPUs; if @wait, return when none is in the guest. */
void kvm_request_all(struct kvm *kvm, int req, bool wait);
/* Wait until nobody uses what kvm->srcu protected before.  Sleeps. */
void kvm_synchronize(struct kvm *kvm);

/* ------------------------------------------------------------------------
 * vm.c
 */

int kvm_create_vm(unsigned long type);
void kvm_put(struct kvm *kvm);
/* Advertised is only what works.  @kvm is NULL on /dev/kvm itself. */
int kvm_check_extension(struct kvm *kvm, long cap);

/* ------------------------------------------------------------------------
 * vcpu_ioctl.c
 */

long vcpu_state_ioctl(struct kvm_vcpu *vcpu, unsigned int ioctl,
		      void __user *argp);
/* kvm_run->s: what user space asked for in kvm_valid/dirty_regs. */
void vcpu_store_sync_regs(struct kvm_vcpu *vcpu);
int vcpu_load_sync_regs(struct kvm_vcpu *vcpu);

/* ------------------------------------------------------------------------
 * vcpu.c: registers and events
 */

void vcpu_reset(struct kvm_vcpu *vcpu, bool init);
bool vcpu_cr0_valid(u64 cr0);
bool vcpu_cr3_valid(struct kvm_vcpu *vcpu, u64 cr3);
bool vcpu_cr4_valid(struct kvm_vcpu *vcpu, u64 cr4);
bool vcpu_pae_paging(struct kvm_vcpu *vcpu);
void vcpu_reload_pdptrs(struct kvm_vcpu *vcpu);
int vcpu_set_cr0(struct kvm_vcpu *vcpu, u64 val);	/* 1: #GP is due */
int vcpu_set_cr3(struct kvm_vcpu *vcpu, u64 val);
int vcpu_set_cr4(struct kvm_vcpu *vcpu, u64 val);
int vcpu_set_cr8(struct kvm_vcpu *vcpu, u64 val);
u64 vcpu_get_cr8(struct kvm_vcpu *vcpu);
int vcpu_set_efer(struct kvm_vcpu *vcpu, u64 val, bool host);
int vcpu_set_xcr(struct kvm_vcpu *vcpu, u32 index, u64 val);
int vcpu_get_dr(struct kvm_vcpu *vcpu, int n, unsigned long *val);
int vcpu_set_dr(struct kvm_vcpu *vcpu, int n, unsigned long val);

/* Queue an exception as if the current instruction had raised it. */
void vcpu_inject(struct kvm_vcpu *vcpu, u8 vector);
void vcpu_inject_error(struct kvm_vcpu *vcpu, u8 vector, u32 error);
void vcpu_inject_pf(struct kvm_vcpu *vcpu, gva_t cr2, u32 error);
void vcpu_inject_db(struct kvm_vcpu *vcpu, unsigned long dr6_bits);
/* Choose what the next entry delivers; opens windows for what cannot be. */
int vcpu_choose_event(struct kvm_vcpu *vcpu);
bool vcpu_irq_allowed(struct kvm_vcpu *vcpu);
bool vcpu_nmi_allowed(struct kvm_vcpu *vcpu);
/* For user space that injects interrupts itself (KVM_INTERRUPT). */
bool vcpu_ready_for_irq(struct kvm_vcpu *vcpu);
bool vcpu_wants_irq_window_exit(struct kvm_vcpu *vcpu);
int vcpu_queue_extint(struct kvm_vcpu *vcpu, u32 vector);
/* NMIs that will be delivered, if no more come: at most two. */
unsigned int vcpu_nr_nmis(struct kvm_vcpu *vcpu);
bool vcpu_has_interrupt(struct kvm_vcpu *vcpu);
void vcpu_event_commit(struct kvm_vcpu *vcpu, struct vcpu_event *e);
void vcpu_event_after_exit(struct kvm_vcpu *vcpu,
			   const struct vcpu_event *again);

/* A debugger takes every #DB, and has the debug registers: the guest's stay in s. */
static inline bool vcpu_is_debugged(const struct kvm_vcpu *vcpu)
{
	return vcpu->guest_debug & (KVM_GUESTDBG_SINGLESTEP |
				    KVM_GUESTDBG_USE_HW_BP);
}

static inline bool vcpu_event_ready(struct kvm_vcpu *vcpu)
{
	return vcpu->ev.exception.injected || vcpu->ev.nmi.injected ||
	       vcpu->ev.irq.injected;
}

/* ------------------------------------------------------------------------
 * exits.c: shared exit handlers; contract as in kvm_vendor_ops.handle_exit
 */

/* Step over the instruction that made the exit. */
int vcpu_skip_insn(struct kvm_vcpu *vcpu);

int handle_cpuid(struct kvm_vcpu *vcpu);
int handle_rdmsr(struct kvm_vcpu *vcpu);
int handle_wrmsr(struct kvm_vcpu *vcpu);
int handle_host_irq(struct kvm_vcpu *vcpu);
int handle_hlt(struct kvm_vcpu *vcpu);
int vcpu_halt(struct kvm_vcpu *vcpu);
int vcpu_single_stepped(struct kvm_vcpu *vcpu);
int handle_debug_exit(struct kvm_vcpu *vcpu, u8 vector, unsigned long dr6);
int handle_hypercall(struct kvm_vcpu *vcpu);
u64 hypercall_result(struct kvm_vcpu *vcpu);
int handle_xsetbv(struct kvm_vcpu *vcpu);
int handle_rdpmc(struct kvm_vcpu *vcpu);
int handle_nop(struct kvm_vcpu *vcpu);		/* WBINVD, PAUSE, MWAIT ... */
int handle_ud(struct kvm_vcpu *vcpu);
int handle_ud_exit(struct kvm_vcpu *vcpu);
void handle_host_mce(void);
/* @reason: enum x86_task_reason; @event: what came through a task gate. */
int handle_task_switch(struct kvm_vcpu *vcpu, u16 selector, int reason,
		       const struct vcpu_event *event);
int handle_invlpg(struct kvm_vcpu *vcpu, gva_t gva);
int handle_cr_write(struct kvm_vcpu *vcpu, int cr, unsigned long val);
int handle_cr_read(struct kvm_vcpu *vcpu, int cr, int reg);
int handle_dr_access(struct kvm_vcpu *vcpu, int dr, int reg, bool read);
int handle_triple_fault(struct kvm_vcpu *vcpu);
int handle_unknown_exit(struct kvm_vcpu *vcpu);
int handle_internal_error(struct kvm_vcpu *vcpu, u32 suberror);

/* ------------------------------------------------------------------------
 * emulate.c: the emulator's callbacks into a vCPU
 */

/* Flags of vcpu_emulate(); the access that faulted (X86_ACC_*) goes above. */
#define EMUL_PT_WRITE		BIT(0)	/* a failure may be retried natively */
#define EMUL_RESUME		BIT(1)	/* user space answered a read */
#define EMUL_GP			BIT(2)	/* it was a #GP: a failure is the guest's */
#define EMUL_ACC_SHIFT		8

int vcpu_emulator_create(struct kvm_vcpu *vcpu);
void vcpu_emulator_free(struct kvm_vcpu *vcpu);
/* Emulate the instruction at RIP; @gpa: what @cr2 translates to, if known. */
int vcpu_emulate(struct kvm_vcpu *vcpu, gva_t cr2, gpa_t gpa, int flags);
/* Deliver what vcpu_event_ready() says, through the emulator. */
int vcpu_emulate_event(struct kvm_vcpu *vcpu);
int vcpu_emulate_task_switch(struct kvm_vcpu *vcpu, u16 selector, int reason,
			     const struct vcpu_event *ev, int len);
int vcpu_insn_length(struct kvm_vcpu *vcpu);
/* For hardware that does not say: the register of MOV CR, or -1. */
int vcpu_decode_mov_cr(struct kvm_vcpu *vcpu, int cr, bool write);
bool vcpu_insn_is_hypercall(struct kvm_vcpu *vcpu);
void vcpu_emulator_cpuid_changed(struct kvm_vcpu *vcpu);
/* The guest's TLB is to be empty: forget cached translations of ours, too. */
void vcpu_emulator_flush(struct kvm_vcpu *vcpu);

/* ------------------------------------------------------------------------
 * fpu.c
 */

u32 guest_fpu_mxcsr_mask(void);
/* enum x86_fpu_op of x86_emulate.h.  Within KVM_RUN.  0 or -EINVAL. */
int guest_fpu_op(int op, unsigned int reg, void *buf);

/* ------------------------------------------------------------------------
 * cpuid.c
 */

int cpuid_get_supported(struct kvm_cpuid2 __user *arg);
int cpuid_get_emulated(struct kvm_cpuid2 __user *arg);
long cpuid_set(struct kvm_vcpu *vcpu, struct kvm_cpuid2 __user *arg);
long cpuid_set_old(struct kvm_vcpu *vcpu, struct kvm_cpuid __user *arg);
long cpuid_get(struct kvm_vcpu *vcpu, struct kvm_cpuid2 __user *arg);
/* One leaf of what KVM_GET_SUPPORTED_CPUID offers; zeroes if there is none. */
void cpuid_of_host(u32 function, u32 index, u32 regs[4]);
/* Exact or nearest leaf as the processor would answer. */
void cpuid_query(struct kvm_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);
const struct kvm_cpuid_entry2 *cpuid_find(struct kvm_vcpu *vcpu, u32 function,
					  u32 index);
/*
 * Of CR4 no other bit may reach the hardware, whoever has let it into the guest's
 * state: LA57 would have our tables walked as what they are not.
 */
#define GUEST_CR4_BITS							\
	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | \
	 X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE | X86_CR4_PCE |	\
	 X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_UMIP |		\
	 X86_CR4_FSGSBASE | X86_CR4_OSXSAVE | X86_CR4_SMEP | X86_CR4_SMAP)

/* Leaves depend on CR4, XCR0, APICBASE: refresh them and vcpu->feat. */
void cpuid_update(struct kvm_vcpu *vcpu);
/* Is a feature bit (X86_FEATURE_* of leaf words we know) shown to the guest? */
bool guest_has(struct kvm_vcpu *vcpu, unsigned int x86_feature);
void cpuid_setup(void);			/* once: what this host can offer */
u32 cpuid_xstate_size(u64 xcr0, bool compacted);
u64 cpuid_supported_xcr0(void);

/* ------------------------------------------------------------------------
 * msr.c.  host: the access comes from an ioctl, read-only rules relaxed.
 */

int msr_get(struct kvm_vcpu *vcpu, u32 index, u64 *val, bool host);
int msr_set(struct kvm_vcpu *vcpu, u32 index, u64 val, bool host);
long msr_index_list(struct kvm_msr_list __user *arg);
long msr_ioctl(struct kvm_vcpu *vcpu, struct kvm_msrs __user *arg, bool write);
void msr_reset(struct kvm_vcpu *vcpu);
int msr_vcpu_init(struct kvm_vcpu *vcpu);

/* ------------------------------------------------------------------------
 * clock.c: TSC and kvmclock
 */

int clock_setup(void);
void clock_vm_init(struct kvm *kvm);
int clock_flags(void);		/* KVM_CAP_ADJUST_CLOCK */
void clock_vcpu_init(struct kvm_vcpu *vcpu);
void clock_vcpu_load(struct kvm_vcpu *vcpu, int cpu);
void clock_update(struct kvm_vcpu *vcpu);
/* The host's TSC, plus what suspends have cost; and what takes it to the guest's. */
u64 clock_host_tsc(void);
u64 clock_hw_offset(const struct kvm_vcpu *vcpu);
void clock_suspend(void);
void clock_resume(void);
u64 clock_guest_tsc(struct kvm_vcpu *vcpu);
void clock_set_tsc(struct kvm_vcpu *vcpu, u64 val, bool host);
void clock_set_offset(struct kvm_vcpu *vcpu, u64 offset);
u64 clock_tsc_to_ns(struct kvm_vcpu *vcpu, u64 cycles);
int clock_set_system_msr(struct kvm_vcpu *vcpu, u64 val);
int clock_set_wall_msr(struct kvm *kvm, u64 val);
long clock_ioctl_get(struct kvm *kvm, struct kvm_clock_data __user *arg);
long clock_ioctl_set(struct kvm *kvm, struct kvm_clock_data __user *arg);
long clock_ioctl_ctrl(struct kvm_vcpu *vcpu);

/* ------------------------------------------------------------------------
 * stats.c: the counters
 */

struct seq_file;
void stats_show_vm(struct seq_file *m, struct kvm *kvm);
void stats_show_vcpu(struct seq_file *m, struct kvm_vcpu *vcpu);
/* KVM_GET_STATS_FD, of the VM if @vcpu is NULL: a descriptor or -errno. */
int stats_get_fd(struct kvm *kvm, struct kvm_vcpu *vcpu);

/* ------------------------------------------------------------------------
 * debug.c: debugfs, the ring of the last exits
 */

void debug_init(void);
void debug_exit(void);
void debug_create_vm(struct kvm *kvm, int fd);
void debug_create_vcpu(struct kvm_vcpu *vcpu);
/* A guest ended badly: print its last exits, VMCB or VMCS.  Rate-limited. */
void debug_dump(struct kvm_vcpu *vcpu, const char *why);

/* ------------------------------------------------------------------------
 * memslot.c: guest physical memory.  Callers hold kvm->srcu.
 */

int slots_init(struct kvm *kvm);
void slots_free(struct kvm *kvm);
int slots_set_region(struct kvm *kvm,
		     const struct kvm_userspace_memory_region *mem);
int slots_dirty_log(struct kvm *kvm, const struct kvm_dirty_log *log);
struct kvm_slot *slot_search(struct kvm_slots *slots, gfn_t gfn);
void slot_mark_dirty(struct kvm_slot *slot, gfn_t gfn);
void mark_page_dirty(struct kvm *kvm, gfn_t gfn);
unsigned long copy_from_guest(void *data, hva_t hva, unsigned int len);
unsigned long copy_to_guest(hva_t hva, const void *data, unsigned int len);
/* 0, or -EFAULT: not memory, or not there any more. */
int kvm_read_guest(struct kvm *kvm, gpa_t gpa, void *data, unsigned long len);
int kvm_write_guest(struct kvm *kvm, gpa_t gpa, const void *data,
		    unsigned long len);

/*
 * Atomic compare and exchange in the process's memory; @len is 1, 2, 4, 8 or
 * 16 (aligned).  0, -EAGAIN: it holds something else, or -EFAULT.
 */
int user_cmpxchg(hva_t hva, const void *old, const void *new,
		 unsigned int len);

static inline struct kvm_slots *kvm_slots(struct kvm *kvm)
{
	return srcu_dereference_check(kvm->slots, &kvm->srcu,
				      lockdep_is_held(&kvm->slots_lock) ||
				      !refcount_read(&kvm->users));
}

static inline hva_t slot_hva(const struct kvm_slot *slot, gfn_t gfn)
{
	/* Guests choose gfns: nothing outside the slot, not even in speculation. */
	gfn_t index = array_index_nospec(gfn - slot->base_gfn, slot->npages);

	return slot->hva + (index << PAGE_SHIFT);
}

static inline struct kvm_slot *slot_find(struct kvm_slots *slots, gfn_t gfn)
{
	struct kvm_slot *slot = READ_ONCE(slots->last);

	if (likely(slot && gfn - slot->base_gfn < slot->npages))
		return slot;
	return slot_search(slots, gfn);
}

/* NULL also for a slot that is about to go. */
static inline struct kvm_slot *gfn_to_slot(struct kvm *kvm, gfn_t gfn)
{
	struct kvm_slot *slot = slot_find(kvm_slots(kvm), gfn);

	return slot && !READ_ONCE(slot->dead) ? slot : NULL;
}

/* INVALID_HVA if there is no slot, or it is read-only and @write. */
static inline hva_t gfn_to_hva(struct kvm *kvm, gfn_t gfn, bool write)
{
	struct kvm_slot *slot = gfn_to_slot(kvm, gfn);

	if (!slot || (write && (slot->flags & KVM_MEM_READONLY)))
		return INVALID_HVA;
	return slot_hva(slot, gfn);
}

#endif /* KVM_KVM_H */
