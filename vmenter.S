/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmenter.S - the world switch, and nothing else.
 *
 * One function per vendor, called with interrupts off.  On return every
 * general register holds the host's again; the guest's are in vcpu_state.regs,
 * but for those that the VMCB or VMCS keeps.  What a guest could have left
 * in the predictors is dealt with before the first RET.
 *
 * Read next: svm.c, svm_enter().
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/bitsperlong.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>

/* vcpu_state.regs, in the order of VCPU_RAX .. VCPU_R15. */
#define REG_RCX		(1 * 8)
#define REG_RDX		(2 * 8)
#define REG_RBX		(3 * 8)
#define REG_RBP		(5 * 8)
#define REG_RSI		(6 * 8)
#define REG_RDI		(7 * 8)
#define REG_R8		(8 * 8)
#define REG_R9		(9 * 8)
#define REG_R10		(10 * 8)
#define REG_R11		(11 * 8)
#define REG_R12		(12 * 8)
#define REG_R13		(13 * 8)
#define REG_R14		(14 * 8)
#define REG_R15		(15 * 8)

/* All but RAX and RSP; \base is RDI on loading and RAX on saving. */
.macro LOAD_GUEST_REGS
	mov REG_RCX(%rdi), %rcx
	mov REG_RDX(%rdi), %rdx
	mov REG_RBX(%rdi), %rbx
	mov REG_RBP(%rdi), %rbp
	mov REG_RSI(%rdi), %rsi
	mov REG_R8(%rdi), %r8
	mov REG_R9(%rdi), %r9
	mov REG_R10(%rdi), %r10
	mov REG_R11(%rdi), %r11
	mov REG_R12(%rdi), %r12
	mov REG_R13(%rdi), %r13
	mov REG_R14(%rdi), %r14
	mov REG_R15(%rdi), %r15
	mov REG_RDI(%rdi), %rdi
.endm

.macro SAVE_GUEST_REGS
	mov %rcx, REG_RCX(%rax)
	mov %rdx, REG_RDX(%rax)
	mov %rbx, REG_RBX(%rax)
	mov %rbp, REG_RBP(%rax)
	mov %rsi, REG_RSI(%rax)
	mov %rdi, REG_RDI(%rax)
	mov %r8, REG_R8(%rax)
	mov %r9, REG_R9(%rax)
	mov %r10, REG_R10(%rax)
	mov %r11, REG_R11(%rax)
	mov %r12, REG_R12(%rax)
	mov %r13, REG_R13(%rax)
	mov %r14, REG_R14(%rax)
	mov %r15, REG_R15(%rax)
.endm

/* Nothing of the guest's may steer speculation in the host. */
.macro CLEAR_REGS
	xor %ecx, %ecx
	xor %edx, %edx
	xor %ebx, %ebx
	xor %ebp, %ebp
	xor %esi, %esi
	xor %edi, %edi
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	xor %r11d, %r11d
	xor %r12d, %r12d
	xor %r13d, %r13d
	xor %r14d, %r14d
	xor %r15d, %r15d
.endm

.macro PUSH_HOST_REGS
	push %rbp
	push %r15
	push %r14
	push %r13
	push %r12
	push %rbx
.endm

.macro POP_HOST_REGS
	pop %rbx
	pop %r12
	pop %r13
	pop %r14
	pop %r15
	pop %rbp
.endm

/* 6.1 has no macro for an IBPB that is wanted after VM exits only. */
#ifndef UNTRAIN_RET_VM
.macro UNTRAIN_RET_VM
	UNTRAIN_RET
	ALTERNATIVE "", "call entry_ibpb", X86_FEATURE_IBPB_ON_VMEXIT
.endm
#endif

/* Zen 1 may show the last quotient to who divides by zero (AMD-SB-7008). */
.macro CLEAR_DIVIDER
	ALTERNATIVE "", "xor %edx, %edx; lea 1(%rdx), %eax; div %eax", X86_BUG_DIV0
.endm

/* IBRS protects from less privileged modes only if written after them. */
.macro RENEW_IBRS
	ALTERNATIVE "jmp .Lno_ibrs_\@", "", X86_FEATURE_KERNEL_IBRS
	mov $MSR_IA32_SPEC_CTRL, %ecx
	mov PER_CPU_VAR(x86_spec_ctrl_current), %eax
	mov PER_CPU_VAR(x86_spec_ctrl_current + 4), %edx
	wrmsr
.Lno_ibrs_\@:
.endm

.section .noinstr.text, "ax"

/*
 * void svm_vmenter(struct vcpu_state *s, u64 guest_pa, u64 host_pa)
 *
 * GIF is clear from the first instruction to the last, so that no NMI meets
 * the guest's TR, FS or GS; with RFLAGS.IF set, a physical interrupt ends the
 * guest's run and is taken after STGI.  VMSAVE of the host's side is done
 * each time: its LDT may have changed since the last.
 */
SYM_FUNC_START(svm_vmenter)
	PUSH_HOST_REGS
	push %rdx
	push %rsi
	push %rdi

	clgi
	sti
	mov %rdx, %rax
	vmsave %rax
	CLEAR_DIVIDER
	mov %rsi, %rax
	vmload %rax
	LOAD_GUEST_REGS
	VM_CLEAR_CPU_BUFFERS
	vmrun %rax

	pop %rax
	SAVE_GUEST_REGS
	pop %rax
	vmsave %rax
	pop %rax
	vmload %rax
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT
	CLEAR_REGS
	UNTRAIN_RET_VM
	cli
	stgi
	POP_HOST_REGS
	RET
SYM_FUNC_END(svm_vmenter)

/* VMCS field of the host's RSP (SDM vol. 3, appendix B). */
#define VMCS_HOST_RSP	0x6c14

/*
 * int vmx_vmenter(struct vcpu_state *s, bool launched)
 *
 * Returns 0 after an exit, 1 if VMLAUNCH or VMRESUME failed.  VERW leaves CF
 * alone, which remembers `launched` while all registers are the guest's.
 */
SYM_FUNC_START(vmx_vmenter)
	PUSH_HOST_REGS
	push %rdi

	mov $VMCS_HOST_RSP, %edx
	vmwrite %rsp, %rdx
	bt $0, %esi
	mov (%rdi), %rax
	LOAD_GUEST_REGS
	CLEAR_CPU_BUFFERS
	jnc .Lvmlaunch
	vmresume
	jmp .Lnot_entered
.Lvmlaunch:
	vmlaunch
.Lnot_entered:
	/* Whoever comes by here has CF or ZF set; an exit goes to the label. */
	jbe .Lvmfail

SYM_INNER_LABEL(vmx_vmexit, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	push %rax
	mov 8(%rsp), %rax
	SAVE_GUEST_REGS
	pop (%rax)
	pop %rax
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
		X86_FEATURE_RSB_VMEXIT_LITE
	RENEW_IBRS
	CLEAR_REGS
	CLEAR_BRANCH_HISTORY_VMEXIT
	UNTRAIN_RET_VM
	xor %eax, %eax
	POP_HOST_REGS
	RET

.Lvmfail:
	pop %rdi
	mov $1, %eax
	POP_HOST_REGS
	RET
SYM_FUNC_END(vmx_vmenter)
