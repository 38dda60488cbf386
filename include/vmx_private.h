/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmx_private.h - what vmx.c and vmx_cpu.c share: a vCPU's and a CPU's side of
 * VT-x, the capabilities, and the instructions.  Nobody else includes it.
 *
 * Read next: vmx_cpu.c, vmx.c.
 */
#ifndef KVM_VMX_PRIVATE_H
#define KVM_VMX_PRIVATE_H

#include <linux/percpu.h>
#include <asm/asm.h>
#include <asm/vmx.h>
#include "kvm.h"

struct vcpu_vmx {
	struct kvm_vcpu vcpu;		/* first */
	struct vmcs *vmcs;
	phys_addr_t vmcs_pa;
	struct list_head link;		/* of the VMCSs in a CPU; that CPU only */
	int vmcs_cpu;			/* where it is active, or -1 */
	bool launched;			/* VMRESUME, not VMLAUNCH */
	u16 vpid;			/* 0: none */
	u8 tpr_threshold;		/* as in the VMCS */
	u32 vectoring, intr_info;	/* of the last exit */

	/* What the VMCS holds: a field is written only if it changes. */
	u32 cpu_exec, entry_ctl, exceptions;
	u64 host_cr3, host_cr4, guest_cr3;

	bool vm86;			/* real mode runs as a vm86 task */
	u8 can_enter;			/* with this CR0.PE, or with none */
#define CANNOT_ENTER	2
	bool stepping;			/* RFLAGS in the VMCS have TF, when last read or written */
	bool dr_live;			/* the guest has the debug registers */
	bool msrs_live;			/* the syscall MSRs are the guest's */
	u64 hw_tsc_aux;
	void *virtual_apic;		/* TPR shadow */

	/* The host's, from vcpu_load() to vcpu_put(). */
	u64 host_kernel_gs_base;
	u16 host_ds, host_es, host_fs, host_gs, host_ldt;
};

static inline struct vcpu_vmx *to_vmx(struct kvm_vcpu *vcpu)
{
	return container_of(vcpu, struct vcpu_vmx, vcpu);
}

struct vmcs {
	u32 revision;
	u32 abort;
	u8 data[];
};

struct vmx_cpu {
	struct vmcs *vmxon;
	struct list_head active;	/* vcpu_vmx.link; this CPU, irqs off */
	struct vcpu_vmx *last;		/* whose predictions are in here */
	u64 tsc_aux;			/* the host's */
};

DECLARE_PER_CPU(struct vmx_cpu, vmx_cpus);

struct vmx_caps {
	u32 revision;
	u32 size;
	u32 pin, cpu_exec, secondary, exit, entry;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	bool invvpid_single, invvpid_gva;
};

/* Of this machine: what the controls may be, and what they all begin with. */
extern struct vmx_caps vmx_caps;
/* Syscall MSRs and EFER of the host: the same on every CPU. */
extern u64 host_star, host_lstar, host_fmask, host_efer;
/* One for all guests. */
extern void *vmx_msr_bitmap;

/* ------------------------------------------------------------------------
 * Instructions.  A failure of these is a bug of ours: say so once.  #UD is
 * none: a reboot switches VMX off under whoever is at work, and what they do
 * then is of no effect (see cpu_is_off()).
 */

void vmx_insn_failed(const char *what, unsigned long arg);

#define vmx_insn(insn, arg, constraint)					\
({									\
	bool __fail = false;						\
	asm volatile("1: " insn "; setna %0; 2:" _ASM_EXTABLE(1b, 2b)	\
		     : "+qm" (__fail) : constraint (arg) : "cc", "memory"); \
	__fail;								\
})

/* Not so VMXON: it faults where firmware has left VMX locked, on this CPU. */
static inline int vmxon(phys_addr_t pa)
{
	asm goto("1: vmxon %0; jna %l[fail]\n" _ASM_EXTABLE(1b, %l[fail])
		 : : "m" (pa) : "cc", "memory" : fail);
	return 0;
fail:
	return 1;
}

static inline void vmclear(phys_addr_t pa)
{
	if (vmx_insn("vmclear %1", pa, "m"))
		vmx_insn_failed("VMCLEAR", pa);
}

static inline void vmptrld(phys_addr_t pa)
{
	if (vmx_insn("vmptrld %1", pa, "m"))
		vmx_insn_failed("VMPTRLD", pa);
}

static __always_inline unsigned long vmread(unsigned long field)
{
	unsigned long val;

	/* After a VMXOFF that nobody waited for: 0, not what the register held. */
	asm volatile("1: vmread %[field], %[val]; 2:"
		     _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_ZERO_REG, %[val])
		     : [val] "=r" (val) : [field] "r" (field) : "cc");
	return val;
}

static __always_inline void vmwrite(unsigned long field, unsigned long val)
{
	asm goto("1: vmwrite %0, %1; jna %l[fail]\n" _ASM_EXTABLE(1b, %l[off])
		 : : "r" (val), "r" (field) : "cc" : fail, off);
off:
	return;
fail:
	vmx_insn_failed("VMWRITE", field);
}

struct invvpid {
	u64 vpid;
	u64 gva;
};

static inline void invvpid(unsigned long type, u16 vpid, gva_t gva)
{
	struct invvpid desc = { vpid, gva };
	bool fail = false;

	asm volatile("1: invvpid %2, %1; setna %0; 2:" _ASM_EXTABLE(1b, 2b)
		     : "+qm" (fail) : "r" (type), "m" (desc) : "cc", "memory");
	if (unlikely(fail))
		vmx_insn_failed("INVVPID", vpid);
}

/* ------------------------------------------------------------------------
 * vmx_cpu.c
 */

/* Where a vm86 task's TSS lies; its page directory replaces the last GiB. */
#define VM86_TSS_ADDR	0xffffc000ul
#define VM86_TSS_LIMIT	(104 + 8192)
phys_addr_t vmx_vm86_directory(void);

int vmx_probe(void);
int vmx_setup(void);
void vmx_teardown(void);
int vmx_cpu_enable(void);
void vmx_cpu_disable(void);

struct vmcs *vmx_alloc_vmcs(int node);
void vmx_free_vmcs(struct vmcs *vmcs);
/* Out of whatever CPU it is in; waits for that CPU. */
void vmx_clear_vmcs(struct vcpu_vmx *vmx);

#endif
