// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of far transfers in protected and long mode, and of the fast system calls.
 *
 * SDM volume 2: CALL, JMP, RET, IRET, SYSCALL, SYSRET, SYSENTER, SYSEXIT; volume 3,
 * "Calling Procedures Using CALL and RET".
 */
#include <stdio.h>
#include "unit.h"

#define JMP(sel)	"\xea\x00\x90\x00\x00" sel "\x00"
#define CALL(sel)	"\x9a\x00\x90\x00\x00" sel "\x00"

/* ------------------------------------------------------------------------
 * Direct transfers
 */

static const struct {
	const char *code;
	u8 cpl;
	int vector, error;
} direct[] = {
	{ JMP("\x08"), 0 },				/* CODE32 */
	{ JMP("\x0b"), 0, EXC_GP, 0x08 },		/* RPL > CPL */
	{ JMP("\x18"), 0, EXC_GP, 0x18 },		/* DPL > CPL */
	{ JMP("\x08"), 3, EXC_GP, 0x08 },		/* DPL < CPL */
	{ JMP("\x18"), 3 },				/* RPL < CPL is fine */
	{ JMP("\x68"), 3 },				/* conforming */
	{ JMP("\x68"), 0 },
	{ JMP("\x10"), 0, EXC_GP, 0x10 },		/* data */
	{ JMP("\x80"), 0, EXC_NP, 0x80 },		/* CODE_ABSENT */
	{ JMP("\xf0"), 0, EXC_GP, 0 },			/* SMALL_CODE: beyond its limit */
	{ JMP("\x00"), 0, EXC_GP, 0 },
	{ JMP("\x03"), 0, EXC_GP, 0 },
	{ JMP("\x48"), 0, EXC_GP, 0x48 },		/* an LDT */
	{ CALL("\x18"), 3 },
	{ CALL("\xf0"), 0, EXC_GP, 0 },
	{ CALL("\x08"), 3, EXC_GP, 0x08 },
};

static void direct_transfers(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(direct); i++) {
		protected_mode(direct[i].cpl);
		if (direct[i].vector) {
			expect_fault_bytes(__FILE__, __LINE__, direct[i].code, 7,
					   direct[i].vector, direct[i].error);
			continue;
		}
		expect_ok_bytes(__FILE__, __LINE__, direct[i].code, 7);
		same(m.c.rip, 0x9000);
		same(m.c.cpl, direct[i].cpl);
		same(m.seg[X86_CS].selector & 3, direct[i].cpl);
	}
	/* Beyond the GDT. */
	protected_mode(0);
	fault("\xea\x00\x90\x00\x00\x00\x01", EXC_GP, 0x100);
	/* The return address. */
	ok(CALL("\x08"));
	same(load(STACK_TOP - 8, 4), CODE + 7);
	same(load(STACK_TOP - 4, 4), CODE32);
	ok("\xcb");
	same(m.c.rip, CODE + 7);
	same(m.c.regs[X86_RSP], STACK_TOP);
}

static void between_modes(void)
{
	compatibility_mode(0);
	ok(JMP("\xa0"));			/* to 64-bit code */
	same(m.c.mode, X86_MODE_LONG64);
	check(m.c.changed & X86_CHG_MODE);
	store(DATA, 0x9000, 4);
	store(DATA + 4, CODE32, 2);
	ok("\xff\x2c\x25\x00\x00\x04\x00");	/* jmp far [DATA] */
	same(m.c.mode, X86_MODE_PROT32);
	ok("\x66\xea\x00\x90\x70\x00");		/* to a 16-bit segment */
	same(m.c.mode, X86_MODE_PROT16);
	/* L and D both set. */
	compatibility_mode(0);
	set_descriptor(CODE64, segment_descriptor(0, 0xfffff, 0xe09b, 0), 0);
	fault(JMP("\xa0"), EXC_GP, CODE64);
	/* No TSS or task gate in long mode, no 16-bit gate. */
	fault(JMP("\x38"), EXC_GP, TSS_NEW_SEL);
	fault(CALL("\xb8"), EXC_GP, TASK_GATE);
	set_descriptor(GATE16, gate_descriptor(CODE16, CODE, 4, 3), 0);
	fault(CALL("\xc0"), EXC_GP, GATE16);
}

/* Which fault of a far return comes first, and how much of RIP 32-bit code gets. */
static void far_return_by_vendor(void)
{
	unsigned int vendor;
	u32 *frame;

	for (vendor = 0; vendor < 2; vendor++) {
		bool amd = vendor == X86_VENDOR_AMD_LIKE;

		protected_mode(0);
		m.c.vendor = vendor;
		m.c.regs[X86_RSP] = ABSENT - 8;
		frame = (u32 *)machine_memory(&m, ABSENT - 8, 8);
		frame[0] = CODE;
		frame[1] = DATA32_USER;
		if (amd)
			fault("\xcb", EXC_PF, 0);
		else
			fault("\xcb", EXC_GP, DATA32_USER & ~3);
		long_mode(0);
		m.c.vendor = vendor;
		store(STACK_TOP, 1ull << 32 | CODE, 8);
		store(STACK_TOP + 8, CODE32, 8);
		if (amd) {
			fault("\x48\xcb", EXC_GP, 0);
			continue;
		}
		ok("\x48\xcb");
		same(m.c.rip, CODE);
	}
}

/* Intel has far pointers with 64-bit offsets, AMD ignores REX.W. */
static void far_pointer_sizes(void)
{
	long_mode(0);
	store(DATA, 0x0000a00800009000, 8);
	store(DATA + 8, CODE64, 2);
	fault("\x48\xff\x2c\x25\x00\x00\x04\x00", EXC_GP, 0xa008);
	m.c.vendor = X86_VENDOR_INTEL_LIKE;
	fault("\x48\xff\x2c\x25\x00\x00\x04\x00", EXC_GP, 0);	/* not canonical */
	store(DATA, CODE + 0x100, 8);
	ok("\x48\xff\x2c\x25\x00\x00\x04\x00");
	same(m.c.rip, CODE + 0x100);
}

/* ------------------------------------------------------------------------
 * Call gates
 */

static void call_gate_inner(void)
{
	protected_mode(3);
	set_descriptor(GATE32, gate_descriptor(CODE32, CODE + 0x800, 0xc, 3) | 2ull << 32, 0);
	store(STACK_TOP, 0x11111111, 4);
	store(STACK_TOP + 4, 0x22222222, 4);
	ok(CALL("\x5b"));
	same(m.c.cpl, 0);
	same(m.c.rip, CODE + 0x800);
	same(m.seg[X86_CS].selector, CODE32);
	same(m.seg[X86_SS].selector, DATA32);
	same(m.c.regs[X86_RSP], INNER_STACK - 24);
	same(load(INNER_STACK - 4, 4), DATA32_USER);
	same(load(INNER_STACK - 8, 4), STACK_TOP);
	same(load(INNER_STACK - 12, 4), 0x22222222);
	same(load(INNER_STACK - 16, 4), 0x11111111);
	same(load(INNER_STACK - 20, 4), CODE32_USER);
	same(load(INNER_STACK - 24, 4), CODE + 7);

	/* And back, dropping the parameters on both stacks. */
	m.seg[X86_DS] = m.seg[X86_SS];
	m.seg[X86_ES].ar = X86_AR_UNUSABLE;
	m.seg[X86_FS] = m.seg[X86_CS];
	m.seg[X86_FS].ar = 0xc09f;		/* conforming code may stay */
	ok("\xca\x08\x00");			/* retf 8 */
	same(m.c.cpl, 3);
	same(m.c.rip, CODE + 7);
	same(m.c.regs[X86_RSP], STACK_TOP + 8);
	same(m.seg[X86_SS].selector, DATA32_USER);
	check(m.seg[X86_DS].ar & X86_AR_UNUSABLE);
	same(m.seg[X86_DS].selector, 0);
	check(!(m.seg[X86_FS].ar & X86_AR_UNUSABLE));
	check(!(m.seg[X86_GS].ar & X86_AR_UNUSABLE));
}

static void call_gate_same_level(void)
{
	protected_mode(0);
	ok(CALL("\x58"));
	same(m.c.rip, CODE + 0x800);
	same(m.c.regs[X86_RSP], STACK_TOP - 8);
	protected_mode(0);
	ok(JMP("\x58"));
	same(m.c.rip, CODE + 0x800);
	same(m.c.regs[X86_RSP], STACK_TOP);
	/* A gate to conforming code keeps the level. */
	protected_mode(3);
	set_descriptor(GATE32, gate_descriptor(CONFORMING, 0x9000, 0xc, 3), 0);
	ok(CALL("\x5b"));
	same(m.c.cpl, 3);
	same(m.c.regs[X86_RSP], STACK_TOP - 8);
	protected16_mode(0);
	ok("\x9a\x00\x00\xc0\x00");		/* 16-bit gate */
	same(m.c.rip, CODE + 0x800);
	same(m.c.regs[X86_RSP], 0xeffc);
}

static void call_gate_faults(void)
{
	protected_mode(3);
	fault(JMP("\x5b"), EXC_GP, CODE32);	/* JMP goes no further in */
	set_descriptor(GATE32, gate_descriptor(CODE32, 0x9000, 0xc, 0), 0);
	fault(CALL("\x5b"), EXC_GP, GATE32);	/* gate DPL < CPL */
	protected_mode(0);
	set_descriptor(GATE32, gate_descriptor(CODE32, 0x9000, 0xc, 0), 0);
	fault(CALL("\x5b"), EXC_GP, GATE32);	/* gate DPL < RPL */
	set_descriptor(GATE32, gate_descriptor(CODE32, 0x9000, 0xc, 3) & ~(1ull << 47), 0);
	fault(CALL("\x5b"), EXC_NP, GATE32);
	set_descriptor(GATE32, gate_descriptor(0, 0x9000, 0xc, 3), 0);
	fault(CALL("\x5b"), EXC_GP, 0);
	set_descriptor(GATE32, gate_descriptor(BEYOND, 0x9000, 0xc, 3), 0);
	fault(CALL("\x5b"), EXC_GP, BEYOND);
	set_descriptor(GATE32, gate_descriptor(DATA32, 0x9000, 0xc, 3), 0);
	fault(CALL("\x5b"), EXC_GP, DATA32);
	set_descriptor(GATE32, gate_descriptor(CODE32_USER, 0x9000, 0xc, 3), 0);
	fault(CALL("\x5b"), EXC_GP, CODE32_USER & ~3);
	set_descriptor(GATE32, gate_descriptor(CODE_ABSENT, 0x9000, 0xc, 3), 0);
	fault(CALL("\x5b"), EXC_NP, CODE_ABSENT);
	set_descriptor(GATE32, gate_descriptor(SMALL_CODE, 0x9000, 0xc, 3), 0);
	fault(CALL("\x5b"), EXC_GP, 0);
	fault(JMP("\x5b"), EXC_GP, 0);
}

/* The stack of the inner level, as the TSS names it. */
static void inner_stack_faults(void)
{
	static const struct { u16 ss; int vector, error; } rows[] = {
		{ 0, EXC_TS, 0 }, { DATA32 | 1, EXC_TS, DATA32 },
		{ DATA32_USER, EXC_TS, DATA32_USER & ~3 }, { DATA_RO, EXC_TS, DATA_RO },
		{ DATA_ABSENT, EXC_SS, DATA_ABSENT }, { BEYOND, EXC_TS, BEYOND },
		{ CODE32, EXC_TS, CODE32 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		protected_mode(3);
		store(TSS_NOW + 8, rows[i].ss, 2);
		fault(CALL("\x5b"), rows[i].vector, rows[i].error);
	}
	protected_mode(3);
	m.seg[X86_TR].limit = 8;
	fault(CALL("\x5b"), EXC_TS, TSS_SEL);
	m.seg[X86_TR].limit = 7;
	fault(CALL("\x5b"), EXC_TS, TSS_SEL);
	m.seg[X86_TR].limit = 0x67;
	/* No room on the new stack: #SS names it. */
	store(TSS_NOW + 8, DATA16, 2);
	store(TSS_NOW + 4, 2, 4);
	fault(CALL("\x5b"), EXC_SS, DATA16);
	/* It is not mapped. */
	store(TSS_NOW + 8, DATA32, 2);
	store(TSS_NOW + 4, ABSENT + 8, 4);
	fault(CALL("\x5b"), EXC_PF, 2);
	/* The new code's limit comes after the stack. */
	store(TSS_NOW + 4, INNER_STACK, 4);
	set_descriptor(GATE32, gate_descriptor(SMALL_CODE, 0x9000, 0xc, 3), 0);
	fault(CALL("\x5b"), EXC_GP, 0);
	/* A 16-bit TSS. */
	protected_mode(3);
	m.seg[X86_TR].ar = 0x83;
	store(TSS_NOW + 2, 0x5000, 2);
	store(TSS_NOW + 4, DATA16, 2);
	ok(CALL("\x5b"));
	same(m.c.regs[X86_RSP], 0x5000 - 16);
	same(m.seg[X86_SS].selector, DATA16);
}

static void call_gate_long(void)
{
	long_mode(3);
	store(DATA, 0, 4);
	store(DATA + 4, GATE64 | 3, 2);
	ok("\xff\x1c\x25\x00\x00\x04\x00");	/* call far [DATA] */
	same(m.c.cpl, 0);
	same(m.c.rip, CODE + 0x800);
	same(m.seg[X86_SS].selector, 0);
	same(m.c.regs[X86_RSP], INNER_STACK - 32);
	same(load(INNER_STACK - 8, 8), DATA32_USER);
	same(load(INNER_STACK - 16, 8), STACK_TOP);
	same(load(INNER_STACK - 24, 8), CODE64_USER);
	same(load(INNER_STACK - 32, 8), CODE + 7);
	ok("\x48\xcb");				/* retfq */
	same(m.c.cpl, 3);
	same(m.c.regs[X86_RSP], STACK_TOP);
	same(m.seg[X86_SS].selector, DATA32_USER);

	long_mode(3);
	store(DATA, 0, 4);
	store(DATA + 4, GATE64 | 3, 2);
	store(GDT + GATE64 + 12, 0x100, 4);	/* a type in the second half */
	fault("\xff\x1c\x25\x00\x00\x04\x00", EXC_GP, GATE64);
	store(GDT + GATE64 + 12, 0, 4);
	store(GDT + GATE64 + 8, 0x8000, 4);	/* an offset that is not canonical */
	fault("\xff\x1c\x25\x00\x00\x04\x00", EXC_GP, 0);
	store(GDT + GATE64 + 8, 0, 4);
	store(TSS_NOW + 4, 0x800000000000, 8);
	fault("\xff\x1c\x25\x00\x00\x04\x00", EXC_SS, 0);
	set_descriptor(GATE64, gate_descriptor(CODE32, CODE, 0xc, 3), 0);
	fault("\xff\x1c\x25\x00\x00\x04\x00", EXC_GP, CODE32);
	/* A gate in the LDT is as good. */
	store(TSS_NOW + 4, INNER_STACK, 8);
	store(DATA + 4, 0x0c | 3, 2);
	store(LDT + 8, gate_descriptor(CODE64, CODE + 0x800, 0xc, 3), 8);
	store(LDT + 16, 0, 8);
	ok("\xff\x1c\x25\x00\x00\x04\x00");
	same(m.c.cpl, 0);
	same(m.c.rip, CODE + 0x800);
}

/* ------------------------------------------------------------------------
 * Returns
 */

static void return_frame(u32 rip, u16 cs, u32 rsp, u16 ss)
{
	store(STACK_TOP, rip, 4);
	store(STACK_TOP + 4, cs, 4);
	store(STACK_TOP + 8, rsp, 4);
	store(STACK_TOP + 12, ss, 4);
}

static void return_faults(void)
{
	static const struct { u16 cs, ss; int vector, error; } rows[] = {
		{ 0, DATA32_USER, EXC_GP, 0 },
		{ BEYOND | 3, DATA32_USER, EXC_GP, BEYOND },
		{ DATA32_USER, DATA32_USER, EXC_GP, DATA32_USER & ~3 },
		{ CODE32 | 3, DATA32_USER, EXC_GP, CODE32 },	/* DPL != RPL */
		{ CODE_ABSENT, DATA32_USER, EXC_NP, CODE_ABSENT },
		{ CODE32_USER, 0, EXC_GP, 0 },
		{ CODE32_USER, DATA32, EXC_GP, DATA32 },
		{ CODE32_USER, DATA_ABSENT | 3, EXC_GP, DATA_ABSENT },
		{ CODE32_USER, CODE32_USER, EXC_GP, CODE32_USER & ~3 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		protected_mode(0);
		return_frame(0x9000, rows[i].cs, 0x5000, rows[i].ss);
		fault("\xcb", rows[i].vector, rows[i].error);
	}
	/* Never to an inner level. */
	protected_mode(3);
	return_frame(0x9000, CODE32, 0x5000, DATA32);
	fault("\xcb", EXC_GP, CODE32);
	/* A conforming segment of a level further out than the return. */
	protected_mode(0);
	set_descriptor(CONFORMING, segment_descriptor(0, 0xfffff, 0xc09f, 3), 0);
	return_frame(0x9000, CONFORMING, 0, 0);
	fault("\xcb", EXC_GP, CONFORMING);
	return_frame(0x9000, CONFORMING | 3, 0x5000, DATA32_USER);
	ok("\xcb");
	same(m.c.cpl, 3);
	/* Beyond the limit of the target. */
	protected_mode(0);
	return_frame(0x9000, SMALL_CODE, 0, 0);
	fault("\xcb", EXC_GP, 0);
	/* An outer stack of 16 bits. */
	protected_mode(0);
	return_frame(0x9000, CODE32_USER, 0x5000, DATA16_USER);
	ok("\xcb");
	same(m.c.regs[X86_RSP], 0x15000);
}

static void iret(void)
{
	protected_mode(0);
	store(STACK_TOP, 0x9000, 4);
	store(STACK_TOP + 4, CODE32_USER, 4);
	store(STACK_TOP + 8, X86_EFLAGS_IF | X86_EFLAGS_RF | X86_EFLAGS_VIF | 1, 4);
	store(STACK_TOP + 12, 0x5000, 4);
	store(STACK_TOP + 16, DATA32_USER, 4);
	ok("\xcf");
	same(m.c.cpl, 3);
	same(m.c.rflags, X86_EFLAGS_FIXED | X86_EFLAGS_IF | X86_EFLAGS_RF | X86_EFLAGS_VIF | 1);
	same(m.c.regs[X86_RSP], 0x5000);
	check(m.c.changed & X86_CHG_MODE);

	/* At the same level: no stack is popped, CPL 3 does not change IF and IOPL. */
	protected_mode(3);
	m.c.rflags |= X86_EFLAGS_IF;
	store(STACK_TOP, 0x9000, 4);
	store(STACK_TOP + 4, CODE32_USER, 4);
	store(STACK_TOP + 8, X86_EFLAGS_IOPL | X86_EFLAGS_VIP | 1, 4);
	ok("\xcf");
	same(m.c.regs[X86_RSP], STACK_TOP + 12);
	same(m.c.rflags, X86_EFLAGS_FIXED | X86_EFLAGS_IF | 1);
	/* 16 bits of flags leave RF alone, which then ends with the instruction. */
	protected_mode(0);
	m.c.rflags |= X86_EFLAGS_RF;
	store(STACK_TOP, 0x9000, 2);
	store(STACK_TOP + 2, CODE32, 2);
	store(STACK_TOP + 4, 1, 2);
	ok("\x66\xcf");
	same(m.c.rflags, X86_EFLAGS_FIXED | 1);

	/* 64-bit mode pops SS:RSP whatever the levels. */
	long_mode(0);
	store(STACK_TOP, 0x9000, 8);
	store(STACK_TOP + 8, CODE64, 8);
	store(STACK_TOP + 16, X86_EFLAGS_IF, 8);
	store(STACK_TOP + 24, 0x5008, 8);
	store(STACK_TOP + 32, 0, 8);
	ok("\x48\xcf");
	same(m.c.regs[X86_RSP], 0x5008);
	same(m.seg[X86_SS].selector, 0);
	same(m.c.cpl, 0);
	/* NT means a task switch, which long mode has not. */
	m.c.rflags |= X86_EFLAGS_NT;
	fault("\x48\xcf", EXC_GP, 0);
	long_mode(0);
	store(STACK_TOP, 0x800000000000, 8);
	store(STACK_TOP + 8, CODE64, 8);
	fault("\x48\xcf", EXC_GP, 0);
}

/* ------------------------------------------------------------------------
 * Fast system calls
 */

#define STAR	((u64)0x0013 << 48 | (u64)CODE32 << 32 | 0x7000)

static void set_syscall_msrs(void)
{
	machine_set_msr(&m, EMUL_MSR_STAR, STAR);
	machine_set_msr(&m, EMUL_MSR_LSTAR, 0xffff800000007100);
	machine_set_msr(&m, EMUL_MSR_CSTAR, 0x7200);
	machine_set_msr(&m, EMUL_MSR_FMASK, X86_EFLAGS_IF | X86_EFLAGS_CF);
	machine_set_msr(&m, EMUL_MSR_SYSENTER_CS, CODE32);
	machine_set_msr(&m, EMUL_MSR_SYSENTER_ESP, 0x100006000);
	machine_set_msr(&m, EMUL_MSR_SYSENTER_EIP, 0x100007300);
}

static void syscall_long(void)
{
	long_mode(3);
	set_syscall_msrs();
	m.c.rflags |= X86_EFLAGS_IF | X86_EFLAGS_CF | X86_EFLAGS_ZF;
	ok("\x0f\x05");
	same(m.c.rip, 0xffff800000007100);
	same(m.c.regs[X86_RCX], CODE + 2);
	same(m.c.regs[X86_R11], X86_EFLAGS_FIXED | X86_EFLAGS_IF | X86_EFLAGS_CF |
				X86_EFLAGS_ZF);
	same(m.c.rflags, X86_EFLAGS_FIXED | X86_EFLAGS_ZF);
	same(m.c.cpl, 0);
	same(m.seg[X86_CS].selector, CODE32);
	same(m.seg[X86_CS].ar, 0xa09b);
	same(m.seg[X86_SS].selector, DATA32);
	same(m.seg[X86_SS].ar, 0xc093);
	/* And back by SYSRET, with RIP anywhere: on AMD the next fetch faults. */
	m.c.rip = CODE;
	m.c.regs[X86_RCX] = 0x800000000000;
	ok("\x48\x0f\x07");
	same(m.c.rip, 0x800000000000);
	same(m.c.cpl, 3);
	same(m.seg[X86_CS].selector, 0x23);
	same(m.seg[X86_CS].ar, 0xa0fb);
	same(m.seg[X86_SS].selector, 0x1b);
	check(m.c.rflags & X86_EFLAGS_IF);
	fault("", EXC_GP, 0);

	long_mode(0);
	set_syscall_msrs();
	m.c.regs[X86_RCX] = 0x100009000;
	m.c.regs[X86_R11] = EMUL_FL_ALL;
	ok("\x0f\x07");				/* to 32-bit code */
	same(m.c.rip, 0x9000);
	same(m.c.mode, X86_MODE_PROT32);
	same(m.seg[X86_CS].selector, 0x13);
	same(m.c.rflags & (X86_EFLAGS_RF | X86_EFLAGS_VM), 0);
	compatibility_mode(3);
	set_syscall_msrs();
	ok("\x0f\x05");				/* CSTAR, AMD alone */
	same(m.c.rip, 0x7200);
	same(m.c.mode, X86_MODE_LONG64);
	compatibility_mode(3);
	set_syscall_msrs();
	m.c.vendor = X86_VENDOR_INTEL_LIKE;
	fault("\x0f\x05", EXC_UD, NO_ERROR);
	long_mode(0);
	set_syscall_msrs();
	m.c.vendor = X86_VENDOR_INTEL_LIKE;
	m.c.regs[X86_RCX] = 0x800000000000;
	fault("\x48\x0f\x07", EXC_GP, 0);
	m.c.regs[X86_RCX] = 0x9000;
	ok("\x48\x0f\x07");
	same(m.seg[X86_SS].ar, 0xc0f3);
	long_mode(3);
	set_syscall_msrs();
	m.efer &= ~EFER_SCE_BIT;
	fault("\x0f\x05", EXC_UD, NO_ERROR);
	fault("\x0f\x07", EXC_UD, NO_ERROR);
}

static void syscall_legacy(void)
{
	protected_mode(3);
	set_syscall_msrs();
	m.efer = EFER_SCE_BIT;
	m.c.rflags |= X86_EFLAGS_IF;
	ok("\x0f\x05");
	same(m.c.rip, 0x7000);
	same(m.c.cpl, 0);
	same(m.c.mode, X86_MODE_PROT32);
	same(m.c.regs[X86_RCX], CODE + 2);
	same(m.c.rflags, X86_EFLAGS_FIXED);
	m.c.rip = CODE;
	ok("\x0f\x07");
	same(m.c.rip, CODE + 2);
	same(m.c.cpl, 3);
	check(m.c.rflags & X86_EFLAGS_IF);
	same(m.seg[X86_CS].ar, 0xc0fb);
}

static void sysenter(void)
{
	protected_mode(3);
	set_syscall_msrs();
	m.c.rflags |= X86_EFLAGS_IF;
	ok("\x0f\x34");
	same(m.c.rip, 0x7300);
	same(m.c.regs[X86_RSP], 0x6000);
	same(m.c.cpl, 0);
	same(m.c.rflags, X86_EFLAGS_FIXED);
	same(m.seg[X86_CS].ar, 0xc09b);
	same(m.seg[X86_SS].selector, DATA32);
	m.c.rip = CODE;
	m.c.regs[X86_RCX] = 0x5000;
	m.c.regs[X86_RDX] = 0x9000;
	ok("\x0f\x35");
	same(m.c.rip, 0x9000);
	same(m.c.regs[X86_RSP], 0x5000);
	same(m.c.cpl, 3);
	same(m.seg[X86_CS].selector, CODE32 + 16 + 3);
	same(m.seg[X86_SS].selector, CODE32 + 24 + 3);

	/* Long mode: Intel alone. */
	long_mode(3);
	set_syscall_msrs();
	fault("\x0f\x34", EXC_UD, NO_ERROR);
	long_mode(0);
	set_syscall_msrs();
	fault("\x0f\x35", EXC_UD, NO_ERROR);
	m.c.vendor = X86_VENDOR_INTEL_LIKE;
	m.c.regs[X86_RCX] = 0x500000000000;
	m.c.regs[X86_RDX] = 0x900000000;
	ok("\x48\x0f\x35");
	same(m.c.rip, 0x900000000);
	same(m.c.regs[X86_RSP], 0x500000000000);
	same(m.seg[X86_CS].selector, CODE32 + 32 + 3);
	same(m.c.mode, X86_MODE_LONG64);
	long_mode(0);
	set_syscall_msrs();
	m.c.vendor = X86_VENDOR_INTEL_LIKE;
	m.c.regs[X86_RDX] = 0x800000000000;
	fault("\x48\x0f\x35", EXC_GP, 0);
	ok("\x0f\x34");
	same(m.c.rip, 0x100007300);
	same(m.c.regs[X86_RSP], 0x100006000);
	/* Without a code segment. */
	protected_mode(3);
	set_syscall_msrs();
	machine_set_msr(&m, EMUL_MSR_SYSENTER_CS, 3);
	fault("\x0f\x34", EXC_GP, 0);
	protected_mode(0);
	set_syscall_msrs();
	machine_set_msr(&m, EMUL_MSR_SYSENTER_CS, 0);
	fault("\x0f\x35", EXC_GP, 0);
}

const struct test far_tests[] = {
	{ "direct JMP and CALL", direct_transfers },
	{ "between 64-bit, 32-bit and 16-bit code", between_modes },
	{ "width of far pointers by vendor", far_pointer_sizes },
	{ "far returns by vendor", far_return_by_vendor },
	{ "call gate inward, RET outward", call_gate_inner },
	{ "call gate at the same level", call_gate_same_level },
	{ "call gate faults", call_gate_faults },
	{ "inner stack faults", inner_stack_faults },
	{ "call gate in long mode", call_gate_long },
	{ "RET faults", return_faults },
	{ "IRET", iret },
	{ "SYSCALL and SYSRET in long mode", syscall_long },
	{ "SYSCALL and SYSRET in legacy mode", syscall_legacy },
	{ "SYSENTER and SYSEXIT", sysenter },
	{ NULL, NULL },
};
