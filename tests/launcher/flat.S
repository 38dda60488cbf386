/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A real-mode guest for the launcher's tests, started at 0x7c00.  Its orders
 * are characters at 0x8000, put there by --load; each does one thing that the
 * launcher must understand.
 */
	.code16
	.text
	.globl _start
_start:
	cld
	mov $0x8000, %si
next:
	lodsb
	cmp $'v', %al
	je end
	cmp $'s', %al
	je serial
	cmp $'d', %al
	je debug
	cmp $'e', %al
	je echo
	cmp $'n', %al
	je nothing
	cmp $'c', %al
	je clock
	cmp $'i', %al
	je interrupts
	cmp $'p', %al
	je power_off
	cmp $'k', %al
	je keyboard_reset
	cmp $'f', %al
	je fast_reset
	cmp $'x', %al
	je chipset_reset
	cmp $'t', %al
	je triple_fault
	cmp $'h', %al
	je halt
	cmp $'l', %al
	je loop
	mov $99, %al			/* an order that is not known */
	out %al, $0xf4

end:	lodsb				/* v VALUE: end with that value */
	out %al, $0xf4
	jmp loop

serial:	mov $0x3f8, %dx			/* s CHAR: send it by the serial port */
	lodsb
	out %al, %dx
	jmp next

debug:	mov $0xe9, %dx			/* d CHAR: write it to the debug port */
	lodsb
	out %al, %dx
	jmp next

echo:	mov $0x3fd, %dx			/* e: echo a line in upper case */
	in %dx, %al
	test $1, %al
	jz echo
	mov $0x3f8, %dx
	in %dx, %al
	cmp $'\n', %al
	je next
	and $0xdf, %al
	out %al, %dx
	jmp echo

nothing:				/* n: PCI and an empty port read as ones */
	mov $0xcf8, %dx
	mov $0x80000000, %eax
	out %eax, %dx
	in %dx, %eax
	inc %eax
	jnz loop
	mov $0xcfc, %dx
	in %dx, %eax
	inc %eax
	jnz loop
	mov $0x1234, %dx
	in %dx, %ax
	inc %ax
	jnz loop
	jmp next

clock:	mov $0x0d, %al			/* c: the clock is valid, its seconds BCD below 60 */
	out %al, $0x70
	in $0x71, %al
	test $0x80, %al
	jz loop
	mov $0, %al
	out %al, $0x70
	in $0x71, %al
	cmp $0x59, %al
	ja loop
	and $0x0f, %al
	cmp $0x09, %al
	ja loop
	jmp next

interrupts:				/* i: each byte sent gives an edge, nobody reads IIR */
	mov $0x11, %al			/* ICW1 to ICW4: edges, from vector 32 */
	out %al, $0x20
	mov $0x20, %al
	out %al, $0x21
	mov $4, %al
	out %al, $0x21
	mov $1, %al
	out %al, $0x21
	mov $0xef, %al			/* the serial port's only */
	out %al, $0x21
	movw $tick, 4 * 0x24
	movw $0, 4 * 0x24 + 2
	xor %bx, %bx
	xor %cx, %cx
	mov $2, %al
	mov $0x3f9, %dx
	out %al, %dx
	sti
edge:	inc %cx
1:	cmp %cx, %bx
	jb 1b
	mov $'i', %al
	mov $0x3f8, %dx
	out %al, %dx
	cmp $3, %cx
	jb edge
	cli
	jmp next

tick:	inc %bx
	push %ax
	mov $0x20, %al
	out %al, $0x20
	pop %ax
	iret

power_off:				/* p: sleep state 5 by ACPI */
	mov $0x604, %dx
	mov $0x3400, %ax
	out %ax, %dx
	jmp loop

keyboard_reset:
	mov $0xfe, %al
	out %al, $0x64
	jmp loop

fast_reset:
	mov $0x03, %al
	out %al, $0x92
	jmp loop

chipset_reset:
	mov $0xcf9, %dx
	mov $0x06, %al
	out %al, %dx
	jmp loop

triple_fault:				/* t: protected mode, no vector can be delivered */
	cli
	lgdtl gdt_pointer
	lidtl no_idt
	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	ljmp $8, $protected
	.code32
protected:
	mov $16, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %fs
	mov %eax, %gs
	mov %eax, %ss
	int3
	.code16

halt:	cli
	hlt

loop:	jmp loop

no_idt:	.word 0
	.long 0

	.align 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
	.word . - gdt - 1
	.long gdt
