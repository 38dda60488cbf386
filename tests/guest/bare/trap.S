/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The assembly half of trap.c: 256 entry stubs that build a struct frame, the
 * calls that an exception may end, and the way to CPL 3 and back.
 */
#include "layout.h"

#if BITS == 64
#define IRET	iretq
#define ax	rax
#define bx	rbx
#define cx	rcx
#define dx	rdx
#define si	rsi
#define di	rdi
#define bp	rbp
#define sp	rsp
#define SIZE	8
#else
#define IRET	iretl
#define ax	eax
#define bx	ebx
#define cx	ecx
#define dx	edx
#define si	esi
#define di	edi
#define bp	ebp
#define sp	esp
#define SIZE	4
#endif

/* ---------------------------------------------------------------- entry */

	.text
	.align 16
	.globl trap_stubs
trap_stubs:			/* 16 bytes each */
	.set vector, 0
	.rept 256
	.align 16
	/* #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP push an error code. */
	.if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21
	.else
	push $0
	.endif
	push $vector
	jmp trap_entry
	.set vector, vector + 1
	.endr

trap_entry:
#if BITS == 64
	push %r15
	push %r14
	push %r13
	push %r12
	push %r11
	push %r10
	push %r9
	push %r8
#endif
	push %di
	push %si
	push %bp
	push %bx
	push %dx
	push %cx
	push %ax
	cld
#if BITS == 64
	mov %rsp, %rdi
	call trap
#else
	mov %esp, %eax
	push %ds
	push %es
	mov $SEL_DATA, %ecx
	mov %ecx, %ds
	mov %ecx, %es
	push %eax
	call trap
	pop %eax
	pop %es
	pop %ds
#endif
	pop %ax
	pop %cx
	pop %dx
	pop %bx
	pop %bp
	pop %si
	pop %di
#if BITS == 64
	pop %r8
	pop %r9
	pop %r10
	pop %r11
	pop %r12
	pop %r13
	pop %r14
	pop %r15
#endif
	add $2 * SIZE, %sp
	IRET

/* --------------------------------------------------------- guarded calls */

/*
 * A guard is what a call that may fault needs to come back: the callee-saved
 * registers, flags and the guard before it, on the stack that guard_sp shows.
 */
	.macro guard_enter
	push %bx
	push %bp
	push %si
	push %di
#if BITS == 64
	push %r12
	push %r13
	push %r14
	push %r15
#endif
	pushf
	push guard_sp
	mov %sp, guard_sp
	.endm

/* uintptr_t guard_call(fn, a, b): the end of the call, or of the fault. */
	.globl guard_call
guard_call:
	guard_enter
#if BITS == 64
	mov %rdi, %rax
	mov %rsi, %rdi
	mov %rdx, %rsi
	sub $8, %rsp			/* keep it aligned to 16 */
	call *%rax
#else
	mov 4 + 6 * 4(%esp), %eax
	push 4 + 8 * 4(%esp)		/* b */
	push 4 + 8 * 4(%esp)		/* a */
	call *%eax
#endif
	jmp 1f

/* void guard_unwind(value): from anywhere, back to the caller of the guard. */
	.globl guard_unwind
guard_unwind:
#if BITS == 64
	mov %rdi, %rax
#else
	mov 4(%esp), %eax
#endif
1:	mov guard_sp, %sp
	pop guard_sp
	popf
#if BITS == 64
	pop %r15
	pop %r14
	pop %r13
	pop %r12
#endif
	pop %di
	pop %si
	pop %bp
	pop %bx
	ret

/* uintptr_t guard_user(fn, a, b, flags): the same at CPL 3. */
	.globl guard_user
guard_user:
	guard_enter
#if BITS == 64
	mov %rdi, %rax
	mov %rsi, %rdi
	mov %rdx, %rsi
	or $2, %rcx
#else
	mov 4 + 6 * 4(%esp), %eax
	mov 8 + 6 * 4(%esp), %edi
	mov 12 + 6 * 4(%esp), %esi
	mov 16 + 6 * 4(%esp), %ecx
	or $2, %ecx
#endif
	push $SEL_USER_DATA
	push $user_stack_top
	push %cx
	push $SEL_USER_CODE
	push $user_entry
	IRET

	.section .user, "awx", @progbits
/* Runs at CPL 3: what to call is in ax, its arguments in di and si. */
user_entry:
#if BITS == 64
	call *%rax
#else
	mov $SEL_USER_DATA, %ecx
	mov %ecx, %ds
	mov %ecx, %es
	push %esi
	push %edi
	call *%eax
#endif
	int $VECTOR_USER_RETURN

	.align 4096
	.skip 4096
user_stack_top:

	.bss
	.align 8
	.globl guard_sp
guard_sp:
	.skip 8

	.section .note.GNU-stack, "", @progbits
