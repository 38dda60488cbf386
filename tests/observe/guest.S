/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest that does each thing that there is a tracepoint for, once, with
 * values that are known again; in 32-bit protected mode with paging, started
 * in real mode at 0x7c00.  The character at 0x8000 says what comes then.
 */
#define APIC	0xfee00000
#define NOWHERE	0xd0000000
#define TABLES	0x10000
#define PAT	0x277

	.code16
	.text
	.globl _start
_start:
	cli
	lgdtl gdt_pointer
	lidtl idt_pointer
	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	ljmp $8, $protected

	.code32
protected:
	mov $16, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $0x7000, %esp

	mov $TABLES, %edi		/* 4 MiB pages, all of them where they are */
	mov $0x83, %eax
1:	stosl
	add $0x400000, %eax
	jnc 1b
	mov $0x10, %eax			/* PSE */
	mov %eax, %cr4
	mov $TABLES, %eax
	mov %eax, %cr3
	mov %cr0, %eax
	or $0x80010000, %eax		/* with WP */
	mov %eax, %cr0

	mov $100, %esi			/* more exits than are remembered */
2:	mov $1, %eax
	xor %ecx, %ecx
	cpuid
	dec %esi
	jnz 2b

	mov 0x8000, %al
	cmp $'a', %al
	je all
	cmp $'l', %al
	je loop
	cmp $'t', %al
	je triple_fault
	cmp $'i', %al
	je nowhere
	mov $99, %al			/* an order that is not known */
	out %al, $0xf4

/* l: exits without end */
loop:	mov $1, %eax
	cpuid
	jmp loop

/* t: nothing can be delivered */
triple_fault:
	lidt no_idt
	int3

/* i: no instruction can be fetched from a device */
nowhere:
	mov $NOWHERE, %eax
	jmp *%eax

/* a: everything; ends with 0 */
all:	mov $0x5a, %al			/* ports: in user space, in the kernel */
	out %al, $0x80
	in $0x21, %al
	mov $text, %esi			/* by the emulator */
	mov $0xe9, %edx
	mov $2, %ecx
	rep outsb

	movl $0x12345678, NOWHERE
	mov NOWHERE, %eax

	mov $PAT, %ecx
	rdmsr
	wrmsr
	mov $0x12345, %ecx		/* none: #GP */
	rdmsr
	ud2

	mov $0x4242, %eax
	mov $1, %ebx
	mov $2, %ecx
	mov $3, %edx
	mov $4, %esi
	vmmcall

	movl $0x1ff, APIC + 0xf0	/* on */
	movl $0, APIC + 0x310
	movl $0x400, APIC + 0x300	/* an NMI to itself */
	movl $0x40040, APIC + 0x300	/* and an interrupt */
	sti
3:	cmpb $3, seen
	jne 3b
	xor %eax, %eax
	out %al, $0xf4
4:	jmp 4b

nmi:	orb $1, seen
	iret

irq:	orb $2, seen
	movl $0, APIC + 0xb0		/* EOI */
	iret

general_protection:
	add $4, %esp
undefined:
	addl $2, (%esp)
	iret

text:	.ascii "hi"
seen:	.byte 0
no_idt:	.word 0
	.long 0

	.align 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
	.word . - gdt - 1
	.long gdt

	.macro gate handler
	.word \handler, 8, 0x8e00, 0
	.endm

	.align 8
idt:	.fill 2, 8, 0
	gate nmi
	.fill 3, 8, 0
	gate undefined
	.fill 6, 8, 0
	gate general_protection
	.fill 0x40 - 14, 8, 0
	gate irq
idt_pointer:
	.word . - idt - 1
	.long idt
