// SPDX-License-Identifier: GPL-2.0
/*
 * exits.c - what to do about an exit, where both vendors do the same.
 *
 * Contract of every handler: 1 = resume the guest, 0 = go to user space with
 * kvm_run filled in, negative errno = KVM_RUN fails.  The guest's mistakes
 * become the fault that the processor would raise; what the processor would
 * shut down for ends in KVM_EXIT_SHUTDOWN; where we cannot go on, in
 * KVM_EXIT_INTERNAL_ERROR.  Nothing a guest does reaches WARN or BUG.
 *
 * Read next: svm.c and vmx.c for the tables that lead here, emulate.c for
 * the instructions that need more than this.
 */
#include <linux/kvm_para.h>
#include <asm/mce.h>
#include "irqchip.h"
#include "kvm.h"
#include "trace.h"

/* 1 = RIP is behind the instruction; 0 = its fetch faults; or -errno. */
static int advance_rip(struct kvm_vcpu *vcpu)
{
	unsigned int len = vcpu->exit.insn_len;
	unsigned long rip;
	int r;

	/* Length from the hardware, or from the instruction itself. */
	if (unlikely(!len)) {
		r = vcpu_insn_length(vcpu);
		if (r <= 0)
			return r;
		len = r;
	}
	vcpu_need(vcpu, VG_RIP | VG_INT);
	rip = vcpu->s.rip + len;
	if (unlikely(!vcpu_64bit(vcpu)))
		rip = (u32)rip;
	vcpu->s.rip = rip;
	vcpu->s.rflags &= ~X86_EFLAGS_RF;
	vcpu_touch(vcpu, VG_RIP);
	if (vcpu->s.int_shadow) {
		vcpu->s.int_shadow = 0;
		vcpu_touch(vcpu, VG_INT);
	}
	return 1;
}

int vcpu_skip_insn(struct kvm_vcpu *vcpu)
{
	int r = advance_rip(vcpu);

	if (unlikely(r <= 0))
		return r ? r : 1;	/* the fault is injected */
	if (unlikely((vcpu->s.rflags & X86_EFLAGS_TF) ||
		     (vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP)))
		return vcpu_single_stepped(vcpu);
	return 1;
}

/* The instruction we did for the guest was the one it is stepping over. */
int vcpu_single_stepped(struct kvm_vcpu *vcpu)
{
	if (vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		return handle_debug_exit(vcpu, DB_VECTOR, DR6_BS);
	vcpu_inject_db(vcpu, DR6_BS);
	return 1;
}

/* KVM_EXIT_DEBUG for a debugger outside. */
int handle_debug_exit(struct kvm_vcpu *vcpu, u8 vector, unsigned long dr6)
{
	struct kvm_debug_exit_arch *arch = &vcpu->run->debug.arch;

	memset(arch, 0, sizeof(*arch));
	arch->exception = vector;
	arch->dr6 = dr6 | 0xffff0ff0;
	arch->dr7 = vcpu->debug_dr7;
	vcpu_need(vcpu, VG_RIP | VG_CS);
	arch->pc = vcpu->s.rip + vcpu->s.seg[VCPU_CS].base;
	vcpu->run->exit_reason = KVM_EXIT_DEBUG;
	return 0;
}

int handle_cpuid(struct kvm_vcpu *vcpu)
{
	unsigned long *regs = vcpu->s.regs;
	u32 eax = regs[VCPU_RAX], ebx, ecx = regs[VCPU_RCX], edx;

	vcpu->stats.cpuid_exits++;
	cpuid_query(vcpu, &eax, &ebx, &ecx, &edx);
	trace_kvm_cpuid(vcpu, regs[VCPU_RAX], regs[VCPU_RCX], eax, ebx, ecx,
			edx);
	regs[VCPU_RAX] = eax;
	regs[VCPU_RBX] = ebx;
	regs[VCPU_RCX] = ecx;
	regs[VCPU_RDX] = edx;
	return vcpu_skip_insn(vcpu);
}

int handle_rdmsr(struct kvm_vcpu *vcpu)
{
	u64 val;
	int bad;

	vcpu->stats.msr_exits++;
	bad = msr_get(vcpu, vcpu->s.regs[VCPU_RCX], &val, false);
	trace_kvm_msr(false, vcpu->s.regs[VCPU_RCX], bad ? 0 : val, bad);
	if (bad) {
		vcpu_inject_error(vcpu, GP_VECTOR, 0);
		return 1;
	}
	vcpu->s.regs[VCPU_RAX] = (u32)val;
	vcpu->s.regs[VCPU_RDX] = val >> 32;
	return vcpu_skip_insn(vcpu);
}

int handle_wrmsr(struct kvm_vcpu *vcpu)
{
	int bad;

	vcpu->stats.msr_exits++;
	bad = msr_set(vcpu, vcpu->s.regs[VCPU_RCX], vcpu_edx_eax(vcpu), false);
	trace_kvm_msr(true, vcpu->s.regs[VCPU_RCX], vcpu_edx_eax(vcpu), bad);
	if (bad) {
		vcpu_inject_error(vcpu, GP_VECTOR, 0);
		return 1;
	}
	return vcpu_skip_insn(vcpu);
}

/*
 * An interrupt of the host's, which it has taken by now.  A guest that computes
 * leaves for hardly anything else, so this is where RCU learns that it is not used:
 * the tick came while preemption was off, and could not tell.
 */
int handle_host_irq(struct kvm_vcpu *vcpu)
{
	vcpu->stats.irq_exits++;
	local_irq_disable();
	rcu_note_context_switch(false);
	local_irq_enable();
	return 1;
}

int handle_hlt(struct kvm_vcpu *vcpu)
{
	int r = vcpu_skip_insn(vcpu);

	if (r < 0 || vcpu->ev.exception.pending)
		return r;
	return vcpu_halt(vcpu) ? r : 0;
}

/* HLT was executed: by the guest, or by the emulator. */
int vcpu_halt(struct kvm_vcpu *vcpu)
{
	if (!vcpu->apic) {
		vcpu->run->exit_reason = KVM_EXIT_HLT;
		return 0;
	}
	vcpu->mp_state = KVM_MP_STATE_HALTED;
	return 1;
}

/*
 * VMMCALL/VMCALL.  None of KVM's hypercalls is offered in CPUID, so all that
 * a guest learns is that there is none.
 */
u64 hypercall_result(struct kvm_vcpu *vcpu)
{
	long ret = vcpu_cpl(vcpu) ? -KVM_EPERM : -KVM_ENOSYS;

	vcpu->stats.hypercalls++;
	return vcpu_64bit(vcpu) ? ret : (u32)ret;
}

int handle_hypercall(struct kvm_vcpu *vcpu)
{
	trace_kvm_hypercall(vcpu->s.regs);
	vcpu->s.regs[VCPU_RAX] = hypercall_result(vcpu);
	return vcpu_skip_insn(vcpu);
}

int handle_xsetbv(struct kvm_vcpu *vcpu)
{
	if (!(vcpu->s.cr4 & X86_CR4_OSXSAVE))
		return handle_ud(vcpu);
	if (vcpu_cpl(vcpu) ||
	    vcpu_set_xcr(vcpu, vcpu->s.regs[VCPU_RCX], vcpu_edx_eax(vcpu))) {
		vcpu_inject_error(vcpu, GP_VECTOR, 0);
		return 1;
	}
	return vcpu_skip_insn(vcpu);
}

/* There is no virtual PMU: no counter index is valid. */
int handle_rdpmc(struct kvm_vcpu *vcpu)
{
	vcpu_inject_error(vcpu, GP_VECTOR, 0);
	return 1;
}

int handle_nop(struct kvm_vcpu *vcpu)
{
	return vcpu_skip_insn(vcpu);
}

int handle_ud(struct kvm_vcpu *vcpu)
{
	vcpu_inject(vcpu, UD_VECTOR);
	return 1;
}

/* #UD intercepted: the other vendor's hypercall instruction, or a real one. */
int handle_ud_exit(struct kvm_vcpu *vcpu)
{
	if (vcpu_insn_is_hypercall(vcpu))
		return handle_hypercall(vcpu);
	return handle_ud(vcpu);
}

/*
 * A machine check hit the host while the guest ran: it is the host's.  Called
 * by the vendor on the CPU that met it, interrupts off.
 */
void handle_host_mce(void)
{
#ifdef CONFIG_X86_MCE
	struct pt_regs regs = {
		.cs = 3,	/* as if in user mode: it may be recoverable */
		.flags = X86_EFLAGS_IF,
	};

	do_machine_check(&regs);
#endif
}

/*
 * @event: what came through a task gate, and is delivered by the switch, not
 * once more.  What an instruction began returns behind it.
 */
int handle_task_switch(struct kvm_vcpu *vcpu, u16 selector, int reason,
		       const struct vcpu_event *event)
{
	int len = 0;

	if (!event || event->type == VCPU_EVENT_SOFT) {
		len = vcpu->exit.insn_len ?: vcpu_insn_length(vcpu);
		if (len <= 0)
			return len ? len : 1;
	}
	return vcpu_emulate_task_switch(vcpu, selector, reason, event, len);
}

int handle_invlpg(struct kvm_vcpu *vcpu, gva_t gva)
{
	vcpu->stats.invlpg++;
	mmu_invlpg(vcpu, gva);
	return vcpu_skip_insn(vcpu);
}

/* MOV to CR0, CR3, CR4 or CR8. */
int handle_cr_write(struct kvm_vcpu *vcpu, int cr, unsigned long val)
{
	u64 old;
	int bad;

	vcpu->stats.cr_exits++;
	if (!vcpu_64bit(vcpu))
		val = (u32)val;
	switch (cr) {
	case 0:
		bad = vcpu_set_cr0(vcpu, val);
		break;
	case 3:
		bad = vcpu_set_cr3(vcpu, val);
		break;
	case 4:
		bad = vcpu_set_cr4(vcpu, val);
		break;
	default:
		old = vcpu_get_cr8(vcpu);
		bad = vcpu_set_cr8(vcpu, val);
		/* The owner of the APIC has to know what is let in now. */
		if (!bad && !vcpu->apic && val < old) {
			bad = vcpu_skip_insn(vcpu);
			if (bad < 0)
				return bad;
			if (unlikely(!bad))
				vcpu_request(vcpu, KVM_REQ_STEPPED);
			vcpu->run->exit_reason = KVM_EXIT_SET_TPR;
			return 0;
		}
	}
	if (bad) {
		vcpu_inject_error(vcpu, GP_VECTOR, 0);
		return 1;
	}
	return vcpu_skip_insn(vcpu);
}

int handle_cr_read(struct kvm_vcpu *vcpu, int cr, int reg)
{
	u64 val;

	vcpu->stats.cr_exits++;
	switch (cr) {
	case 0:
		val = vcpu_cr0(vcpu);
		break;
	case 2:
		vcpu_need(vcpu, VG_CR2);
		val = vcpu->s.cr2;
		break;
	case 3:
		val = vcpu->s.cr3;
		break;
	case 4:
		val = vcpu->s.cr4;
		break;
	default:
		val = vcpu_get_cr8(vcpu);
	}
	if (!vcpu_64bit(vcpu))
		val = (u32)val;
	vcpu_write_gpr(vcpu, reg, val);
	return vcpu_skip_insn(vcpu);
}

/* MOV to or from a debug register; DR4 and DR5 are DR6 and DR7 or #UD. */
int handle_dr_access(struct kvm_vcpu *vcpu, int dr, int reg, bool read)
{
	unsigned long val;

	vcpu_need(vcpu, VG_DR);
	if (dr == 4 || dr == 5) {
		if (vcpu->s.cr4 & X86_CR4_DE)
			return handle_ud(vcpu);
		dr += 2;
	}
	if (vcpu_cpl(vcpu)) {
		vcpu_inject_error(vcpu, GP_VECTOR, 0);
		return 1;
	}
	if (vcpu->s.dr7 & DR7_GD) {
		vcpu_inject_db(vcpu, DR6_BD);
		return 1;
	}
	if (read) {
		vcpu_get_dr(vcpu, dr, &val);
		vcpu_write_gpr(vcpu, reg, val);
	} else {
		val = vcpu_read_gpr(vcpu, reg);
		if (!vcpu_64bit(vcpu))
			val = (u32)val;
		if (vcpu_set_dr(vcpu, dr, val)) {
			vcpu_inject_error(vcpu, GP_VECTOR, 0);
			return 1;
		}
	}
	return vcpu_skip_insn(vcpu);
}

int handle_triple_fault(struct kvm_vcpu *vcpu)
{
	debug_dump(vcpu, "triple fault");
	vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return 0;
}

/* We do not know how to go on; say so with the instruction, if we have it. */
int handle_internal_error(struct kvm_vcpu *vcpu, u32 suberror)
{
	struct kvm_run *run = vcpu->run;

	debug_dump(vcpu, "internal error");
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = suberror;
	run->internal.ndata = 0;
	return 0;
}

/* The hardware reported a reason that we never asked for. */
int handle_unknown_exit(struct kvm_vcpu *vcpu)
{
	u32 reason = vcpu->exit.reason;

	handle_internal_error(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON);
	vcpu->run->internal.ndata = 2;
	vcpu->run->internal.data[0] = reason;
	vcpu->run->internal.data[1] = vcpu->last_cpu;
	return 0;
}
