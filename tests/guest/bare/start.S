/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entry of a bare guest: multiboot leaves it in flat 32-bit mode without
 * paging.  A 64-bit program maps the first 4 GiB one to one, in pages of
 * 2 MiB, and goes on in long mode.  Read next: bare_main() in trap.c.
 */
#include "layout.h"

	.section .multiboot, "awx"
	.align 4
	.long 0x1badb002		/* magic */
	.long 3				/* aligned modules, memory information */
	.long -(0x1badb002 + 3)

	.code32
	.globl _start
_start:
	mov $stack_top, %esp
	push $0
	popf
	cld
	mov %cr0, %eax
	and $~(1 << 2), %eax		/* no FPU emulation, */
	or $1 << 1, %eax		/* which SSE needs */
	mov %eax, %cr0
	mov %cr4, %eax
	or $3 << 9, %eax		/* CR4.OSFXSR, OSXMMEXCPT */
	mov %eax, %cr4

#if BITS == 32
	push %ebx			/* multiboot information */
	call bare_main
#else
	/* 2048 entries for 4 GiB; the two of .user are open to CPL 3. */
	mov $boot_pd, %edi
	mov $0x83, %eax			/* P, W, PS */
	xor %edx, %edx
1:	mov %eax, (%edi)
	mov %edx, 4(%edi)
	add $8, %edi
	add $0x200000, %eax
	jnc 1b
	orb $4, boot_pd + 2 * 8
	orb $4, boot_pd + 3 * 8
	mov $boot_pd + 7, %eax
	mov $boot_pdpt, %edi
	mov $4, %ecx
2:	mov %eax, (%edi)
	add $0x1000, %eax
	add $8, %edi
	loop 2b
	movl $boot_pdpt + 7, boot_pml4

	mov %cr4, %eax
	or $1 << 5, %eax		/* CR4.PAE */
	mov %eax, %cr4
	mov $boot_pml4, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx		/* EFER.LME */
	rdmsr
	or $1 << 8, %eax
	wrmsr
	mov %cr0, %eax
	or $1 << 31, %eax		/* CR0.PG */
	mov %eax, %cr0
	lgdt boot_gdt_pointer
	ljmp $SEL_CODE, $3f

	.code64
3:	mov $stack_top, %esp
	mov %ebx, %edi
	call bare_main
#endif
	ud2

#if BITS == 64
	.section .rodata
	.align 8
boot_gdt:
	.quad 0, 0x00af9b000000ffff	/* SEL_CODE */
boot_gdt_pointer:
	.word 15
	.long boot_gdt, 0

	.bss
	.align 4096
	.globl boot_pml4, boot_pd
boot_pml4:	.skip 4096
boot_pdpt:	.skip 4096
boot_pd:	.skip 4 * 4096
#endif

	.bss
	.align 4096
	.skip STACK_SIZE
stack_top:

	.section .note.GNU-stack, "", @progbits
