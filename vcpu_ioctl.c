// SPDX-License-Identifier: GPL-2.0
/*
 * vcpu_ioctl.c - the ioctls that get and set a vCPU's state.
 *
 * Each checks all of its input before it changes anything: what cannot be
 * entered is refused with EINVAL, so that the hardware never sees it.
 * Called with vcpu->mutex and kvm->srcu held and the vCPU loaded.
 *
 * Read next: vcpu.c for the rules behind the checks.
 */
#include <linux/kvm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "irqchip.h"
#include "kvm.h"

/* ------------------------------------------------------------------------
 * KVM_GET/SET_REGS, _SREGS
 */

static void get_regs(struct kvm_vcpu *vcpu, struct kvm_regs *r)
{
	const unsigned long *regs = vcpu->s.regs;

	vcpu_need(vcpu, VG_RIP);
	*r = (struct kvm_regs){
		.rax = regs[VCPU_RAX], .rbx = regs[VCPU_RBX],
		.rcx = regs[VCPU_RCX], .rdx = regs[VCPU_RDX],
		.rsi = regs[VCPU_RSI], .rdi = regs[VCPU_RDI],
		.rsp = regs[VCPU_RSP], .rbp = regs[VCPU_RBP],
		.r8  = regs[VCPU_R8],  .r9  = regs[VCPU_R9],
		.r10 = regs[VCPU_R10], .r11 = regs[VCPU_R11],
		.r12 = regs[VCPU_R12], .r13 = regs[VCPU_R13],
		.r14 = regs[VCPU_R14], .r15 = regs[VCPU_R15],
		.rip = vcpu->s.rip, .rflags = vcpu->s.rflags,
	};
	if (vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		r->rflags &= ~(u64)X86_EFLAGS_TF;
}

static void set_regs(struct kvm_vcpu *vcpu, const struct kvm_regs *r)
{
	unsigned long *regs = vcpu->s.regs;

	vcpu_need(vcpu, VG_RIP);
	regs[VCPU_RAX] = r->rax;
	regs[VCPU_RBX] = r->rbx;
	regs[VCPU_RCX] = r->rcx;
	regs[VCPU_RDX] = r->rdx;
	regs[VCPU_RSI] = r->rsi;
	regs[VCPU_RDI] = r->rdi;
	regs[VCPU_RSP] = r->rsp;
	regs[VCPU_RBP] = r->rbp;
	regs[VCPU_R8] = r->r8;
	regs[VCPU_R9] = r->r9;
	regs[VCPU_R10] = r->r10;
	regs[VCPU_R11] = r->r11;
	regs[VCPU_R12] = r->r12;
	regs[VCPU_R13] = r->r13;
	regs[VCPU_R14] = r->r14;
	regs[VCPU_R15] = r->r15;
	vcpu->s.rip = r->rip;
	/* What the processor cannot hold in RFLAGS is dropped, not kept. */
	vcpu->s.rflags = (r->rflags & 0x3f7fd5) | X86_EFLAGS_FIXED;
	vcpu_touch(vcpu, VG_RIP);
	/* What was about to be raised belongs to the old state. */
	vcpu->ev.exception.pending = false;
	vcpu_request(vcpu, KVM_REQ_EVENT);
}

static struct kvm_segment seg_to_user(const struct vcpu_segment *s)
{
	return (struct kvm_segment){
		.base = s->base, .limit = s->limit, .selector = s->selector,
		.type = s->ar & SEG_TYPE_MASK,
		.s = !!(s->ar & SEG_S),
		.dpl = (s->ar & SEG_DPL_MASK) >> SEG_DPL_SHIFT,
		.present = !!(s->ar & SEG_P),
		.avl = !!(s->ar & SEG_AVL),
		.l = !!(s->ar & SEG_L),
		.db = !!(s->ar & SEG_DB),
		.g = !!(s->ar & SEG_G),
		.unusable = !!(s->ar & SEG_UNUSABLE),
	};
}

static struct vcpu_segment seg_from_user(const struct kvm_segment *u)
{
	struct vcpu_segment s = {
		.base = u->base, .limit = u->limit, .selector = u->selector,
	};

	s.ar = u->type & SEG_TYPE_MASK;
	s.ar |= (u->dpl & 3) << SEG_DPL_SHIFT;
	s.ar |= (u->s & 1) ? SEG_S : 0;
	s.ar |= (u->present & 1) ? SEG_P : 0;
	s.ar |= (u->avl & 1) ? SEG_AVL : 0;
	s.ar |= (u->l & 1) ? SEG_L : 0;
	s.ar |= (u->db & 1) ? SEG_DB : 0;
	s.ar |= (u->g & 1) ? SEG_G : 0;
	if (u->unusable || !u->present)
		s.ar |= SEG_UNUSABLE;
	return s;
}

static struct kvm_dtable table_to_user(const struct vcpu_dtable *t)
{
	return (struct kvm_dtable){ .base = t->base, .limit = t->limit };
}

static void get_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *r)
{
	struct vcpu_state *s = &vcpu->s;
	int vector = -1;

	vcpu_need(vcpu, VG_CS | VG_SEG | VG_DT | VG_CR | VG_CR2);
	*r = (struct kvm_sregs){
		.cs = seg_to_user(&s->seg[VCPU_CS]),
		.ds = seg_to_user(&s->seg[VCPU_DS]),
		.es = seg_to_user(&s->seg[VCPU_ES]),
		.fs = seg_to_user(&s->seg[VCPU_FS]),
		.gs = seg_to_user(&s->seg[VCPU_GS]),
		.ss = seg_to_user(&s->seg[VCPU_SS]),
		.tr = seg_to_user(&s->seg[VCPU_TR]),
		.ldt = seg_to_user(&s->seg[VCPU_LDTR]),
		.gdt = table_to_user(&s->gdt),
		.idt = table_to_user(&s->idt),
		.cr0 = s->cr0, .cr2 = s->cr2, .cr3 = s->cr3, .cr4 = s->cr4,
		.cr8 = vcpu_get_cr8(vcpu),
		.efer = s->efer,
		.apic_base = vcpu->apic_base,
	};
	if (vcpu->ev.irq.injected && !vcpu->ev.irq.soft)
		vector = vcpu->ev.irq.vector;
	else if (vcpu->ev.irq.held)
		vector = vcpu->ev.irq.held_vector;
	else if (!vcpu->apic)
		vector = vcpu->pending_extint;
	if (vector >= 0)
		r->interrupt_bitmap[vector / 64] |= BIT_ULL(vector % 64);
}

/*
 * What no mode allows.  Segments are not judged here: a state that passes but
 * that the hardware refuses is emulated, or ends in KVM_EXIT_FAIL_ENTRY.
 */
static bool sregs_valid(struct kvm_vcpu *vcpu, const struct kvm_sregs *r)
{
	if ((r->efer & EFER_LME) && (r->cr0 & X86_CR0_PG)) {
		if (!(r->cr4 & X86_CR4_PAE) || !(r->efer & EFER_LMA))
			return false;
		if (r->cr3 >> vcpu->feat.maxphyaddr)
			return false;
	} else if ((r->efer & EFER_LMA) || r->cs.l) {
		return false;
	}
	if (r->efer & ~(vcpu->feat.efer_allowed | EFER_LMA))
		return false;
	return vcpu_cr0_valid(r->cr0) && vcpu_cr4_valid(vcpu, r->cr4);
}

static int set_sregs(struct kvm_vcpu *vcpu, const struct kvm_sregs *r)
{
	struct vcpu_state *s = &vcpu->s;
	int bit;

	if (!sregs_valid(vcpu, r))
		return -EINVAL;
	if (lapic_set_base(vcpu, r->apic_base, true))
		return -EINVAL;

	vcpu_need(vcpu, VG_ALL);
	s->seg[VCPU_CS] = seg_from_user(&r->cs);
	s->seg[VCPU_DS] = seg_from_user(&r->ds);
	s->seg[VCPU_ES] = seg_from_user(&r->es);
	s->seg[VCPU_FS] = seg_from_user(&r->fs);
	s->seg[VCPU_GS] = seg_from_user(&r->gs);
	s->seg[VCPU_SS] = seg_from_user(&r->ss);
	s->seg[VCPU_TR] = seg_from_user(&r->tr);
	s->seg[VCPU_LDTR] = seg_from_user(&r->ldt);
	s->gdt = (struct vcpu_dtable){ r->gdt.base, r->gdt.limit };
	s->idt = (struct vcpu_dtable){ r->idt.base, r->idt.limit };
	s->cr0 = r->cr0 | X86_CR0_ET;
	s->cr2 = r->cr2;
	s->cr3 = r->cr3;
	s->cr4 = r->cr4;
	s->efer = r->efer;
	vcpu_touch(vcpu, VG_CS | VG_SEG | VG_DT | VG_CR | VG_CR2);
	vcpu_set_cr8(vcpu, r->cr8 & 15);
	vcpu_reload_pdptrs(vcpu);
	cpuid_update(vcpu);
	mmu_reset(vcpu);
	/*
	 * Perhaps a machine is restored, and its memory was written, too: what
	 * user space writes to page tables is seen by nobody before.
	 */
	mmu_zap_all(vcpu->kvm);

	bit = find_first_bit((const unsigned long *)r->interrupt_bitmap,
			     KVM_NR_INTERRUPTS);
	if (bit < KVM_NR_INTERRUPTS) {
		vcpu->ev.irq.injected = true;
		vcpu->ev.irq.soft = false;
		vcpu->ev.irq.vector = bit;
		/* KVM_GET_SREGS shows either so. */
		vcpu->ev.irq.held = false;
		vcpu->pending_extint = -1;
	}
	vcpu_request(vcpu, KVM_REQ_EVENT);
	return 0;
}

static int ioctl_regs(struct kvm_vcpu *vcpu, void __user *argp, bool set)
{
	struct kvm_regs *r;
	int ret = 0;

	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return -ENOMEM;
	if (!set) {
		get_regs(vcpu, r);
		ret = copy_to_user(argp, r, sizeof(*r)) ? -EFAULT : 0;
	} else if (copy_from_user(r, argp, sizeof(*r))) {
		ret = -EFAULT;
	} else {
		set_regs(vcpu, r);
	}
	kfree(r);
	return ret;
}

static int ioctl_sregs(struct kvm_vcpu *vcpu, void __user *argp, bool set)
{
	struct kvm_sregs *r;
	int ret;

	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return -ENOMEM;
	if (!set) {
		get_sregs(vcpu, r);
		ret = copy_to_user(argp, r, sizeof(*r)) ? -EFAULT : 0;
	} else if (copy_from_user(r, argp, sizeof(*r))) {
		ret = -EFAULT;
	} else {
		ret = set_sregs(vcpu, r);
	}
	kfree(r);
	return ret;
}

/* ------------------------------------------------------------------------
 * KVM_GET/SET_VCPU_EVENTS
 */

static void get_events(struct kvm_vcpu *vcpu, struct kvm_vcpu_events *e)
{
	struct vcpu_events *ev = &vcpu->ev;
	bool injected = (ev->irq.injected && !ev->irq.soft) || ev->irq.held;
	bool queued = vcpu->pending_extint >= 0;

	vcpu_need(vcpu, VG_INT);
	*e = (struct kvm_vcpu_events){
		.exception.injected = ev->exception.injected ||
				      ev->exception.pending,
		.exception.nr = ev->exception.vector,
		.exception.has_error_code = ev->exception.has_error,
		.exception.error_code = ev->exception.error,
		.interrupt.injected = injected || queued,
		.interrupt.nr = ev->irq.held ? ev->irq.held_vector :
				injected || !queued ? ev->irq.vector :
						      vcpu->pending_extint,
		.interrupt.shadow = vcpu->s.int_shadow,
		.nmi.injected = ev->nmi.injected,
		.nmi.pending = vcpu_nr_nmis(vcpu),
		.nmi.masked = vcpu->s.nmi_masked,
		.flags = KVM_VCPUEVENT_VALID_NMI_PENDING |
			 KVM_VCPUEVENT_VALID_SHADOW,
	};
}

static int set_events(struct kvm_vcpu *vcpu, const struct kvm_vcpu_events *e)
{
	struct vcpu_events *ev = &vcpu->ev;

	if (e->flags & ~(u32)(KVM_VCPUEVENT_VALID_NMI_PENDING |
			      KVM_VCPUEVENT_VALID_SIPI_VECTOR |
			      KVM_VCPUEVENT_VALID_SHADOW |
			      KVM_VCPUEVENT_VALID_SMM))
		return -EINVAL;
	if (e->exception.injected &&
	    (e->exception.nr > 31 || e->exception.nr == 2))
		return -EINVAL;
	/* There is no SMM: nobody can be in it. */
	if ((e->flags & KVM_VCPUEVENT_VALID_SMM) &&
	    (e->smi.smm || e->smi.pending || e->smi.smm_inside_nmi))
		return -EINVAL;

	vcpu_need(vcpu, VG_INT);
	ev->exception.pending = false;
	ev->exception.injected = e->exception.injected;
	ev->exception.vector = e->exception.nr;
	ev->exception.has_error = e->exception.has_error_code;
	ev->exception.error = e->exception.error_code;
	ev->irq.injected = e->interrupt.injected;
	ev->irq.vector = e->interrupt.nr;
	ev->irq.soft = ev->irq.held = false;
	ev->triple_fault = false;
	vcpu->pending_extint = -1;
	if (e->flags & KVM_VCPUEVENT_VALID_SHADOW)
		vcpu->s.int_shadow = e->interrupt.shadow &
			(KVM_X86_SHADOW_INT_MOV_SS | KVM_X86_SHADOW_INT_STI);
	ev->nmi.injected = e->nmi.injected;
	if (e->flags & KVM_VCPUEVENT_VALID_NMI_PENDING) {
		ev->nmi.pending = 0;
		atomic_set(&ev->nmi_queued, e->nmi.pending);
	}
	vcpu->s.nmi_masked = e->nmi.masked;
	vcpu_touch(vcpu, VG_INT);
	if ((e->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR) && vcpu->apic)
		lapic_set_sipi_vector(vcpu, e->sipi_vector);
	vcpu_request(vcpu, KVM_REQ_EVENT);
	return 0;
}

static int ioctl_get_events(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_vcpu_events e;

	get_events(vcpu, &e);
	return copy_to_user(argp, &e, sizeof(e)) ? -EFAULT : 0;
}

static int ioctl_set_events(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_vcpu_events e;

	if (copy_from_user(&e, argp, sizeof(e)))
		return -EFAULT;
	return set_events(vcpu, &e);
}

/* ------------------------------------------------------------------------
 * kvm_run->s: the same, without the ioctls
 */

void vcpu_store_sync_regs(struct kvm_vcpu *vcpu)
{
	struct kvm_sync_regs *sync = &vcpu->run->s.regs;
	u64 want = READ_ONCE(vcpu->run->kvm_valid_regs);

	if (want & KVM_SYNC_X86_REGS)
		get_regs(vcpu, &sync->regs);
	if (want & KVM_SYNC_X86_SREGS)
		get_sregs(vcpu, &sync->sregs);
	if (want & KVM_SYNC_X86_EVENTS)
		get_events(vcpu, &sync->events);
}

/* User space may change the page while we look: work on copies. */
int vcpu_load_sync_regs(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 dirty = READ_ONCE(run->kvm_dirty_regs);
	struct kvm_sync_regs *copy;
	int r = 0;

	copy = kmemdup(&run->s.regs, sizeof(*copy), GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	if (dirty & KVM_SYNC_X86_REGS) {
		set_regs(vcpu, &copy->regs);
		run->kvm_dirty_regs &= ~(u64)KVM_SYNC_X86_REGS;
	}
	if (dirty & KVM_SYNC_X86_SREGS) {
		r = set_sregs(vcpu, &copy->sregs);
		if (r)
			goto out;
		run->kvm_dirty_regs &= ~(u64)KVM_SYNC_X86_SREGS;
	}
	if (dirty & KVM_SYNC_X86_EVENTS) {
		r = set_events(vcpu, &copy->events);
		if (r)
			goto out;
		run->kvm_dirty_regs &= ~(u64)KVM_SYNC_X86_EVENTS;
	}
out:
	kfree(copy);
	return r;
}

/* ------------------------------------------------------------------------
 * FPU, XSAVE, XCRs.  The guest's state is in memory while no KVM_RUN is on.
 */

static int ioctl_get_fpu(struct kvm_vcpu *vcpu, void __user *argp)
{
	const struct fxregs_state *fx = &vcpu->fpu.fpstate->regs.fxsave;
	const struct xstate_header *header =
		&vcpu->fpu.fpstate->regs.xsave.header;
	u64 saved = boot_cpu_has(X86_FEATURE_XSAVE) ? header->xfeatures :
						      XFEATURE_MASK_FPSSE;
	struct kvm_fpu fpu = { .fcw = 0x37f, .mxcsr = MXCSR_DEFAULT };

	/* SDM vol. 1, "Init Optimization": the rest is as reset leaves it. */
	if (saved & XFEATURE_MASK_FP) {
		fpu.fcw = fx->cwd;
		fpu.fsw = fx->swd;
		fpu.ftwx = fx->twd;
		fpu.last_opcode = fx->fop;
		fpu.last_ip = fx->rip;
		fpu.last_dp = fx->rdp;
		memcpy(fpu.fpr, fx->st_space, sizeof(fpu.fpr));
	}
	if (saved & XFEATURE_MASK_SSE)
		memcpy(fpu.xmm, fx->xmm_space, sizeof(fpu.xmm));
	/* Of the uncompacted format it has no bit of its own. */
	if ((saved & XFEATURE_MASK_SSE) ||
	    !(header->xcomp_bv & XCOMP_BV_COMPACTED_FORMAT))
		fpu.mxcsr = fx->mxcsr;
	return copy_to_user(argp, &fpu, sizeof(fpu)) ? -EFAULT : 0;
}

static int ioctl_set_fpu(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct fxregs_state *fx = &vcpu->fpu.fpstate->regs.fxsave;
	struct kvm_fpu *fpu = memdup_user(argp, sizeof(*fpu));

	if (IS_ERR(fpu))
		return PTR_ERR(fpu);
	memcpy(fx->st_space, fpu->fpr, sizeof(fpu->fpr));
	memcpy(fx->xmm_space, fpu->xmm, sizeof(fpu->xmm));
	fx->cwd = fpu->fcw;
	fx->swd = fpu->fsw;
	fx->twd = fpu->ftwx;
	fx->fop = fpu->last_opcode;
	fx->rip = fpu->last_ip;
	fx->rdp = fpu->last_dp;
	/* Reserved MXCSR bits would fault in the host when it restores. */
	fx->mxcsr = fpu->mxcsr & guest_fpu_mxcsr_mask();
	/* The image is meant, also where XSAVE thinks it is still pristine. */
	if (boot_cpu_has(X86_FEATURE_XSAVE))
		vcpu->fpu.fpstate->regs.xsave.header.xfeatures |=
			XFEATURE_MASK_FPSSE;
	kfree(fpu);
	return 0;
}

static int ioctl_get_xsave(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_xsave *x = kzalloc(sizeof(*x), GFP_KERNEL_ACCOUNT);
	int r = 0;

	if (!x)
		return -ENOMEM;
	fpu_copy_guest_fpstate_to_uabi(&vcpu->fpu, x->region,
				       sizeof(x->region),
				       cpuid_supported_xcr0(), 0);
	if (copy_to_user(argp, x, sizeof(*x)))
		r = -EFAULT;
	kfree(x);
	return r;
}

static int ioctl_set_xsave(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_xsave *x = memdup_user(argp, sizeof(*x));
	u32 pkru = 0;
	int r;

	if (IS_ERR(x))
		return PTR_ERR(x);
	r = fpu_copy_uabi_to_guest_fpstate(&vcpu->fpu, x->region,
					   cpuid_supported_xcr0(), &pkru);
	kfree(x);
	return r;
}

static int ioctl_get_xcrs(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_xcrs x = {
		.nr_xcrs = 1,
		.xcrs[0] = { .xcr = 0, .value = vcpu->s.xcr0 },
	};

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return -EINVAL;
	return copy_to_user(argp, &x, sizeof(x)) ? -EFAULT : 0;
}

static int ioctl_set_xcrs(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_xcrs x;
	unsigned int i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return -EINVAL;
	if (copy_from_user(&x, argp, sizeof(x)))
		return -EFAULT;
	if (x.nr_xcrs > KVM_MAX_XCRS || x.flags)
		return -EINVAL;
	for (i = 0; i < x.nr_xcrs; i++)
		if (x.xcrs[i].xcr == XCR_XFEATURE_ENABLED_MASK)
			return vcpu_set_xcr(vcpu, 0, x.xcrs[i].value) ?
				-EINVAL : 0;
	return 0;
}

/* ------------------------------------------------------------------------
 * Debug registers, MP state, NMI
 */

static int ioctl_get_debugregs(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_debugregs d = {};

	vcpu_need(vcpu, VG_DR);
	memcpy(d.db, vcpu->s.db, sizeof(d.db));
	d.dr6 = vcpu->s.dr6;
	d.dr7 = vcpu->s.dr7;
	return copy_to_user(argp, &d, sizeof(d)) ? -EFAULT : 0;
}

static int ioctl_set_debugregs(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_debugregs d;
	int i;

	if (copy_from_user(&d, argp, sizeof(d)))
		return -EFAULT;
	if (d.flags || d.dr6 >> 32 || d.dr7 >> 32)
		return -EINVAL;
	for (i = 0; i < 4; i++)
		vcpu_set_dr(vcpu, i, d.db[i]);
	vcpu_set_dr(vcpu, 6, d.dr6);
	vcpu_set_dr(vcpu, 7, d.dr7);
	return 0;
}

static int ioctl_get_mp_state(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_mp_state mp;

	if (vcpu->apic && lapic_has_events(vcpu))
		lapic_accept_events(vcpu);
	mp.mp_state = vcpu->mp_state;
	return copy_to_user(argp, &mp, sizeof(mp)) ? -EFAULT : 0;
}

static int ioctl_set_mp_state(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_mp_state mp;

	if (copy_from_user(&mp, argp, sizeof(mp)))
		return -EFAULT;
	switch (mp.mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		break;
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_HALTED:
	case KVM_MP_STATE_SIPI_RECEIVED:
		if (vcpu->apic)
			break;
		fallthrough;
	default:
		return -EINVAL;
	}
	if (mp.mp_state == KVM_MP_STATE_SIPI_RECEIVED) {
		mp.mp_state = KVM_MP_STATE_INIT_RECEIVED;
		lapic_set_sipi_pending(vcpu);
	}
	vcpu->mp_state = mp.mp_state;
	vcpu_request(vcpu, KVM_REQ_EVENT);
	return 0;
}

static int ioctl_nmi(struct kvm_vcpu *vcpu)
{
	atomic_inc(&vcpu->ev.nmi_queued);
	vcpu_request(vcpu, KVM_REQ_EVENT);
	return 0;
}

/*
 * A debugger outside: its breakpoints take the place of the guest's, whose own
 * debug registers stay as they are in vcpu->s.
 */
static int ioctl_guest_debug(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_guest_debug dbg;
	u8 vector = 0;

	if (copy_from_user(&dbg, argp, sizeof(dbg)))
		return -EFAULT;
	if (dbg.control & ~(u32)GUESTDBG_VALID)
		return -EINVAL;
	if ((dbg.control & KVM_GUESTDBG_USE_HW_BP) && dbg.arch.debugreg[7] >> 32)
		return -EINVAL;
	if (dbg.control & KVM_GUESTDBG_INJECT_DB)
		vector = DB_VECTOR;
	else if (dbg.control & KVM_GUESTDBG_INJECT_BP)
		vector = BP_VECTOR;
	if (vector) {
		if (vcpu->ev.exception.pending)
			return -EBUSY;
		vcpu_inject(vcpu, vector);
	}
	/* How these are read and written depends on it. */
	vcpu_need(vcpu, VG_RIP | VG_DR);
	vcpu_touch(vcpu, VG_RIP | VG_DR);
	vcpu->guest_debug = dbg.control & KVM_GUESTDBG_ENABLE ?
			    dbg.control : 0;
	memset(vcpu->debug_db, 0, sizeof(vcpu->debug_db));
	vcpu->debug_dr7 = 0;
	if (vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP) {
		memcpy(vcpu->debug_db, dbg.arch.debugreg,
		       sizeof(vcpu->debug_db));
		vcpu->debug_dr7 = dbg.arch.debugreg[7];
	}
	kvm_ops->update_intercepts(vcpu);
	return 0;
}

static int ioctl_translate(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct x86_fault_info fault;
	struct kvm_translation tr;
	gpa_t gpa;

	if (copy_from_user(&tr, argp, sizeof(tr)))
		return -EFAULT;
	gpa = mmu_translate(vcpu, tr.linear_address, 0, &fault);
	tr.physical_address = gpa;
	tr.valid = gpa != INVALID_GPA;
	tr.writeable = 1;
	tr.usermode = 0;
	return copy_to_user(argp, &tr, sizeof(tr)) ? -EFAULT : 0;
}

long vcpu_state_ioctl(struct kvm_vcpu *vcpu, unsigned int ioctl,
		      void __user *argp)
{
	switch (ioctl) {
	case KVM_GET_REGS:
		return ioctl_regs(vcpu, argp, false);
	case KVM_SET_REGS:
		return ioctl_regs(vcpu, argp, true);
	case KVM_GET_SREGS:
		return ioctl_sregs(vcpu, argp, false);
	case KVM_SET_SREGS:
		return ioctl_sregs(vcpu, argp, true);
	case KVM_GET_FPU:
		return ioctl_get_fpu(vcpu, argp);
	case KVM_SET_FPU:
		return ioctl_set_fpu(vcpu, argp);
	case KVM_GET_XSAVE:
		return ioctl_get_xsave(vcpu, argp);
	case KVM_SET_XSAVE:
		return ioctl_set_xsave(vcpu, argp);
	case KVM_GET_XCRS:
		return ioctl_get_xcrs(vcpu, argp);
	case KVM_SET_XCRS:
		return ioctl_set_xcrs(vcpu, argp);
	case KVM_GET_DEBUGREGS:
		return ioctl_get_debugregs(vcpu, argp);
	case KVM_SET_DEBUGREGS:
		return ioctl_set_debugregs(vcpu, argp);
	case KVM_GET_MP_STATE:
		return ioctl_get_mp_state(vcpu, argp);
	case KVM_SET_MP_STATE:
		return ioctl_set_mp_state(vcpu, argp);
	case KVM_GET_VCPU_EVENTS:
		return ioctl_get_events(vcpu, argp);
	case KVM_SET_VCPU_EVENTS:
		return ioctl_set_events(vcpu, argp);
	case KVM_NMI:
		return ioctl_nmi(vcpu);
	case KVM_SET_GUEST_DEBUG:
		return ioctl_guest_debug(vcpu, argp);
	case KVM_TRANSLATE:
		return ioctl_translate(vcpu, argp);
	}
	return -EINVAL;
}
