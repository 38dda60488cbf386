// SPDX-License-Identifier: GPL-2.0
/*
 * vmx_cpu.c - VT-x as this machine has it: what it can do, and each CPU's way
 * into VMX operation and out of it.
 *
 * Owns: the capabilities, from which every control is computed; the VMXON
 * regions; the lists of VMCSs that live in a CPU; the MSR bitmap and the TSS
 * of vm86 tasks, one for all guests.  What this machine lacks is worked around
 * or refused by vmx_setup().  SDM vol. 3, ch. 23 to 24 and appendix A.
 *
 * Read next: vmx.c.
 */
#include <linux/cpu.h>
#include <linux/kvm.h>
#include <asm/asm.h>
#include <asm/desc.h>
#include <asm/perf_event.h>
#include <asm/tlbflush.h>
#include "vmx_private.h"

DEFINE_PER_CPU(struct vmx_cpu, vmx_cpus);
struct vmx_caps vmx_caps;
void *vmx_msr_bitmap;
u64 host_star, host_lstar, host_fmask, host_efer;

void vmx_insn_failed(const char *what, unsigned long arg)
{
	pr_warn_once("kvm: %s %lx failed\n", what, arg);
}

/* ------------------------------------------------------------------------
 * Real mode as a vm86 task
 *
 * Its TSS, with an all-zero I/O bitmap, has to lie somewhere in the linear
 * address space.  A vm86 task reaches no further than 1 MiB and
 * 64 KiB, and these pages are the supervisor's, so the last GiB of the
 * unpaged guest's identity map can be replaced by a table that maps nothing
 * but the TSS.  One set serves all vCPUs, read-only.
 */

#define VM86_TSS_PAGES	3
#define VM86_IO_BASE	102		/* offset of the I/O map's offset */

static struct {
	u64 *pd, *pt;
	void *tss;
} vm86_tables;

static void vm86_tables_free(void)
{
	free_page((unsigned long)vm86_tables.pd);
	free_page((unsigned long)vm86_tables.pt);
	free_pages((unsigned long)vm86_tables.tss, 2);
	memset(&vm86_tables, 0, sizeof(vm86_tables));
}

static int vm86_tables_alloc(void)
{
	int i;

	vm86_tables.pd = (void *)get_zeroed_page(GFP_KERNEL);
	vm86_tables.pt = (void *)get_zeroed_page(GFP_KERNEL);
	vm86_tables.tss = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 2);
	if (!vm86_tables.pd || !vm86_tables.pt || !vm86_tables.tss)
		return -ENOMEM;		/* the caller frees */
	*(u16 *)(vm86_tables.tss + VM86_IO_BASE) = 104;
	*(u8 *)(vm86_tables.tss + VM86_TSS_LIMIT) = 0xff;
	for (i = 0; i < VM86_TSS_PAGES; i++)
		vm86_tables.pt[(VM86_TSS_ADDR >> PAGE_SHIFT) % 512 + i] =
			(__pa(vm86_tables.tss) + i * PAGE_SIZE) |
			_PAGE_PRESENT | _PAGE_ACCESSED;
	vm86_tables.pd[511] = __pa(vm86_tables.pt) | _PAGE_PRESENT |
			      _PAGE_ACCESSED;
	return 0;
}

phys_addr_t vmx_vm86_directory(void)
{
	return __pa(vm86_tables.pd);
}

/* ------------------------------------------------------------------------
 * The processor
 */

int vmx_probe(void)
{
	u64 ctl;

	if (!boot_cpu_has(X86_FEATURE_VMX) &&
	    !(cpuid_ecx(1) & BIT(X86_FEATURE_VMX & 31)))
		return -ENODEV;
#ifdef X86_FEATURE_FRED
	/* An NMI that ended a run is handed on by INT 2, which is another thing there. */
	if (cpu_feature_enabled(X86_FEATURE_FRED)) {
		pr_err("kvm: VT-x does not work yet in a host that uses FRED: boot it with fred=off\n");
		return -EOPNOTSUPP;
	}
#endif
	rdmsrl(MSR_IA32_FEAT_CTL, ctl);
	if ((ctl & FEAT_CTL_LOCKED) &&
	    !(ctl & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		pr_err("kvm: VT-x is switched off by the firmware: look for \"VT-x\" or \"virtualization\" in its set-up\n");
		return -EOPNOTSUPP;
	}
	if (__read_cr4() & X86_CR4_VMXE) {
		pr_err("kvm: VT-x is in use by another hypervisor: unload its module first\n");
		return -EBUSY;
	}
	return 0;
}

/*
 * A capability MSR: its low half must be set, its high half may be.  @want
 * without a chance is dropped, @need without one is an error.
 */
static int choose(const char *what, u32 msr, u32 need, u32 want, u32 *ctl)
{
	u32 low, high;

	rdmsr(msr, low, high);
	*ctl = ((need | want) & high) | low;
	if (need & ~high) {
		pr_err("kvm: this CPU lacks %s controls %#x\n", what,
		       need & ~high);
		return -EOPNOTSUPP;
	}
	return 0;
}

#define CPU_EXEC_NEED							\
	(CPU_BASED_HLT_EXITING | CPU_BASED_INVLPG_EXITING |		\
	 CPU_BASED_CR3_LOAD_EXITING | CPU_BASED_CR3_STORE_EXITING |	\
	 CPU_BASED_MOV_DR_EXITING | CPU_BASED_UNCOND_IO_EXITING |	\
	 CPU_BASED_USE_TSC_OFFSETTING | CPU_BASED_USE_MSR_BITMAPS |	\
	 CPU_BASED_MWAIT_EXITING | CPU_BASED_MONITOR_EXITING |		\
	 CPU_BASED_RDPMC_EXITING)

static int choose_controls(void)
{
	u64 basic;
	bool t;
	int r;

	rdmsrl(MSR_IA32_VMX_BASIC, basic);
	vmx_caps.revision = vmx_basic_vmcs_revision_id(basic);
	vmx_caps.size = vmx_basic_vmcs_size(basic);
	t = basic & BIT_ULL(55);	/* the TRUE MSRs exist */

	r = choose("pin-based", t ? MSR_IA32_VMX_TRUE_PINBASED_CTLS :
		   MSR_IA32_VMX_PINBASED_CTLS,
		   PIN_BASED_EXT_INTR_MASK | PIN_BASED_NMI_EXITING |
		   PIN_BASED_VIRTUAL_NMIS, 0, &vmx_caps.pin);
	if (!r)
		r = choose("processor-based", t ?
			   MSR_IA32_VMX_TRUE_PROCBASED_CTLS :
			   MSR_IA32_VMX_PROCBASED_CTLS, CPU_EXEC_NEED,
			   CPU_BASED_TPR_SHADOW |
			   CPU_BASED_ACTIVATE_SECONDARY_CONTROLS,
			   &vmx_caps.cpu_exec);
	if (!r && (vmx_caps.cpu_exec & CPU_BASED_ACTIVATE_SECONDARY_CONTROLS))
		r = choose("secondary", MSR_IA32_VMX_PROCBASED_CTLS2, 0,
			   SECONDARY_EXEC_ENABLE_VPID |
			   SECONDARY_EXEC_ENABLE_RDTSCP |
			   SECONDARY_EXEC_ENCLS_EXITING |
			   SECONDARY_EXEC_WBINVD_EXITING, &vmx_caps.secondary);
	if (!r)
		r = choose("exit", t ? MSR_IA32_VMX_TRUE_EXIT_CTLS :
			   MSR_IA32_VMX_EXIT_CTLS,
			   VM_EXIT_HOST_ADDR_SPACE_SIZE |
			   VM_EXIT_SAVE_DEBUG_CONTROLS,
			   VM_EXIT_LOAD_IA32_EFER, &vmx_caps.exit);
	if (!r)
		r = choose("entry", t ? MSR_IA32_VMX_TRUE_ENTRY_CTLS :
			   MSR_IA32_VMX_ENTRY_CTLS, VM_ENTRY_LOAD_DEBUG_CONTROLS,
			   VM_ENTRY_LOAD_IA32_EFER, &vmx_caps.entry);
	if (r)
		return r;
	/* EFER goes both ways by control, or both ways by MSR list. */
	if (!(vmx_caps.exit & VM_EXIT_LOAD_IA32_EFER) ||
	    !(vmx_caps.entry & VM_ENTRY_LOAD_IA32_EFER)) {
		vmx_caps.exit &= ~VM_EXIT_LOAD_IA32_EFER;
		vmx_caps.entry &= ~VM_ENTRY_LOAD_IA32_EFER;
	}
	/* CR8 exits are needed where no TPR shadow is. */
	if (!(vmx_caps.cpu_exec & CPU_BASED_TPR_SHADOW))
		vmx_caps.cpu_exec |= CPU_BASED_CR8_LOAD_EXITING |
				 CPU_BASED_CR8_STORE_EXITING;
	vmx_caps.entry &= ~VM_ENTRY_IA32E_MODE;
	return 0;
}

static void read_fixed_bits(void)
{
	u64 vpid_cap = 0;

	rdmsrl(MSR_IA32_VMX_CR0_FIXED0, vmx_caps.cr0_fixed0);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED1, vmx_caps.cr0_fixed1);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, vmx_caps.cr4_fixed0);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, vmx_caps.cr4_fixed1);
	if (vmx_caps.secondary & SECONDARY_EXEC_ENABLE_VPID) {
		rdmsrl(MSR_IA32_VMX_EPT_VPID_CAP, vpid_cap);
		vpid_cap >>= 32;
		vmx_caps.invvpid_single = (vpid_cap & VMX_VPID_INVVPID_BIT) &&
			(vpid_cap & VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT);
		vmx_caps.invvpid_gva = vmx_caps.invvpid_single &&
			(vpid_cap & VMX_VPID_EXTENT_INDIVIDUAL_ADDR_BIT);
		/* Without a flush by VPID a VPID is of no use to us. */
		if (!vmx_caps.invvpid_single)
			vmx_caps.secondary &= ~SECONDARY_EXEC_ENABLE_VPID;
	}
}

struct vmcs *vmx_alloc_vmcs(int node)
{
	struct page *page = alloc_pages_node(node, GFP_KERNEL_ACCOUNT | __GFP_ZERO,
					     get_order(vmx_caps.size));
	struct vmcs *vmcs;

	if (!page)
		return NULL;
	vmcs = page_address(page);
	vmcs->revision = vmx_caps.revision;
	return vmcs;
}

void vmx_free_vmcs(struct vmcs *vmcs)
{
	free_pages((unsigned long)vmcs, get_order(vmx_caps.size));
}

int vmx_cpu_enable(void)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpus);
	u64 ctl;

	if (__read_cr4() & X86_CR4_VMXE)
		return -EBUSY;
	rdmsrl(MSR_IA32_FEAT_CTL, ctl);
	if (!(ctl & FEAT_CTL_LOCKED))
		wrmsrl(MSR_IA32_FEAT_CTL, ctl | FEAT_CTL_LOCKED |
		       FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX);
	cr4_set_bits_irqsoff(X86_CR4_VMXE);
	intel_pt_handle_vmx(1);
	if (vmxon(__pa(c->vmxon))) {
		intel_pt_handle_vmx(0);
		cr4_clear_bits_irqsoff(X86_CR4_VMXE);
		return -EIO;
	}
	if (boot_cpu_has(X86_FEATURE_RDTSCP))
		rdmsrl(MSR_TSC_AUX, c->tsc_aux);
	return 0;
}

/* Out of the CPU, into memory: it may then move, or be freed. */
static void vmcs_clear_here(struct vcpu_vmx *vmx)
{
	vmclear(vmx->vmcs_pa);
	list_del(&vmx->link);
	vmx->vmcs_cpu = -1;
	vmx->launched = false;
}

void vmx_cpu_disable(void)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpus);
	struct vcpu_vmx *vmx, *next;

	list_for_each_entry_safe(vmx, next, &c->active, link)
		vmcs_clear_here(vmx);
	/* A crash may come between this and the note that it is done: #UD. */
	asm goto("1: vmxoff\n" _ASM_EXTABLE(1b, %l[off]) : : : "cc" : off);
off:
	intel_pt_handle_vmx(0);
	cr4_clear_bits_irqsoff(X86_CR4_VMXE);
}

static void vmcs_clear_ipi(void *arg)
{
	struct vcpu_vmx *vmx = arg;

	if (vmx->vmcs_cpu == smp_processor_id())
		vmcs_clear_here(vmx);
}

void vmx_clear_vmcs(struct vcpu_vmx *vmx)
{
	int cpu = READ_ONCE(vmx->vmcs_cpu);

	if (cpu >= 0)
		smp_call_function_single(cpu, vmcs_clear_ipi, vmx, 1);
}

/* MSRs that a guest may read and write without an exit. */
static const u32 guest_msrs[] = {
	MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_IA32_SYSENTER_CS,
	MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
};

/* Read and write maps, low and high MSRs: four of 1 KiB (SDM, "MSR-Bitmap"). */
static void msr_bitmap_pass(u32 msr)
{
	void *map = vmx_msr_bitmap + (msr >= 0xc0000000 ? 1024 : 0);

	__clear_bit(msr & 0x1fff, map);
	__clear_bit(msr & 0x1fff, map + 2048);
}

void vmx_teardown(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct vmx_cpu *c = per_cpu_ptr(&vmx_cpus, cpu);

		if (c->vmxon)
			vmx_free_vmcs(c->vmxon);
		c->vmxon = NULL;
	}
	vm86_tables_free();
	free_page((unsigned long)vmx_msr_bitmap);
	vmx_msr_bitmap = NULL;
	l1tf_vmx_mitigation = VMENTER_L1D_FLUSH_AUTO;
}

int vmx_setup(void)
{
	int cpu, i, r = choose_controls();

	if (r)
		return r;
	read_fixed_bits();
	/*
	 * What the host says of L1TF in sysfs: a guest has no page tables of
	 * its own to aim with, so nothing has to be flushed before an entry.
	 */
	l1tf_vmx_mitigation = VMENTER_L1D_FLUSH_EPT_DISABLED;
	rdmsrl(MSR_EFER, host_efer);
	rdmsrl(MSR_STAR, host_star);
	rdmsrl(MSR_LSTAR, host_lstar);
	rdmsrl(MSR_SYSCALL_MASK, host_fmask);

	vmx_msr_bitmap = (void *)__get_free_page(GFP_KERNEL);
	if (!vmx_msr_bitmap || vm86_tables_alloc())
		goto nomem;
	memset(vmx_msr_bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(guest_msrs); i++)
		msr_bitmap_pass(guest_msrs[i]);
	for_each_possible_cpu(cpu) {
		struct vmx_cpu *c = per_cpu_ptr(&vmx_cpus, cpu);

		INIT_LIST_HEAD(&c->active);
		c->vmxon = vmx_alloc_vmcs(cpu_to_node(cpu));
		if (!c->vmxon)
			goto nomem;
	}
	return 0;
nomem:
	vmx_teardown();
	return -ENOMEM;
}
