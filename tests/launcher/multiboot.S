/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A multiboot kernel that checks what it was given: magic number, processor
 * state, memory, command line "hello words" and, if the command line ends in
 * "+", one module that holds "module text".  It ends by port 0xf4 with the
 * number of the first check that failed, or 0.  Built as ELF32, as
 * ELF64, and, with ADDRESSES, as an image whose header says where it goes.
 */
	.code32
	.section .multiboot, "a"
	.align 4
#ifdef ADDRESSES
#define FLAGS 0x10003
#else
#define FLAGS 0x3
#endif
header:	.long 0x1badb002
	.long FLAGS
	.long -(0x1badb002 + FLAGS)
	.long header, 0x100000, 0, image_end, _start

	.text
	.globl _start
_start:
	mov $stack_end, %esp
	mov $1, %ecx
	cmp $0x2badb002, %eax
	jne end
	inc %ecx			/* 2: paging off, protected mode on */
	mov %cr0, %eax
	and $0x80000001, %eax
	cmp $1, %eax
	jne end
	inc %ecx			/* 3: memory, command line, modules, map given */
	mov (%ebx), %eax
	and $0x4d, %eax
	cmp $0x4d, %eax
	jne end
	inc %ecx			/* 4: 256 MiB less one */
	cmpl $255 * 1024, 8(%ebx)
	jne end
	inc %ecx			/* 5: command line */
	mov 16(%ebx), %esi
	mov $cmdline, %edi
	call compare
	jne end
	inc %ecx			/* 6: uninitialised data is zero */
	cmpl $0, zeroed
	jne end
	inc %ecx			/* 7: the second range of the map starts at 1 MiB */
	mov 48(%ebx), %edi
	cmpl $0x100000, 24 + 4(%edi)
	jne end
	inc %ecx			/* 8: modules as told */
	cmpb $'+', (%esi)
	je module
	cmpl $0, 20(%ebx)
	jne end
	jmp pass
module:
	cmpl $1, 20(%ebx)
	jne end
	inc %ecx			/* 9: starts a page, holds the text */
	mov 24(%ebx), %edx
	mov (%edx), %esi
	test $0xfff, %esi
	jnz end
	mov $module_text, %edi
	call compare
	jne end
	inc %ecx			/* 10: its size */
	mov 4(%edx), %eax
	sub (%edx), %eax
	cmp $11, %eax
	jne end
	inc %ecx			/* 11: its arguments follow its name */
	mov 8(%edx), %esi
	mov $module_name, %edi
	call compare
	jne end
pass:	xor %ecx, %ecx
end:	mov %ecx, %eax
	out %al, $0xf4
	jmp .

/* Does what esi points to begin with the string at edi?  esi moves past it. */
compare:
	mov (%edi), %al
	test %al, %al
	jz 1f
	cmp (%esi), %al
	jne 1f
	inc %esi
	inc %edi
	jmp compare
1:	ret

	.data
cmdline:	.asciz "hello words"
module_text:	.asciz "module text"
module_name:	.asciz "text some arguments"

	.bss
	.align 4
zeroed:	.long 0
	.skip 64
stack_end:
image_end:
