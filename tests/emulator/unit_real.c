// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of real and virtual-8086 mode.
 *
 * SDM volume 3, "8086 Emulation"; APM volume 2, "Real-Address Mode" and "Virtual-8086
 * Mode".
 */
#include "unit.h"

/* ------------------------------------------------------------------------
 * Real mode
 */

static void segment_loads(void)
{
	real_mode();
	m.c.regs[X86_RAX] = 0x1234;
	m.seg[X86_DS].limit = 0xffffffff;	/* big real mode survives a load */
	ok("\x8e\xd8");				/* mov ds, ax */
	same(m.seg[X86_DS].base, 0x12340);
	same(m.seg[X86_DS].selector, 0x1234);
	same(m.seg[X86_DS].limit, 0xffffffff);
	/* An unusable one becomes usable. */
	m.seg[X86_ES].ar = X86_AR_UNUSABLE;
	m.seg[X86_ES].limit = 0;
	ok("\x8e\xc0");				/* mov es, ax */
	same(m.seg[X86_ES].limit, 0xffff);
	same(m.seg[X86_ES].ar & X86_AR_UNUSABLE, 0);
	ok("\x8e\xd0");				/* mov ss, ax */
	same(m.c.int_shadow, X86_SHADOW_MOV_SS);
	fault("\x8e\xc8", EXC_UD, NO_ERROR);	/* mov cs, ax */
	fault("\x8e\xf0", EXC_UD, NO_ERROR);
	fault("\x8c\xf8", EXC_UD, NO_ERROR);
}

static void big_real_mode(void)
{
	real_mode();
	m.seg[X86_DS].limit = 0xffffffff;
	store(0x54321, 0xabcd, 2);
	ok("\x67\xa1\x21\x43\x05\x00");		/* mov ax, [dword 0x54321] */
	same(m.c.regs[X86_RAX] & 0xffff, 0xabcd);
	m.seg[X86_DS].limit = 0xffff;
	fault("\x67\xa1\x21\x43\x05\x00", EXC_GP, NO_ERROR);
}

/* Limit violations: no error codes are pushed in real mode. */
static void limits(void)
{
	real_mode();
	m.c.regs[X86_RBX] = 0xffff;
	m.c.regs[X86_RBP] = 0xffff;
	ok("\x8a\x07");				/* mov al, [bx] */
	fault("\x8b\x07", EXC_GP, NO_ERROR);
	fault("\x8b\x46\x00", EXC_SS, NO_ERROR);	/* mov ax, [bp] */
	m.c.regs[X86_RSP] = 1;
	fault("\x50", EXC_SS, NO_ERROR);	/* push ax */
	fault("\x60", EXC_SS, NO_ERROR);	/* pusha */
	m.c.rip = 0xffff;
	ok("\x90");
	same(m.c.rip, 0x10000);
	fault("", EXC_GP, NO_ERROR);
	m.c.rip = 0xfff0;
	ok("\xeb\x20");				/* jmp: offsets wrap at 64 KiB */
	same(m.c.rip, 0x12);
}

static void far_transfers(void)
{
	real_mode();
	ok("\xea\x34\x12\x00\x20");		/* jmp 2000:1234 */
	same(m.c.rip, 0x1234);
	same(m.seg[X86_CS].base, 0x20000);
	same(m.seg[X86_CS].selector, 0x2000);

	real_mode();
	ok("\x9a\x34\x12\x00\x20");		/* call 2000:1234 */
	same(m.c.regs[X86_RSP], 0xeffc);
	same(load(0xeffc, 2), CODE + 5);
	same(load(0xeffe, 2), 0);
	ok("\xca\x02\x00");			/* retf 2 */
	same(m.c.rip, CODE + 5);
	same(m.seg[X86_CS].base, 0);
	same(m.c.regs[X86_RSP], 0xf002);

	real_mode();
	store(0x5000, 0x20001234, 4);
	ok("\xff\x1e\x00\x50");			/* call far [5000] */
	same(m.seg[X86_CS].base, 0x20000);
	real_mode();
	store(0x5000, 0x20001234, 4);
	ok("\xff\x2e\x00\x50");			/* jmp far [5000] */
	same(m.c.rip, 0x1234);
	same(m.c.regs[X86_RSP], 0xf000);

	/* A target beyond the limit, but the stack is looked at first. */
	real_mode();
	fault("\x66\xea\x00\x00\x01\x00\x00\x20", EXC_GP, NO_ERROR);
	fault("\x66\x9a\x00\x00\x01\x00\x00\x20", EXC_GP, NO_ERROR);
	m.c.regs[X86_RSP] = 1;
	fault("\x9a\x34\x12\x00\x20", EXC_SS, NO_ERROR);
	store(0xf000, 0x00010000, 4);
	m.c.regs[X86_RSP] = 0xf000;
	fault("\x66\xcb", EXC_GP, NO_ERROR);	/* retf to 10000 */
}

static void load_far_pointers(void)
{
	real_mode();
	store(0x5000, 0x20001234, 4);
	ok("\xc4\x1e\x00\x50");			/* les bx, [5000] */
	same(m.c.regs[X86_RBX] & 0xffff, 0x1234);
	same(m.seg[X86_ES].base, 0x20000);
	ok("\xc5\x36\x00\x50");			/* lds si */
	same(m.seg[X86_DS].base, 0x20000);
	m.seg[X86_DS].base = 0;
	ok("\x0f\xb2\x26\x00\x50");		/* lss sp */
	same(m.seg[X86_SS].base, 0x20000);
	same(m.c.regs[X86_RSP], 0x1234);
	ok("\x0f\xb4\x36\x00\x50");		/* lfs si */
	ok("\x0f\xb5\x36\x00\x50");		/* lgs si */
	same(m.seg[X86_GS].base, 0x20000);
	same(m.seg[X86_FS].base, 0x20000);
}

static void interrupts(void)
{
	real_mode();
	store(0x21 * 4, 0x30000100, 4);
	m.c.rflags |= X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_AC | X86_EFLAGS_CF;
	ok("\xcd\x21");				/* int 21 */
	same(m.c.rip, 0x100);
	same(m.seg[X86_CS].base, 0x30000);
	same(m.c.rflags, X86_EFLAGS_FIXED | X86_EFLAGS_CF);
	same(m.c.trap_db, 0);
	same(m.c.regs[X86_RSP], 0xeffa);
	same(load(0xeffa, 2), CODE + 2);
	same(load(0xeffc, 2), 0);
	same(load(0xeffe, 2), 0x303);
	ok("\xcf");				/* iret */
	same(m.c.rip, CODE + 2);
	same(m.c.rflags, X86_EFLAGS_FIXED | X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_CF);
	same(m.log[m.nr_log - 1].where, X86_SYS_NMI_UNMASK);

	real_mode();
	store(3 * 4, 0x30000300, 4);
	ok("\xcc");
	same(m.c.rip, 0x300);
	same(load(0xeffa, 2), CODE + 1);
	real_mode();
	store(4 * 4, 0x30000400, 4);
	ok("\xce");				/* into, no overflow */
	same(m.c.rip, CODE + 1);
	m.c.rflags |= X86_EFLAGS_OF;
	ok("\xce");
	same(m.c.rip, 0x400);
	real_mode();
	store(1 * 4, 0x30000500, 4);
	ok("\xf1");
	same(m.c.rip, 0x500);

	/* The table's limit, its address, a handler beyond CS's limit, a bad stack. */
	real_mode();
	m.idtr_limit = 0x20;
	fault("\xcd\x21", EXC_GP, NO_ERROR);
	m.idtr_limit = 0x87;
	m.idtr_base = 0x5000;
	store(0x5000 + 0x84, 0x40000600, 4);
	ok("\xcd\x21");
	same(m.c.rip, 0x600);
	real_mode();
	store(0x84, 0x00008000, 4);
	m.seg[X86_CS].limit = 0x7fff;
	m.c.rip = 0x7000;
	fault("\xcd\x21", EXC_GP, NO_ERROR);
	m.c.regs[X86_RSP] = 1;
	fault("\xcd\x21", EXC_SS, NO_ERROR);
}

static void iret_in_real_mode(void)
{
	real_mode();
	store(0xf000, 0x1234, 4);
	store(0xf004, 0x2000, 4);
	store(0xf008, EMUL_FL_ALL, 4);
	ok("\x66\xcf");				/* iretd */
	same(m.c.rip, 0x1234);
	same(m.seg[X86_CS].base, 0x20000);
	/* All but VM, VIF and VIP. */
	same(m.c.rflags, (EMUL_FL_ALL & ~(u64)(X86_EFLAGS_VM | X86_EFLAGS_VIF |
					       X86_EFLAGS_VIP)) | X86_EFLAGS_FIXED);
	real_mode();
	store(0xf000, 0x10000, 4);
	fault("\x66\xcf", EXC_GP, NO_ERROR);
}

static void undefined_in_real_mode(void)
{
	real_mode();
	fault("\x0f\x00\xc0", EXC_UD, NO_ERROR);	/* sldt */
	fault("\x0f\x00\xd8", EXC_UD, NO_ERROR);	/* ltr */
	fault("\x0f\x02\xc0", EXC_UD, NO_ERROR);	/* lar */
	fault("\x63\xc0", EXC_UD, NO_ERROR);		/* arpl */
	fault("\x0f\x07", EXC_UD, NO_ERROR);		/* sysret */
	fault("\x0f\x05", EXC_UD, NO_ERROR);		/* syscall */
	fault("\x0f\x34", EXC_GP, NO_ERROR);		/* sysenter */
	fault("\x0f\x35", EXC_GP, NO_ERROR);		/* sysexit */
	fault("\xc5\xf8\x10\xc0", EXC_UD, NO_ERROR);	/* vmovups */
	fault("\x0f\x01\xf8", EXC_UD, NO_ERROR);	/* swapgs */
	fault("\xf0\x90", EXC_UD, NO_ERROR);		/* lock nop */
	fault("\xf0\x01\xc0", EXC_UD, NO_ERROR);	/* lock add ax, ax */
}

static void system_in_real_mode(void)
{
	real_mode();
	store(0x5000, 0x1234, 2);
	store(0x5002, 0x89abcdef, 4);
	ok("\x0f\x01\x16\x00\x50");		/* lgdt [5000]: 24 bits of base */
	same(m.gdtr_base, 0xabcdef);
	same(m.gdtr_limit, 0x1234);
	ok("\x66\x0f\x01\x1e\x00\x50");		/* o32 lidt */
	same(m.idtr_base, 0x89abcdef);
	ok("\x0f\x01\x06\x00\x60");		/* sgdt */
	same(load(0x6000, 2), 0x1234);
	same(load(0x6002, 4), 0xabcdef);
	ok("\x0f\x01\x0e\x00\x60");		/* sidt */
	same(load(0x6002, 4), 0x89abcdef);

	/* Into protected mode by LMSW and by MOV; the code segment stays as it was. */
	m.c.regs[X86_RAX] = 1;
	ok("\x0f\x01\xf0");			/* lmsw ax */
	same(m.cr0 & X86_CR0_PE, 1);
	same(m.c.mode, X86_MODE_PROT16);
	check(m.c.changed & X86_CHG_MODE);
	m.c.regs[X86_RAX] = 0;
	ok("\x0f\x01\xf0");			/* and not back by LMSW */
	same(m.cr0 & X86_CR0_PE, 1);
	ok("\x0f\x22\xc0");			/* mov cr0, eax */
	same(m.c.mode, X86_MODE_REAL);
	ok("\xfa");
	ok("\xfb");
	same(m.c.int_shadow, X86_SHADOW_STI);
	ok("\xfb");
	same(m.c.int_shadow, 0);
	ok("\xf4");
	same(m.log[m.nr_log - 1].where, X86_SYS_HLT);
}

static void real_io(void)
{
	real_mode();
	ok("\xe4\x60");				/* in al, 60 */
	same(m.c.regs[X86_RAX] & 0xff, 0x11);
	ok("\xef");				/* out dx, ax */
	same(m.log[m.nr_log - 1].what, LOG_OUT);
	same(m.log[m.nr_log - 1].where, 0x1002);
	same(m.log[m.nr_log - 1].size, 2);
}

const struct test real_tests[] = {
	{ "segment loads keep the limit", segment_loads },
	{ "big real mode", big_real_mode },
	{ "limits, without error codes", limits },
	{ "far JMP, CALL and RET", far_transfers },
	{ "LES, LDS, LSS, LFS, LGS", load_far_pointers },
	{ "INT through the vector table, IRET", interrupts },
	{ "32-bit IRET", iret_in_real_mode },
	{ "undefined in real mode", undefined_in_real_mode },
	{ "descriptor tables, CR0, STI, HLT", system_in_real_mode },
	{ "IN and OUT", real_io },
	{ NULL, NULL },
};

/* ------------------------------------------------------------------------
 * Virtual-8086 mode
 */

static void vm86_segments(void)
{
	vm86_mode(0);
	same(m.c.cpl, 3);
	m.c.regs[X86_RAX] = 0x1234;
	ok("\x8e\xd8");
	same(m.seg[X86_DS].base, 0x12340);
	same(m.seg[X86_DS].ar, 0xf3);
	ok("\xea\x34\x12\x00\x20");
	same(m.seg[X86_CS].base, 0x20000);
	same(m.seg[X86_CS].limit, 0xffff);
	same(m.c.rip, 0x1234);
	same(m.c.mode, X86_MODE_VM86);
}

/* IOPL 3: as in real mode.  Below: #GP(0), or virtual interrupts with VME. */
static void sensitive(void)
{
	vm86_mode(3);
	ok("\xfa");
	same(m.c.rflags & X86_EFLAGS_IF, 0);
	ok("\xfb");
	ok("\x9c");				/* pushf */
	same(load(0xeffe, 2), 0x3202);
	store(0xeffe, 0xffff, 2);
	ok("\x9d");				/* popf: not IOPL */
	same(m.c.rflags & X86_EFLAGS_IOPL, X86_EFLAGS_IOPL);
	ok("\x66\x9c");				/* pushfd: VM and RF are not shown */
	same(load(m.c.regs[X86_RSP], 4) & X86_EFLAGS_VM, 0);
	ok("\x66\x9d");

	vm86_mode(0);
	fault("\xfa", EXC_GP, 0);
	fault("\xfb", EXC_GP, 0);
	fault("\x9c", EXC_GP, 0);
	fault("\x9d", EXC_GP, 0);
	fault("\xcd\x21", EXC_GP, 0);
	fault("\xcf", EXC_GP, 0);
	fault("\xf4", EXC_GP, 0);
	fault("\x0f\x20\xc0", EXC_GP, 0);
	fault("\x0f\x30", EXC_GP, 0);
	fault("\x0f\x00\xc0", EXC_UD, NO_ERROR);
}

static void virtual_interrupts(void)
{
	vm86_mode(0);
	m.cr4 |= X86_CR4_VME;
	ok("\xfb");				/* sti */
	check(m.c.rflags & X86_EFLAGS_VIF);
	same(m.c.int_shadow, 0);
	ok("\x9c");				/* pushf: IF is VIF, IOPL is 3 */
	same(load(0xeffe, 2), 0x3202);
	ok("\xfa");				/* cli */
	check(!(m.c.rflags & X86_EFLAGS_VIF));
	check(m.c.rflags & X86_EFLAGS_IF);
	ok("\x9d");				/* popf */
	check(m.c.rflags & X86_EFLAGS_VIF);
	ok("\xfa\x9c");
	ok("\x9c");
	same(load(0xeffe, 2), 0x3002);
	ok("\x9d");
	fault("\x66\x9c", EXC_GP, 0);		/* 32-bit forms stay sensitive */
	fault("\x66\x9d", EXC_GP, 0);
	fault("\x66\xcf", EXC_GP, 0);

	/* A pending virtual interrupt must not be enabled without the monitor. */
	m.c.rflags |= X86_EFLAGS_VIP;
	fault("\xfb", EXC_GP, 0);
	store(0xf000, X86_EFLAGS_IF, 2);
	fault("\x9d", EXC_GP, 0);
	store(0xf000, X86_EFLAGS_TF, 2);
	fault("\x9d", EXC_GP, 0);
	m.c.rflags &= ~(u64)X86_EFLAGS_VIP;
	store(0xf000, 0x1234, 2);
	store(0xf002, 0x2000, 2);
	store(0xf004, X86_EFLAGS_IF | X86_EFLAGS_CF, 2);
	ok("\xcf");				/* iret */
	same(m.c.rip, 0x1234);
	check(m.c.rflags & X86_EFLAGS_VIF);
	check(m.c.rflags & X86_EFLAGS_CF);
	same(m.c.rflags & X86_EFLAGS_IOPL, 0);
	same(m.c.mode, X86_MODE_VM86);
}

/* The bitmap of 256 bits below the I/O bitmap. */
static void redirection(void)
{
	vm86_mode(0);
	m.cr4 |= X86_CR4_VME;
	store(TSS_NOW + 102, 0x88, 2);
	store(0x21 * 4, 0x20000100, 4);
	m.c.rflags |= X86_EFLAGS_VIF;
	ok("\xcd\x21");				/* bit clear: the task's own vector */
	same(m.c.rip, 0x100);
	same(m.seg[X86_CS].base, 0x20000);
	same(load(0xeffe, 2), 0x3202);
	check(!(m.c.rflags & X86_EFLAGS_VIF));
	check(m.c.rflags & X86_EFLAGS_IF);

	vm86_mode(3);
	m.cr4 |= X86_CR4_VME;
	store(TSS_NOW + 102, 0x88, 2);
	store(0x21 * 4, 0x20000100, 4);
	ok("\xcd\x21");				/* IOPL 3: IF itself */
	same(m.c.rip, 0x100);
	check(!(m.c.rflags & X86_EFLAGS_IF));

	vm86_mode(0);
	m.cr4 |= X86_CR4_VME;
	store(TSS_NOW + 102, 0x88, 2);
	store(TSS_NOW + 0x68 + 4, 2, 1);	/* bit of vector 21 set: to the monitor */
	fault("\xcd\x21", EXC_GP, 0);
	store(TSS_NOW + 102, 8, 2);		/* no room for a bitmap */
	fault("\xcd\x21", EXC_GP, 0);
	m.seg[X86_TR].limit = 0x60;
	fault("\xcd\x21", EXC_GP, 0);
}

static void vm86_to_monitor(void)
{
	unsigned int i;

	vm86_mode(3);
	set_idt(0x21, gate_descriptor(CODE32, 0x9000, 14, 3), 0);
	m.seg[X86_GS].selector = 0x1111;
	m.seg[X86_FS].selector = 0x2222;
	m.seg[X86_DS].selector = 0x3333;
	m.seg[X86_ES].selector = 0x4444;
	ok("\xcd\x21");
	same(m.c.mode, X86_MODE_PROT32);
	same(m.c.cpl, 0);
	same(m.c.rip, 0x9000);
	same(m.seg[X86_CS].selector, CODE32);
	same(m.seg[X86_SS].selector, DATA32);
	same(m.c.regs[X86_RSP], INNER_STACK - 36);
	same(load(INNER_STACK - 4, 4), 0x1111);
	same(load(INNER_STACK - 8, 4), 0x2222);
	same(load(INNER_STACK - 12, 4), 0x3333);
	same(load(INNER_STACK - 16, 4), 0x4444);
	same(load(INNER_STACK - 20, 4), 0);
	same(load(INNER_STACK - 24, 4), 0xf000);
	check(load(INNER_STACK - 28, 4) & X86_EFLAGS_VM);
	same(load(INNER_STACK - 32, 4), 0);
	same(load(INNER_STACK - 36, 4), CODE + 2);
	same(m.seg[X86_DS].ar, X86_AR_UNUSABLE);
	same(m.c.rflags & (X86_EFLAGS_VM | X86_EFLAGS_IF), 0);

	/* And back. */
	ok("\xcf");
	same(m.c.mode, X86_MODE_VM86);
	same(m.c.cpl, 3);
	same(m.c.rip, CODE + 2);
	same(m.c.regs[X86_RSP], 0xf000);
	same(m.seg[X86_GS].selector, 0x1111);
	same(m.seg[X86_ES].base, 0x44440);
	for (i = X86_ES; i <= X86_GS; i++)
		same(m.seg[i].ar, 0xf3);

	/* Handlers at another level than 0, or conforming. */
	vm86_mode(3);
	set_idt(0x21, gate_descriptor(CODE32_USER, 0x9000, 14, 3), 0);
	fault("\xcd\x21", EXC_GP, CODE32_USER & ~3);
	set_idt(0x21, gate_descriptor(CONFORMING, 0x9000, 14, 3), 0);
	fault("\xcd\x21", EXC_GP, CONFORMING);
	/* A frame to return to vm86 with EIP beyond 64 KiB. */
	protected_mode(0);
	store(STACK_TOP, 0x10000, 4);
	store(STACK_TOP + 8, X86_EFLAGS_VM, 4);
	fault("\xcf", EXC_GP, 0);
}

static void vm86_io(void)
{
	vm86_mode(3);
	store(TSS_NOW + 104, 0, 8);
	store(TSS_NOW + 104 + 0x60 / 8, 0x02, 1);	/* port 61 is denied */
	ok("\xe4\x60");
	fault("\xe4\x61", EXC_GP, 0);		/* IOPL 3 does not help in vm86 mode */
	fault("\xe5\x60", EXC_GP, 0);		/* nor does the port before */
	ok("\xe4\x62");
}

const struct test vm86_tests[] = {
	{ "segments", vm86_segments },
	{ "IOPL-sensitive instructions", sensitive },
	{ "virtual interrupts (VME)", virtual_interrupts },
	{ "INT redirection bitmap", redirection },
	{ "to the monitor and back", vm86_to_monitor },
	{ "I/O bitmap", vm86_io },
	{ NULL, NULL },
};
