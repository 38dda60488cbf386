// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of event delivery in protected and long mode.
 *
 * SDM volume 3, "Interrupt and Exception Handling"; volume 2, INT n.
 */
#include "unit.h"

static int deliver(u8 vector, u8 type, int error)
{
	struct x86_event event = {
		.vector = vector, .type = type, .has_error = error >= 0,
		.error = error >= 0 ? error : 0,
	};

	return x86_deliver_event(&m.c, &event);
}

#define delivered(vector, type, error)	\
	expect_result(__FILE__, __LINE__, deliver(vector, type, error), X86_OK)

static void same_level(void)
{
	protected_mode(0);
	m.c.rflags |= X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_NT;
	set_idt(14, gate_descriptor(CODE32, 0x9000, 14, 0), 0);
	delivered(14, X86_EVENT_EXCEPTION, 2);
	same(m.c.rip, 0x9000);
	same(m.c.regs[X86_RSP], STACK_TOP - 16);
	same(load(STACK_TOP - 16, 4), 2);
	same(load(STACK_TOP - 12, 4), CODE);
	same(load(STACK_TOP - 8, 4), CODE32);
	/* A fault resumes with RF set, the handler starts with neither. */
	same(load(STACK_TOP - 4, 4), X86_EFLAGS_FIXED | X86_EFLAGS_IF | X86_EFLAGS_TF |
				     X86_EFLAGS_NT | X86_EFLAGS_RF);
	same(m.c.rflags, X86_EFLAGS_FIXED);
	same(m.c.trap_db, 0);

	/* A trap gate leaves IF; interrupts do not set RF. */
	protected_mode(0);
	m.c.rflags |= X86_EFLAGS_IF;
	set_idt(0x30, gate_descriptor(CODE32, 0x9000, 15, 0), 0);
	delivered(0x30, X86_EVENT_INTR, -1);
	check(m.c.rflags & X86_EFLAGS_IF);
	same(load(STACK_TOP - 4, 4), X86_EFLAGS_FIXED | X86_EFLAGS_IF);
	/* #DB and NMI: RF is not set by delivery. */
	protected_mode(0);
	set_idt(1, gate_descriptor(CODE32, 0x9000, 14, 0), 0);
	delivered(1, X86_EVENT_EXCEPTION, -1);
	same(load(STACK_TOP - 4, 4), X86_EFLAGS_FIXED);
	protected_mode(0);
	set_idt(2, gate_descriptor(CODE32, 0x9000, 14, 0), 0);
	delivered(2, X86_EVENT_NMI, -1);
	same(load(STACK_TOP - 4, 4), X86_EFLAGS_FIXED);
}

static void inner_level(void)
{
	protected_mode(3);
	set_idt(13, gate_descriptor(CODE32, 0x9000, 14, 0), 0);
	delivered(13, X86_EVENT_EXCEPTION, 0x1234);
	same(m.c.cpl, 0);
	same(m.seg[X86_SS].selector, DATA32);
	same(m.c.regs[X86_RSP], INNER_STACK - 24);
	same(load(INNER_STACK - 4, 4), DATA32_USER);
	same(load(INNER_STACK - 8, 4), STACK_TOP);
	same(load(INNER_STACK - 24, 4), 0x1234);
	/* 16-bit gates push 16 bits. */
	protected16_mode(3);
	store(TSS_NOW + 8, DATA16, 2);
	store(TSS_NOW + 4, 0xe000, 4);
	set_idt(13, gate_descriptor(CODE16, 0x9000, 6, 0), 0);
	delivered(13, X86_EVENT_EXCEPTION, 0x1234);
	same(m.c.regs[X86_RSP], 0xe000 - 12);
	same(load(0xe000 - 12, 2), 0x1234);
	same(load(0xe000 - 10, 2), CODE);
	protected16_mode(0);
	set_idt(0x40, gate_descriptor(CODE16, 0x9000, 7, 0), 0);
	delivered(0x40, X86_EVENT_INTR, -1);
	same(m.c.regs[X86_RSP], 0xf000 - 6);
}

static void long_frames(void)
{
	long_mode(0);
	m.c.regs[X86_RSP] = STACK_TOP - 4;	/* aligned down to 16 */
	set_idt(14, gate_descriptor(CODE64, 0x9000, 14, 0), 0);
	delivered(14, X86_EVENT_EXCEPTION, 2);
	same(m.c.regs[X86_RSP], STACK_TOP - 16 - 48);
	same(load(STACK_TOP - 24, 8), DATA32);
	same(load(STACK_TOP - 32, 8), STACK_TOP - 4);
	same(load(STACK_TOP - 48, 8), CODE64);
	same(load(STACK_TOP - 64, 8), 2);
	same(m.seg[X86_SS].selector, DATA32);

	long_mode(3);
	set_idt(0x80, gate_descriptor(CODE64, 0x9000, 15, 3), 0xffff8000);
	ok("\xcd\x80");
	same(m.c.rip, 0xffff800000009000);
	same(m.c.cpl, 0);
	same(m.seg[X86_SS].selector, 0);
	same(m.c.regs[X86_RSP], INNER_STACK - 40);
	same(load(INNER_STACK - 40, 8), CODE + 2);

	/* An interrupt stack, from any level; SS becomes null if the level changes. */
	long_mode(0);
	set_idt(8, gate_descriptor(CODE64, 0x9000, 14, 0) | 1ull << 32, 0);
	delivered(8, X86_EVENT_EXCEPTION, 0);
	same(m.c.regs[X86_RSP], INNER_STACK + 0x1000 - 48);
	same(m.seg[X86_SS].selector, DATA32);
	compatibility_mode(3);
	set_idt(8, gate_descriptor(CODE64, 0x9000, 14, 0) | 1ull << 32, 0);
	delivered(8, X86_EVENT_EXCEPTION, 0);
	same(m.c.mode, X86_MODE_LONG64);
	same(m.seg[X86_SS].selector, 0);
	same(load(INNER_STACK + 0x1000 - 40, 8), CODE);
}

static const struct {
	u64 gate;
	u8 cpl;
	int vector, error;	/* for an external interrupt, vector 20h */
} gates[] = {
	{ 0, 0, EXC_GP, 0x20 * 8 + 3 },				/* no gate */
	{ (u64)8 << 16 | 14ull << 40, 0, EXC_NP, 0x20 * 8 + 3 },
	{ (u64)8 << 16 | 0x8cull << 40, 0, EXC_GP, 0x20 * 8 + 3 },	/* a call gate */
	{ (u64)8 << 16 | 0x9eull << 40, 0, EXC_GP, 0x20 * 8 + 3 },	/* S is set */
	{ 0x8eull << 40, 0, EXC_GP, 1 },			/* null selector */
	{ (u64)BEYOND << 16 | 0x8eull << 40, 0, EXC_GP, BEYOND | 1 },
	{ (u64)DATA32 << 16 | 0x8eull << 40, 0, EXC_GP, DATA32 | 1 },
	{ (u64)CODE32_USER << 16 | 0x8eull << 40, 0, EXC_GP, (CODE32_USER & ~3) | 1 },
	{ (u64)CODE_ABSENT << 16 | 0x8eull << 40, 0, EXC_NP, CODE_ABSENT | 1 },
	{ (u64)SMALL_CODE << 16 | 0x8eull << 40 | 0x2000, 0, EXC_GP, 1 },
};

static void bad_gates(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gates); i++) {
		protected_mode(gates[i].cpl);
		set_idt(0x20, gates[i].gate, 0);
		faulted(deliver(0x20, X86_EVENT_INTR, -1), gates[i].vector, gates[i].error);
		same(m.c.rip, CODE);
		same(m.c.regs[X86_RSP], STACK_TOP);
		same(m.c.cpl, gates[i].cpl);
	}
	protected_mode(0);
	m.idtr_limit = 0x20 * 8 + 6;
	faulted(deliver(0x20, X86_EVENT_INTR, -1), EXC_GP, 0x20 * 8 + 3);
	/* Long mode: no 16-bit or task gates, 64-bit handlers alone. */
	long_mode(0);
	set_idt(0x20, gate_descriptor(CODE16, 0x9000, 6, 0), 0);
	faulted(deliver(0x20, X86_EVENT_INTR, -1), EXC_GP, 0x20 * 8 + 3);
	set_idt(0x20, gate_descriptor(TSS_SEL, 0, 5, 0), 0);
	faulted(deliver(0x20, X86_EVENT_INTR, -1), EXC_GP, 0x20 * 8 + 3);
	set_idt(0x20, gate_descriptor(CODE32, 0x9000, 14, 0), 0);
	faulted(deliver(0x20, X86_EVENT_INTR, -1), EXC_GP, CODE32 | 1);
	set_idt(0x20, gate_descriptor(CODE64, 0x9000, 14, 0), 0x8000);
	faulted(deliver(0x20, X86_EVENT_INTR, -1), EXC_GP, 1);
	m.idtr_limit = 0x20 * 16 + 14;
	faulted(deliver(0x20, X86_EVENT_INTR, -1), EXC_GP, 0x20 * 8 + 3);
}

static void software(void)
{
	protected_mode(3);
	set_idt(0x21, gate_descriptor(CODE32, 0x9000, 14, 0), 0);
	fault("\xcd\x21", EXC_GP, 0x21 * 8 + 2);	/* gate DPL < CPL, EXT clear */
	set_idt(3, gate_descriptor(CODE32, 0x9000, 14, 0), 0);
	fault("\xcc", EXC_GP, 3 * 8 + 2);
	m.c.rflags |= X86_EFLAGS_OF;
	set_idt(4, gate_descriptor(CODE32, 0x9000, 14, 0), 0);
	fault("\xce", EXC_GP, 4 * 8 + 2);
	set_idt(1, gate_descriptor(CODE32, 0x9000, 14, 0), 0);
	ok("\xf1");				/* INT1 does not ask for DPL */
	same(load(INNER_STACK - 20, 4), CODE + 1);
	protected_mode(3);
	set_idt(0x21, gate_descriptor(CODE32, 0x9000, 14, 3), 0);
	m.c.rflags |= X86_EFLAGS_TF | X86_EFLAGS_RF;
	ok("\xcd\x21");
	same(m.c.trap_db, 0);
	same(load(INNER_STACK - 20, 4), CODE + 2);
	check(load(INNER_STACK - 12, 4) & X86_EFLAGS_TF);
	check(!(load(INNER_STACK - 12, 4) & X86_EFLAGS_RF));
}

static void stack_faults(void)
{
	protected_mode(3);
	set_idt(0x20, gate_descriptor(CODE32, 0x9000, 14, 0), 0);
	store(TSS_NOW + 8, DATA_ABSENT, 2);
	faulted(deliver(0x20, X86_EVENT_INTR, -1), EXC_SS, DATA_ABSENT | 1);
	store(TSS_NOW + 8, 0, 2);
	faulted(deliver(0x20, X86_EVENT_INTR, -1), EXC_TS, 1);
	store(TSS_NOW + 8, DATA32, 2);
	store(TSS_NOW + 4, ABSENT + 16, 4);
	faulted(deliver(0x20, X86_EVENT_INTR, -1), EXC_PF, 2);
	m.seg[X86_TR].limit = 3;
	faulted(deliver(0x20, X86_EVENT_INTR, -1), EXC_TS, TSS_SEL | 1);
	protected_mode(0);
	m.seg[X86_SS].limit = 0x1000;
	set_idt(0x20, gate_descriptor(CODE32, 0x9000, 14, 0), 0);
	faulted(deliver(0x20, X86_EVENT_INTR, -1), EXC_SS, 1);
	long_mode(3);
	set_idt(0x20, gate_descriptor(CODE64, 0x9000, 14, 0), 0);
	store(TSS_NOW + 4, 0x800000000000, 8);
	faulted(deliver(0x20, X86_EVENT_INTR, -1), EXC_SS, 1);
	/* The IDT itself. */
	protected_mode(0);
	m.idtr_base = ABSENT;
	faulted(deliver(0x20, X86_EVENT_INTR, -1), EXC_PF, 0);
}

static void conforming_handler(void)
{
	protected_mode(3);
	set_idt(0x20, gate_descriptor(CONFORMING, 0x9000, 14, 0), 0);
	delivered(0x20, X86_EVENT_INTR, -1);
	same(m.c.cpl, 3);
	same(m.c.regs[X86_RSP], STACK_TOP - 12);
	same(m.seg[X86_CS].selector, CONFORMING | 3);
}

static void real_events(void)
{
	real_mode();
	store(13 * 4, 0x20000100, 4);
	delivered(13, X86_EVENT_EXCEPTION, 0);	/* the error code is not pushed */
	same(m.c.rip, 0x100);
	same(m.c.regs[X86_RSP], 0xf000 - 6);
	same(load(0xf000 - 6, 2), CODE);
	real_mode();
	m.idtr_limit = 3;
	faulted(deliver(13, X86_EVENT_EXCEPTION, 0), EXC_GP, NO_ERROR);
}

const struct test event_tests[] = {
	{ "at the same level", same_level },
	{ "to an inner level", inner_level },
	{ "long mode frames and interrupt stacks", long_frames },
	{ "bad gates and handlers", bad_gates },
	{ "software interrupts", software },
	{ "stack faults", stack_faults },
	{ "conforming handler", conforming_handler },
	{ "real mode", real_events },
	{ NULL, NULL },
};
