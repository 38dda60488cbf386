// SPDX-License-Identifier: GPL-2.0
/*
 * svm.c - AMD-V: the VMCB, what is intercepted, one entry, what an exit means.
 *
 * Owns: struct vcpu_svm, the per-CPU save areas and ASIDs.  Works with and
 * without each of next-RIP saving, decode assists, clean bits and flush by
 * ASID.  Nothing here is called but through svm_ops.  APM vol. 2, ch. 15.
 *
 * Read next: svm_enter() and the table svm_exits[]; vmenter.S; exits.c.
 */
#include <linux/context_tracking.h>
#include <linux/io.h>
#include <linux/kvm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/trace_events.h>
#include <trace/events/ipi.h>
#include <asm/debugreg.h>
#include <asm/nospec-branch.h>
#include <asm/svm.h>
#include <asm/tlbflush.h>
#include "io.h"
#include "irqchip.h"
#include "kvm.h"
#include "x86_emulate.h"

/* CPUID 8000000A edx */
#define SVM_HAS_NRIPS		BIT(3)
#define SVM_HAS_CLEAN		BIT(5)
#define SVM_HAS_FLUSHBYASID	BIT(6)
#define SVM_HAS_DECODE		BIT(7)

/* vmcb_control_area.clean (APM vol. 2, "VMCB Clean Bits") */
#define CLEAN_INTERCEPTS	BIT(0)
#define CLEAN_PERM_MAP		BIT(1)
#define CLEAN_ASID		BIT(2)
#define CLEAN_INTR		BIT(3)
#define CLEAN_CR		BIT(5)
#define CLEAN_DR		BIT(6)
#define CLEAN_DT		BIT(7)
#define CLEAN_SEG		BIT(8)
#define CLEAN_CR2		BIT(9)
#define CLEAN_ALL		(CLEAN_INTERCEPTS | CLEAN_PERM_MAP | CLEAN_ASID | \
				 CLEAN_INTR | CLEAN_CR | CLEAN_DR | CLEAN_DT | \
				 CLEAN_SEG | CLEAN_CR2)

#define IOPM_ORDER		2	/* 12 KiB are used */
#define MSRPM_ORDER		1	/* 8 KiB */

struct vcpu_svm {
	struct kvm_vcpu vcpu;		/* first */
	struct vmcb *vmcb;
	phys_addr_t vmcb_pa;
	u32 clean;			/* what the VMCB cache may keep */
	u64 asid_generation;		/* of the CPU it ran on; 0: none */
	u64 hw_tsc_aux;			/* what the MSR holds now */
	bool dr_live;			/* the guest has the debug registers */
	bool iret_pending;		/* an NMI handler's IRET is under way */
	unsigned long iret_rip;
	bool nmi_step;			/* stepping to where an NMI can go in */
	bool nmi_step_tf;		/* ... the guest had set TF itself */
	bool cr8_watched;		/* an interrupt waits for a lower TPR */
	bool stepped;			/* this exit ended such a step */
};

static struct vcpu_svm *to_svm(struct kvm_vcpu *vcpu)
{
	return container_of(vcpu, struct vcpu_svm, vcpu);
}

struct svm_cpu {
	u64 asid_generation;
	u32 next_asid, max_asid;
	struct page *hsave;		/* the processor's own */
	phys_addr_t host_pa;		/* VMSAVE/VMLOAD of the host */
	struct page *host;
	struct vmcb *last_vmcb;		/* whose predictions are in here */
	u64 tsc_aux;			/* the host's */
};

static DEFINE_PER_CPU(struct svm_cpu, svm_cpus);
static u32 svm_features;
static phys_addr_t iopm_pa, msrpm_pa;

void svm_vmenter(struct vcpu_state *s, u64 guest_pa, u64 host_pa);

static_assert(offsetof(struct vcpu_state, regs) == 0);
static_assert(VCPU_R15 == 15 && sizeof(unsigned long) == 8);
static_assert(offsetof(struct vmcb, save) == 0x400);

/* ------------------------------------------------------------------------
 * The processor
 */

static int svm_probe(void)
{
	u64 vm_cr, efer;

	/* Newer kernels clear their own flag where the firmware says no. */
	if (!boot_cpu_has(X86_FEATURE_SVM) &&
	    !(cpuid_ecx(0x80000001) & BIT(X86_FEATURE_SVM & 31)))
		return -ENODEV;
	rdmsrl(MSR_VM_CR, vm_cr);
	if (vm_cr & SVM_VM_CR_SVM_DIS_MASK) {
		pr_err("kvm: AMD-V is switched off by the firmware: look for \"SVM\" or \"virtualization\" in its set-up\n");
		return -EOPNOTSUPP;
	}
	/* Neither maps nor page tables are made for encrypted memory. */
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT)) {
		pr_err("kvm: not on a host with encrypted memory: boot it with mem_encrypt=off\n");
		return -EOPNOTSUPP;
	}
	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME) {
		pr_err("kvm: AMD-V is in use by another hypervisor: unload its module first\n");
		return -EBUSY;
	}
	return 0;
}

/* SRSO on Zen 5: predictions are to be reduced while there may be guests. */
static void reduce_predictions(bool on)
{
#ifdef X86_FEATURE_SRSO_BP_SPEC_REDUCE
	if (!cpu_feature_enabled(X86_FEATURE_SRSO_BP_SPEC_REDUCE))
		return;
	if (on)
		msr_set_bit(MSR_ZEN4_BP_CFG, MSR_ZEN4_BP_CFG_BP_SPEC_REDUCE_BIT);
	else
		msr_clear_bit(MSR_ZEN4_BP_CFG, MSR_ZEN4_BP_CFG_BP_SPEC_REDUCE_BIT);
#endif
}

static int svm_cpu_enable(void)
{
	struct svm_cpu *c = this_cpu_ptr(&svm_cpus);
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME)
		return -EBUSY;
	wrmsrl(MSR_EFER, efer | EFER_SVME);
	wrmsrl(MSR_VM_HSAVE_PA, page_to_phys(c->hsave));
	reduce_predictions(true);
	/* Goes on where it was: a vCPU may hold an ASID from before. */
	c->asid_generation++;
	c->max_asid = cpuid_ebx(SVM_CPUID_FUNC) - 1;
	c->next_asid = c->max_asid + 1;
	if (boot_cpu_has(X86_FEATURE_RDTSCP))
		rdmsrl(MSR_TSC_AUX, c->tsc_aux);
	/* perf can tell host from guest only while there is SVM. */
	amd_pmu_enable_virt();
	return 0;
}

static void svm_cpu_disable(void)
{
	u64 efer;

	wrmsrl(MSR_VM_HSAVE_PA, 0);
	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME) {
		/* SVME must not go while GIF is clear. */
		asm volatile("stgi");
		wrmsrl(MSR_EFER, efer & ~(u64)EFER_SVME);
	}
	reduce_predictions(false);
	/* A crash may come amid perf's own work. */
	if (!in_nmi())
		amd_pmu_disable_virt();
}

static void free_cpu_pages(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *c = per_cpu_ptr(&svm_cpus, cpu);

		if (c->hsave)
			__free_page(c->hsave);
		if (c->host)
			__free_page(c->host);
		c->hsave = c->host = NULL;
	}
}

/*
 * For VMCBs and host state.  On Zen 3 with SNP on, one at a 2 MiB boundary makes
 * the host's writes to the rest of those 2 MiB fault (the processors' revision
 * guides): of two pages in a row, take the odd one.
 */
static struct page *alloc_vmcb_page(gfp_t gfp)
{
	struct page *page = alloc_pages(gfp | __GFP_ZERO, 1);

	if (!page)
		return NULL;
	split_page(page, 1);
	__free_page(page);
	return page + 1;
}

static int alloc_cpu_pages(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *c = per_cpu_ptr(&svm_cpus, cpu);

		c->hsave = alloc_vmcb_page(GFP_KERNEL);
		c->host = alloc_vmcb_page(GFP_KERNEL);
		if (!c->hsave || !c->host)
			return -ENOMEM;
		c->host_pa = page_to_phys(c->host);
	}
	return 0;
}

/* MSRs that VMRUN, VMLOAD and VMSAVE swap belong to the guest. */
static const u32 guest_msrs[] = {
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK, MSR_FS_BASE,
	MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_IA32_SYSENTER_CS,
	MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
};

/* Two bits an MSR, three ranges of 8192 (APM vol. 2, "MSR Intercepts"). */
static void msrpm_pass(unsigned long *map, u32 msr)
{
	u32 bit;

	if (msr < 0x2000)
		bit = msr * 2;
	else
		bit = 0x800 * 8 + (msr - 0xc0000000) * 2;
	__clear_bit(bit, map);
	__clear_bit(bit + 1, map);
}

static void svm_teardown(void)
{
	free_cpu_pages();
	if (iopm_pa)
		free_pages((unsigned long)__va(iopm_pa), IOPM_ORDER);
	if (msrpm_pa)
		free_pages((unsigned long)__va(msrpm_pa), MSRPM_ORDER);
	iopm_pa = msrpm_pa = 0;
}

static int svm_setup(void)
{
	void *iopm, *msrpm;
	int i;

	svm_features = cpuid_edx(SVM_CPUID_FUNC);
	iopm = (void *)__get_free_pages(GFP_KERNEL, IOPM_ORDER);
	msrpm = (void *)__get_free_pages(GFP_KERNEL, MSRPM_ORDER);
	iopm_pa = iopm ? __pa(iopm) : 0;
	msrpm_pa = msrpm ? __pa(msrpm) : 0;
	if (!iopm || !msrpm || alloc_cpu_pages()) {
		svm_teardown();
		return -ENOMEM;
	}
	memset(iopm, 0xff, PAGE_SIZE << IOPM_ORDER);
	memset(msrpm, 0xff, PAGE_SIZE << MSRPM_ORDER);
	for (i = 0; i < ARRAY_SIZE(guest_msrs); i++)
		msrpm_pass(msrpm, guest_msrs[i]);
	return 0;
}

/* ------------------------------------------------------------------------
 * Intercepts
 */

static void intercept(struct vcpu_svm *svm, int bit, bool on)
{
	u32 *word = &svm->vmcb->control.intercepts[bit / 32];
	u32 mask = BIT(bit % 32), old = *word;

	*word = on ? old | mask : old & ~mask;
	if (*word != old)
		svm->clean &= ~CLEAN_INTERCEPTS;
}

static const u8 always[] = {
	INTERCEPT_CR3_READ, INTERCEPT_CR4_READ,
	INTERCEPT_CR3_WRITE, INTERCEPT_CR4_WRITE, INTERCEPT_SELECTIVE_CR0,
	INTERCEPT_INTR, INTERCEPT_NMI, INTERCEPT_SMI, INTERCEPT_INIT,
	INTERCEPT_RDPMC, INTERCEPT_CPUID, INTERCEPT_RSM, INTERCEPT_INVD,
	INTERCEPT_HLT, INTERCEPT_INVLPG, INTERCEPT_INVLPGA,
	INTERCEPT_IOIO_PROT, INTERCEPT_MSR_PROT, INTERCEPT_TASK_SWITCH,
	INTERCEPT_FERR_FREEZE, INTERCEPT_SHUTDOWN, INTERCEPT_VMRUN,
	INTERCEPT_VMMCALL, INTERCEPT_VMLOAD, INTERCEPT_VMSAVE, INTERCEPT_STGI,
	INTERCEPT_CLGI, INTERCEPT_SKINIT, INTERCEPT_WBINVD, INTERCEPT_MONITOR,
	INTERCEPT_MWAIT, INTERCEPT_XSETBV, INTERCEPT_RDPRU, INTERCEPT_INVPCID,
	INTERCEPT_EXCEPTION_OFFSET + PF_VECTOR,
	INTERCEPT_EXCEPTION_OFFSET + MC_VECTOR,
	INTERCEPT_EXCEPTION_OFFSET + UD_VECTOR,
	/* Interrupted, INT1's #DB would not say that RIP is still at it. */
	INTERCEPT_ICEBP,
	/* A guest whose delivery of these recurs would never leave. */
	INTERCEPT_EXCEPTION_OFFSET + AC_VECTOR,
	INTERCEPT_EXCEPTION_OFFSET + DB_VECTOR,
};

/* The debug registers are lent to the guest until its next exit. */
static void intercept_dr(struct vcpu_svm *svm, bool on)
{
	int i;

	for (i = 0; i < 8; i++) {
		intercept(svm, INTERCEPT_DR0_READ + i, on);
		intercept(svm, INTERCEPT_DR0_WRITE + i, on);
	}
}

static void svm_update_intercepts(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	intercept(svm, INTERCEPT_EXCEPTION_OFFSET + BP_VECTOR,
		  vcpu->guest_debug & KVM_GUESTDBG_USE_SW_BP);
	intercept(svm, INTERCEPT_RDTSCP,
		  vcpu->cpuid_nent && !guest_has(vcpu, X86_FEATURE_RDTSCP));
	/* TPR: the processor keeps it, while the APIC is ours. */
	intercept(svm, INTERCEPT_CR8_READ, !vcpu->apic);
	intercept(svm, INTERCEPT_CR8_WRITE, !vcpu->apic);
	/* A debugger's registers are not lent out: see exit_dr(). */
	if (svm->dr_live && vcpu_is_debugged(vcpu)) {
		svm->dr_live = false;
		intercept_dr(svm, true);
	}
	vcpu_need(vcpu, VG_DR | VG_CR);
	vcpu_touch(vcpu, VG_DR | VG_CR);
}

/* ------------------------------------------------------------------------
 * Life cycle
 */

static int svm_vcpu_create(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct page *page = alloc_vmcb_page(GFP_KERNEL_ACCOUNT);

	if (!page)
		return -ENOMEM;
	svm->vmcb = page_address(page);
	svm->vmcb_pa = page_to_phys(page);
	return 0;
}

static void svm_vcpu_free(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	int cpu;

	/* Nobody may take the next VMCB in this page for this one. */
	for_each_possible_cpu(cpu)
		cmpxchg(&per_cpu_ptr(&svm_cpus, cpu)->last_vmcb, svm->vmcb,
			NULL);
	free_page((unsigned long)svm->vmcb);
}

static void svm_vcpu_reset(struct kvm_vcpu *vcpu, bool init)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct vmcb_control_area *control = &svm->vmcb->control;
	int i;

	memset(svm->vmcb, 0, sizeof(*svm->vmcb));
	for (i = 0; i < ARRAY_SIZE(always); i++)
		intercept(svm, always[i], true);
	intercept_dr(svm, true);
	control->iopm_base_pa = iopm_pa;
	control->msrpm_base_pa = msrpm_pa;
	control->tsc_offset = clock_hw_offset(vcpu);
	control->int_ctl = V_INTR_MASKING_MASK;
	svm->vmcb->save.g_pat = 0x0007040600070406ull;
	svm->clean = 0;
	svm->asid_generation = 0;
	svm->iret_pending = svm->nmi_step = svm->dr_live = false;
}

static void svm_vcpu_load(struct kvm_vcpu *vcpu, int cpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct svm_cpu *c = per_cpu_ptr(&svm_cpus, cpu);

	if (unlikely(vcpu->last_cpu != cpu)) {
		svm->asid_generation = 0;
		svm->clean = 0;
	}
	if (c->last_vmcb != svm->vmcb) {
		c->last_vmcb = svm->vmcb;
		indirect_branch_prediction_barrier();
	}
	svm->hw_tsc_aux = c->tsc_aux;
}

static void svm_vcpu_put(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct svm_cpu *c = this_cpu_ptr(&svm_cpus);

	if (svm->hw_tsc_aux != c->tsc_aux)
		wrmsrl(MSR_TSC_AUX, c->tsc_aux);
}

/* ------------------------------------------------------------------------
 * State: from the VMCB ...
 */

static void seg_from_vmcb(struct vcpu_segment *s, const struct vmcb_seg *v)
{
	s->base = v->base;
	s->limit = v->limit;
	s->selector = v->selector;
	s->ar = (v->attrib & 0xff) | (v->attrib & 0xf00) << 4;
	if (!(s->ar & SEG_P))
		s->ar |= SEG_UNUSABLE;
}

static void fetch_cs(struct vcpu_state *s, const struct vmcb_save_area *save)
{
	struct vcpu_segment *ss = &s->seg[VCPU_SS];

	seg_from_vmcb(&s->seg[VCPU_CS], &save->cs);
	seg_from_vmcb(ss, &save->ss);
	/* A null SS has no DPL of its own; the processor keeps the CPL apart. */
	ss->ar = (ss->ar & ~SEG_DPL_MASK) | save->cpl << SEG_DPL_SHIFT;
}

static void fetch_msrs(struct vcpu_state *s, const struct vmcb_save_area *save)
{
	s->star = save->star;
	s->lstar = save->lstar;
	s->cstar = save->cstar;
	s->fmask = save->sfmask;
	s->kernel_gs_base = save->kernel_gs_base;
	s->sysenter_cs = save->sysenter_cs;
	s->sysenter_esp = save->sysenter_esp;
	s->sysenter_eip = save->sysenter_eip;
}

static void svm_fetch(struct kvm_vcpu *vcpu, u32 groups)
{
	const struct vmcb *vmcb = to_svm(vcpu)->vmcb;
	const struct vmcb_save_area *save = &vmcb->save;
	struct vcpu_state *s = &vcpu->s;

	if (groups & VG_CS)
		fetch_cs(s, save);
	if (groups & VG_SEG) {
		seg_from_vmcb(&s->seg[VCPU_ES], &save->es);
		seg_from_vmcb(&s->seg[VCPU_DS], &save->ds);
		seg_from_vmcb(&s->seg[VCPU_FS], &save->fs);
		seg_from_vmcb(&s->seg[VCPU_GS], &save->gs);
		seg_from_vmcb(&s->seg[VCPU_LDTR], &save->ldtr);
		seg_from_vmcb(&s->seg[VCPU_TR], &save->tr);
	}
	if (groups & VG_DT) {
		s->gdt = (struct vcpu_dtable){ save->gdtr.base,
					       save->gdtr.limit };
		s->idt = (struct vcpu_dtable){ save->idtr.base,
					       save->idtr.limit };
	}
	/* The guest changes TS and MP on its own, nothing else. */
	if (groups & VG_CR)
		s->cr0 = (s->cr0 & ~SVM_CR0_SELECTIVE_MASK) |
			 (save->cr0 & SVM_CR0_SELECTIVE_MASK);
	if (groups & VG_CR2)
		s->cr2 = save->cr2;
	if (groups & VG_DR) {
		if (!vcpu_is_debugged(vcpu))
			s->dr6 = save->dr6;
		if (!(vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP))
			s->dr7 = save->dr7;
	}
	if (groups & VG_MSR)
		fetch_msrs(s, save);
	if (groups & VG_INT)
		s->int_shadow = vmcb->control.int_state &
				SVM_INTERRUPT_SHADOW_MASK ?
				KVM_X86_SHADOW_INT_STI |
				KVM_X86_SHADOW_INT_MOV_SS : 0;
	s->valid |= groups;
}

/* ------------------------------------------------------------------------
 * ... and to it
 */

static void seg_to_vmcb(struct vmcb_seg *v, const struct vcpu_segment *s)
{
	v->base = s->base;
	v->limit = s->limit;
	v->selector = s->selector;
	v->attrib = (s->ar & 0xff) | ((s->ar >> 4) & 0xf00);
	if (s->ar & SEG_UNUSABLE)
		v->attrib &= ~SEG_P;
}

/*
 * Shadow paging always runs with paging on, in PAE or long mode; a guest
 * without paging gets an identity map ("paged real mode").
 */
static void commit_cr(struct vcpu_svm *svm)
{
	const struct vcpu_state *s = &svm->vcpu.s;
	struct vmcb_save_area *save = &svm->vmcb->save;
	u64 cr4 = (s->cr4 & GUEST_CR4_BITS) | X86_CR4_PAE;
	u64 efer = s->efer | EFER_SVME | EFER_NX;
	u64 cr0 = s->cr0 | X86_CR0_PG | X86_CR0_WP;
	bool differs;

	cr0 &= ~(u64)(X86_CR0_CD | X86_CR0_NW);
	differs = cr0 != s->cr0;
	intercept(svm, INTERCEPT_CR0_READ, differs);
	intercept(svm, INTERCEPT_CR0_WRITE, differs);
	if (!(s->cr0 & X86_CR0_PG))
		cr4 &= ~(u64)(X86_CR4_SMEP | X86_CR4_SMAP);
	if (cr4_read_shadow() & X86_CR4_MCE)
		cr4 |= X86_CR4_MCE;
	/* The MMU's word counts: it made the page tables. */
	if (svm->vcpu.mmu.guest_levels == 4)
		efer |= EFER_LME | EFER_LMA;
	else
		efer &= ~(u64)(EFER_LME | EFER_LMA);
	save->cr0 = cr0;
	save->cr4 = cr4;
	save->efer = efer;
	svm->clean &= ~CLEAN_CR;
}

static void commit_segs(struct vcpu_svm *svm, u32 dirty)
{
	const struct vcpu_state *s = &svm->vcpu.s;
	struct vmcb_save_area *save = &svm->vmcb->save;

	if (dirty & VG_CS) {
		seg_to_vmcb(&save->cs, &s->seg[VCPU_CS]);
		seg_to_vmcb(&save->ss, &s->seg[VCPU_SS]);
		save->cpl = (s->seg[VCPU_SS].ar & SEG_DPL_MASK) >>
			    SEG_DPL_SHIFT;
	}
	if (dirty & VG_SEG) {
		seg_to_vmcb(&save->es, &s->seg[VCPU_ES]);
		seg_to_vmcb(&save->ds, &s->seg[VCPU_DS]);
		seg_to_vmcb(&save->fs, &s->seg[VCPU_FS]);
		seg_to_vmcb(&save->gs, &s->seg[VCPU_GS]);
		seg_to_vmcb(&save->ldtr, &s->seg[VCPU_LDTR]);
		seg_to_vmcb(&save->tr, &s->seg[VCPU_TR]);
	}
	svm->clean &= ~CLEAN_SEG;
}

static void commit_msrs(const struct vcpu_state *s, struct vmcb_save_area *save)
{
	save->star = s->star;
	save->lstar = s->lstar;
	save->cstar = s->cstar;
	save->sfmask = s->fmask;
	save->kernel_gs_base = s->kernel_gs_base;
	save->sysenter_cs = s->sysenter_cs;
	save->sysenter_esp = s->sysenter_esp;
	save->sysenter_eip = s->sysenter_eip;
}

static void commit_dr(struct vcpu_svm *svm)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;

	svm->vmcb->save.dr6 = vcpu_is_debugged(vcpu) ? DR6_RESERVED : vcpu->s.dr6;
	svm->vmcb->save.dr7 = vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP ?
			      vcpu->debug_dr7 : vcpu->s.dr7;
	svm->clean &= ~CLEAN_DR;
}

/* All but VG_RIP, which every entry writes. */
static void commit(struct vcpu_svm *svm, u32 dirty)
{
	const struct vcpu_state *s = &svm->vcpu.s;
	struct vmcb *vmcb = svm->vmcb;

	if (dirty & VG_CR)
		commit_cr(svm);
	if (dirty & (VG_CS | VG_SEG))
		commit_segs(svm, dirty);
	if (dirty & VG_DT) {
		vmcb->save.gdtr.base = s->gdt.base;
		vmcb->save.gdtr.limit = s->gdt.limit;
		vmcb->save.idtr.base = s->idt.base;
		vmcb->save.idtr.limit = s->idt.limit;
		svm->clean &= ~CLEAN_DT;
	}
	if (dirty & VG_CR2) {
		vmcb->save.cr2 = s->cr2;
		svm->clean &= ~CLEAN_CR2;
	}
	if (dirty & VG_DR)
		commit_dr(svm);
	if (dirty & VG_MSR)
		commit_msrs(s, &vmcb->save);
	if (dirty & VG_INT) {
		vmcb->control.int_state = s->int_shadow ?
			SVM_INTERRUPT_SHADOW_MASK : 0;
		/* User space may have put another handler in the IRET's place. */
		if (svm->iret_pending && s->rip != svm->iret_rip)
			svm->iret_pending = false;
		/* IRET ends NMI blocking; we have to see it. */
		intercept(svm, INTERCEPT_IRET,
			  s->nmi_masked && !svm->iret_pending);
	}
}

/* ------------------------------------------------------------------------
 * TLB
 */

static void new_asid(struct vcpu_svm *svm, struct svm_cpu *c)
{
	if (c->next_asid > c->max_asid) {
		c->asid_generation++;
		c->next_asid = 1;
		svm->vmcb->control.tlb_ctl = TLB_CONTROL_FLUSH_ALL_ASID;
	}
	svm->asid_generation = c->asid_generation;
	svm->vmcb->control.asid = c->next_asid++;
	svm->clean &= ~CLEAN_ASID;
}

static void svm_flush_tlb(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	if (svm_features & SVM_HAS_FLUSHBYASID)
		svm->vmcb->control.tlb_ctl = TLB_CONTROL_FLUSH_ASID;
	else
		svm->asid_generation = 0;
	svm->clean &= ~CLEAN_CR;	/* CR3 may lead to other PDPTEs */
}

/* INVLPGA acts on this CPU, where the vCPU's translations are. */
static void svm_flush_gva(struct kvm_vcpu *vcpu, gva_t gva)
{
	/* #UD where a reboot has switched SVM off: no harm, see cpu_is_off(). */
	asm volatile("1: invlpga %%rax, %%ecx; 2:" _ASM_EXTABLE(1b, 2b)
		     : : "a" (gva),
		     "c" (to_svm(vcpu)->vmcb->control.asid) : "memory");
}

/* ------------------------------------------------------------------------
 * Entry
 */

static void commit_event(struct vcpu_svm *svm)
{
	static const u32 type[] = {
		[VCPU_EVENT_EXCEPTION]	= SVM_EVTINJ_TYPE_EXEPT,
		[VCPU_EVENT_NMI]	= SVM_EVTINJ_TYPE_NMI,
		[VCPU_EVENT_IRQ]	= SVM_EVTINJ_TYPE_INTR,
		[VCPU_EVENT_SOFT]	= SVM_EVTINJ_TYPE_SOFT,
	};
	struct vmcb_control_area *control = &svm->vmcb->control;
	struct vcpu_event e;

	vcpu_event_commit(&svm->vcpu, &e);
	/* INT3 and INTO return behind themselves: interrupted_delivery(). */
	if (unlikely(event_is_soft_exception(&e))) {
		svm->vmcb->save.rip++;
		control->next_rip = svm->vmcb->save.rip;
	}
	control->event_inj = SVM_EVTINJ_VALID | type[e.type] | e.vector |
			     (e.has_error ? SVM_EVTINJ_VALID_ERR : 0);
	control->event_inj_err = e.error;
}

static void load_debug_regs(const unsigned long *db)
{
	set_debugreg(db[0], 0);
	set_debugreg(db[1], 1);
	set_debugreg(db[2], 2);
	set_debugreg(db[3], 3);
}

static bool debug_regs_enter(struct vcpu_svm *svm)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;

	if (likely(!svm->dr_live && !(svm->vmcb->save.dr7 & 0xff)))
		return false;
	/* The host's DR7 must not apply to addresses of the guest's. */
	set_debugreg(0ul, 7);
	load_debug_regs(vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP ?
			vcpu->debug_db : vcpu->s.db);
	return true;
}

static void debug_regs_leave(struct vcpu_svm *svm)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;

	if (svm->dr_live) {
		get_debugreg(vcpu->s.db[0], 0);
		get_debugreg(vcpu->s.db[1], 1);
		get_debugreg(vcpu->s.db[2], 2);
		get_debugreg(vcpu->s.db[3], 3);
		svm->dr_live = false;
		intercept_dr(svm, true);
	}
}

static void sync_tpr_to_vmcb(struct vcpu_svm *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;
	u32 tpr = svm->vcpu.apic ? lapic_get_cr8(&svm->vcpu) : 0;

	if (unlikely(tpr | svm->cr8_watched)) {
		svm->cr8_watched = lapic_tpr_blocks(&svm->vcpu, tpr);
		intercept(svm, INTERCEPT_CR8_WRITE, svm->cr8_watched);
	}
	if ((control->int_ctl & V_TPR_MASK) == tpr)
		return;
	control->int_ctl = (control->int_ctl & ~V_TPR_MASK) | tpr;
	svm->clean &= ~CLEAN_INTR;
}

static void sync_tpr_from_vmcb(struct vcpu_svm *svm)
{
	u32 tpr = svm->vmcb->control.int_ctl & V_TPR_MASK;

	if (svm->vcpu.apic && tpr != lapic_get_cr8(&svm->vcpu))
		lapic_set_cr8(&svm->vcpu, tpr);
}

/* PUSHF must not show the TF that makes it a step: it is emulated. */
static void step_for_nmi(struct vcpu_svm *svm, bool on)
{
	svm->nmi_step = on;
	intercept(svm, INTERCEPT_PUSHF, on);
}

/*
 * An NMI waits behind the event that goes in now.  A step would put TF into
 * the flags that this event pushes; an interrupt of the host's, pending
 * before the entry, ends the run after the delivery, with nothing executed.
 */
static void leave_after_delivery(struct vcpu_svm *svm)
{
	step_for_nmi(svm, false);
	svm->vmcb->save.rflags = svm->vcpu.s.rflags;
	vcpu_request(&svm->vcpu, KVM_REQ_EVENT);
	smp_send_reschedule(smp_processor_id());
}

static void prepare(struct vcpu_svm *svm, struct svm_cpu *c)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	struct vmcb *vmcb = svm->vmcb;
	struct vcpu_state *s = &vcpu->s;

	if (s->dirty & ~VG_RIP)
		commit(svm, s->dirty);
	s->dirty = 0;
	vmcb->save.rip = s->rip;
	vmcb->save.rsp = s->regs[VCPU_RSP];
	vmcb->save.rax = s->regs[VCPU_RAX];
	vmcb->save.rflags = s->rflags;
	if (unlikely(svm->nmi_step || (vcpu->guest_debug &
				       KVM_GUESTDBG_SINGLESTEP))) {
		svm->nmi_step_tf = s->rflags & X86_EFLAGS_TF;
		vmcb->save.rflags |= X86_EFLAGS_TF;
	}
	if (vmcb->save.cr3 != vcpu->mmu.root) {
		vmcb->save.cr3 = vcpu->mmu.root;
		svm->clean &= ~CLEAN_CR;
	}
	if (vcpu_event_ready(vcpu)) {
		commit_event(svm);
		if (unlikely(svm->nmi_step))
			leave_after_delivery(svm);
	}
	if (unlikely(svm->asid_generation != c->asid_generation))
		new_asid(svm, c);
	sync_tpr_to_vmcb(svm);
	if (unlikely(svm->hw_tsc_aux != s->tsc_aux) &&
	    boot_cpu_has(X86_FEATURE_RDTSCP)) {
		wrmsrl(MSR_TSC_AUX, s->tsc_aux);
		svm->hw_tsc_aux = s->tsc_aux;
	}
	vmcb->control.clean = svm_features & SVM_HAS_CLEAN ? svm->clean : 0;
}

static void read_exit(struct vcpu_svm *svm)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	const struct vmcb_control_area *control = &svm->vmcb->control;
	const struct vmcb_save_area *save = &svm->vmcb->save;
	struct vcpu_exit *exit = &vcpu->exit;
	struct vcpu_state *s = &vcpu->s;

	s->rip = save->rip;
	s->regs[VCPU_RSP] = save->rsp;
	s->regs[VCPU_RAX] = save->rax;
	s->rflags = save->rflags;
	s->valid = VG_RIP;
	exit->reason = control->exit_code;
	exit->info1 = control->exit_info_1;
	exit->info2 = control->exit_info_2;
	exit->rip = save->rip;
	exit->insn_len = svm_features & SVM_HAS_NRIPS && control->next_rip ?
			 control->next_rip - save->rip : 0;
	exit->nr_bytes = 0;
}

/*
 * VMRUN refused the state, perhaps before it flushed anything: the flush is
 * still to be done, and ASIDs that count on it are void.
 */
static void entry_failed(struct vcpu_svm *svm, struct svm_cpu *c)
{
	svm->clean = 0;
	if (svm->vmcb->control.tlb_ctl == TLB_CONTROL_FLUSH_ALL_ASID)
		c->next_asid = c->max_asid + 1;
}

static void svm_enter(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct svm_cpu *c = this_cpu_ptr(&svm_cpus);
	bool debug_regs;

	prepare(svm, c);
	debug_regs = debug_regs_enter(svm);
	context_tracking_guest_enter();
	svm_vmenter(&vcpu->s, svm->vmcb_pa, c->host_pa);
	context_tracking_guest_exit();
	svm->clean = CLEAN_ALL;		/* what changes from here on is not */
	if (unlikely(debug_regs))
		debug_regs_leave(svm);
	/* The host's next #DB would find the guest's bits beside its own. */
	if (unlikely(svm->vmcb->save.dr6 != DR6_RESERVED))
		set_debugreg(DR6_RESERVED, 6);
	/* Every exit clears DR7. */
	if (unlikely(hw_breakpoint_active()))
		hw_breakpoint_restore();
	svm->vmcb->control.event_inj = 0;
	read_exit(svm);
	if (unlikely((u32)vcpu->exit.reason == SVM_EXIT_ERR))
		entry_failed(svm, c);
	else
		svm->vmcb->control.tlb_ctl = TLB_CONTROL_DO_NOTHING;
	if (unlikely(vcpu->exit.reason == SVM_EXIT_EXCP_BASE + MC_VECTOR))
		handle_host_mce();
	sync_tpr_from_vmcb(svm);
}

/* ------------------------------------------------------------------------
 * Windows for interrupts and NMIs
 */

/* A virtual interrupt that is intercepted: it "arrives" when IF allows. */
static void svm_request_irq_window(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct vmcb_control_area *control = &svm->vmcb->control;

	control->int_ctl |= V_IRQ_MASK | V_INTR_PRIO_MASK | V_IGN_TPR_MASK;
	control->int_vector = 0;
	intercept(svm, INTERCEPT_VINTR, true);
	svm->clean &= ~CLEAN_INTR;
}

static int exit_vintr(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->vmcb->control.int_ctl &= ~V_IRQ_INJECTION_BITS_MASK;
	intercept(svm, INTERCEPT_VINTR, false);
	svm->clean &= ~CLEAN_INTR;
	vcpu->stats.irq_window_exits++;
	vcpu_request(vcpu, KVM_REQ_EVENT);
	return 1;
}

/*
 * While the handler runs, the IRET intercept will tell.  After that, or in an
 * interrupt shadow, one instruction has to pass.
 */
static void svm_request_nmi_window(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	vcpu_need(vcpu, VG_INT | VG_RIP);
	if (vcpu->s.nmi_masked && !svm->iret_pending)
		return;
	step_for_nmi(svm, true);
}

/* The IRET is about to run: NMIs stay blocked until it has. */
static int exit_iret(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	intercept(svm, INTERCEPT_IRET, false);
	svm->iret_pending = true;
	svm->iret_rip = vcpu->s.rip;
	vcpu->stats.nmi_window_exits++;
	vcpu_request(vcpu, KVM_REQ_EVENT);
	return 1;
}

/* At each exit while an IRET or a step for an NMI is under way. */
static void nmi_progress(struct vcpu_svm *svm)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	bool moved = vcpu->s.rip != svm->iret_rip;

	if (svm->nmi_step) {
		step_for_nmi(svm, false);
		/* IRET brought flags of its own; otherwise TF is our doing. */
		if (!svm->nmi_step_tf && !(svm->iret_pending && moved))
			vcpu->s.rflags &= ~X86_EFLAGS_TF;
	}
	if (svm->iret_pending && moved) {
		svm->iret_pending = false;
		vcpu_need(vcpu, VG_INT);
		vcpu->s.nmi_masked = false;
	}
	vcpu_request(vcpu, KVM_REQ_EVENT);
}

/* ------------------------------------------------------------------------
 * Exits
 */

static int exit_pf(struct kvm_vcpu *vcpu)
{
	const struct vmcb_control_area *control = &to_svm(vcpu)->vmcb->control;

	if (svm_features & SVM_HAS_DECODE) {
		vcpu->exit.bytes = control->insn_bytes;
		vcpu->exit.nr_bytes = min_t(u8, control->insn_len, 15);
	}
	return mmu_page_fault(vcpu, vcpu->exit.info2, vcpu->exit.info1);
}

/* The processor has set DR6 already. */
static int exit_db(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	bool ours = svm->stepped && !svm->nmi_step_tf;
	u64 dr6 = svm->vmcb->save.dr6;

	vcpu_need(vcpu, VG_DR);
	if (vcpu_is_debugged(vcpu)) {
		vcpu_touch(vcpu, VG_DR);	/* without these bits again */
		if (ours && !(dr6 & DR_TRAP_BITS) &&
		    !(vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP))
			return 1;
		return handle_debug_exit(vcpu, DB_VECTOR, dr6);
	}
	if (ours) {
		vcpu->s.dr6 &= ~DR6_BS;
		vcpu_touch(vcpu, VG_DR);
		if (!(vcpu->s.dr6 & (DR_TRAP_BITS | DR6_BD)))
			return 1;
	}
	vcpu_inject(vcpu, DB_VECTOR);
	return 1;
}

static int exit_bp(struct kvm_vcpu *vcpu)
{
	return handle_debug_exit(vcpu, BP_VECTOR, 0);
}

static int exit_ac(struct kvm_vcpu *vcpu)
{
	vcpu_inject_error(vcpu, AC_VECTOR, 0);
	return 1;
}

/* See svm_enter(). */
static int exit_mc(struct kvm_vcpu *vcpu)
{
	return 1;
}

static int exit_nothing(struct kvm_vcpu *vcpu)
{
	return 1;
}

/* The register of MOV CR: from the hardware, or from the instruction. */
static int exit_cr(struct kvm_vcpu *vcpu)
{
	u32 reason = vcpu->exit.reason;
	int cr = reason == SVM_EXIT_CR0_SEL_WRITE ? 0 : reason & 15;
	bool write = reason & 0x10 || reason == SVM_EXIT_CR0_SEL_WRITE;
	int gpr;

	if ((svm_features & SVM_HAS_DECODE) && (vcpu->exit.info1 >> 63))
		gpr = vcpu->exit.info1 & 15;
	else
		gpr = vcpu_decode_mov_cr(vcpu, cr, write);
	/* CLTS, LMSW, SMSW, or not what it was. */
	if (gpr < 0)
		return vcpu_emulate(vcpu, 0, INVALID_GPA, 0);
	if (write)
		return handle_cr_write(vcpu, cr, vcpu_read_gpr(vcpu, gpr));
	return handle_cr_read(vcpu, cr, gpr);
}

/* Lend the registers out; the instruction runs again, on the hardware. */
static int exit_dr(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	if (vcpu_is_debugged(vcpu))
		return vcpu_emulate(vcpu, 0, INVALID_GPA, 0);
	intercept_dr(svm, false);
	svm->dr_live = true;
	return 1;
}

static int exit_ioio(struct kvm_vcpu *vcpu)
{
	u32 info = vcpu->exit.info1;

	if (info & (SVM_IOIO_STR_MASK | SVM_IOIO_REP_MASK))
		return vcpu_emulate(vcpu, 0, INVALID_GPA, 0);
	vcpu->exit.insn_len = vcpu->exit.info2 - vcpu->exit.rip;
	return handle_pio(vcpu, info & SVM_IOIO_TYPE_MASK, info >> 16,
			  (info & SVM_IOIO_SIZE_MASK) >> SVM_IOIO_SIZE_SHIFT);
}

static int exit_msr(struct kvm_vcpu *vcpu)
{
	return vcpu->exit.info1 ? handle_wrmsr(vcpu) : handle_rdmsr(vcpu);
}

static int exit_invlpg(struct kvm_vcpu *vcpu)
{
	if (!(svm_features & SVM_HAS_DECODE))
		return vcpu_emulate(vcpu, 0, INVALID_GPA, 0);
	return handle_invlpg(vcpu, vcpu->exit.info1);
}

/* The state is undefined: give user space one that it can look at. */
static int exit_shutdown(struct kvm_vcpu *vcpu)
{
	debug_dump(vcpu, "shutdown");
	vcpu_reset(vcpu, true);
	vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return 0;
}

/* EXITINTINFO's type field as VCPU_EVENT_*. */
static u8 interrupted_type(u32 info)
{
	switch (info & SVM_EXITINTINFO_TYPE_MASK) {
	case SVM_EXITINTINFO_TYPE_NMI:
		return VCPU_EVENT_NMI;
	case SVM_EXITINTINFO_TYPE_EXEPT:
		return VCPU_EVENT_EXCEPTION;
	case SVM_EXITINTINFO_TYPE_SOFT:
		return VCPU_EVENT_SOFT;
	}
	return VCPU_EVENT_IRQ;
}

static int exit_emulated(struct kvm_vcpu *vcpu)
{
	return vcpu_emulate(vcpu, 0, INVALID_GPA, 0);
}

static int exit_task_switch(struct kvm_vcpu *vcpu)
{
	u32 intinfo = to_svm(vcpu)->vmcb->control.exit_int_info;
	u64 info = vcpu->exit.info2;
	struct vcpu_event e;

	if (info & BIT_ULL(SVM_EXITINFOSHIFT_TS_REASON_IRET))
		return handle_task_switch(vcpu, vcpu->exit.info1,
					  X86_TASK_IRET, NULL);
	if (info & BIT_ULL(SVM_EXITINFOSHIFT_TS_REASON_JMP))
		return handle_task_switch(vcpu, vcpu->exit.info1,
					  X86_TASK_JMP, NULL);
	if (!(intinfo & SVM_EXITINTINFO_VALID))
		return handle_task_switch(vcpu, vcpu->exit.info1,
					  X86_TASK_CALL, NULL);
	e = (struct vcpu_event){
		.vector = intinfo & SVM_EXITINTINFO_VEC_MASK,
		.type = interrupted_type(intinfo),
		.has_error = info &
			BIT_ULL(SVM_EXITINFOSHIFT_TS_HAS_ERROR_CODE),
		.error = info,
	};
	/* RIP is still at INT3 and INTO. */
	if (event_is_soft_exception(&e))
		e.type = VCPU_EVENT_SOFT;
	return handle_task_switch(vcpu, vcpu->exit.info1, X86_TASK_GATE, &e);
}

static int (*const svm_exits[])(struct kvm_vcpu *vcpu) = {
	[SVM_EXIT_READ_CR0]	= exit_cr,
	[SVM_EXIT_READ_CR3]	= exit_cr,
	[SVM_EXIT_READ_CR4]	= exit_cr,
	[SVM_EXIT_READ_CR8]	= exit_cr,
	[SVM_EXIT_WRITE_CR0]	= exit_cr,
	[SVM_EXIT_WRITE_CR3]	= exit_cr,
	[SVM_EXIT_WRITE_CR4]	= exit_cr,
	[SVM_EXIT_WRITE_CR8]	= exit_cr,
	[SVM_EXIT_CR0_SEL_WRITE] = exit_cr,
	[SVM_EXIT_READ_DR0 ... SVM_EXIT_READ_DR7]	= exit_dr,
	[SVM_EXIT_WRITE_DR0 ... SVM_EXIT_WRITE_DR7]	= exit_dr,
	[SVM_EXIT_EXCP_BASE + DB_VECTOR] = exit_db,
	[SVM_EXIT_EXCP_BASE + BP_VECTOR] = exit_bp,
	[SVM_EXIT_EXCP_BASE + UD_VECTOR] = handle_ud_exit,
	[SVM_EXIT_EXCP_BASE + PF_VECTOR] = exit_pf,
	[SVM_EXIT_EXCP_BASE + AC_VECTOR] = exit_ac,
	[SVM_EXIT_EXCP_BASE + MC_VECTOR] = exit_mc,
	[SVM_EXIT_INTR]		= handle_host_irq,
	[SVM_EXIT_NMI]		= exit_nothing,
	[SVM_EXIT_SMI]		= exit_nothing,
	[SVM_EXIT_INIT]		= exit_nothing,
	[SVM_EXIT_VINTR]	= exit_vintr,
	[SVM_EXIT_RDPMC]	= handle_rdpmc,
	[SVM_EXIT_CPUID]	= handle_cpuid,
	[SVM_EXIT_RSM]		= handle_ud,
	[SVM_EXIT_IRET]		= exit_iret,
	[SVM_EXIT_INVD]		= handle_nop,
	[SVM_EXIT_HLT]		= handle_hlt,
	[SVM_EXIT_INVLPG]	= exit_invlpg,
	[SVM_EXIT_INVLPGA]	= handle_ud,
	[SVM_EXIT_IOIO]		= exit_ioio,
	[SVM_EXIT_MSR]		= exit_msr,
	[SVM_EXIT_TASK_SWITCH]	= exit_task_switch,
	[SVM_EXIT_FERR_FREEZE]	= exit_nothing,
	[SVM_EXIT_SHUTDOWN]	= exit_shutdown,
	[SVM_EXIT_VMRUN]	= handle_ud,
	[SVM_EXIT_VMMCALL]	= handle_hypercall,
	[SVM_EXIT_VMLOAD]	= handle_ud,
	[SVM_EXIT_VMSAVE]	= handle_ud,
	[SVM_EXIT_STGI]		= handle_ud,
	[SVM_EXIT_CLGI]		= handle_ud,
	[SVM_EXIT_SKINIT]	= handle_ud,
	[SVM_EXIT_RDTSCP]	= handle_ud,
	[SVM_EXIT_WBINVD]	= handle_nop,
	[SVM_EXIT_PUSHF]	= exit_emulated,
	[SVM_EXIT_ICEBP]	= exit_emulated,
	[SVM_EXIT_MONITOR]	= handle_nop,
	[SVM_EXIT_MWAIT]	= handle_nop,
	[SVM_EXIT_XSETBV]	= handle_xsetbv,
	[SVM_EXIT_RDPRU]	= handle_ud,
	[SVM_EXIT_INVPCID]	= handle_ud,
};

/*
 * The exit came in the middle of a delivery.  INT n, INT3 and INTO run again,
 * RIP still being at them; everything else is delivered again, and so is what
 * commit_event() made of INT3 and INTO.
 */
static void interrupted_delivery(struct vcpu_svm *svm)
{
	const struct vmcb_control_area *control = &svm->vmcb->control;
	u32 info = control->exit_int_info;
	struct vcpu_event e = {
		.type = interrupted_type(info),
		.vector = info & SVM_EXITINTINFO_VEC_MASK,
		.has_error = info & SVM_EXITINTINFO_VALID_ERR,
		.error = control->exit_int_info_err,
	};

	bool soft = event_is_soft_exception(&e);
	bool ours = svm->vcpu.ev.committed == VCPU_EVENT_EXCEPTION &&
		    svm->vcpu.ev.exception.vector == e.vector;

	if (soft && ours)
		svm->vcpu.s.rip--;
	if (e.type == VCPU_EVENT_SOFT || (soft && !ours))
		vcpu_event_after_exit(&svm->vcpu, NULL);
	else
		vcpu_event_after_exit(&svm->vcpu, &e);
}

static int svm_handle_exit(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	u32 reason = vcpu->exit.reason;

	if (unlikely(svm->vmcb->control.exit_int_info &
		     SVM_EXITINTINFO_VALID))
		interrupted_delivery(svm);
	else if (vcpu->ev.committed)
		vcpu_event_after_exit(vcpu, NULL);
	svm->stepped = svm->nmi_step;
	if (unlikely(svm->nmi_step || svm->iret_pending))
		nmi_progress(svm);
	if (unlikely(vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP))
		vcpu->s.rflags &= ~X86_EFLAGS_TF;

	if (unlikely(reason >= ARRAY_SIZE(svm_exits))) {
		if (reason != (u32)SVM_EXIT_ERR)
			return handle_unknown_exit(vcpu);
		debug_dump(vcpu, "VMRUN failed");
		vcpu->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
		vcpu->run->fail_entry.hardware_entry_failure_reason = reason;
		vcpu->run->fail_entry.cpu = vcpu->last_cpu;
		return 0;
	}
	reason = array_index_nospec(reason, ARRAY_SIZE(svm_exits));
	if (unlikely(!svm_exits[reason]))
		return handle_unknown_exit(vcpu);
	return svm_exits[reason](vcpu);
}

/* ------------------------------------------------------------------------
 * The rest of the table
 */

static void svm_set_tsc_offset(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->vmcb->control.tsc_offset = clock_hw_offset(vcpu);
	svm->clean &= ~CLEAN_INTERCEPTS;
}

static void svm_dump(struct kvm_vcpu *vcpu)
{
	const struct vmcb_save_area *s = &to_svm(vcpu)->vmcb->save;
	const struct vmcb_control_area *c = &to_svm(vcpu)->vmcb->control;

	pr_info("kvm:   cr0 %llx cr2 %llx cr3 %llx (guest %llx) cr4 %llx efer %llx\n",
		s->cr0, s->cr2, s->cr3, vcpu->s.cr3, s->cr4, s->efer);
	pr_info("kvm:   rip %llx rsp %llx rax %llx rflags %llx cpl %u cs %04x/%x base %llx\n",
		s->rip, s->rsp, s->rax, s->rflags, s->cpl, s->cs.selector,
		s->cs.attrib, s->cs.base);
	pr_info("kvm:   ss %04x/%x tr %04x/%x gdt %llx/%x idt %llx/%x\n",
		s->ss.selector, s->ss.attrib, s->tr.selector, s->tr.attrib,
		s->gdtr.base, s->gdtr.limit, s->idtr.base, s->idtr.limit);
	pr_info("kvm:   exit %x info %llx %llx intinfo %x inject %x int_ctl %x state %x asid %u\n",
		c->exit_code, c->exit_info_1, c->exit_info_2,
		c->exit_int_info, c->event_inj, c->int_ctl, c->int_state,
		c->asid);
}

static const struct trace_print_flags exit_names[] = { SVM_EXIT_REASONS };

const struct kvm_vendor_ops svm_ops = {
	.name			= "AMD-V",
	.vcpu_size		= sizeof(struct vcpu_svm),
	.amd			= true,
	.ucode_rev		= 0x01000065,
	.exit_names		= exit_names,
	.nr_exit_names		= ARRAY_SIZE(exit_names),
	.exit_mask		= ~0u,
	.isa			= KVM_TRACE_ISA_SVM,
	.probe			= svm_probe,
	.setup			= svm_setup,
	.teardown		= svm_teardown,
	.cpu_enable		= svm_cpu_enable,
	.cpu_disable		= svm_cpu_disable,
	.vcpu_create		= svm_vcpu_create,
	.vcpu_free		= svm_vcpu_free,
	.vcpu_reset		= svm_vcpu_reset,
	.vcpu_load		= svm_vcpu_load,
	.vcpu_put		= svm_vcpu_put,
	.fetch			= svm_fetch,
	.enter			= svm_enter,
	.handle_exit		= svm_handle_exit,
	.flush_tlb		= svm_flush_tlb,
	.flush_gva		= svm_flush_gva,
	.request_irq_window	= svm_request_irq_window,
	.request_nmi_window	= svm_request_nmi_window,
	.update_intercepts	= svm_update_intercepts,
	.set_tsc_offset		= svm_set_tsc_offset,
	.dump			= svm_dump,
};
