/* SPDX-License-Identifier: GPL-2.0 */
/*
 * guest.S - what the IDT of a 64-bit guest leads to: 256 stubs of 16 bytes,
 * then the common part.  Runs at STUBS; see struct guest_ctl in vm.h.
 */
#define CTL		0x8000
#define SKIP		(CTL + 0)
#define EOI		(CTL + 8)
#define EXCEPTIONS	(CTL + 16)
#define VECTOR		(CTL + 24)
#define ERROR		(CTL + 32)
#define RIP		(CTL + 40)
#define RFLAGS		(CTL + 48)
#define RSP		(CTL + 56)
#define CR2		(CTL + 64)
#define COUNT		(CTL + 128 * 8)
#define PORT_EXC	0xf2

	.section .rodata
	.globl guest_stubs, guest_stubs_end
	.balign 16
guest_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	/* Where the processor pushes no error code, the stub does. */
	.if vector != 8 && (vector < 10 || vector > 14) && vector != 17 && \
	    vector != 21 && vector != 29 && vector != 30
	pushq $0
	.endif
	pushq $vector
	jmp common
	.set vector, vector + 1
	.endr

	.balign 16
common:
	push %rax
	push %rcx
	push %rdx
	mov 24(%rsp), %rax
	incl COUNT(, %rax, 4)
	cmp $2, %rax
	je leave
	cmp $32, %rax
	jae interrupt

	incq EXCEPTIONS
	mov %rax, VECTOR
	mov 32(%rsp), %rcx
	mov %rcx, ERROR
	mov 40(%rsp), %rcx
	mov %rcx, RIP
	mov 56(%rsp), %rcx
	mov %rcx, RFLAGS
	mov 64(%rsp), %rcx
	mov %rcx, RSP
	mov %cr2, %rcx
	mov %rcx, CR2
	mov SKIP, %rcx
	test %rcx, %rcx
	jz unexpected
	add %rcx, 40(%rsp)
leave:
	pop %rdx
	pop %rcx
	pop %rax
	add $16, %rsp
	iretq

unexpected:
	out %al, $PORT_EXC
	jmp unexpected

interrupt:
	mov EOI, %rax
	cmp $1, %rax
	je xapic
	cmp $2, %rax
	je x2apic
	cmp $3, %rax
	je pic
	jmp leave
xapic:
	mov $0xfee000b0, %eax
	movl $0, (%rax)
	jmp leave
x2apic:
	mov $0x80b, %ecx
	xor %eax, %eax
	xor %edx, %edx
	wrmsr
	jmp leave
pic:
	mov $0x20, %al
	cmpq $0x28, 24(%rsp)
	jb 1f
	out %al, $0xa0
1:	out %al, $0x20
	jmp leave
guest_stubs_end:

	.section .note.GNU-stack, "", @progbits
