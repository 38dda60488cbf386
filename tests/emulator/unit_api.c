// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of the interface's promises: restarting after devices, partial progress of
 * strings, atomicity, the decode cache, fetching, traps.
 *
 * See the comments of include/x86_emulate.h, which these check.
 */
#include "unit.h"

static int once(void)
{
	m.asked = 0;
	return x86_emulate(&m.c, NULL, 0);
}

/* ------------------------------------------------------------------------
 * Devices
 */

static void device_reads(void)
{
	protected_mode(0);
	m.c.regs[X86_RBX] = MMIO + 4;
	memcpy(memory + CODE, "\x8b\x03", 2);		/* mov eax, [ebx] */
	same(once(), X86_IO);
	same(m.c.changed, 0);
	same(m.c.rip, CODE);
	same(m.c.regs[X86_RAX], 0x1000);
	same(once(), X86_IO);
	machine_answer(&m);
	same(once(), X86_OK);
	same(m.c.regs[X86_RAX], 0x11);
	same(m.c.changed, X86_CHG_REGS);

	/* Read, modify, write: the write comes last and is posted. */
	ok("\x01\x1b");					/* add [ebx], ebx */
	same(m.log[m.nr_log - 1].what, LOG_MMIO_WRITE);
	same(m.log[m.nr_log - 1].where, MMIO + 4);
	same(m.log[m.nr_log - 1].value, 0x12 + MMIO + 4);
	ok("\xf0\x01\x1b");				/* the same with LOCK */
	same(m.log[m.nr_log - 1].value, 0x13 + MMIO + 4);
	ok("\x89\x03");					/* mov [ebx], eax */
	same(m.log[m.nr_log - 1].size, 4);
}

/* Two reads: the first is asked again, and must be answered alike. */
static void device_compare(void)
{
	protected_mode(0);
	m.c.regs[X86_RSI] = MMIO;
	m.c.regs[X86_RDI] = MMIO + 8;
	memcpy(memory + CODE, "\xa7", 1);		/* cmpsd */
	same(once(), X86_IO);
	machine_answer(&m);
	same(once(), X86_IO);
	same(m.c.regs[X86_RSI], MMIO);
	machine_answer(&m);
	same(once(), X86_OK);
	same(m.c.regs[X86_RSI], MMIO + 4);
	check(m.c.rflags & X86_EFLAGS_CF);		/* 0x11 - 0x12 */
}

/* ENTER writes nothing before it has read all of a display, be it a device's. */
static void device_display(void)
{
	unsigned int n;

	protected_mode(0);
	m.c.regs[X86_RBP] = MMIO + 0x100;
	memcpy(memory + CODE, "\xc8\x08\x00\x03", 4);	/* enter 8, 3 */
	for (n = 0; n < 2; n++) {
		same(once(), X86_IO);
		same(m.nr_writes, 0);
		machine_answer(&m);
	}
	same(once(), X86_OK);
	same(load(STACK_TOP - 4, 4), MMIO + 0x100);
	same(load(STACK_TOP - 8, 4), 0x11);
	same(load(STACK_TOP - 12, 4), 0x12);
	same(load(STACK_TOP - 16, 4), STACK_TOP - 4);
	same(m.c.regs[X86_RSP], STACK_TOP - 24);
	same(m.c.regs[X86_RBP], STACK_TOP - 4);
}

/* A display that the new frame overwrites, with a stack pointer that wraps in it. */
static void overwritten_display(void)
{
	protected_mode(0);
	m.seg[X86_SS].ar &= ~X86_AR_DB;
	m.c.regs[X86_RSP] = 7;
	m.c.regs[X86_RBP] = 0x10020022;
	store(0, 0x5b5a5958, 4);
	ok("\xc8\x00\x00\x0c");				/* enter 0, 12 */
	same(load(3, 4), 0x10020022);
	same(load(7 - 36 + 0x10000, 4), 0x0200225a);	/* from 2: the frame begins at 3 */
	same(m.c.regs[X86_RBP], 3);
}

static void ports(void)
{
	protected_mode(0);
	memcpy(memory + CODE, "\xed", 1);		/* in eax, dx */
	same(once(), X86_IO);
	same(m.c.regs[X86_RAX], 0x1000);
	machine_answer(&m);
	same(once(), X86_OK);
	same(m.c.regs[X86_RAX], 0x11);
	same(m.log[0].where, 0x1002);
}

/* ------------------------------------------------------------------------
 * Strings
 */

static void quantum(void)
{
	protected_mode(0);
	m.c.regs[X86_RCX] = 3000;
	m.c.regs[X86_RDI] = DATA;
	m.c.regs[X86_RAX] = 0xab;
	memcpy(memory + CODE, "\xf3\xaa", 2);		/* rep stosb */
	same(once(), X86_RETRY);
	same(m.c.rip, CODE);
	same(m.c.changed, X86_CHG_REGS);
	check(m.c.regs[X86_RCX] < 3000 && m.c.regs[X86_RCX]);
	same(m.c.regs[X86_RDI], DATA + 3000 - m.c.regs[X86_RCX]);
	while (m.c.rip == CODE)
		if (once() != X86_OK && m.c.rip != CODE)
			break;
	same(m.c.rip, CODE + 2);
	same(m.c.regs[X86_RCX], 0);
	same(load(DATA + 2999, 2), 0xab);
	m.c.regs[X86_RCX] = 0;
	ok("\xf3\xa4");
	same(m.c.regs[X86_RDI], DATA + 3000);
}

static void partial_progress(void)
{
	protected_mode(0);
	m.c.regs[X86_RCX] = 10;
	m.c.regs[X86_RSI] = DATA;
	m.c.regs[X86_RDI] = SUPERVISOR + 0x1000 - 6;	/* ABSENT follows */
	faulted(step("\xf3\xa5"), EXC_PF, 2);		/* rep movsd */
	same(m.c.fault.address, ABSENT);
	same(m.c.rip, CODE);
	same(m.c.regs[X86_RCX], 9);
	same(m.c.regs[X86_RSI], DATA + 4);
	same(m.c.changed, X86_CHG_REGS);

	/* From a device: each element is an exit, and none is asked for twice. */
	protected_mode(0);
	m.c.regs[X86_RCX] = 3;
	m.c.regs[X86_RSI] = MMIO;
	m.c.regs[X86_RDI] = DATA;
	memcpy(memory + CODE, "\xf3\xa4", 2);		/* rep movsb */
	same(once(), X86_IO);
	machine_answer(&m);
	m.asked = 0;
	same(x86_emulate(&m.c, NULL, 0), X86_IO);
	same(m.c.regs[X86_RCX], 2);
	same(m.c.regs[X86_RDI], DATA + 1);
	same(load(DATA, 1), 0x11);
}

/* A comparison that faults later on: AMD has the last element's flags by then. */
static void comparison_flags(void)
{
	unsigned int vendor;

	for (vendor = 0; vendor < 2; vendor++) {
		protected_mode(0);
		m.c.vendor = vendor;
		m.c.regs[X86_RCX] = 4;
		m.c.regs[X86_RDI] = ABSENT - 8;
		m.c.regs[X86_RAX] = 0;
		faulted(step("\xf3\xaf"), EXC_PF, 0);	/* repe scasd */
		same(m.c.regs[X86_RCX], 2);
		same(m.c.rflags & X86_EFLAGS_ZF,
		     vendor == X86_VENDOR_AMD_LIKE ? X86_EFLAGS_ZF : 0);
	}
	m.c.regs[X86_RCX] = 4;
	m.c.regs[X86_RDI] = DATA;
	ok("\xf2\xaf");					/* repne ends at the first */
	same(m.c.regs[X86_RCX], 3);
	m.c.regs[X86_RCX] = 0x2000;
	m.c.regs[X86_RDI] = DATA;
	same(step("\xf3\xae"), X86_RETRY);
	check(m.c.rflags & X86_EFLAGS_ZF);
}

/* A single step between elements: on Intel RF is set, and a comparison has no flags yet. */
static void stepped_repeat(void)
{
	unsigned int vendor;

	for (vendor = 0; vendor < 2; vendor++) {
		bool amd = vendor == X86_VENDOR_AMD_LIKE;

		protected_mode(0);
		m.c.vendor = vendor;
		m.c.rflags |= X86_EFLAGS_TF;
		m.c.regs[X86_RCX] = 2;
		m.c.regs[X86_RDI] = DATA;
		m.c.regs[X86_RAX] = 0;
		same(step("\xf3\xaf"), X86_RETRY);	/* repe scasd */
		same(m.c.trap_db, X86_TRAP_BS);
		same(m.c.rflags & X86_EFLAGS_RF, amd ? 0 : X86_EFLAGS_RF);
		same(m.c.rflags & X86_EFLAGS_ZF, amd ? X86_EFLAGS_ZF : 0);
		same(step("\xf3\xaf"), X86_OK);
		same(m.c.trap_db, X86_TRAP_BS);
		same(m.c.rflags & (X86_EFLAGS_RF | X86_EFLAGS_ZF), X86_EFLAGS_ZF);
	}
}

static void port_strings(void)
{
	unsigned int i;

	protected_mode(0);
	m.answer_io = true;
	for (i = 0; i < MAX_REPLAY; i++)
		m.replay[i] = 0x20;
	m.c.regs[X86_RCX] = 200;
	m.c.regs[X86_RDI] = DATA + 0x1000 - 0x100;
	ok("\xf3\x6d");					/* rep insd, over a page's end */
	same(m.c.regs[X86_RCX], 0);
	same(m.nr_log, 3);				/* the buffer holds 128 */
	same(m.log[0].count, 64);
	same(m.log[1].count, 128);
	same(m.log[2].count, 8);
	same(load(DATA + 0x1000 - 0x100, 4), 0x20);
	same(load(DATA + 0x1000 - 4, 4), 0x20 + 63);
	same(load(DATA + 0x1000, 4), 0x20);

	m.nr_log = 0;
	m.c.regs[X86_RCX] = 6;
	m.c.regs[X86_RSI] = DATA + 0x1000 - 6;
	ok("\xf3\x6f");					/* rep outsd: one lies across */
	same(m.nr_log, 3);
	same(m.log[0].count, 1);
	same(m.log[1].count, 1);
	same(m.log[2].count, 4);
	m.nr_log = 0;
	m.c.rflags |= X86_EFLAGS_DF;
	m.c.regs[X86_RCX] = 2;
	ok("\xf3\x6e");					/* rep outsb, downwards */
	same(m.nr_log, 2);
	m.c.rflags &= ~(u64)X86_EFLAGS_DF;

	/* Nothing is taken from the device if memory cannot hold it. */
	m.nr_log = 0;
	m.c.regs[X86_RDI] = ABSENT;
	fault("\x6d", EXC_PF, 2);
	same(m.nr_log, 0);
	m.seg[X86_ES].ar |= X86_AR_UNUSABLE;
	fault("\x6d", EXC_GP, 0);
	m.c.regs[X86_RSI] = ABSENT;
	fault("\x6f", EXC_PF, 0);
	long_mode(0);
	m.answer_io = true;
	m.c.regs[X86_RDI] = DATA;
	ok("\x48\x6d");					/* REX.W does not make it 8 */
	same(m.c.regs[X86_RDI], DATA + 4);
}

static void offsets_wrap(void)
{
	real_mode();
	m.answer_io = true;
	m.c.regs[X86_RCX] = 4;
	m.c.regs[X86_RDI] = 0xfffe;
	m.seg[X86_ES].base = DATA;
	ok("\xf3\x6c");
	same(m.c.regs[X86_RDI], 2);
	m.c.regs[X86_RDI] = 0xffff;
	fault("\x6d", EXC_GP, NO_ERROR);
}

/* ------------------------------------------------------------------------
 * Atomicity, and what callbacks may answer
 */

static void locked(void)
{
	protected_mode(0);
	m.c.regs[X86_RBX] = DATA;
	store(DATA, 5, 8);
	m.force = X86_RETRY;
	m.force_after = 1;				/* the read, then the exchange */
	same(step("\xf0\xff\x03"), X86_RETRY);		/* lock inc [ebx] */
	same(load(DATA, 4), 5);
	same(m.c.rip, CODE);
	ok("\xf0\xff\x03");
	same(load(DATA, 4), 6);
	m.c.regs[X86_RAX] = 6;
	m.c.regs[X86_RDX] = 0;
	m.c.regs[X86_RCX] = 1;
	m.force = X86_RETRY;
	m.force_after = 1;
	same(step("\xf0\x0f\xc7\x0b"), X86_RETRY);	/* lock cmpxchg8b */
	ok("\xf0\x0f\xc7\x0b");
	same(load(DATA, 8), 1ull << 32 | DATA);
	ok("\x87\x03");					/* xchg locks by itself */
	same(m.c.regs[X86_RAX], DATA);
	fault("\xf0\x89\x03", EXC_UD, NO_ERROR);	/* lock mov */
	fault("\xf0\x01\xc3", EXC_UD, NO_ERROR);	/* lock add ebx, eax */
	fault("\xf0\x3b\x03", EXC_UD, NO_ERROR);	/* lock cmp */

	/* A page fault by the exchange after a read that was fine: both ask to write. */
	m.c.regs[X86_RBX] = READ_ONLY;
	fault("\xf0\xff\x03", EXC_PF, 3);
	fault("\xff\x03", EXC_PF, 3);
}

/* Every access of every kind may be refused; then nothing has changed. */
static void refused(void)
{
	static const struct { const char *code; unsigned int len; } codes[] = {
		{ "\x01\x03", 2 }, { "\x50", 1 }, { "\x58", 1 }, { "\xe8\0\0\0\0", 5 },
		{ "\xc3", 1 }, { "\x60", 1 }, { "\x61", 1 }, { "\xc8\x08\0\x02", 4 },
		{ "\xc9", 1 }, { "\x8f\x03", 2 }, { "\xff\x33", 2 }, { "\xff\x13", 2 },
		{ "\x62\x03", 2 }, { "\xa5", 1 }, { "\xa7", 1 }, { "\x9c", 1 }, { "\x9d", 1 },
		{ "\x0f\xc7\x0b", 3 }, { "\xf0\x0f\xb1\x0b", 4 }, { "\xd7", 1 },
		{ "\x0f\x01\x13", 3 }, { "\x0f\x01\x03", 3 },
		{ "\x1e", 1 }, { "\x1f", 1 }, { "\xc4\x03", 2 }, { "\xcf", 1 },
		{ "\x9a\0\0\0\0\x08\0", 7 }, { "\xcb", 1 }, { "\xcc", 1 },
	};
	static struct x86_emulate_ctxt before;
	static u8 old[DATA + 0x2000];
	unsigned int i, after;
	int r;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		for (after = 0; after < 40; after++) {
			protected_mode(0);
			set_idt(3, gate_descriptor(CODE32, 0x9000, 14, 3), 0);
			m.c.regs[X86_RBX] = m.c.regs[X86_RSI] = DATA;
			m.c.regs[X86_RBP] = STACK_TOP + 64;
			store(STACK_TOP, CODE + 0x100, 4);
			store(STACK_TOP + 4, CODE32, 4);
			store(STACK_TOP + 8, 2, 4);
			store(DATA + 4, 0xffff, 4);
			m.c.regs[X86_RDI] = DATA + 0x100;
			memcpy(memory + CODE, codes[i].code, codes[i].len);
			memcpy(old, memory, sizeof(old));
			before = m.c;
			m.force = X86_UNHANDLED;
			m.force_after = after;
			r = x86_emulate(&m.c, NULL, 0);
			if (m.force)			/* more than it accesses */
				break;
			same(r, X86_UNHANDLED);
			same(m.c.rip, before.rip);
			same(m.c.rflags, before.rflags);
			same(memcmp(m.c.regs, before.regs, sizeof(before.regs)), 0);
			/* Below RSP, and accessed bits of descriptors, may be. */
			same(memcmp(memory + STACK_TOP, old + STACK_TOP,
				    sizeof(old) - STACK_TOP), 0);
		}
		check(after > 1 && after < 40);
	}
}

/* ------------------------------------------------------------------------
 * Decoding
 */

static struct x86_insn *cached(u64 linear)
{
	unsigned int i;

	for (i = 0; i < X86_DECODE_CACHE; i++)
		if (m.c.cache[i].len && m.c.cache[i].linear == linear)
			return &m.c.cache[i];
	return NULL;
}

/* An entry is told from a new decoding by what the test has changed in it. */
static void decode_cache(void)
{
	protected_mode(0);
	ok("\xb8\x05\x00\x00\x00");		/* mov eax, 5 */
	same(m.c.regs[X86_RAX], 5);
	check(cached(CODE));
	cached(CODE)->imm = 7;
	m.c.rip = CODE;
	same(once(), X86_OK);
	same(m.c.regs[X86_RAX], 7);
	/* Other bytes, the first or the last. */
	m.c.rip = CODE;
	ok("\xb8\x06\x00\x00\x00");
	same(m.c.regs[X86_RAX], 6);
	cached(CODE)->imm = 7;
	m.c.rip = CODE;
	ok("\xb8\x06\x00\x00\x01");
	same(m.c.regs[X86_RAX], 0x01000006);
	/* Another mode. */
	m.c.rip = CODE;
	m.seg[X86_CS].ar &= ~X86_AR_DB;
	x86_emulate_set_mode(&m.c);
	same(once(), X86_OK);
	same(m.c.regs[X86_RAX], 0x01000006);
	same(m.c.rip, CODE + 3);
	/* Other features. */
	cached(CODE)->imm = 7;
	x86_emulate_set_cpuid(&m.c);
	m.c.rip = CODE;
	same(once(), X86_OK);
	same(m.c.regs[X86_RAX], 0x01000006);
	/* Of more than 8 bytes, the last ones count too. */
	long_mode(0);
	ok("\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08");
	m.c.rip = CODE;
	ok("\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x09");
	same(m.c.regs[X86_RAX], 0x0907060504030201);
	cached(CODE)->imm = 7;
	m.c.rip = CODE;
	ok("\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x09");
	same(m.c.regs[X86_RAX], 7);
}

/* The first bytes given by the caller, as hardware does it. */
static void given_bytes(void)
{
	static const u8 code[16] = "\xb8\x05\x00\x00\x00\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90";
	unsigned int n;

	for (n = 0; n < 16; n++) {
		protected_mode(0);
		memcpy(memory + CODE, code, 15);
		memset(memory + CODE, n == 15 ? 0xcc : 0x90, n < 5 ? 0 : 5);
		same(x86_emulate(&m.c, code, n), X86_OK);
		same(m.c.regs[X86_RAX], 5);
		same(m.c.rip, CODE + 5);
	}
	/* Not beyond the segment, whatever the hardware has fetched. */
	protected_mode(0);
	m.seg[X86_CS].limit = CODE + 3;
	faulted(x86_emulate(&m.c, code, 15), EXC_GP, 0);
	m.seg[X86_CS].limit = CODE - 1;
	faulted(x86_emulate(&m.c, code, 15), EXC_GP, 0);
	faulted(x86_emulate(&m.c, NULL, 0), EXC_GP, 0);
	m.seg[X86_CS].limit = CODE + 4;
	same(x86_emulate(&m.c, code, 200), X86_OK);
	/* The cached decoding, with fewer bytes than it has. */
	m.c.rip = CODE;
	memcpy(memory + CODE, code, 15);
	same(x86_emulate(&m.c, code, 2), X86_OK);
	m.c.rip = CODE;
	same(x86_emulate(&m.c, (const u8 *)"\xb9\x05", 2), X86_OK);
	same(m.c.regs[X86_RCX], 5);
	/* The rest of it is gone. */
	m.region[0].rights = PAGE_P | PAGE_W;
	m.c.rip = CODE;
	faulted(x86_emulate(&m.c, (const u8 *)"\xb9\x05", 2), EXC_PF, 17);
}

static void fetching(void)
{
	static const char nops[] =
		"\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x90\x90";

	protected_mode(0);
	expect_ok_bytes(__FILE__, __LINE__, nops, 15);
	same(m.c.rip, CODE + 15);
	memset(memory + CODE, 0x66, 15);
	m.c.rip = CODE;
	faulted(once(), EXC_GP, 0);			/* 16 bytes */
	/* The second page is only asked for by what needs it. */
	m.region[0].size = 0x9000;
	m.c.rip = 0x9000 - 1;
	memory[0x8fff] = 0x90;
	same(once(), X86_OK);
	m.c.rip = 0x9000 - 1;
	memory[0x8fff] = 0xb8;
	faulted(once(), EXC_PF, 16);
	same(m.c.fault.address, 0x9000);
	/* The cached one too: the page is there, then not. */
	m.region[0].size = sizeof(memory);
	same(once(), X86_OK);
	m.region[0].size = 0x9000;
	m.c.rip = 0x9000 - 1;
	faulted(once(), EXC_PF, 16);
	long_mode(0);
	m.c.rip = 0x800000000000;
	faulted(once(), EXC_GP, 0);
	long_mode(3);
	m.c.rip = SUPERVISOR;
	faulted(once(), EXC_PF, 21);
}

static void lengths(void)
{
	static const struct { const char *code; unsigned int len; } codes[] = {
		{ "\x90", 1 }, { "\x0f\x31", 2 }, { "\x8b\x84\x24\0\0\0\0", 7 },
		{ "\x66\xc7\x05\0\0\0\0\0\0", 9 }, { "\xe8\0\0\0\0", 5 },
		{ "\xc8\0\0\0", 4 }, { "\x48\xa1\0\0\0\0\0\0\0\0", 10 },
		{ "\xf3\x6c", 2 }, { "\x0f\x0b", 2 }, { "\xf0\x90", 0 },
		{ "\x0f\x58\xc0", 0 },
	};
	unsigned int i;
	u64 rip;

	long_mode(3);
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		memset(memory + CODE, 0x90, 16);
		memcpy(memory + CODE, codes[i].code, codes[i].len ? codes[i].len : 3);
		rip = m.c.rip;
		same(x86_insn_length(&m.c, NULL, 0), codes[i].len);
		same(m.c.rip, rip);
		same(m.c.changed, 0);
	}
	m.c.rip = ABSENT;
	same(x86_insn_length(&m.c, NULL, 0), 0);
}

static void in_two_steps(void)
{
	long_mode(0);
	memcpy(memory + CODE, "\x48\x8b\x03", 3);		/* mov rax, [rbx] */
	m.c.regs[X86_RBX] = DATA;
	store(DATA, 0x1122334455667788, 8);
	same(x86_emulate_decode(&m.c, NULL, 0), X86_OK);
	same(m.c.insn->len, 3);
	same(m.c.changed, 0);
	same(m.c.rip, CODE);
	same(x86_emulate_execute(&m.c), X86_OK);
	same(m.c.regs[X86_RAX], 0x1122334455667788);
	same(m.c.rip, CODE + 3);
}

/* ------------------------------------------------------------------------
 * Traps, shadows, wrap-around
 */

static void single_step(void)
{
	protected_mode(0);
	m.c.rflags |= X86_EFLAGS_TF | X86_EFLAGS_RF;
	ok("\x90");
	same(m.c.trap_db, X86_TRAP_BS);
	same(m.c.rflags & X86_EFLAGS_RF, 0);
	m.c.regs[X86_RAX] = DATA32;
	ok("\x8e\xd0");					/* mov ss: no trap after it */
	same(m.c.trap_db, 0);
	same(m.c.int_shadow, X86_SHADOW_MOV_SS);
	ok("\x90");
	same(m.c.int_shadow, 0);
	m.c.regs[X86_RCX] = 2;
	m.c.regs[X86_RDI] = DATA;
	same(step("\xf3\xaa"), X86_RETRY);		/* a trap after each element */
	same(m.c.trap_db, X86_TRAP_BS);
	same(m.c.regs[X86_RCX], 1);
	same(once(), X86_OK);
	same(m.c.trap_db, X86_TRAP_BS);
	fault("\x0f\x0b", EXC_UD, NO_ERROR);
	same(m.c.trap_db, 0);
}

/* Linear addresses wrap at 4 GiB outside 64-bit mode. */
static void addresses_wrap(void)
{
	static u8 top[4096];

	protected_mode(0);
	machine_map(&m, 0xfffff000, 4096, top, PAGE_P | PAGE_W | PAGE_U);
	m.seg[X86_DS].base = 0xffff0000;
	m.c.regs[X86_RBX] = 0xfffe;
	m.c.regs[X86_RAX] = 0x44332211;
	ok("\x89\x03");
	same(top[4095], 0x22);
	same(load(0, 2), 0x4433);
	ok("\x8b\x0b");
	same(m.c.regs[X86_RCX], 0x44332211);
	same(step("\xf0\x01\x03"), X86_UNHANDLED);	/* not in one piece */
	m.force = X86_UNHANDLED;
	m.force_after = 1;				/* the second half refuses */
	same(step("\x8b\x0b"), X86_UNHANDLED);
	m.force = X86_UNHANDLED;
	m.force_after = 2;
	same(step("\x89\x03"), X86_UNHANDLED);
	m.region[0].rights &= ~PAGE_W;
	fault("\x89\x03", EXC_PF, 3);
	same(top[4095], 0x22);
}

static void mode_of_the_machine(void)
{
	protected_mode(0);
	same(m.c.mode, X86_MODE_PROT32);
	m.c.rflags |= X86_EFLAGS_VM;
	x86_emulate_set_mode(&m.c);
	same(m.c.mode, X86_MODE_VM86);
	same(m.c.cpl, 3);
	m.cr0 &= ~(u64)X86_CR0_PE;
	x86_emulate_set_mode(&m.c);
	same(m.c.mode, X86_MODE_REAL);
	long_mode(3);
	same(m.c.mode, X86_MODE_LONG64);
	m.efer &= ~EFER_LMA_BIT;			/* L means nothing then */
	x86_emulate_set_mode(&m.c);
	same(m.c.mode, X86_MODE_PROT16);
}

const struct test api_tests[] = {
	{ "device reads are restarted", device_reads },
	{ "two device reads in one instruction", device_compare },
	{ "ENTER with a device's display", device_display },
	{ "ENTER over its display", overwritten_display },
	{ "port input is restarted", ports },
	{ "quantum of strings", quantum },
	{ "partial progress of strings", partial_progress },
	{ "flags of interrupted comparisons", comparison_flags },
	{ "single steps between elements", stepped_repeat },
	{ "INS and OUTS by batches", port_strings },
	{ "offsets of strings wrap", offsets_wrap },
	{ "LOCK", locked },
	{ "refused accesses change nothing", refused },
	{ "decode cache", decode_cache },
	{ "bytes given by the caller", given_bytes },
	{ "fetching", fetching },
	{ "lengths", lengths },
	{ "decoding, then execution", in_two_steps },
	{ "single step and shadows", single_step },
	{ "linear addresses wrap", addresses_wrap },
	{ "mode of the machine", mode_of_the_machine },
	{ NULL, NULL },
};
