/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Leaves the program's own mode for any other and comes back: mode_call() and
 * real_call() of bare.h.  Every way leads through flat 32-bit mode without
 * paging, here, in memory below 1 MiB, which all modes see at its own address.
 * State between the halves lies in memory, as no register survives them all.
 */
#include "layout.h"

#define CR0_PE	1
#define CR0_PG	(1 << 31)
#define EFER	0xc0000080
#define REAL_STACK_SIZE 0x800

/*
 * The linker puts this first, at LOW_BASE, so that distances from its start
 * are offsets in a real-mode segment.
 */
	.section .low.first, "awx", @progbits
low_start:

/* What to run where, and how to come back: struct mode_transfer in mode.c. */
	.align 8
	.globl mode_transfer
mode_transfer:
target_cr0:	.long 0
target_cr3:	.long 0
target_cr4:	.long 0
target_efer:	.long 0
target_cs:	.long 0
target_fn:	.long 0
target_arg:	.long 0
result:		.quad 0
fault_vector:	.long -1		/* in real mode only */
fault_ip:	.long 0
home_cr0:	.long 0
home_cr3:	.long 0
home_cr4:	.long 0
home_efer:	.long 0
home_sp:	.quad 0
home_idt:	.skip 10
	.align 4
real_idt:	.word 0x3ff
		.long 0

/* void mode_switch(void): does what mode_transfer says. */
	.globl mode_switch
#if BITS == 64
	.code64
mode_switch:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	pushf
	cli
	mov %rsp, home_sp
	sidt home_idt
	mov %cr0, %rax
	mov %eax, home_cr0
	mov %cr3, %rax
	mov %eax, home_cr3
	mov %cr4, %rax
	mov %eax, home_cr4
	mov $EFER, %ecx
	rdmsr
	mov %eax, home_efer
	push $SEL_CODE32
	push $leave
	lretq
#else
	.code32
mode_switch:
	push %ebx
	push %ebp
	push %esi
	push %edi
	pushf
	cli
	mov %esp, home_sp
	sidt home_idt
	mov %cr0, %eax
	mov %eax, home_cr0
	mov %cr3, %eax
	mov %eax, home_cr3
	mov %cr4, %eax
	mov %eax, home_cr4
	mov $EFER, %ecx
	rdmsr
	mov %eax, home_efer
	jmp leave
#endif

/* In 64-bit mode they may be null, after a return from CPL 3 they are. */
	.macro flat_segments
	mov $SEL_DATA, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	.endm

/* Flat 32-bit code from here; first out of paging, then into the target. */
	.code32
leave:
	flat_segments
	mov home_sp, %esp
	mov %cr0, %eax
	and $~CR0_PG, %eax
	mov %eax, %cr0
	testl $CR0_PE, target_cr0
	jz to_real

	mov $EFER, %ecx
	rdmsr
	mov target_efer, %eax
	wrmsr
	mov target_cr4, %eax
	mov %eax, %cr4
	mov target_cr3, %eax
	mov %eax, %cr3
	mov target_cr0, %eax
	mov %eax, %cr0
	pushl target_cs
	cmpl $SEL_CODE64, target_cs
	je 1f
	push $in_32
	lret
1:	push $in_64
	lret

in_32:
	mov target_arg, %eax
	call *target_fn
	mov %eax, result
	jmp go_home

	.code64
in_64:
	/* Relative addresses: an ELF32 file has no others in 64-bit code. */
	mov target_arg(%rip), %edi
	mov target_fn(%rip), %eax
	call *%rax
	mov %rax, result(%rip)
	push $SEL_CODE32
	lea go_home(%rip), %rax
	push %rax
	lretq

/* Back: out of the target's paging, then into the program's own mode. */
	.code32
go_home:
	flat_segments
	mov home_sp, %esp
	mov home_cr0, %eax
	and $~CR0_PG, %eax
	mov %eax, %cr0
	mov $EFER, %ecx
	rdmsr
	mov home_efer, %eax
	wrmsr
	mov home_cr4, %eax
	mov %eax, %cr4
	mov home_cr3, %eax
	mov %eax, %cr3
	mov home_cr0, %eax
	mov %eax, %cr0
	lidt home_idt
	ljmp $SEL_CODE, $home

#if BITS == 64
	.code64
home:
	mov home_sp, %rsp
	popf
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
#else
home:
	mov home_sp, %esp
	popf
	pop %edi
	pop %esi
	pop %ebp
	pop %ebx
	ret
#endif

/* ------------------------------------------------------------- real mode */

	.code32
to_real:
	/* The target's control registers hold, but for what needs paging. */
	mov target_cr4, %eax
	mov %eax, %cr4
	ljmp $SEL_CODE16, $(1f - low_start)

	.code16
1:	mov $SEL_DATA16, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %fs
	mov %ax, %gs
	mov %ax, %ss
	mov %cr0, %eax
	and $~CR0_PE, %al
	mov %eax, %cr0
	ljmp $(LOW_BASE >> 4), $(2f - low_start)

2:	mov $(LOW_BASE >> 4), %ax
	mov %ax, %ds
	mov %ax, %ss
	mov $(real_stack_top - low_start), %esp
	lidtl real_idt - low_start
	mov target_fn - low_start, %ecx
	mov target_arg - low_start, %eax
	xor %dx, %dx
	mov %dx, %es
	mov %dx, %fs
	mov %dx, %gs
	mov %dx, %ds
	call *%cx
	mov $(LOW_BASE >> 4), %dx
	mov %dx, %ds
	mov %eax, result - low_start
from_real:
	cli
	cld
	mov %cr0, %eax
	or $CR0_PE, %al
	mov %eax, %cr0
	ljmpl $SEL_CODE32, $3f

	.code32
3:	jmp go_home

/* An exception in real mode: note vector and IP, forget the rest. */
	.code16
	.align 8
	.globl real_stubs
real_stubs:			/* 8 bytes each; exceptions only */
	.set vector, 0
	.rept 32
	.align 8
	pushw $vector
	jmp real_trap
	.set vector, vector + 1
	.endr

real_trap:
	mov $(LOW_BASE >> 4), %ax
	mov %ax, %ds
	pop %ax
	movzwl %ax, %eax
	mov %eax, fault_vector - low_start
	pop %ax
	movzwl %ax, %eax
	mov %eax, fault_ip - low_start
	mov %ds, %ax
	mov %ax, %ss
	mov $(real_stack_top - low_start), %esp
	jmp from_real

	.align 16
	.skip REAL_STACK_SIZE
real_stack_top:

	.section .note.GNU-stack, "", @progbits
