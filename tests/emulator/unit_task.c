// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of hardware task switches.
 *
 * SDM volume 3, "Task Management": the steps of a switch, and "Exception Conditions
 * Checked During a Task Switch".
 */
#include "unit.h"

#define JMP_TSS		"\xea\x00\x00\x00\x00\x38\x00"
#define CALL_TSS	"\x9a\x00\x00\x00\x00\x38\x00"
#define CALL_GATE	"\x9a\x00\x00\x00\x00\xbb\x00"
#define JMP_TSS16	"\xea\x00\x00\x00\x00\xb0\x00"

/* A 32-bit TSS from which a task can start. */
static void new_tss(u16 cs, u16 ss, u16 ds)
{
	unsigned int i;

	store(TSS_NEW + 0x1c, 0x5000, 4);		/* CR3 */
	store(TSS_NEW + 0x20, 0xa000, 4);
	store(TSS_NEW + 0x24, X86_EFLAGS_FIXED | X86_EFLAGS_CF, 4);
	for (i = 0; i < 8; i++)
		store(TSS_NEW + 0x28 + 4 * i, 0x70000000 + i, 4);
	store(TSS_NEW + 0x38, 0x7000, 4);		/* ESP */
	for (i = 0; i < 6; i++)
		store(TSS_NEW + 0x48 + 4 * i, ds, 4);
	store(TSS_NEW + 0x4c, cs, 4);
	store(TSS_NEW + 0x50, ss, 4);
	store(TSS_NEW + 0x60, LDT_SEL, 4);
}

static void tasks(unsigned int cpl)
{
	protected_mode(cpl);
	m.seg[X86_LDTR].ar = X86_AR_UNUSABLE;
	m.cr3 = 0x4000;
	m.dr[7] = 0x755;
	new_tss(CODE32, DATA32, DATA32_USER);
}

static void expect_new_task(void)
{
	same(m.c.rip, 0xa000);
	same(m.c.regs[X86_RSP], 0x7000);
	same(m.c.regs[X86_RDI], 0x70000007);
	same(m.seg[X86_CS].selector, CODE32);
	same(m.seg[X86_SS].selector, DATA32);
	same(m.seg[X86_DS].selector, DATA32_USER);
	same(m.seg[X86_LDTR].base, LDT);
	same(m.seg[X86_TR].selector, TSS_NEW_SEL);
	same(m.seg[X86_TR].ar, 0x8b);
	same(load(GDT + TSS_NEW_SEL + 5, 1), 0x8b);
	same(m.cr3, 0x5000);
	check(m.cr0 & X86_CR0_TS);
	same(m.dr[7], 0x600);
	same(m.c.cpl, 0);
	check(m.c.changed & X86_CHG_TASK);
}

static void by_jmp(void)
{
	tasks(0);
	m.c.rflags |= X86_EFLAGS_IF | X86_EFLAGS_NT;
	ok(JMP_TSS);
	expect_new_task();
	same(m.c.rflags, X86_EFLAGS_FIXED | X86_EFLAGS_CF);
	same(load(GDT + TSS_SEL + 5, 1), 0x89);		/* no longer busy */
	same(load(TSS_NEW, 2), 0);
	same(load(TSS_NOW + 0x20, 4), CODE + 7);
	same(load(TSS_NOW + 0x24, 4), X86_EFLAGS_FIXED | X86_EFLAGS_IF | X86_EFLAGS_NT);
	same(load(TSS_NOW + 0x28, 4), 0x1000);
	same(load(TSS_NOW + 0x38, 4), STACK_TOP);
	same(load(TSS_NOW + 0x4c, 2), CODE32);
	same(load(TSS_NOW + 0x54, 2), DATA32);
	/* Not saved: CR3 and LDTR. */
	same(load(TSS_NOW + 0x1c, 4), 0);
	same(load(TSS_NOW + 0x60, 4), 0);
}

static void by_call_and_iret(void)
{
	tasks(0);
	m.c.rflags |= X86_EFLAGS_IF;
	ok(CALL_TSS);
	expect_new_task();
	same(m.c.rflags, X86_EFLAGS_FIXED | X86_EFLAGS_CF | X86_EFLAGS_NT);
	same(load(GDT + TSS_SEL + 5, 1), 0x8b);		/* still busy */
	same(load(TSS_NEW, 2), TSS_SEL);
	store(TSS_NOW + 0x1c, 0x4000, 4);
	ok("\xcf");					/* iret */
	same(m.c.rip, CODE + 7);
	same(m.c.regs[X86_RSP], STACK_TOP);
	check(m.c.rflags & X86_EFLAGS_IF);
	check(!(m.c.rflags & X86_EFLAGS_NT));
	same(m.cr3, 0x4000);
	same(m.seg[X86_TR].selector, TSS_SEL);
	same(load(GDT + TSS_NEW_SEL + 5, 1), 0x89);
	/* The task that ended does so with NT clear. */
	check(!(load(TSS_NEW + 0x24, 4) & X86_EFLAGS_NT));
}

static bool nmis_unblocked(void)
{
	unsigned int i;

	for (i = 0; i < m.nr_log; i++)
		if (m.log[i].what == LOG_SYSTEM && m.log[i].where == X86_SYS_NMI_UNMASK)
			return true;
	return false;
}

/* An NMI's task ends with IRET, be there a fault in the one that it goes back to. */
static void unblocks_nmis(void)
{
	int i;

	tasks(0);
	ok(JMP_TSS);
	check(!nmis_unblocked());
	for (i = 0; i < 2; i++) {
		tasks(0);
		set_descriptor(TSS_NEW_SEL, segment_descriptor(TSS_NEW, 0x67, 0x8b, 0), 0);
		store(TSS_NEW + 0x5c, i ? BEYOND : DATA32_USER, 2);
		same(x86_task_switch(&m.c, TSS_NEW_SEL, X86_TASK_IRET, NULL),
		     i ? X86_FAULT : X86_OK);
		check(m.c.changed & X86_CHG_TASK);
		check(nmis_unblocked());
	}
	/* One that does not come about is none. */
	tasks(0);
	same(x86_task_switch(&m.c, TSS_NEW_SEL, X86_TASK_IRET, NULL), X86_FAULT);
	check(!nmis_unblocked());
}

/* Another processor has set an accessed bit, when there is no way back. */
static void accessed_elsewhere(struct machine *machine, u64 la, unsigned int len)
{
	if (la == GDT + (DATA32_USER & ~7) + 4)
		store(la + 1, load(la + 1, 1) | 1, 1);
}

static void accessed_by_two(void)
{
	tasks(0);
	store(GDT + (DATA32_USER & ~7) + 5, 0xf2, 1);
	m.on_locked = accessed_elsewhere;
	ok(JMP_TSS);
	m.on_locked = NULL;
	expect_new_task();
}

static void by_gate(void)
{
	tasks(3);
	set_descriptor(TSS_NEW_SEL, segment_descriptor(TSS_NEW, 0x67, 0x89, 0), 0);
	ok(CALL_GATE);
	expect_new_task();
	tasks(3);
	fault(CALL_TSS, EXC_GP, TSS_NEW_SEL);		/* the TSS's own DPL is 0 */
	set_descriptor(TASK_GATE, gate_descriptor(TSS_NEW_SEL, 0, 5, 0), 0);
	fault(CALL_GATE, EXC_GP, TASK_GATE);
	set_descriptor(TASK_GATE, gate_descriptor(TSS_NEW_SEL, 0, 5, 3) & ~(1ull << 47), 0);
	fault(CALL_GATE, EXC_NP, TASK_GATE);
	set_descriptor(TASK_GATE, gate_descriptor(0, 0, 5, 3), 0);
	fault(CALL_GATE, EXC_GP, 0);
}

static void by_event(void)
{
	struct x86_event event = { 14, X86_EVENT_EXCEPTION, true, 6 };

	tasks(3);
	set_idt(14, gate_descriptor(TSS_NEW_SEL, 0, 5, 0), 0);
	same(x86_deliver_event(&m.c, &event), X86_OK);
	same(m.c.rip, 0xa000);
	same(m.c.regs[X86_RSP], 0x7000 - 4);
	same(load(0x7000 - 4, 4), 6);
	check(m.c.rflags & X86_EFLAGS_NT);
	check(load(TSS_NOW + 0x24, 4) & X86_EFLAGS_RF);
	same(load(TSS_NOW + 0x20, 4), CODE);
	/* INT n by a task gate: no error code, RIP behind the instruction. */
	tasks(3);
	set_idt(0x21, gate_descriptor(TSS_NEW_SEL, 0, 5, 3), 0);
	ok("\xcd\x21");
	same(m.c.regs[X86_RSP], 0x7000);
	same(load(TSS_NOW + 0x20, 4), CODE + 2);
	check(!(load(TSS_NOW + 0x24, 4) & X86_EFLAGS_RF));
}

static void sixteen_bit(void)
{
	unsigned int i;

	tasks(0);
	store(TSS16_NEW + 0x0e, 0xa000, 2);
	store(TSS16_NEW + 0x10, X86_EFLAGS_FIXED | X86_EFLAGS_ZF, 2);
	for (i = 0; i < 8; i++)
		store(TSS16_NEW + 0x12 + 2 * i, 0x5500 + i, 2);
	store(TSS16_NEW + 0x22, DATA16, 2);
	store(TSS16_NEW + 0x24, CODE16, 2);
	store(TSS16_NEW + 0x26, DATA16, 2);
	store(TSS16_NEW + 0x28, DATA16, 2);
	store(TSS16_NEW + 0x2a, LDT_SEL, 2);
	ok(JMP_TSS16);
	same(m.c.rip, 0xa000);
	same(m.c.mode, X86_MODE_PROT16);
	same(m.c.regs[X86_RAX] & 0xffff, 0x5500);
	same(m.seg[X86_SS].selector, DATA16);
	check(m.seg[X86_FS].ar & X86_AR_UNUSABLE);
	same(m.seg[X86_FS].selector, 0);
	same(m.cr3, 0x4000);				/* a 16-bit TSS has no CR3 */
	same(m.seg[X86_TR].ar, 0x83);
	/* And from it to a 32-bit one: 16 bits are saved. */
	set_descriptor(TSS_NEW_SEL, segment_descriptor(TSS_NEW, 0x67, 0x89, 0), 0);
	ok("\xea\x00\x00\x38\x00");
	expect_new_task();
	same(load(TSS16_NEW + 0x0e, 2), 0xa005);
	same(load(TSS16_NEW + 0x12, 2), 0x5500);
	same(load(TSS16_NEW + 0x2a, 2), LDT_SEL);
}

/* Before the commit point: in the old task, with nothing changed. */
static void early_faults(void)
{
	tasks(0);
	fault("\xea\x00\x00\x00\x00\x28\x00", EXC_GP, TSS_SEL);	/* busy */
	set_descriptor(TSS_NEW_SEL, segment_descriptor(TSS_NEW, 0x66, 0x89, 0), 0);
	fault(JMP_TSS, EXC_TS, TSS_NEW_SEL);
	set_descriptor(TSS16_SEL, segment_descriptor(TSS16_NEW, 0x2a, 0x81, 0), 0);
	fault(JMP_TSS16, EXC_TS, TSS16_SEL);
	set_descriptor(TSS_NEW_SEL, segment_descriptor(TSS_NEW, 0x67, 0x09, 0), 0);
	fault(JMP_TSS, EXC_NP, TSS_NEW_SEL);
	set_descriptor(TSS_NEW_SEL, segment_descriptor(ABSENT, 0x67, 0x89, 0), 0);
	fault(JMP_TSS, EXC_PF, 0);
	/* CALL writes the link, so the new TSS must be writable; JMP does not. */
	set_descriptor(TSS_NEW_SEL, segment_descriptor(READ_ONLY, 0x67, 0x89, 0), 0);
	fault(CALL_TSS, EXC_PF, 3);
	/* The second half of the new TSS, the old TSS. */
	set_descriptor(TSS_NEW_SEL, segment_descriptor(ABSENT + 0x1000 - 0x1050, 0x67, 0x89, 0),
		       0);
	fault(JMP_TSS, EXC_PF, 0);
	tasks(0);
	m.seg[X86_TR].limit = 0x5e;
	fault(JMP_TSS, EXC_TS, TSS_SEL);
	m.seg[X86_TR].ar = X86_AR_UNUSABLE;
	m.seg[X86_TR].limit = 0x67;
	fault(JMP_TSS, EXC_TS, TSS_SEL);
	tasks(0);
	m.seg[X86_TR].base = READ_ONLY;
	fault(JMP_TSS, EXC_PF, 3);
	/* IRET wants a busy task; its faults are #TS. */
	tasks(0);
	m.c.rflags |= X86_EFLAGS_NT;
	store(TSS_NOW, TSS_NEW_SEL, 2);
	fault("\xcf", EXC_TS, TSS_NEW_SEL);
	store(TSS_NOW, DATA32, 2);
	fault("\xcf", EXC_TS, DATA32);
	store(TSS_NOW, 0, 2);
	fault("\xcf", EXC_TS, 0);
	store(TSS_NOW, BEYOND, 2);
	fault("\xcf", EXC_TS, BEYOND);
	store(TSS_NOW, 0x0c, 2);
	fault("\xcf", EXC_TS, 0x0c);
	same(x86_task_switch(&m.c, 0, X86_TASK_JMP, NULL), X86_FAULT);
	same(m.c.fault.vector, EXC_GP);
}

/* Past the commit point: the fault is the new task's. */
static void late_faults(void)
{
	static const struct {
		u16 offset, selector;
		int vector, error;
	} rows[] = {
		{ 0x60, DATA32, EXC_TS, DATA32 },			/* LDT */
		{ 0x60, 0x0c, EXC_TS, 0x0c },
		{ 0x4c, 0, EXC_TS, 0 },					/* CS */
		{ 0x4c, BEYOND, EXC_TS, BEYOND },
		{ 0x4c, DATA32, EXC_TS, DATA32 },
		{ 0x4c, CODE32 | 3, EXC_TS, CODE32 },
		{ 0x4c, CODE_ABSENT, EXC_NP, CODE_ABSENT },
		{ 0x4c, SMALL_CODE, EXC_GP, 0 },
		{ 0x50, 0, EXC_TS, 0 },					/* SS */
		{ 0x50, DATA32_USER, EXC_TS, DATA32_USER & ~3 },
		{ 0x50, DATA_ABSENT, EXC_SS, DATA_ABSENT },
		{ 0x48, CODE_XO, EXC_TS, CODE_XO },			/* ES */
		{ 0x54, DATA_ABSENT, EXC_NP, DATA_ABSENT },		/* DS */
		{ 0x58, DATA32 | 3, EXC_TS, DATA32 },			/* FS */
		{ 0x5c, BEYOND, EXC_TS, BEYOND },			/* GS */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tasks(0);
		store(TSS_NEW + rows[i].offset, rows[i].selector, 2);
		faulted(step(JMP_TSS), rows[i].vector, rows[i].error);
		check(m.c.changed & X86_CHG_TASK);
		same(m.c.rip, 0xa000);
		same(m.seg[X86_TR].selector, TSS_NEW_SEL);
		same(m.seg[X86_GS].selector, load(TSS_NEW + 0x5c, 2));
		same(m.c.cpl, rows[i].selector == (CODE32 | 3) ? 3 : 0);
	}
	/* The LDT is at fault in what would have been vm86 mode, and that it is already. */
	tasks(0);
	store(TSS_NEW + 0x24, X86_EFLAGS_FIXED | X86_EFLAGS_VM, 4);
	store(TSS_NEW + 0x60, DATA32, 2);
	faulted(step(JMP_TSS), EXC_TS, DATA32);
	same(m.c.mode, X86_MODE_VM86);
	same(m.c.cpl, 3);
	tasks(0);
	store(TSS_NEW + 0x1c, 0xbad000, 4);		/* CR3 that cannot be loaded */
	faulted(step(JMP_TSS), EXC_TS, TSS_NEW_SEL);
	/* The error code of an event on a stack with no room for it. */
	tasks(0);
	store(TSS_NEW + 0x38, ABSENT + 8, 4);
	set_idt(14, gate_descriptor(TSS_NEW_SEL, 0, 5, 0), 0);
	faulted(x86_deliver_event(&m.c, &(struct x86_event){ 14, X86_EVENT_EXCEPTION, true, 6 }),
		EXC_PF, 2);
	check(m.c.changed & X86_CHG_TASK);
	/* An LDT that is not there. */
	tasks(0);
	store(TSS_NEW + 0x60, LDT_SEL, 2);
	set_descriptor(LDT_SEL, segment_descriptor(LDT, 0x3f, 0x02, 0), 0);
	faulted(step(JMP_TSS), EXC_TS, LDT_SEL);
	/* A null LDT is fine. */
	tasks(0);
	store(TSS_NEW + 0x60, 0, 4);
	ok(JMP_TSS);
	check(m.seg[X86_LDTR].ar & X86_AR_UNUSABLE);
}

static void to_vm86(void)
{
	tasks(0);
	store(TSS_NEW + 0x24, X86_EFLAGS_FIXED | X86_EFLAGS_VM | X86_EFLAGS_IF, 4);
	store(TSS_NEW + 0x4c, 0x1234, 4);
	ok(JMP_TSS);
	same(m.c.mode, X86_MODE_VM86);
	same(m.c.cpl, 3);
	same(m.seg[X86_CS].base, 0x12340);
	same(m.seg[X86_DS].ar, 0xf3);
}

static void trap_bit(void)
{
	tasks(0);
	m.c.rflags |= X86_EFLAGS_TF;
	store(TSS_NEW + 0x64, 1, 2);
	ok(JMP_TSS);
	same(m.c.trap_db, X86_TRAP_BT);
}

static void to_user(void)
{
	tasks(0);
	new_tss(CODE32_USER, DATA32_USER, DATA32_USER);
	ok(JMP_TSS);
	same(m.c.cpl, 3);
	check(m.c.changed & X86_CHG_MODE);
	/* Paging off: CR3 is left alone. */
	tasks(0);
	m.cr0 &= ~(u64)X86_CR0_PG;
	ok(JMP_TSS);
	same(m.cr3, 0x4000);
}

static void hardware_exits(void)
{
	struct x86_event event = { 8, X86_EVENT_EXCEPTION, true, 0 };

	tasks(0);
	same(x86_task_switch(&m.c, TSS_NEW_SEL, X86_TASK_GATE, &event), X86_OK);
	same(m.c.rip, 0xa000);
	same(m.c.regs[X86_RSP], 0x6ffc);
	tasks(0);
	store(TSS_NEW + 0x4c, 0, 2);
	faulted(x86_task_switch(&m.c, TSS_NEW_SEL, X86_TASK_GATE, &event), EXC_TS, 1);
	long_mode(0);
	same(x86_task_switch(&m.c, TSS_NEW_SEL, X86_TASK_JMP, NULL), X86_UNHANDLED);
	real_mode();
	same(x86_task_switch(&m.c, TSS_NEW_SEL, X86_TASK_JMP, NULL), X86_UNHANDLED);
}

const struct test task_tests[] = {
	{ "JMP to a TSS", by_jmp },
	{ "CALL to a TSS, IRET back", by_call_and_iret },
	{ "IRET to a task unblocks NMIs", unblocks_nmis },
	{ "an accessed bit that two set", accessed_by_two },
	{ "task gates", by_gate },
	{ "exceptions and interrupts through task gates", by_event },
	{ "16-bit TSS", sixteen_bit },
	{ "faults before the commit point", early_faults },
	{ "faults past the commit point", late_faults },
	{ "to virtual-8086 mode", to_vm86 },
	{ "trap bit", trap_bit },
	{ "to CPL 3, without paging", to_user },
	{ "the entry for hardware's task-switch exits", hardware_exits },
	{ NULL, NULL },
};
