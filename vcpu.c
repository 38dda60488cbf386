// SPDX-License-Identifier: GPL-2.0
/*
 * vcpu.c - the architectural rules of a vCPU that both vendors share: what
 * may be loaded into control and debug registers, power-up state, and which
 * event the next entry delivers.
 *
 * Trusts: the cache in vcpu->s, under the vcpu_need()/vcpu_touch() rule of
 * include/kvm.h.  Values come from guests and are checked here as the
 * processor would check them; the ioctls that load state are vcpu_ioctl.c.
 *
 * Read next: exits.c for the handlers that call in here, then svm.c.
 */
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <asm/processor.h>
#include <asm/apicdef.h>
#include <asm/processor-flags.h>
#include <asm/debugreg.h>
#include "irqchip.h"
#include "kvm.h"
#include "trace.h"

/* ------------------------------------------------------------------------
 * Control registers.  1 = the guest gets #GP(0), nothing was changed.
 */

#define CR0_KNOWN	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | \
			 X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | \
			 X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)

/* Bits whose change makes every cached translation wrong. */
#define CR0_PAGING	(X86_CR0_PG | X86_CR0_WP)
/* ... and that of these makes PAE paging load its top entries again. */
#define CR0_CACHE	(X86_CR0_CD | X86_CR0_NW)
#define CR4_PAGING	(X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | \
			 X86_CR4_SMEP | X86_CR4_SMAP)

/* Combinations that no mode allows (APM vol. 2, "CR0 Register"). */
bool vcpu_cr0_valid(u64 cr0)
{
	if (cr0 >> 32)
		return false;
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return false;
	return !((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD));
}

bool vcpu_cr3_valid(struct kvm_vcpu *vcpu, u64 cr3)
{
	if (!vcpu_long_mode(vcpu))
		return true;
	return !(cr3 >> vcpu->feat.maxphyaddr);
}

bool vcpu_cr4_valid(struct kvm_vcpu *vcpu, u64 cr4)
{
	return !(cr4 & vcpu->feat.cr4_reserved);
}

/*
 * PAE paging without long mode reads its four top entries when CR3 is loaded
 * and keeps them.  False if one is present with reserved bits set.
 */
static bool load_pdptrs(struct kvm_vcpu *vcpu, u64 cr3)
{
	u64 rsvd = 0x1e6 | ~(BIT_ULL(vcpu->feat.maxphyaddr) - 1);
	u64 pdptrs[4];
	int i;

	if (kvm_read_guest(vcpu->kvm, cr3 & 0xffffffe0, pdptrs, sizeof(pdptrs)))
		return false;
	for (i = 0; i < 4; i++)
		if ((pdptrs[i] & 1) && (pdptrs[i] & rsvd))
			return false;
	memcpy(vcpu->s.pdptrs, pdptrs, sizeof(pdptrs));
	return true;
}

bool vcpu_pae_paging(struct kvm_vcpu *vcpu)
{
	return (vcpu->s.cr0 & X86_CR0_PG) && (vcpu->s.cr4 & X86_CR4_PAE) &&
	       !vcpu_long_mode(vcpu);
}

/* Bring the PDPTEs in after state was loaded by an ioctl. */
void vcpu_reload_pdptrs(struct kvm_vcpu *vcpu)
{
	if (vcpu_pae_paging(vcpu) && !load_pdptrs(vcpu, vcpu->s.cr3))
		memset(vcpu->s.pdptrs, 0, sizeof(vcpu->s.pdptrs));
}

/* Long mode becomes active with paging: EFER.LMA follows LME and CR0.PG. */
static int cr0_toggle_paging(struct kvm_vcpu *vcpu, u64 cr0)
{
	bool cs_l = vcpu->s.seg[VCPU_CS].ar & SEG_L;

	if (!(cr0 & X86_CR0_PG)) {
		if (vcpu_64bit(vcpu))
			return 1;
		vcpu->s.efer &= ~(u64)EFER_LMA;
		return 0;
	}
	if (vcpu->s.efer & EFER_LME) {
		if (!(vcpu->s.cr4 & X86_CR4_PAE) || cs_l)
			return 1;
		/* A 16-bit TSS: SDM, "MOV - Move to/from Control Registers". */
		if (!vcpu->feat.amd) {
			vcpu_need(vcpu, VG_SEG);
			if (!(vcpu->s.seg[VCPU_TR].ar & 8))
				return 1;
		}
		vcpu->s.efer |= EFER_LMA;
		return 0;
	}
	if ((vcpu->s.cr4 & X86_CR4_PAE) && !load_pdptrs(vcpu, vcpu->s.cr3))
		return 1;
	return 0;
}

int vcpu_set_cr0(struct kvm_vcpu *vcpu, u64 val)
{
	u64 old = vcpu_cr0(vcpu), flush = CR0_PAGING;

	if (!vcpu_cr0_valid(val))
		return 1;
	val = (val & CR0_KNOWN) | X86_CR0_ET;
	vcpu_need(vcpu, VG_CS);
	if (((old ^ val) & X86_CR0_PG) && cr0_toggle_paging(vcpu, val))
		return 1;
	if (vcpu_pae_paging(vcpu) && (val & X86_CR0_PG))
		flush |= CR0_CACHE;
	if (((old ^ val) & flush & CR0_CACHE) &&
	    !load_pdptrs(vcpu, vcpu->s.cr3))
		return 1;
	vcpu->s.cr0 = val;
	vcpu_touch(vcpu, VG_CR);
	if ((old ^ val) & flush)
		mmu_reset(vcpu);
	return 0;
}

int vcpu_set_cr3(struct kvm_vcpu *vcpu, u64 val)
{
	if (!vcpu_cr3_valid(vcpu, val))
		return 1;
	vcpu_need(vcpu, VG_CR);
	if (vcpu_pae_paging(vcpu) && !load_pdptrs(vcpu, val))
		return 1;
	vcpu->s.cr3 = val;
	vcpu_touch(vcpu, VG_CR);
	mmu_new_cr3(vcpu);
	return 0;
}

int vcpu_set_cr4(struct kvm_vcpu *vcpu, u64 val)
{
	u64 old = vcpu->s.cr4;
	bool paging = vcpu_cr0(vcpu) & X86_CR0_PG;

	if (!vcpu_cr4_valid(vcpu, val))
		return 1;
	if (vcpu_long_mode(vcpu)) {
		if (!(val & X86_CR4_PAE))
			return 1;
	} else if (paging && (val & X86_CR4_PAE) && ((old ^ val) & CR4_PAGING) &&
		   !load_pdptrs(vcpu, vcpu->s.cr3)) {
		return 1;
	}
	vcpu->s.cr4 = val;
	vcpu_touch(vcpu, VG_CR);
	if ((old ^ val) & CR4_PAGING)
		mmu_reset(vcpu);
	if ((old ^ val) & X86_CR4_OSXSAVE)
		cpuid_update(vcpu);
	return 0;
}

u64 vcpu_get_cr8(struct kvm_vcpu *vcpu)
{
	return vcpu->apic ? lapic_get_cr8(vcpu) : vcpu->s.cr8;
}

int vcpu_set_cr8(struct kvm_vcpu *vcpu, u64 val)
{
	if (val & ~15ull)
		return 1;
	if (vcpu->apic)
		lapic_set_cr8(vcpu, val);
	else
		vcpu->s.cr8 = val;
	return 0;
}

/*
 * @host: by ioctl, where LME may change under paging.  LMA is never taken from
 * anybody: it is LME and CR0.PG, or MMU and hardware would disagree on the
 * format of the page tables.
 */
int vcpu_set_efer(struct kvm_vcpu *vcpu, u64 val, bool host)
{
	u64 old = vcpu->s.efer;

	if (val & ~(vcpu->feat.efer_allowed | EFER_LMA))
		return 1;
	if (!host && (vcpu_cr0(vcpu) & X86_CR0_PG) && ((old ^ val) & EFER_LME))
		return 1;
	val &= ~(u64)EFER_LMA;
	if ((val & EFER_LME) && (vcpu_cr0(vcpu) & X86_CR0_PG))
		val |= EFER_LMA;
	vcpu_need(vcpu, VG_CR);
	vcpu->s.efer = val;
	vcpu_touch(vcpu, VG_CR);
	if ((old ^ val) & EFER_LMA)
		vcpu_reload_pdptrs(vcpu);
	if ((old ^ val) & (EFER_NX | EFER_LMA))
		mmu_reset(vcpu);
	return 0;
}

/* XSETBV (SDM vol. 1, "Enabling the XSAVE feature set"). */
int vcpu_set_xcr(struct kvm_vcpu *vcpu, u32 index, u64 val)
{
	if (index != XCR_XFEATURE_ENABLED_MASK)
		return 1;
	if (!(val & XFEATURE_MASK_FP) || (val & ~vcpu->feat.xcr0_allowed))
		return 1;
	if ((val & XFEATURE_MASK_YMM) && !(val & XFEATURE_MASK_SSE))
		return 1;
	if (val & XFEATURE_MASK_AVX512) {
		if (!(val & XFEATURE_MASK_YMM) ||
		    (val & XFEATURE_MASK_AVX512) != XFEATURE_MASK_AVX512)
			return 1;
	}
	vcpu->s.xcr0 = val;
	cpuid_update(vcpu);
	return 0;
}

/* ------------------------------------------------------------------------
 * Debug registers.  DR4 and DR5 are the caller's matter (CR4.DE).
 */

#define DR6_FIXED	0xffff0ff0ul	/* bits that read as one */
#define DR6_VOLATILE	0x0000e00ful	/* B0-B3, BD, BS, BT */
#define DR7_FIXED	0x00000400ul
#define DR7_VOLATILE	0xffff2bfful

int vcpu_get_dr(struct kvm_vcpu *vcpu, int n, unsigned long *val)
{
	vcpu_need(vcpu, VG_DR);
	if (n < 4)
		*val = vcpu->s.db[array_index_nospec(n, 4)];
	else if (n == 6)
		*val = vcpu->s.dr6;
	else
		*val = vcpu->s.dr7;
	return 0;
}

int vcpu_set_dr(struct kvm_vcpu *vcpu, int n, unsigned long val)
{
	vcpu_need(vcpu, VG_DR);
	if (n < 4) {
		vcpu->s.db[array_index_nospec(n, 4)] = val;
	} else {
		if (val >> 32)
			return 1;
		if (n == 6)
			vcpu->s.dr6 = (val & DR6_VOLATILE) | DR6_FIXED;
		else
			vcpu->s.dr7 = (val & DR7_VOLATILE) | DR7_FIXED;
	}
	vcpu_touch(vcpu, VG_DR);
	kvm_ops->update_intercepts(vcpu);
	return 0;
}

/* ------------------------------------------------------------------------
 * Power-up and INIT (SDM vol. 3, "Processor State After Reset")
 */

static void set_seg(struct kvm_vcpu *vcpu, int n, u16 sel, u64 base, u32 ar)
{
	vcpu->s.seg[n] = (struct vcpu_segment){
		.selector = sel, .base = base, .limit = 0xffff, .ar = ar,
	};
}

static void reset_segments(struct kvm_vcpu *vcpu)
{
	static const int data[] = {
		VCPU_ES, VCPU_SS, VCPU_DS, VCPU_FS, VCPU_GS
	};
	int i;

	set_seg(vcpu, VCPU_CS, 0xf000, 0xffff0000, 0x9b);
	for (i = 0; i < ARRAY_SIZE(data); i++)
		set_seg(vcpu, data[i], 0, 0, 0x93);
	set_seg(vcpu, VCPU_LDTR, 0, 0, 0x82);
	set_seg(vcpu, VCPU_TR, 0, 0, 0x8b);
	vcpu->s.gdt = vcpu->s.idt = (struct vcpu_dtable){ .limit = 0xffff };
}

/* vCPU loaded; on INIT the APIC's own state is lapic.c's. */
void vcpu_reset(struct kvm_vcpu *vcpu, bool init)
{
	const struct kvm_cpuid_entry2 *leaf1 = cpuid_find(vcpu, 1, 0);
	struct vcpu_state *s = &vcpu->s;
	u64 cache_bits = X86_CR0_CD | X86_CR0_NW;

	if (init) {
		vcpu_need(vcpu, VG_ALL);
		cache_bits &= s->cr0;
	}
	memset(s->regs, 0, sizeof(s->regs));
	s->regs[VCPU_RDX] = leaf1 ? leaf1->eax : 0x600;
	s->rip = 0xfff0;
	s->rflags = X86_EFLAGS_FIXED;
	s->cr0 = X86_CR0_ET | cache_bits;
	s->cr2 = s->cr3 = s->cr4 = s->cr8 = 0;
	s->efer = 0;
	reset_segments(vcpu);
	memset(s->db, 0, sizeof(s->db));
	s->dr6 = DR6_FIXED;
	s->dr7 = DR7_FIXED;
	s->int_shadow = 0;
	s->nmi_masked = false;
	memset(&vcpu->ev, 0, sizeof(vcpu->ev));
	vcpu->pending_extint = -1;
	vcpu->complete = NULL;		/* of an instruction that is no more */
	if (!init) {
		s->xcr0 = XFEATURE_MASK_FP;
		s->star = s->lstar = s->cstar = s->fmask = 0;
		s->kernel_gs_base = s->tsc_aux = 0;
		s->sysenter_cs = s->sysenter_esp = s->sysenter_eip = 0;
		s->pat = 0x0007040600070406ull;
		msr_reset(vcpu);
		vcpu->mp_state = vcpu->apic && vcpu->id != vcpu->kvm->bsp_id ?
			KVM_MP_STATE_UNINITIALIZED : KVM_MP_STATE_RUNNABLE;
	}
	s->valid = s->dirty = VG_ALL;
	if (vcpu->apic)
		lapic_reset(vcpu, init);
	else if (!init)
		vcpu->apic_base = APIC_DEFAULT_PHYS_BASE |
			MSR_IA32_APICBASE_ENABLE |
			(vcpu->id == vcpu->kvm->bsp_id ?
			 MSR_IA32_APICBASE_BSP : 0);
	kvm_ops->vcpu_reset(vcpu, init);
	kvm_ops->update_intercepts(vcpu);
	cpuid_update(vcpu);		/* OSXSAVE goes with CR4 */
	mmu_reset(vcpu);
}

/* ------------------------------------------------------------------------
 * Events
 */

/* SDM vol. 3, "Interrupt and Exception Classes": for the double-fault rule. */
static bool contributory(u8 vector)
{
	return vector == DE_VECTOR ||
	       (vector >= TS_VECTOR && vector <= GP_VECTOR);
}

static void queue_exception(struct kvm_vcpu *vcpu, u8 vector, bool has_error,
			    u32 error)
{
	struct vcpu_events *ev = &vcpu->ev;
	u8 first = ev->exception.vector;

	vcpu_request(vcpu, KVM_REQ_EVENT);
	if (ev->exception.pending || ev->exception.injected) {
		if (first == DF_VECTOR) {
			ev->triple_fault = true;
			return;
		}
		if ((contributory(first) && contributory(vector)) ||
		    (first == PF_VECTOR &&
		     (contributory(vector) || vector == PF_VECTOR))) {
			vector = DF_VECTOR;
			has_error = vcpu_cr0(vcpu) & X86_CR0_PE;
			error = 0;
		}
	}
	ev->exception.pending = true;
	ev->exception.injected = false;
	ev->exception.vector = vector;
	ev->exception.has_error = has_error;
	ev->exception.error = error;
}

void vcpu_inject(struct kvm_vcpu *vcpu, u8 vector)
{
	queue_exception(vcpu, vector, false, 0);
}

void vcpu_inject_error(struct kvm_vcpu *vcpu, u8 vector, u32 error)
{
	/* Real mode pushes no error code. */
	queue_exception(vcpu, vector, vcpu_cr0(vcpu) & X86_CR0_PE, error);
}

void vcpu_inject_pf(struct kvm_vcpu *vcpu, gva_t cr2, u32 error)
{
	vcpu->s.cr2 = cr2;
	vcpu->s.valid |= VG_CR2;
	vcpu_touch(vcpu, VG_CR2);
	vcpu->stats.pf_guest++;
	queue_exception(vcpu, PF_VECTOR, true, error);
}

/* @dr6_bits: what DR6 gains; B0-B3 are replaced. */
void vcpu_inject_db(struct kvm_vcpu *vcpu, unsigned long dr6_bits)
{
	vcpu_need(vcpu, VG_DR);
	vcpu->s.dr6 = (vcpu->s.dr6 & ~15ul) | dr6_bits | DR6_FIXED;
	vcpu->s.dr7 &= ~DR7_GD;
	vcpu_touch(vcpu, VG_DR);
	queue_exception(vcpu, DB_VECTOR, false, 0);
}

bool vcpu_irq_allowed(struct kvm_vcpu *vcpu)
{
	vcpu_need(vcpu, VG_RIP | VG_INT);
	return (vcpu->s.rflags & X86_EFLAGS_IF) && !vcpu->s.int_shadow;
}

bool vcpu_nmi_allowed(struct kvm_vcpu *vcpu)
{
	vcpu_need(vcpu, VG_INT);
	return !vcpu->s.nmi_masked && !vcpu->s.int_shadow;
}

bool vcpu_has_interrupt(struct kvm_vcpu *vcpu)
{
	if (unlikely(vcpu->ev.irq.held))
		return true;
	if (vcpu->apic)
		return irq_pending(vcpu) >= 0;
	return vcpu->pending_extint >= 0;
}

bool vcpu_ready_for_irq(struct kvm_vcpu *vcpu)
{
	return vcpu->pending_extint < 0 &&
	       !vcpu->ev.irq.injected && !vcpu->ev.irq.held &&
	       !vcpu->ev.exception.pending && !vcpu->ev.exception.injected &&
	       vcpu_irq_allowed(vcpu);
}

bool vcpu_wants_irq_window_exit(struct kvm_vcpu *vcpu)
{
	return !vcpu->apic && READ_ONCE(vcpu->run->request_interrupt_window) &&
	       vcpu_ready_for_irq(vcpu);
}

/* KVM_INTERRUPT: delivered as soon as the guest would take it. */
int vcpu_queue_extint(struct kvm_vcpu *vcpu, u32 vector)
{
	if (vector >= KVM_NR_INTERRUPTS)
		return -EINVAL;
	if (vcpu->apic)
		return -ENXIO;
	if (vcpu->pending_extint >= 0)
		return -EEXIST;
	vcpu->pending_extint = vector;
	vcpu_request(vcpu, KVM_REQ_EVENT);
	return 0;
}

/* At most one NMI is latched while another is in service. */
static unsigned int nmi_limit(struct kvm_vcpu *vcpu)
{
	vcpu_need(vcpu, VG_INT);
	return vcpu->s.nmi_masked || vcpu->ev.nmi.injected ? 1 : 2;
}

unsigned int vcpu_nr_nmis(struct kvm_vcpu *vcpu)
{
	return min_t(unsigned int, vcpu->ev.nmi.pending +
		     atomic_read(&vcpu->ev.nmi_queued), nmi_limit(vcpu));
}

static void collect_nmis(struct kvm_vcpu *vcpu)
{
	struct vcpu_events *ev = &vcpu->ev;
	unsigned int n;

	if (!atomic_read(&ev->nmi_queued))
		return;
	n = ev->nmi.pending + atomic_xchg(&ev->nmi_queued, 0);
	ev->nmi.pending = min(n, nmi_limit(vcpu));
}

static int next_irq(struct kvm_vcpu *vcpu)
{
	int vector;

	if (unlikely(vcpu->ev.irq.held)) {
		vcpu->ev.irq.held = false;
		return vcpu->ev.irq.held_vector;
	}
	if (vcpu->apic)
		return irq_ack(vcpu);
	vector = vcpu->pending_extint;
	vcpu->pending_extint = -1;
	return vector;
}

/*
 * An interrupt or NMI whose delivery met a fault of the guest's: it has been
 * taken from its controller, so it is kept until the fault's handler lets it in.
 * INT n comes again by itself, when the handler returns to it.
 */
static void hold_interrupted(struct kvm_vcpu *vcpu)
{
	struct vcpu_events *ev = &vcpu->ev;

	/* An NMI is pending once more, and blocked until the handler's IRET. */
	if (unlikely(ev->exception.pending && ev->nmi.injected)) {
		ev->nmi.injected = false;
		ev->nmi.pending++;
	}
	if (likely(!ev->irq.injected))
		return;
	if (!ev->exception.pending && !ev->exception.injected &&
	    !ev->nmi.injected && (ev->irq.soft || vcpu_irq_allowed(vcpu)))
		return;
	ev->irq.injected = false;
	if (!ev->irq.soft) {
		ev->irq.held = true;
		ev->irq.held_vector = ev->irq.vector;
	}
}

/* Faults push RFLAGS with RF set; traps and aborts do not. */
static bool is_fault(u8 vector)
{
	switch (vector) {
	case DB_VECTOR:
	case BP_VECTOR:
	case OF_VECTOR:
	case DF_VECTOR:
	case MC_VECTOR:
		return false;
	}
	return true;
}

static void open_windows(struct kvm_vcpu *vcpu)
{
	if (vcpu->ev.nmi.pending)
		kvm_ops->request_nmi_window(vcpu);
	if (vcpu_has_interrupt(vcpu) ||
	    (!vcpu->apic && READ_ONCE(vcpu->run->request_interrupt_window)))
		kvm_ops->request_irq_window(vcpu);
}

/*
 * One event per entry.  What the hardware had begun to deliver goes first,
 * then what the last instruction raised, then NMI, then interrupts; the rest
 * waits for a window.  1 = enter, 0 or -errno = leave.
 */
int vcpu_choose_event(struct kvm_vcpu *vcpu)
{
	struct vcpu_events *ev = &vcpu->ev;
	int vector;

	if (unlikely(ev->triple_fault)) {
		ev->triple_fault = false;
		return handle_triple_fault(vcpu);
	}
	collect_nmis(vcpu);
	hold_interrupted(vcpu);

	if (ev->exception.pending) {
		ev->exception.pending = false;
		ev->exception.injected = true;
		ev->again = false;
		vcpu->stats.exception_injections++;
		if (is_fault(ev->exception.vector)) {
			vcpu_need(vcpu, VG_RIP);
			vcpu->s.rflags |= X86_EFLAGS_RF;
			vcpu_touch(vcpu, VG_RIP);
		}
	} else if (ev->exception.injected || ev->nmi.injected ||
		   ev->irq.injected) {
		/* again, as it was */
	} else if (ev->nmi.pending && vcpu_nmi_allowed(vcpu)) {
		ev->nmi.pending--;
		ev->nmi.injected = true;
		ev->again = false;
		vcpu->s.nmi_masked = true;
		vcpu_touch(vcpu, VG_INT);
		vcpu->stats.nmi_injections++;
	} else if (vcpu_has_interrupt(vcpu) && vcpu_irq_allowed(vcpu)) {
		vector = next_irq(vcpu);
		if (vector >= 0) {
			ev->irq.injected = true;
			ev->again = false;
			ev->irq.soft = false;
			ev->irq.vector = vector;
			vcpu->stats.irq_injections++;
		}
	}
	open_windows(vcpu);
	return 1;
}

/*
 * What the vendor shall write to the hardware for this entry.  Only called
 * when vcpu_event_ready().
 */
void vcpu_event_commit(struct kvm_vcpu *vcpu, struct vcpu_event *e)
{
	struct vcpu_events *ev = &vcpu->ev;

	*e = (struct vcpu_event){};
	if (ev->exception.injected) {
		e->type = VCPU_EVENT_EXCEPTION;
		e->vector = ev->exception.vector;
		e->has_error = ev->exception.has_error;
		e->error = ev->exception.error;
		trace_kvm_inj_exception(e->vector, e->has_error, e->error,
					ev->again);
	} else if (ev->nmi.injected) {
		e->type = VCPU_EVENT_NMI;
		e->vector = 2;
		trace_kvm_inj_nmi(vcpu->id, ev->again);
	} else {
		e->type = ev->irq.soft ? VCPU_EVENT_SOFT : VCPU_EVENT_IRQ;
		e->vector = ev->irq.vector;
		e->insn_len = ev->irq.insn_len;
		trace_kvm_inj_virq(e->vector, ev->irq.soft, ev->again);
	}
	ev->committed = e->type;
}

/*
 * After an exit: what was committed has been delivered, except for what the
 * exit interrupted (@again, NULL if nothing), which comes again.
 */
void vcpu_event_after_exit(struct kvm_vcpu *vcpu, const struct vcpu_event *again)
{
	struct vcpu_events *ev = &vcpu->ev;

	switch (ev->committed) {
	case VCPU_EVENT_NONE:
		break;
	case VCPU_EVENT_EXCEPTION:
		ev->exception.injected = false;
		break;
	case VCPU_EVENT_NMI:
		ev->nmi.injected = false;
		break;
	default:
		ev->irq.injected = false;
	}
	ev->committed = VCPU_EVENT_NONE;
	ev->again = again;
	if (!again)
		return;

	switch (again->type) {
	case VCPU_EVENT_EXCEPTION:
		ev->exception.injected = true;
		ev->exception.vector = again->vector;
		ev->exception.has_error = again->has_error;
		ev->exception.error = again->error;
		break;
	case VCPU_EVENT_NMI:
		ev->nmi.injected = true;
		break;
	default:
		ev->irq.injected = true;
		ev->irq.soft = again->type == VCPU_EVENT_SOFT;
		ev->irq.vector = again->vector;
		ev->irq.insn_len = again->insn_len;
	}
}
