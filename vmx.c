// SPDX-License-Identifier: GPL-2.0
/*
 * vmx.c - VT-x: the VMCS, what makes the guest exit, one entry, what an exit
 * means.
 *
 * Owns: struct vcpu_vmx and VPIDs.  Without EPT (which this project does not
 * use) a guest in real mode runs as a vm86 task while its segments look like
 * real mode's, and is emulated otherwise: see vmx_entry_mode().  Nothing here
 * is called but through vmx_ops.  SDM vol. 3, ch. 23 to 31.
 *
 * Read next: vmx_enter() and the table vmx_exits[]; vmenter.S; exits.c.
 */
#include <linux/context_tracking.h>
#include <linux/cpu.h>
#include <linux/idr.h>
#include <linux/kvm.h>
#include <linux/slab.h>
#include <linux/trace_events.h>
#include <asm/cpu.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/mce.h>
#include <asm/nospec-branch.h>
#include <asm/perf_event.h>
#include <asm/tlbflush.h>
#include "compat.h"
#include "io.h"
#include "irqchip.h"
#include "kvm.h"
#include "vmx_private.h"
#include "x86_emulate.h"

/* VPID 0 is the host's. */
static DEFINE_IDA(vpids);

/* Returns 0, or 1 if the entry failed before it began. */
int vmx_vmenter(struct vcpu_state *s, bool launched);
extern const char vmx_vmexit[];

/* ------------------------------------------------------------------------
 * Controls that change
 */

static void set_cpu_exec(struct vcpu_vmx *vmx, u32 bits, bool on)
{
	u32 new = on ? vmx->cpu_exec | bits : vmx->cpu_exec & ~bits;

	if (new == vmx->cpu_exec)
		return;
	vmx->cpu_exec = new;
	vmwrite(CPU_BASED_VM_EXEC_CONTROL, new);
}

/* A vm86 task's exceptions are not real mode's: all of them come to us. */
static void update_exceptions(struct vcpu_vmx *vmx)
{
	u32 bits = BIT(PF_VECTOR) | BIT(MC_VECTOR) | BIT(UD_VECTOR) |
		   BIT(AC_VECTOR) | BIT(DB_VECTOR);

	if (vmx->vcpu.guest_debug & KVM_GUESTDBG_USE_SW_BP)
		bits |= BIT(BP_VECTOR);
	if (vmx->vm86)
		bits = ~0u;
	if (bits == vmx->exceptions)
		return;
	vmx->exceptions = bits;
	vmwrite(EXCEPTION_BITMAP, bits);
}

static void write_secondary(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	u32 ctl = vmx_caps.secondary;

	if (!(vmx_caps.cpu_exec & CPU_BASED_ACTIVATE_SECONDARY_CONTROLS))
		return;
	if (!vmx->vpid)
		ctl &= ~SECONDARY_EXEC_ENABLE_VPID;
	if (vcpu->cpuid_nent && !guest_has(vcpu, X86_FEATURE_RDTSCP))
		ctl &= ~SECONDARY_EXEC_ENABLE_RDTSCP;
	vmwrite(SECONDARY_VM_EXEC_CONTROL, ctl);
}

/* A debugger's breakpoints take the place of the guest's. */
static unsigned long dr7_in_force(const struct kvm_vcpu *vcpu)
{
	return vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP ?
	       vcpu->debug_dr7 : vcpu->s.dr7;
}

static void vmx_update_intercepts(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	update_exceptions(vmx);
	write_secondary(vmx);
	/* A debugger's breakpoints are not lent out: see exit_dr(). */
	if (vmx->dr_live && (vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP)) {
		vmx->dr_live = false;
		set_cpu_exec(vmx, CPU_BASED_MOV_DR_EXITING, true);
	}
	vcpu_touch(vcpu, VG_DR);
}

/* ------------------------------------------------------------------------
 * Life cycle
 */

/* 0, none, will do. */
static u16 alloc_vpid(void)
{
	int vpid = 0;

	if (vmx_caps.secondary & SECONDARY_EXEC_ENABLE_VPID)
		vpid = ida_alloc_range(&vpids, 1, 0xffff, GFP_KERNEL);
	return max(vpid, 0);
}

static int vmx_vcpu_create(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	vmx->vmcs_cpu = -1;
	vmx->vmcs = vmx_alloc_vmcs(NUMA_NO_NODE);
	vmx->virtual_apic = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vmx->vmcs || !vmx->virtual_apic) {
		if (vmx->vmcs)
			vmx_free_vmcs(vmx->vmcs);
		free_page((unsigned long)vmx->virtual_apic);
		return -ENOMEM;
	}
	vmx->vmcs_pa = __pa(vmx->vmcs);
	vmx->vpid = alloc_vpid();
	return 0;
}

static void vmx_vcpu_free(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	int cpu;

	vmx_clear_vmcs(vmx);
	for_each_possible_cpu(cpu)
		cmpxchg(&per_cpu_ptr(&vmx_cpus, cpu)->last, vmx, NULL);
	if (vmx->vpid)
		ida_free(&vpids, vmx->vpid);
	free_page((unsigned long)vmx->virtual_apic);
	vmx_free_vmcs(vmx->vmcs);
}

/* Host state that is the same on every CPU and in every process. */
static void write_host_constants(void)
{
	struct desc_ptr idt;
	u64 cs;

	vmwrite(HOST_CR0, read_cr0() & ~X86_CR0_TS);
	vmwrite(HOST_CS_SELECTOR, __KERNEL_CS);
	vmwrite(HOST_SS_SELECTOR, __KERNEL_DS);
	vmwrite(HOST_DS_SELECTOR, 0);
	vmwrite(HOST_ES_SELECTOR, 0);
	vmwrite(HOST_FS_SELECTOR, 0);
	vmwrite(HOST_GS_SELECTOR, 0);
	vmwrite(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	store_idt(&idt);
	vmwrite(HOST_IDTR_BASE, idt.address);
	rdmsrl(MSR_IA32_SYSENTER_CS, cs);
	vmwrite(HOST_IA32_SYSENTER_CS, cs);
	vmwrite(HOST_RIP, (unsigned long)vmx_vmexit);
	if (vmx_caps.exit & VM_EXIT_LOAD_IA32_EFER)
		vmwrite(HOST_IA32_EFER, host_efer);
}

static void write_controls(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;

	vmx->cpu_exec = vmx_caps.cpu_exec;
	/* The TPR is shared only while the APIC is ours. */
	if (!vcpu->apic && (vmx_caps.cpu_exec & CPU_BASED_TPR_SHADOW)) {
		vmx->cpu_exec &= ~CPU_BASED_TPR_SHADOW;
		vmx->cpu_exec |= CPU_BASED_CR8_LOAD_EXITING |
				 CPU_BASED_CR8_STORE_EXITING;
	}
	vmwrite(PIN_BASED_VM_EXEC_CONTROL, vmx_caps.pin);
	vmwrite(CPU_BASED_VM_EXEC_CONTROL, vmx->cpu_exec);
	if (vmx->vpid)
		vmwrite(VIRTUAL_PROCESSOR_ID, vmx->vpid);
	write_secondary(vmx);
	vmwrite(VM_EXIT_CONTROLS, vmx_caps.exit);
	vmx->entry_ctl = vmx_caps.entry;
	vmwrite(VM_ENTRY_CONTROLS, vmx->entry_ctl);
	if (vmx->cpu_exec & CPU_BASED_TPR_SHADOW) {
		vmwrite(VIRTUAL_APIC_PAGE_ADDR, __pa(vmx->virtual_apic));
		vmwrite(TPR_THRESHOLD, vmx->tpr_threshold = 0);
	}
	if (vmx_caps.secondary & SECONDARY_EXEC_ENCLS_EXITING)
		vmwrite(ENCLS_EXITING_BITMAP, ~0ul);
	vmwrite(MSR_BITMAP, __pa(vmx_msr_bitmap));
	vmwrite(TSC_OFFSET, clock_hw_offset(vcpu));
	vmwrite(VMCS_LINK_POINTER, ~0ul);
	vmwrite(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmwrite(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmwrite(CR3_TARGET_COUNT, 0);
	vmwrite(VM_EXIT_MSR_STORE_COUNT, 0);
	vmwrite(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmwrite(VM_ENTRY_MSR_LOAD_COUNT, 0);
	/* TS alone is the guest's, so that it may swap its FPU lazily. */
	vmwrite(CR0_GUEST_HOST_MASK, ~X86_CR0_TS);
	vmwrite(CR4_GUEST_HOST_MASK, ~0ul);
	vmwrite(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmwrite(GUEST_IA32_DEBUGCTL, 0);
	vmwrite(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmwrite(GUEST_PENDING_DBG_EXCEPTIONS, 0);
}

/*
 * Without the EFER controls: one MSR in each list.  Of a guest's EFER the
 * lists carry SCE and NXE; LMA follows the entry control.
 */
struct efer_lists {
	struct vmx_msr_entry guest, host;
};

static void vmx_vcpu_reset(struct kvm_vcpu *vcpu, bool init)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	vmx->exceptions = 0;
	vmx->host_cr3 = vmx->host_cr4 = vmx->guest_cr3 = ~0ull;
	vmx->vm86 = vmx->dr_live = false;
	write_controls(vmx);
	write_host_constants();
	if (!(vmx_caps.entry & VM_ENTRY_LOAD_IA32_EFER)) {
		struct efer_lists *l = vmx->virtual_apic + 2048;

		l->host.index = l->guest.index = MSR_EFER;
		l->host.value = host_efer;
		vmwrite(VM_ENTRY_MSR_LOAD_ADDR, __pa(&l->guest));
		vmwrite(VM_EXIT_MSR_LOAD_ADDR, __pa(&l->host));
		vmwrite(VM_ENTRY_MSR_LOAD_COUNT, 1);
		vmwrite(VM_EXIT_MSR_LOAD_COUNT, 1);
	}
	if (vmx->vpid)
		invvpid(VMX_VPID_EXTENT_SINGLE_CONTEXT, vmx->vpid, 0);
}

/* ------------------------------------------------------------------------
 * On a CPU and off it: host state that VMX does not keep, or keeps per CPU
 */

/* The TSS descriptor's base (SDM vol. 3, "TSS Descriptor in 64-bit mode"). */
static unsigned long tss_base(const struct desc_ptr *gdt)
{
	const struct ldttss_desc *d = (void *)(gdt->address +
					       GDT_ENTRY_TSS * 8);

	return d->base0 | d->base1 << 16 | (u64)d->base2 << 24 |
	       (u64)d->base3 << 32;
}

static void write_host_cpu_state(void)
{
	struct desc_ptr gdt;
	u64 val;

	native_store_gdt(&gdt);
	vmwrite(HOST_GDTR_BASE, gdt.address);
	vmwrite(HOST_TR_BASE, tss_base(&gdt));
	rdmsrl(MSR_GS_BASE, val);
	vmwrite(HOST_GS_BASE, val);
	rdmsrl(MSR_IA32_SYSENTER_ESP, val);
	vmwrite(HOST_IA32_SYSENTER_ESP, val);
	rdmsrl(MSR_IA32_SYSENTER_EIP, val);
	vmwrite(HOST_IA32_SYSENTER_EIP, val);
}

static void move_vmcs(struct vcpu_vmx *vmx, int cpu)
{
	struct vmx_cpu *c = per_cpu_ptr(&vmx_cpus, cpu);
	unsigned long flags;

	vmx_clear_vmcs(vmx);
	vmclear(vmx->vmcs_pa);
	local_irq_save(flags);
	/* Of a CPU that is switched off nobody would take it back. */
	if (__this_cpu_read(virt_enabled)) {
		list_add(&vmx->link, &c->active);
		vmx->vmcs_cpu = cpu;
	}
	local_irq_restore(flags);
}

static void vmx_vcpu_load(struct kvm_vcpu *vcpu, int cpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	struct vmx_cpu *c = per_cpu_ptr(&vmx_cpus, cpu);
	bool moved = vmx->vmcs_cpu != cpu;
	u64 fs_base;

	if (moved)
		move_vmcs(vmx, cpu);
	vmptrld(vmx->vmcs_pa);
	if (moved) {
		write_host_cpu_state();
		if (vmx->vpid)
			invvpid(VMX_VPID_EXTENT_SINGLE_CONTEXT, vmx->vpid, 0);
	}
	if (c->last != vmx) {
		c->last = vmx;
		indirect_branch_prediction_barrier();
	}
	savesegment(ds, vmx->host_ds);
	savesegment(es, vmx->host_es);
	savesegment(fs, vmx->host_fs);
	savesegment(gs, vmx->host_gs);
	store_ldt(vmx->host_ldt);
	rdmsrl(MSR_FS_BASE, fs_base);
	vmwrite(HOST_FS_BASE, fs_base);
	rdmsrl(MSR_KERNEL_GS_BASE, vmx->host_kernel_gs_base);
	vmx->hw_tsc_aux = c->tsc_aux;
	vmx->msrs_live = false;
}

/* An entry destroyed these; they cost too much to put back at each exit. */
static void restore_host_segments(struct vcpu_vmx *vmx)
{
	u64 base;

	/* First, as the selectors may be of this table. */
	if (unlikely(vmx->host_ldt))
		asm volatile("lldt %0" : : "m" (vmx->host_ldt));
	if (unlikely(vmx->host_ds | vmx->host_es)) {
		loadsegment(ds, vmx->host_ds);
		loadsegment(es, vmx->host_es);
	}
	/* Loading FS zeroes its base, loading GS swaps: put both right. */
	if (unlikely(vmx->host_fs)) {
		rdmsrl(MSR_FS_BASE, base);
		loadsegment(fs, vmx->host_fs);
		wrmsrl(MSR_FS_BASE, base);
	}
	/* An NMI amid the two swaps must not find a base that the guest chose. */
	if (unlikely(vmx->host_gs)) {
		wrmsrl(MSR_KERNEL_GS_BASE, vmx->host_kernel_gs_base);
		load_gs_index(vmx->host_gs);
	}
	/* The exit made the limits of GDT and TSS others than Linux's. */
	load_fixmap_gdt(smp_processor_id());
	invalidate_tss_limit();
}

static void vmx_vcpu_put(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpus);

	if (vmx->msrs_live) {
		if (!(vcpu->s.dirty & VG_MSR))
			rdmsrl(MSR_KERNEL_GS_BASE, vcpu->s.kernel_gs_base);
		wrmsrl(MSR_STAR, host_star);
		wrmsrl(MSR_LSTAR, host_lstar);
		wrmsrl(MSR_SYSCALL_MASK, host_fmask);
		restore_host_segments(vmx);
		wrmsrl(MSR_KERNEL_GS_BASE, vmx->host_kernel_gs_base);
		vmx->msrs_live = false;
	}
	if (vmx->hw_tsc_aux != c->tsc_aux)
		wrmsrl(MSR_TSC_AUX, c->tsc_aux);
}

/* Before the first entry of a stay on a CPU. */
static void load_guest_msrs(struct vcpu_vmx *vmx)
{
	const struct vcpu_state *s = &vmx->vcpu.s;

	/* SYSCALL clears the RPL in CS only; SS with another is not let in again. */
	wrmsrl(MSR_STAR, s->star & ~(3ull << 32));
	wrmsrl(MSR_LSTAR, s->lstar);
	wrmsrl(MSR_SYSCALL_MASK, s->fmask);
	wrmsrl(MSR_KERNEL_GS_BASE, s->kernel_gs_base);
	vmx->msrs_live = true;
}

/* ------------------------------------------------------------------------
 * State: from the VMCS ...
 */

#define SEG_SELECTOR(n)	(GUEST_ES_SELECTOR + 2 * (n))
#define SEG_BASE(n)	(GUEST_ES_BASE + 2 * (n))
#define SEG_LIMIT(n)	(GUEST_ES_LIMIT + 2 * (n))
#define SEG_AR(n)	(GUEST_ES_AR_BYTES + 2 * (n))

static_assert(SEG_BASE(VCPU_TR) == GUEST_TR_BASE);
static_assert(SEG_AR(VCPU_LDTR) == GUEST_LDTR_AR_BYTES);
static_assert(SEG_SELECTOR(VCPU_GS) == GUEST_GS_SELECTOR);

/*
 * As a vm86 task the guest changes selectors and bases; rights, and all of TR
 * and LDTR, are not its own in the VMCS.
 */
static void fetch_seg(struct vcpu_vmx *vmx, int n)
{
	struct vcpu_segment *s = &vmx->vcpu.s.seg[n];

	if (vmx->vm86 && n >= VCPU_LDTR)
		return;
	s->selector = vmread(SEG_SELECTOR(n));
	s->base = vmread(SEG_BASE(n));
	if (vmx->vm86)
		return;
	s->limit = vmread(SEG_LIMIT(n));
	s->ar = vmread(SEG_AR(n));
}

static void fetch_rip(struct vcpu_vmx *vmx)
{
	struct vcpu_state *s = &vmx->vcpu.s;

	s->rip = vmread(GUEST_RIP);
	s->regs[VCPU_RSP] = vmread(GUEST_RSP);
	/* IOPL is 0 for a vm86 task; the guest's own is remembered. */
	if (vmx->vm86)
		s->rflags = (vmread(GUEST_RFLAGS) &
			     ~(X86_EFLAGS_VM | X86_EFLAGS_IOPL)) |
			    (s->rflags & X86_EFLAGS_IOPL);
	else
		s->rflags = vmread(GUEST_RFLAGS);
	vmx->stepping = s->rflags & X86_EFLAGS_TF;
	if (vmx->vcpu.guest_debug & KVM_GUESTDBG_SINGLESTEP)
		s->rflags &= ~X86_EFLAGS_TF;
}

static void fetch_msrs(struct vcpu_vmx *vmx)
{
	struct vcpu_state *s = &vmx->vcpu.s;

	/* Between the two vmx_vcpu_put() could bring the host's back. */
	preempt_disable();
	if (vmx->msrs_live)
		rdmsrl(MSR_KERNEL_GS_BASE, s->kernel_gs_base);
	preempt_enable();
	if (!vmx->vm86)
		s->sysenter_cs = vmread(GUEST_SYSENTER_CS);
	s->sysenter_esp = vmread(GUEST_SYSENTER_ESP);
	s->sysenter_eip = vmread(GUEST_SYSENTER_EIP);
}

static void fetch_int(struct vcpu_state *s)
{
	u32 info = vmread(GUEST_INTERRUPTIBILITY_INFO);

	s->int_shadow = (info & GUEST_INTR_STATE_STI ?
			 KVM_X86_SHADOW_INT_STI : 0) |
			(info & GUEST_INTR_STATE_MOV_SS ?
			 KVM_X86_SHADOW_INT_MOV_SS : 0);
	s->nmi_masked = info & GUEST_INTR_STATE_NMI;
}

static void vmx_fetch(struct kvm_vcpu *vcpu, u32 groups)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	struct vcpu_state *s = &vcpu->s;
	int i;

	if (groups & VG_RIP)
		fetch_rip(vmx);
	if (groups & VG_CS) {
		fetch_seg(vmx, VCPU_CS);
		fetch_seg(vmx, VCPU_SS);
	}
	if (groups & VG_SEG)
		for (i = 0; i < VCPU_NR_SEGS; i++)
			if (i != VCPU_CS && i != VCPU_SS)
				fetch_seg(vmx, i);
	if (groups & VG_DT) {
		s->gdt.base = vmread(GUEST_GDTR_BASE);
		s->gdt.limit = vmread(GUEST_GDTR_LIMIT);
		s->idt.base = vmread(GUEST_IDTR_BASE);
		s->idt.limit = vmread(GUEST_IDTR_LIMIT);
	}
	if (groups & VG_CR)
		s->cr0 = (s->cr0 & ~X86_CR0_TS) |
			 (vmread(GUEST_CR0) & X86_CR0_TS);
	if (groups & VG_MSR)
		fetch_msrs(vmx);
	if (groups & VG_INT)
		fetch_int(s);
	s->valid |= groups;
}

/* ------------------------------------------------------------------------
 * ... and to it
 */

/* What entry insists on and a caller may leave out: accessed, granularity. */
static u32 fixed_ar(const struct vcpu_segment *s, int n)
{
	u32 ar = s->ar;

	/* Of SS the privilege counts all the same. */
	if (ar & SEG_UNUSABLE)
		return SEG_UNUSABLE | (n == VCPU_SS ? ar & SEG_DPL_MASK : 0);
	if (n < VCPU_LDTR)
		ar |= 1;
	if (n == VCPU_TR)
		ar |= 2;		/* busy */
	if (s->limit >> 20)
		ar |= SEG_G;
	else if ((s->limit & 0xfff) != 0xfff)
		ar &= ~SEG_G;
	return ar;
}

static void commit_seg(struct vcpu_vmx *vmx, int n)
{
	const struct vcpu_segment *s = &vmx->vcpu.s.seg[n];

	if (vmx->vm86) {
		if (n >= VCPU_LDTR)
			return;
		vmwrite(SEG_SELECTOR(n), s->base >> 4);
		vmwrite(SEG_BASE(n), s->base);
		vmwrite(SEG_LIMIT(n), 0xffff);
		vmwrite(SEG_AR(n), 0xf3);
		return;
	}
	vmwrite(SEG_SELECTOR(n), s->selector);
	vmwrite(SEG_BASE(n), s->base);
	vmwrite(SEG_LIMIT(n), s->limit);
	vmwrite(SEG_AR(n), fixed_ar(s, n));
}

static void commit_vm86_tss(void)
{
	vmwrite(GUEST_TR_SELECTOR, 0);
	vmwrite(GUEST_TR_BASE, VM86_TSS_ADDR);
	vmwrite(GUEST_TR_LIMIT, VM86_TSS_LIMIT);
	vmwrite(GUEST_TR_AR_BYTES, 0x8b);
	vmwrite(GUEST_LDTR_SELECTOR, 0);
	vmwrite(GUEST_LDTR_BASE, 0);
	vmwrite(GUEST_LDTR_LIMIT, 0xffff);
	vmwrite(GUEST_LDTR_AR_BYTES, SEG_UNUSABLE);
}

static void commit_efer(struct vcpu_vmx *vmx)
{
	/* The MMU's word counts: it made the page tables. */
	bool long_mode = vmx->vcpu.mmu.guest_levels == 4;
	u32 ctl = vmx->entry_ctl & ~VM_ENTRY_IA32E_MODE;
	u64 efer;

	if (long_mode)
		ctl |= VM_ENTRY_IA32E_MODE;
	if (ctl != vmx->entry_ctl) {
		vmx->entry_ctl = ctl;
		vmwrite(VM_ENTRY_CONTROLS, ctl);
	}
	/* Shadow ptes use NX; LME counts only when it is active. */
	efer = (vmx->vcpu.s.efer & EFER_SCE) | EFER_NX;
	if (long_mode)
		efer |= EFER_LME | EFER_LMA;
	if (vmx_caps.entry & VM_ENTRY_LOAD_IA32_EFER) {
		vmwrite(GUEST_IA32_EFER, efer);
	} else {
		struct efer_lists *l = vmx->virtual_apic + 2048;

		l->guest.value = efer;
	}
}

/* Always paged, in PAE or long mode; what the guest sees is the shadow. */
static void commit_cr(struct vcpu_vmx *vmx)
{
	const struct vcpu_state *s = &vmx->vcpu.s;
	u64 cr0 = s->cr0 | X86_CR0_PG | X86_CR0_PE | X86_CR0_NE | X86_CR0_WP;
	u64 cr4 = (s->cr4 & GUEST_CR4_BITS) | X86_CR4_PAE;

	cr0 &= ~(u64)(X86_CR0_CD | X86_CR0_NW);
	if (!(s->cr0 & X86_CR0_PG))
		cr4 &= ~(u64)(X86_CR4_SMEP | X86_CR4_SMAP);
	/* Real mode knows neither. */
	if (vmx->vm86) {
		cr4 &= ~(u64)X86_CR4_VME;
		cr0 &= ~(u64)X86_CR0_AM;
	}
	cr4 |= __read_cr4() & X86_CR4_MCE;
	vmwrite(GUEST_CR0, (cr0 | vmx_caps.cr0_fixed0) & vmx_caps.cr0_fixed1);
	vmwrite(GUEST_CR4, (cr4 | vmx_caps.cr4_fixed0) & vmx_caps.cr4_fixed1);
	vmwrite(CR0_READ_SHADOW, s->cr0);
	vmwrite(CR4_READ_SHADOW, s->cr4);
	commit_efer(vmx);
}

static void commit_msrs(struct vcpu_vmx *vmx)
{
	const struct vcpu_state *s = &vmx->vcpu.s;

	/* In real mode it is #GP; the task is in protected mode, where 0 makes it so. */
	vmwrite(GUEST_SYSENTER_CS, vmx->vm86 ? 0 : s->sysenter_cs);
	vmwrite(GUEST_SYSENTER_ESP, s->sysenter_esp);
	vmwrite(GUEST_SYSENTER_EIP, s->sysenter_eip);
	if (vmx->msrs_live)
		load_guest_msrs(vmx);
}

/*
 * Blocking by STI and by MOV SS exclude each other; blocking by NMI begins
 * with the delivery, so it must not be on for the NMI itself.
 */
static void commit_int(struct vcpu_vmx *vmx)
{
	const struct kvm_vcpu *vcpu = &vmx->vcpu;
	u32 info = 0;

	if (vcpu->s.int_shadow & KVM_X86_SHADOW_INT_MOV_SS)
		info |= GUEST_INTR_STATE_MOV_SS;
	else if (vcpu->s.int_shadow)
		info |= GUEST_INTR_STATE_STI;
	if (vcpu->s.nmi_masked && !vcpu->ev.nmi.injected)
		info |= GUEST_INTR_STATE_NMI;
	vmwrite(GUEST_INTERRUPTIBILITY_INFO, info);
}

/*
 * SDM, "Checks on Guest Non-Register State": BS is pending in a shadow if TF is
 * set, and only then.  So a step ends, and so an exit in a shadow leaves it.
 */
static void commit_pending_db(struct vcpu_vmx *vmx, bool tf)
{
	vcpu_need(&vmx->vcpu, VG_INT);
	vmwrite(GUEST_PENDING_DBG_EXCEPTIONS,
		tf && vmx->vcpu.s.int_shadow ? DR6_BS : 0);
	vmx->stepping = tf;
}

static void commit_rip(struct vcpu_vmx *vmx)
{
	const struct kvm_vcpu *vcpu = &vmx->vcpu;
	unsigned long rflags = vcpu->s.rflags;

	/* What shows IOPL or IF, or goes through the IVT, is #GP: emulated. */
	if (vmx->vm86)
		rflags = (rflags & ~X86_EFLAGS_IOPL) | X86_EFLAGS_VM;
	if (vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		rflags |= X86_EFLAGS_TF;
	vmwrite(GUEST_RIP, vcpu->s.rip);
	vmwrite(GUEST_RSP, vcpu->s.regs[VCPU_RSP]);
	vmwrite(GUEST_RFLAGS, rflags);
	if (unlikely(vmx->stepping || (rflags & X86_EFLAGS_TF)))
		commit_pending_db(vmx, rflags & X86_EFLAGS_TF);
}

static void commit(struct vcpu_vmx *vmx, u32 dirty)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	struct vcpu_state *s = &vcpu->s;
	int i;

	if (dirty & VG_RIP)
		commit_rip(vmx);
	if (dirty & VG_CR)
		commit_cr(vmx);
	if (dirty & VG_CS) {
		commit_seg(vmx, VCPU_CS);
		commit_seg(vmx, VCPU_SS);
	}
	if (dirty & VG_SEG) {
		for (i = 0; i < VCPU_NR_SEGS; i++)
			if (i != VCPU_CS && i != VCPU_SS)
				commit_seg(vmx, i);
		if (vmx->vm86)
			commit_vm86_tss();
	}
	if (dirty & VG_DT) {
		vmwrite(GUEST_GDTR_BASE, s->gdt.base);
		vmwrite(GUEST_GDTR_LIMIT, s->gdt.limit);
		vmwrite(GUEST_IDTR_BASE, s->idt.base);
		vmwrite(GUEST_IDTR_LIMIT, s->idt.limit);
	}
	if (dirty & VG_DR)
		vmwrite(GUEST_DR7, dr7_in_force(vcpu));
	if (dirty & VG_MSR)
		commit_msrs(vmx);
	if (dirty & VG_INT) {
		commit_int(vmx);
		if (unlikely(vmread(GUEST_RFLAGS) & X86_EFLAGS_TF))
			commit_pending_db(vmx, true);
	}
}

/* ------------------------------------------------------------------------
 * TLB
 */

static void vmx_flush_tlb(struct kvm_vcpu *vcpu)
{
	u16 vpid = to_vmx(vcpu)->vpid;

	/* Without a VPID each entry and exit flushes. */
	if (vpid)
		invvpid(VMX_VPID_EXTENT_SINGLE_CONTEXT, vpid, 0);
}

static void vmx_flush_gva(struct kvm_vcpu *vcpu, gva_t gva)
{
	u16 vpid = to_vmx(vcpu)->vpid;

	/* INVLPG does nothing then; INVVPID would fail. */
	if (!__is_canonical_address(gva, 48))
		return;
	if (vpid && vmx_caps.invvpid_gva)
		invvpid(VMX_VPID_EXTENT_INDIVIDUAL_ADDR, vpid, gva);
	else
		vmx_flush_tlb(vcpu);
}

/* ------------------------------------------------------------------------
 * What can be entered (SDM vol. 3, "Checks on Guest Segment Registers")
 */

/* Does the segment look as MOV Sreg in real mode would leave it? */
static bool seg_is_real(const struct vcpu_segment *s)
{
	return s->base == (u32)s->selector << 4 && s->limit == 0xffff;
}

static bool data_seg_valid(const struct vcpu_segment *s)
{
	u32 type = s->ar & SEG_TYPE_MASK;
	unsigned int dpl = (s->ar & SEG_DPL_MASK) >> SEG_DPL_SHIFT;

	if (s->ar & SEG_UNUSABLE)
		return true;
	if (!(s->ar & SEG_S) || !(s->ar & SEG_P))
		return false;
	if ((type & 8) && !(type & 2))
		return false;		/* code that cannot be read */
	/* Conforming code needs no DPL at RPL. */
	return type >= 12 || dpl >= (s->selector & 3);
}

static bool cs_ss_valid(const struct vcpu_state *s)
{
	const struct vcpu_segment *cs = &s->seg[VCPU_CS];
	const struct vcpu_segment *ss = &s->seg[VCPU_SS];
	unsigned int cs_dpl = (cs->ar & SEG_DPL_MASK) >> SEG_DPL_SHIFT;
	unsigned int ss_dpl = (ss->ar & SEG_DPL_MASK) >> SEG_DPL_SHIFT;

	if ((cs->ar & SEG_UNUSABLE) || !(cs->ar & SEG_S) ||
	    !(cs->ar & SEG_P) || !(cs->ar & 8))
		return false;
	if (cs->ar & 4 ? cs_dpl > ss_dpl : cs_dpl != ss_dpl)
		return false;
	if (!(ss->ar & SEG_UNUSABLE) &&
	    (!(ss->ar & SEG_S) || !(ss->ar & SEG_P) || (ss->ar & 10) != 2))
		return false;
	/* These count for an unusable SS, too. */
	return ss_dpl == (ss->selector & 3) &&
	       (cs->selector & 3) == (ss->selector & 3);
}

static bool protected_mode_valid(struct kvm_vcpu *vcpu)
{
	static const u8 data[] = { VCPU_ES, VCPU_DS, VCPU_FS, VCPU_GS };
	const struct vcpu_state *s = &vcpu->s;
	int i;

	if (!cs_ss_valid(s))
		return false;
	for (i = 0; i < ARRAY_SIZE(data); i++)
		if (!data_seg_valid(&s->seg[data[i]]))
			return false;
	if (s->seg[VCPU_TR].ar & SEG_UNUSABLE || s->seg[VCPU_TR].selector & 4)
		return false;
	return s->seg[VCPU_LDTR].ar & SEG_UNUSABLE ||
	       !(s->seg[VCPU_LDTR].selector & 4);
}

static bool real_mode_valid(const struct vcpu_state *s)
{
	int i;

	for (i = 0; i < VCPU_LDTR; i++)
		if (!seg_is_real(&s->seg[i]))
			return false;
	return true;
}

/* All is in the cache: the VMCS gets it in the other form. */
static void switch_vm86(struct vcpu_vmx *vmx, bool on)
{
	struct vcpu_mmu *mmu = &vmx->vcpu.mmu;

	vcpu_need(&vmx->vcpu, VG_MSR);
	vmx->vm86 = on;
	vcpu_touch(&vmx->vcpu, VG_RIP | VG_CS | VG_SEG | VG_CR | VG_MSR);
	update_exceptions(vmx);
	if (!on && !mmu->guest_levels && mmu->root_sp[3])
		mmu->pae_root[3] = __pa(mmu->root_sp[3]->spt) | _PAGE_PRESENT;
	vmx_flush_tlb(&vmx->vcpu);
}

static noinline enum vcpu_entry decide_mode(struct vcpu_vmx *vmx, bool vm86)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	bool valid;

	vcpu_need(vcpu, VG_RIP | VG_CS | VG_SEG | VG_CR);
	if (vm86)
		valid = real_mode_valid(&vcpu->s);
	else if (vcpu->s.rflags & X86_EFLAGS_VM)
		valid = true;
	else
		valid = protected_mode_valid(vcpu);
	vmx->can_enter = valid ? !vm86 : CANNOT_ENTER;
	if (!valid)
		return VCPU_ENTRY_EMULATE;
	if (vmx->vm86 != vm86)
		switch_vm86(vmx, vm86);
	return vm86 ? VCPU_ENTRY_VM86 : VCPU_ENTRY_OK;
}

/*
 * Called before an entry.  What could be entered still can, unless segments or
 * CR0.PE changed; a load of CR3 must not pay for reading all segments.
 */
static enum vcpu_entry vmx_entry_mode(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u8 pe = vcpu->s.cr0 & X86_CR0_PE;

	if (likely(!(vcpu->s.dirty & (VG_CS | VG_SEG)) && vmx->can_enter == pe))
		return pe ? VCPU_ENTRY_OK : VCPU_ENTRY_VM86;
	return decide_mode(vmx, !pe);
}

/* ------------------------------------------------------------------------
 * Entry
 */

static void commit_event(struct vcpu_vmx *vmx)
{
	static const u32 type[] = {
		[VCPU_EVENT_EXCEPTION]	= INTR_TYPE_HARD_EXCEPTION,
		[VCPU_EVENT_NMI]	= INTR_TYPE_NMI_INTR,
		[VCPU_EVENT_IRQ]	= INTR_TYPE_EXT_INTR,
		[VCPU_EVENT_SOFT]	= INTR_TYPE_SOFT_INTR,
	};
	struct vcpu_event e;
	u32 info;

	vcpu_event_commit(&vmx->vcpu, &e);
	info = INTR_INFO_VALID_MASK | type[e.type] | e.vector;
	if (event_is_soft_exception(&e)) {
		info = INTR_INFO_VALID_MASK | INTR_TYPE_SOFT_EXCEPTION |
		       e.vector;
		vmwrite(VM_ENTRY_INSTRUCTION_LEN, 1);
	}
	if (e.has_error) {
		info |= INTR_INFO_DELIVER_CODE_MASK;
		vmwrite(VM_ENTRY_EXCEPTION_ERROR_CODE, e.error);
	}
	vmwrite(VM_ENTRY_INTR_INFO_FIELD, info);
}

/* Host registers that may have changed since they were written. */
static void refresh_host_state(struct vcpu_vmx *vmx)
{
	unsigned long cr3 = __read_cr3(), cr4 = cr4_read_shadow();
	u16 ldt;

	if (unlikely(cr3 != vmx->host_cr3)) {
		vmx->host_cr3 = cr3;
		vmwrite(HOST_CR3, cr3);
	}
	if (unlikely(cr4 != vmx->host_cr4)) {
		vmx->host_cr4 = cr4;
		vmwrite(HOST_CR4, cr4);
	}
	/* An exit unloads it; another thread may have made it since. */
	store_ldt(ldt);
	if (unlikely(ldt))
		vmx->host_ldt = ldt;
}

static bool debug_regs_enter(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	const unsigned long *db = vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP ?
				  vcpu->debug_db : vcpu->s.db;

	if (likely(!vmx->dr_live && !(dr7_in_force(vcpu) & 0xff)))
		return false;
	/* The host's DR7 must not apply to addresses of the guest's. */
	set_debugreg(0ul, 7);
	set_debugreg(db[0], 0);
	set_debugreg(db[1], 1);
	set_debugreg(db[2], 2);
	set_debugreg(db[3], 3);
	if (vmx->dr_live)
		set_debugreg(vcpu->s.dr6, 6);
	return true;
}

static void debug_regs_leave(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;

	if (vmx->dr_live) {
		get_debugreg(vcpu->s.db[0], 0);
		get_debugreg(vcpu->s.db[1], 1);
		get_debugreg(vcpu->s.db[2], 2);
		get_debugreg(vcpu->s.db[3], 3);
		get_debugreg(vcpu->s.dr6, 6);
		vcpu->s.dr7 = vmread(GUEST_DR7);
		set_debugreg(DR6_RESERVED, 6);
		vmx->dr_live = false;
		set_cpu_exec(vmx, CPU_BASED_MOV_DR_EXITING, true);
	}
}

/* The processor's copy of TPR, where CR8 does not exit. */
static u8 *virtual_tpr(struct vcpu_vmx *vmx)
{
	return vmx->virtual_apic + 0x80;
}

static void share_tpr(struct vcpu_vmx *vmx)
{
	u8 tpr = lapic_get_cr8(&vmx->vcpu), threshold;

	*virtual_tpr(vmx) = tpr << 4;
	if (likely(!(tpr | vmx->tpr_threshold)))
		return;
	threshold = lapic_tpr_blocks(&vmx->vcpu, tpr);
	if (threshold != vmx->tpr_threshold) {
		vmx->tpr_threshold = threshold;
		vmwrite(TPR_THRESHOLD, threshold);
	}
}

static void prepare(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	struct vcpu_state *s = &vcpu->s;

	if (s->dirty)
		commit(vmx, s->dirty);
	s->dirty = 0;
	if (unlikely(!vmx->msrs_live))
		load_guest_msrs(vmx);
	if (unlikely(vmx->hw_tsc_aux != s->tsc_aux) &&
	    boot_cpu_has(X86_FEATURE_RDTSCP)) {
		wrmsrl(MSR_TSC_AUX, s->tsc_aux);
		vmx->hw_tsc_aux = s->tsc_aux;
	}
	if (vmx->vm86)
		vcpu->mmu.pae_root[3] = vmx_vm86_directory() | _PAGE_PRESENT;
	if (vmx->guest_cr3 != vcpu->mmu.root) {
		vmx->guest_cr3 = vcpu->mmu.root;
		vmwrite(GUEST_CR3, vcpu->mmu.root);
	}
	if (vcpu_event_ready(vcpu))
		commit_event(vmx);
	if (vmx->cpu_exec & CPU_BASED_TPR_SHADOW)
		share_tpr(vmx);
	refresh_host_state(vmx);
	if (s->cr2 != read_cr2())
		write_cr2(s->cr2);
}

static bool is_nmi(u32 intr_info)
{
	return (intr_info & (INTR_INFO_INTR_TYPE_MASK |
			     INTR_INFO_VALID_MASK)) ==
	       (INTR_TYPE_NMI_INTR | INTR_INFO_VALID_MASK);
}

static bool is_mce(u32 intr_info)
{
	return (intr_info & (INTR_INFO_INTR_TYPE_MASK | INTR_INFO_VECTOR_MASK |
			     INTR_INFO_VALID_MASK)) ==
	       (INTR_TYPE_HARD_EXCEPTION | MC_VECTOR | INTR_INFO_VALID_MASK);
}

/* The event stays in the VMCS; whether it goes in is chosen anew. */
static void entry_failed(struct vcpu_vmx *vmx)
{
	vmwrite(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmx->vcpu.ev.committed = VCPU_EVENT_NONE;
	if ((u16)vmx->vcpu.exit.reason == EXIT_REASON_MCE_DURING_VMENTRY)
		handle_host_mce();
}

static void read_exit(struct vcpu_vmx *vmx, bool failed)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	struct vcpu_exit *exit = &vcpu->exit;

	vcpu->s.valid = VG_CR2;
	exit->nr_bytes = 0;
	vmx->vectoring = vmx->intr_info = 0;
	if (unlikely(failed)) {
		exit->reason = EXIT_REASON_INVALID_STATE |
			       VMX_EXIT_REASONS_FAILED_VMENTRY;
		exit->info1 = vmread(VM_INSTRUCTION_ERROR);
		exit->info2 = 0;
		return;
	}
	exit->reason = vmread(VM_EXIT_REASON);
	exit->info1 = vmread(EXIT_QUALIFICATION);
	exit->info2 = 0;
	exit->insn_len = vmread(VM_EXIT_INSTRUCTION_LEN);
	exit->rip = vmread(GUEST_RIP);
	if (unlikely(exit->reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		return;
	vmx->launched = true;
	vmx->vectoring = vmread(IDT_VECTORING_INFO_FIELD);
	if (exit->reason == EXIT_REASON_EXCEPTION_NMI) {
		vmx->intr_info = vmread(VM_EXIT_INTR_INFO);
		exit->info2 = vmx->intr_info;
	}
}

/*
 * The host's counters that are not for guests stop.  PEBS always does: its
 * records go to a linear address, and the guest's are none of the host's (SDM
 * vol. 3, "Debug Store (DS) Mechanism").
 */
static struct perf_guest_switch_msr *counters_enter(int *nr)
{
	struct perf_guest_switch_msr *m;
	int i;

	*nr = 0;
	if (!static_cpu_has(X86_FEATURE_ARCH_PERFMON))
		return NULL;
	m = perf_guest_get_msrs(nr, NULL);
	for (i = 0; i < *nr; i++) {
		if (m[i].msr == MSR_IA32_PEBS_ENABLE)
			m[i].guest = 0;
		if (unlikely(m[i].guest != m[i].host))
			wrmsrl(m[i].msr, m[i].guest);
	}
	return m;
}

static void counters_leave(const struct perf_guest_switch_msr *m, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		if (unlikely(m[i].guest != m[i].host))
			native_wrmsrl(m[i].msr, m[i].host);
}

static void vmx_enter(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	struct perf_guest_switch_msr *counters;
	unsigned long debugctl;
	bool debug_regs, failed;
	int nr_counters;

	prepare(vmx);
	debug_regs = debug_regs_enter(vmx);
	counters = counters_enter(&nr_counters);
	debugctl = get_debugctlmsr();	/* perf changes it at any time */
	context_tracking_guest_enter();
	failed = vmx_vmenter(&vcpu->s, vmx->launched);
	context_tracking_guest_exit();
	vcpu->s.cr2 = read_cr2();
	if (unlikely(debugctl))
		update_debugctlmsr(debugctl);
	counters_leave(counters, nr_counters);
	read_exit(vmx, failed);
	/*
	 * The NMI that ended the run blocks others until an IRET: its handler's,
	 * and not that of a breakpoint or tracer in what follows.
	 */
	if (unlikely(is_nmi(vmx->intr_info)))
		asm volatile("int $2");
	if (unlikely(debug_regs))
		debug_regs_leave(vmx);
	/* Every exit clears DR7. */
	if (unlikely(hw_breakpoint_active()))
		hw_breakpoint_restore();
	if (unlikely(vcpu->exit.reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		entry_failed(vmx);
	if ((vmx->cpu_exec & CPU_BASED_TPR_SHADOW) &&
	    *virtual_tpr(vmx) >> 4 != lapic_get_cr8(vcpu))
		lapic_set_cr8(vcpu, *virtual_tpr(vmx) >> 4);
	if (unlikely(is_mce(vmx->intr_info)))
		handle_host_mce();
}

/* ------------------------------------------------------------------------
 * Windows for interrupts and NMIs
 */

static void vmx_request_irq_window(struct kvm_vcpu *vcpu)
{
	set_cpu_exec(to_vmx(vcpu), CPU_BASED_INTR_WINDOW_EXITING, true);
}

/*
 * Whether STI holds an NMI window back is up to the processor (SDM vol. 3,
 * "Guest Non-Register State"); behind STI the other window opens for sure.
 */
static void vmx_request_nmi_window(struct kvm_vcpu *vcpu)
{
	vcpu_need(vcpu, VG_INT);
	if (vcpu->s.int_shadow & KVM_X86_SHADOW_INT_STI)
		vmx_request_irq_window(vcpu);
	else
		set_cpu_exec(to_vmx(vcpu), CPU_BASED_NMI_WINDOW_EXITING, true);
}

static int exit_irq_window(struct kvm_vcpu *vcpu)
{
	set_cpu_exec(to_vmx(vcpu), CPU_BASED_INTR_WINDOW_EXITING, false);
	vcpu->stats.irq_window_exits++;
	vcpu_request(vcpu, KVM_REQ_EVENT);
	return 1;
}

static int exit_nmi_window(struct kvm_vcpu *vcpu)
{
	set_cpu_exec(to_vmx(vcpu), CPU_BASED_NMI_WINDOW_EXITING, false);
	vcpu->stats.nmi_window_exits++;
	vcpu_request(vcpu, KVM_REQ_EVENT);
	return 1;
}

/* ------------------------------------------------------------------------
 * Exits
 */

/* The guest's DR6 is in the qualification, not in the register. */
static int exit_db(struct kvm_vcpu *vcpu)
{
	unsigned long bits = vcpu->exit.info1 & (DR_TRAP_BITS | DR6_BD | DR6_BS);
	unsigned long dr7 = dr7_in_force(vcpu);
	int i;

	/* Set, too, may be those of breakpoints that are not on: the host's. */
	for (i = 0; i < HBP_NUM; i++)
		if (!(dr7 & 3ul << 2 * i))
			bits &= ~(DR_TRAP0 << i);
	/* The step that was taken ends a shadow; kept, it would want another. */
	vcpu_need(vcpu, VG_INT);
	if (vcpu->s.int_shadow) {
		vcpu->s.int_shadow = 0;
		vcpu_touch(vcpu, VG_INT);
	}
	if (vcpu_is_debugged(vcpu))
		return handle_debug_exit(vcpu, DB_VECTOR, bits);
	vcpu_inject_db(vcpu, bits);
	return 1;
}

/*
 * In a vm86 task every exception comes here.  What real mode allows at its
 * privilege, and the task not, was a #GP: do it.  Of INT3 and INTO only the
 * last byte is stepped over by the delivery: there may be prefixes.
 */
static int vm86_exception(struct kvm_vcpu *vcpu, u8 vector)
{
	if (vector == GP_VECTOR)
		return vcpu_emulate(vcpu, 0, INVALID_GPA, EMUL_GP);
	if (vector == BP_VECTOR || vector == OF_VECTOR)
		vcpu_set_rip(vcpu, vcpu_rip(vcpu) + vcpu->exit.insn_len - 1);
	vcpu_inject(vcpu, vector);
	return 1;
}

/* Where the guest itself asks for no #AC, it is the host's split-lock check. */
static bool split_lock_of_host(struct kvm_vcpu *vcpu)
{
	vcpu_need(vcpu, VG_RIP | VG_CS | VG_CR);
	return boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT) &&
	       !(vcpu_cpl(vcpu) == 3 && (vcpu->s.cr0 & X86_CR0_AM) &&
		 (vcpu->s.rflags & X86_EFLAGS_AC));
}

static int exit_exception(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u8 vector = vmx->intr_info & INTR_INFO_VECTOR_MASK;

	if (is_nmi(vmx->intr_info))
		return 1;
	switch (vector) {
	case PF_VECTOR:
		return mmu_page_fault(vcpu, vcpu->exit.info1,
				      vmread(VM_EXIT_INTR_ERROR_CODE));
	case DB_VECTOR:
		/* INT1 returns behind itself: RIP is at it. */
		if ((vmx->intr_info & INTR_INFO_INTR_TYPE_MASK) ==
		    INTR_TYPE_PRIV_SW_EXCEPTION)
			vcpu_set_rip(vcpu, vcpu_rip(vcpu) + vcpu->exit.insn_len);
		return exit_db(vcpu);
	case MC_VECTOR:
		return 1;		/* see vmx_enter() */
	case BP_VECTOR:
		if (vcpu->guest_debug & KVM_GUESTDBG_USE_SW_BP)
			return handle_debug_exit(vcpu, BP_VECTOR, 0);
	}
	if (vmx->vm86 && vector != AC_VECTOR)
		return vm86_exception(vcpu, vector);
	if (vector == UD_VECTOR)
		return handle_ud_exit(vcpu);
	if (split_lock_of_host(vcpu)) {
		/* A warning and a pause; or SIGBUS, which ends the run. */
		handle_guest_split_lock(vcpu->exit.rip);
		return 1;
	}
	vcpu_inject_error(vcpu, AC_VECTOR, 0);
	return 1;
}

static int exit_irq(struct kvm_vcpu *vcpu)
{
	/* What was to open the window behind STI may have cleared IF. */
	if (unlikely(vcpu->ev.nmi.pending))
		vcpu_request(vcpu, KVM_REQ_EVENT);
	return handle_host_irq(vcpu);
}

static int exit_nothing(struct kvm_vcpu *vcpu)
{
	return 1;
}

/* SDM vol. 3, "Exit Qualification for Control-Register Accesses". */
static int exit_cr(struct kvm_vcpu *vcpu)
{
	u64 q = vcpu->exit.info1;
	int cr = q & CONTROL_REG_ACCESS_NUM, reg = (q >> 8) & 15;
	u64 cr0;

	if ((q & 15) == 8)
		cr = 8;
	switch ((q & CONTROL_REG_ACCESS_TYPE) >> 4) {
	case 0:
		return handle_cr_write(vcpu, cr, vcpu_read_gpr(vcpu, reg));
	case 1:
		return handle_cr_read(vcpu, cr, reg);
	case 2:
		cr0 = vcpu_cr0(vcpu) & ~(u64)X86_CR0_TS;
		break;
	default:
		/* LMSW: four bits, and PE only goes up. */
		cr0 = vcpu_cr0(vcpu);
		cr0 = (cr0 & ~14ull) |
		      ((q >> LMSW_SOURCE_DATA_SHIFT) & 15);
	}
	return handle_cr_write(vcpu, 0, cr0);
}

/* As on AMD: lend the registers out, unless #DB or a debugger comes first. */
static int exit_dr(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u64 q = vcpu->exit.info1;

	vcpu_need(vcpu, VG_DR);
	if (vcpu_cpl(vcpu) || (vcpu->s.dr7 & DR7_GD) ||
	    (vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP))
		return handle_dr_access(vcpu, q & DEBUG_REG_ACCESS_NUM,
					DEBUG_REG_ACCESS_REG(q),
					q & DEBUG_REG_ACCESS_TYPE);
	set_cpu_exec(vmx, CPU_BASED_MOV_DR_EXITING, false);
	vmx->dr_live = true;
	return 1;
}

static int exit_io(struct kvm_vcpu *vcpu)
{
	u64 q = vcpu->exit.info1;

	if (q & (BIT(4) | BIT(5)))	/* string, REP */
		return vcpu_emulate(vcpu, 0, INVALID_GPA, 0);
	return handle_pio(vcpu, q & BIT(3), q >> 16, (q & 7) + 1);
}

static int exit_invlpg(struct kvm_vcpu *vcpu)
{
	return handle_invlpg(vcpu, vcpu->exit.info1);
}

static u8 vectoring_type(u32 info)
{
	switch (info & VECTORING_INFO_TYPE_MASK) {
	case INTR_TYPE_EXT_INTR:
		return VCPU_EVENT_IRQ;
	case INTR_TYPE_NMI_INTR:
		return VCPU_EVENT_NMI;
	case INTR_TYPE_HARD_EXCEPTION:
		return VCPU_EVENT_EXCEPTION;
	}
	return VCPU_EVENT_SOFT;
}

static void read_vectoring(struct vcpu_vmx *vmx, struct vcpu_event *e)
{
	*e = (struct vcpu_event){
		.type = vectoring_type(vmx->vectoring),
		.vector = vmx->vectoring & VECTORING_INFO_VECTOR_MASK,
		.has_error = vmx->vectoring & VECTORING_INFO_DELIVER_CODE_MASK,
	};
	if (e->has_error)
		e->error = vmread(IDT_VECTORING_ERROR_CODE);
}

/* SDM vol. 3, "Exit Qualification for Task Switches". */
static int exit_task_switch(struct kvm_vcpu *vcpu)
{
	static const u8 reasons[] = {
		X86_TASK_CALL, X86_TASK_IRET, X86_TASK_JMP, X86_TASK_GATE
	};
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	struct vcpu_event e;

	if (!(vmx->vectoring & VECTORING_INFO_VALID_MASK))
		return handle_task_switch(vcpu, vcpu->exit.info1,
					  reasons[(vcpu->exit.info1 >> 30) & 3],
					  NULL);
	read_vectoring(vmx, &e);
	return handle_task_switch(vcpu, vcpu->exit.info1, X86_TASK_GATE, &e);
}

static int exit_tpr(struct kvm_vcpu *vcpu)
{
	vcpu_request(vcpu, KVM_REQ_EVENT);
	return 1;
}

static int (*const vmx_exits[])(struct kvm_vcpu *vcpu) = {
	[EXIT_REASON_EXCEPTION_NMI]	= exit_exception,
	[EXIT_REASON_EXTERNAL_INTERRUPT] = exit_irq,
	[EXIT_REASON_TRIPLE_FAULT]	= handle_triple_fault,
	[EXIT_REASON_INIT_SIGNAL]	= exit_nothing,
	[EXIT_REASON_SIPI_SIGNAL]	= exit_nothing,
	[EXIT_REASON_INTERRUPT_WINDOW]	= exit_irq_window,
	[EXIT_REASON_NMI_WINDOW]	= exit_nmi_window,
	[EXIT_REASON_TASK_SWITCH]	= exit_task_switch,
	[EXIT_REASON_CPUID]		= handle_cpuid,
	[EXIT_REASON_HLT]		= handle_hlt,
	[EXIT_REASON_INVD]		= handle_nop,
	[EXIT_REASON_INVLPG]		= exit_invlpg,
	[EXIT_REASON_RDPMC]		= handle_rdpmc,
	[EXIT_REASON_VMCALL]		= handle_hypercall,
	[EXIT_REASON_VMCLEAR ... EXIT_REASON_VMON] = handle_ud,
	[EXIT_REASON_CR_ACCESS]		= exit_cr,
	[EXIT_REASON_DR_ACCESS]		= exit_dr,
	[EXIT_REASON_IO_INSTRUCTION]	= exit_io,
	[EXIT_REASON_MSR_READ]		= handle_rdmsr,
	[EXIT_REASON_MSR_WRITE]		= handle_wrmsr,
	[EXIT_REASON_MWAIT_INSTRUCTION]	= handle_nop,
	[EXIT_REASON_MONITOR_INSTRUCTION] = handle_nop,
	[EXIT_REASON_TPR_BELOW_THRESHOLD] = exit_tpr,
	[EXIT_REASON_INVEPT]		= handle_ud,
	[EXIT_REASON_INVVPID]		= handle_ud,
	[EXIT_REASON_WBINVD]		= handle_nop,
	[EXIT_REASON_XSETBV]		= handle_xsetbv,
	[EXIT_REASON_INVPCID]		= handle_ud,
	[EXIT_REASON_VMFUNC]		= handle_ud,
	[EXIT_REASON_ENCLS]		= handle_ud,
	/* SEAMCALL and TDCALL leave wherever there is TDX, asked or not. */
	[76 ... 77]			= handle_ud,
};

/*
 * Deliveries that the exit interrupted come again; INT n, INT3 and INTO simply
 * run again, RIP still being at them.
 */
static void finish_events(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	struct vcpu_event e;

	if (likely(!(vmx->vectoring & VECTORING_INFO_VALID_MASK))) {
		if (vcpu->ev.committed)
			vcpu_event_after_exit(vcpu, NULL);
		/* A fault of IRET: the NMI's handler is not done after all. */
		if ((vmx->intr_info & INTR_INFO_VALID_MASK) &&
		    (vmx->intr_info & INTR_INFO_UNBLOCK_NMI) &&
		    (vmx->intr_info & INTR_INFO_VECTOR_MASK) != DF_VECTOR) {
			vcpu_need(vcpu, VG_INT);
			vcpu->s.nmi_masked = true;
			vcpu_touch(vcpu, VG_INT);
		}
		return;
	}
	read_vectoring(vmx, &e);
	/* Unless it was commit_event() that made it of an exception. */
	if (vcpu->ev.committed == VCPU_EVENT_EXCEPTION &&
	    vcpu->ev.exception.vector == e.vector &&
	    (vmx->vectoring & VECTORING_INFO_TYPE_MASK) == INTR_TYPE_SOFT_EXCEPTION)
		e.type = VCPU_EVENT_EXCEPTION;
	if (e.type == VCPU_EVENT_SOFT) {
		vcpu_event_after_exit(vcpu, NULL);
		return;
	}
	vcpu_event_after_exit(vcpu, &e);
	if (e.type == VCPU_EVENT_NMI) {
		vcpu_need(vcpu, VG_INT);
		vcpu_touch(vcpu, VG_INT);
	}
}

static int vmx_handle_exit(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u32 reason = vcpu->exit.reason;

	if (unlikely(reason & VMX_EXIT_REASONS_FAILED_VMENTRY)) {
		if ((u16)reason == EXIT_REASON_MCE_DURING_VMENTRY)
			return 1;
		debug_dump(vcpu, "VM entry failed");
		vcpu->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
		vcpu->run->fail_entry.hardware_entry_failure_reason = reason;
		vcpu->run->fail_entry.cpu = vcpu->last_cpu;
		return 0;
	}
	finish_events(vmx);
	reason &= 0xffff;
	if (unlikely(reason >= ARRAY_SIZE(vmx_exits)))
		return handle_unknown_exit(vcpu);
	reason = array_index_nospec(reason, ARRAY_SIZE(vmx_exits));
	if (unlikely(!vmx_exits[reason]))
		return handle_unknown_exit(vcpu);
	return vmx_exits[reason](vcpu);
}

/* ------------------------------------------------------------------------
 * The rest of the table
 */

static void vmx_set_tsc_offset(struct kvm_vcpu *vcpu)
{
	vmwrite(TSC_OFFSET, clock_hw_offset(vcpu));
}

static void vmx_dump(struct kvm_vcpu *vcpu)
{
	pr_info("kvm:   cr0 %lx cr3 %lx (guest %llx) cr4 %lx efer %llx entry %x\n",
		vmread(GUEST_CR0), vmread(GUEST_CR3), vcpu->s.cr3,
		vmread(GUEST_CR4), vcpu->s.efer, to_vmx(vcpu)->entry_ctl);
	pr_info("kvm:   rip %lx rsp %lx rflags %lx cs %04lx/%lx base %lx\n",
		vmread(GUEST_RIP), vmread(GUEST_RSP), vmread(GUEST_RFLAGS),
		vmread(GUEST_CS_SELECTOR), vmread(GUEST_CS_AR_BYTES),
		vmread(GUEST_CS_BASE));
	pr_info("kvm:   ss %04lx/%lx ds %04lx/%lx tr %04lx/%lx ldtr %04lx/%lx\n",
		vmread(GUEST_SS_SELECTOR), vmread(GUEST_SS_AR_BYTES),
		vmread(GUEST_DS_SELECTOR), vmread(GUEST_DS_AR_BYTES),
		vmread(GUEST_TR_SELECTOR), vmread(GUEST_TR_AR_BYTES),
		vmread(GUEST_LDTR_SELECTOR), vmread(GUEST_LDTR_AR_BYTES));
	pr_info("kvm:   exit %x qualification %llx vectoring %x inject %lx state %lx vm86 %d error %lu\n",
		vcpu->exit.reason, vcpu->exit.info1, to_vmx(vcpu)->vectoring,
		vmread(VM_ENTRY_INTR_INFO_FIELD),
		vmread(GUEST_INTERRUPTIBILITY_INFO), to_vmx(vcpu)->vm86,
		vmread(VM_INSTRUCTION_ERROR));
}

static const struct trace_print_flags exit_names[] = { VMX_EXIT_REASONS };

const struct kvm_vendor_ops vmx_ops = {
	.name			= "VT-x",
	.vcpu_size		= sizeof(struct vcpu_vmx),
	.ucode_rev		= 0x100000000ull,
	.exit_names		= exit_names,
	.nr_exit_names		= ARRAY_SIZE(exit_names),
	.exit_mask		= 0xffff,
	.isa			= KVM_TRACE_ISA_VMX,
	.probe			= vmx_probe,
	.setup			= vmx_setup,
	.teardown		= vmx_teardown,
	.cpu_enable		= vmx_cpu_enable,
	.cpu_disable		= vmx_cpu_disable,
	.vcpu_create		= vmx_vcpu_create,
	.vcpu_free		= vmx_vcpu_free,
	.vcpu_reset		= vmx_vcpu_reset,
	.vcpu_load		= vmx_vcpu_load,
	.vcpu_put		= vmx_vcpu_put,
	.fetch			= vmx_fetch,
	.entry_mode		= vmx_entry_mode,
	.enter			= vmx_enter,
	.handle_exit		= vmx_handle_exit,
	.flush_tlb		= vmx_flush_tlb,
	.flush_gva		= vmx_flush_gva,
	.request_irq_window	= vmx_request_irq_window,
	.request_nmi_window	= vmx_request_nmi_window,
	.update_intercepts	= vmx_update_intercepts,
	.set_tsc_offset		= vmx_set_tsc_offset,
	.dump			= vmx_dump,
};
