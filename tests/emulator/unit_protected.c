// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of protection: segment loads, privileged instructions, I/O permission.
 *
 * SDM volume 3, "Protection", and the exception lists of the instructions in volume 2.
 */
#include "unit.h"

/* ------------------------------------------------------------------------
 * Loads of segment registers
 */

struct load_row {
	u16 selector;
	u8 sreg;
	u8 cpl;
	int vector;		/* 0: loads */
	int error;
};

static const struct load_row loads[] = {
	{ DATA32, X86_DS, 0 },
	{ DATA32_USER, X86_DS, 0 },
	{ DATA32_USER, X86_DS, 3 },
	{ DATA32 | 3, X86_DS, 0, EXC_GP, DATA32 },		/* RPL > DPL */
	{ DATA32, X86_DS, 3, EXC_GP, DATA32 },			/* CPL > DPL */
	{ CODE32, X86_ES, 0 },					/* readable code */
	{ CONFORMING | 3, X86_ES, 3 },				/* conforming: any level */
	{ CODE_XO, X86_ES, 0, EXC_GP, CODE_XO },
	{ DATA_RO, X86_FS, 0 },
	{ DATA_ABSENT, X86_GS, 0, EXC_NP, DATA_ABSENT },
	{ CODE_ABSENT, X86_GS, 0, EXC_NP, CODE_ABSENT },
	{ TSS_SEL, X86_DS, 0, EXC_GP, TSS_SEL },		/* a system segment */
	{ BEYOND, X86_DS, 0, EXC_GP, BEYOND },
	{ 0, X86_DS, 0 }, { 3, X86_DS, 0 }, { 1, X86_GS, 3 },	/* null is fine */
	{ 0, X86_SS, 0, EXC_GP, 0 },				/* but not for a stack */
	{ DATA32, X86_SS, 0 },
	{ DATA32_USER, X86_SS, 3 },
	{ DATA32_USER, X86_SS, 0, EXC_GP, DATA32_USER & ~3 },	/* RPL != CPL */
	{ DATA32_USER & ~3, X86_SS, 0, EXC_GP, DATA32_USER & ~3 },	/* DPL != CPL */
	{ DATA_RO, X86_SS, 0, EXC_GP, DATA_RO },
	{ CODE32, X86_SS, 0, EXC_GP, CODE32 },
	{ DATA_ABSENT, X86_SS, 0, EXC_SS, DATA_ABSENT },
	{ BEYOND, X86_SS, 0, EXC_GP, BEYOND },
	{ 0x0c, X86_DS, 0 },					/* LDT entry 1 */
	{ 0x44, X86_DS, 0, EXC_GP, 0x44 },			/* LDT, beyond its limit */
};

static void segment_loads(void)
{
	static const char code[2] = { '\x8e' };
	char mov[2];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(loads); i++) {
		const struct load_row *row = &loads[i];

		protected_mode(row->cpl);
		store(LDT + 8, segment_descriptor(DATA, 0xfff, 0x4093, 0), 8);
		m.c.regs[X86_RAX] = row->selector;
		memcpy(mov, code, 2);
		mov[1] = 0xc0 | row->sreg << 3;		/* mov sreg, ax */
		if (row->vector) {
			expect_fault_bytes(__FILE__, __LINE__, mov, 2, row->vector, row->error);
			continue;
		}
		expect_ok_bytes(__FILE__, __LINE__, mov, 2);
		same(m.seg[row->sreg].selector, row->selector);
		same(!!(m.seg[row->sreg].ar & X86_AR_UNUSABLE), row->selector <= 3);
	}
	/* No LDT. */
	protected_mode(0);
	m.seg[X86_LDTR].ar = X86_AR_UNUSABLE;
	m.c.regs[X86_RAX] = 0x0c;
	fault("\x8e\xd8", EXC_GP, 0x0c);
}

static void accessed_bit(void)
{
	protected_mode(0);
	set_descriptor(DATA32, segment_descriptor(DATA, 0xffff, 0xc092, 0), 0);
	m.c.regs[X86_RAX] = DATA32;
	ok("\x8e\xd8");
	same(load(GDT + DATA32 + 5, 1), 0x93);
	same(m.seg[X86_DS].ar, 0xc093);
	same(m.seg[X86_DS].base, DATA);
	same(m.seg[X86_DS].limit, 0xfffffff);
}

static void null_stack_in_long_mode(void)
{
	long_mode(0);
	m.c.regs[X86_RAX] = 0;
	ok("\x8e\xd0");
	same(m.seg[X86_SS].selector, 0);
	same(m.c.cpl, 0);
	m.c.regs[X86_RAX] = 3;
	fault("\x8e\xd0", EXC_GP, 0);
	long_mode(3);
	fault("\x8e\xd0", EXC_GP, 0x1000);
	m.c.regs[X86_RAX] = 3;
	fault("\x8e\xd0", EXC_GP, 0);
	compatibility_mode(0);
	m.c.regs[X86_RAX] = 0;
	fault("\x8e\xd0", EXC_GP, 0);
}

static void null_selector_base(void)
{
	long_mode(0);
	machine_feature(&m, 0x80000021, 0, 6, false);
	x86_emulate_set_cpuid(&m.c);
	m.c.vendor = X86_VENDOR_AMD_LIKE;
	m.seg[X86_FS].base = 0x1234;
	m.c.regs[X86_RAX] = 0;
	ok("\x8e\xe0");				/* older AMD: the base survives */
	same(m.seg[X86_FS].base, 0x1234);
	m.c.vendor = X86_VENDOR_INTEL_LIKE;
	ok("\x8e\xe0");
	same(m.seg[X86_FS].base, 0);
}

static void pop_segments(void)
{
	protected_mode(0);
	store(STACK_TOP, DATA32_USER, 4);
	ok("\x07");				/* pop es */
	same(m.seg[X86_ES].selector, DATA32_USER);
	same(m.c.regs[X86_RSP], STACK_TOP + 4);
	store(STACK_TOP + 4, DATA32, 4);
	ok("\x17");				/* pop ss */
	same(m.c.int_shadow, X86_SHADOW_MOV_SS);
	ok("\x16");				/* push ss */
	same(load(STACK_TOP + 4, 4), DATA32);
	store(STACK_TOP + 4, DATA_RO, 4);
	fault("\x17", EXC_GP, DATA_RO);
	ok("\x1f");				/* pop ds: read-only data will do */
	same(m.seg[X86_DS].selector, DATA_RO);
	store(STACK_TOP + 8, CODE_XO, 4);
	fault("\x1f", EXC_GP, CODE_XO);
}

/* Of a slot for a selector Intel writes and reads 16 bits, AMD all. */
static void selector_slots(void)
{
	unsigned int vendor;

	for (vendor = 0; vendor < 2; vendor++) {
		bool amd = vendor == X86_VENDOR_AMD_LIKE;

		protected_mode(0);
		m.c.vendor = vendor;
		store(STACK_TOP - 4, 0xaaaaaaaa, 4);
		ok("\x0e");			/* push cs */
		same(load(STACK_TOP - 4, 4), amd ? CODE32 : 0xaaaa0000 | CODE32);
		same(m.c.regs[X86_RSP], STACK_TOP - 4);
		memset(machine_memory(&m, ABSENT - 2, 2), 0, 2);
		m.c.regs[X86_RSP] = ABSENT - 2;
		if (amd) {
			fault("\x07", EXC_PF, 0);	/* pop es */
			continue;
		}
		ok("\x07");
		same(m.seg[X86_ES].selector, 0);
		same(m.c.regs[X86_RSP], ABSENT + 2);
	}
}

static void memory_checks(void)
{
	protected_mode(0);
	m.seg[X86_DS].ar = 0xc091;		/* read-only */
	fault("\xa2\x00\x00\x04\x00", EXC_GP, 0);
	ok("\xa0\x00\x00\x04\x00");
	fault("\x00\x05\x00\x00\x04\x00", EXC_GP, 0);	/* add [mem], al: a write */
	ok("\x38\x05\x00\x00\x04\x00");			/* cmp [mem], al: none */
	m.seg[X86_DS].ar = X86_AR_UNUSABLE;
	fault("\xa0\x00\x00\x04\x00", EXC_GP, 0);
	fault("\x2e\xa2\x00\x00\x04\x00", EXC_GP, 0);	/* mov cs:[], al */
	m.seg[X86_CS].ar = 0xc099;
	fault("\x2e\xa0\x00\x00\x04\x00", EXC_GP, 0);	/* execute-only */
	m.seg[X86_SS].limit = 0x1000;
	fault("\x36\xa0\x00\x00\x04\x00", EXC_SS, 0);
	fault("\x50", EXC_SS, 0);
	/* Expand-down: above the limit it is. */
	m.seg[X86_ES].ar = 0x4097;
	m.seg[X86_ES].limit = 0x3ffff;
	ok("\x26\xa0\x00\x00\x04\x00");
	m.seg[X86_ES].limit = 0x40000;
	fault("\x26\xa0\x00\x00\x04\x00", EXC_GP, 0);
	m.seg[X86_ES].ar = 0x0097;
	m.seg[X86_ES].limit = 0x7ff;
	fault("\x26\xa0\x00\x00\x04\x00", EXC_GP, 0);	/* beyond 64 KiB */
}

static void page_rights(void)
{
	protected_mode(3);
	fault("\xa2\x00\x00\x20\x00", EXC_PF, 7);
	same(m.c.fault.address, READ_ONLY);
	fault("\xa0\x00\x10\x20\x00", EXC_PF, 5);
	same(m.c.fault.address, SUPERVISOR);
	fault("\xa0\x00\x20\x20\x00", EXC_PF, 4);
	fault("\xff\x05\x00\x20\x20\x00", EXC_PF, 6);
	fault("\xa1\xfe\x0f\x20\x00", EXC_PF, 5);	/* the second page */
	same(m.c.fault.address, SUPERVISOR);
	protected_mode(0);
	ok("\xa0\x00\x10\x20\x00");
	fault("\xa2\x00\x00\x20\x00", EXC_PF, 3);
	/* Descriptor tables are read with the supervisor's rights, whoever asks. */
	protected_mode(3);
	m.gdtr_base = SUPERVISOR;
	memcpy(memory + DATA, memory + GDT, 0x100);
	m.c.regs[X86_RAX] = DATA32_USER;
	ok("\x8e\xd8");
}

static void alignment(void)
{
	protected_mode(3);
	m.c.rflags |= X86_EFLAGS_AC;
	ok("\xa1\x01\x00\x04\x00");
	m.cr0 |= X86_CR0_AM;
	fault("\xa1\x01\x00\x04\x00", EXC_AC, 0);
	ok("\xa1\x04\x00\x04\x00");
	m.c.regs[X86_RSP] = STACK_TOP + 2;
	fault("\x50", EXC_AC, 0);
	protected_mode(0);
	m.c.rflags |= X86_EFLAGS_AC;
	m.cr0 |= X86_CR0_AM;
	ok("\xa1\x01\x00\x04\x00");
}

/* ------------------------------------------------------------------------
 * Privilege
 */

static const struct {
	const char *code;
	unsigned int len;
	bool only64;
} privileged[] = {
#define P(code, only64)	{ code, sizeof(code) - 1, only64 }
	P("\xf4", false),				/* hlt */
	P("\x0f\x06", false),				/* clts */
	P("\x0f\x08", false), P("\x0f\x09", false),	/* invd, wbinvd */
	P("\x0f\x20\xc0", false), P("\x0f\x22\xc0", false),
	P("\x0f\x21\xc0", false), P("\x0f\x23\xc0", false),
	P("\x0f\x30", false), P("\x0f\x32", false),
	P("\x0f\x01\x10", false), P("\x0f\x01\x18", false),	/* lgdt, lidt */
	P("\x0f\x01\xf0", false),			/* lmsw */
	P("\x0f\x01\x38", false),			/* invlpg */
	P("\x0f\x00\xd0", false), P("\x0f\x00\xd8", false),	/* lldt, ltr */
	P("\x66\x0f\x38\x82\x00", false),		/* invpcid */
	P("\x0f\x01\xf8", true),			/* swapgs */
	P("\x0f\x07", false),				/* sysret */
	P("\x0f\x35", false),				/* sysexit */
	P("\xfa", false), P("\xfb", false),		/* cli, sti at IOPL 0 */
	P("\xec", false), P("\xee", false), P("\x6c", false), P("\x6e", false),
};

/* At CPL 0 they would do well: an MSR that exists, a value that CR0 takes. */
static void expect_privileged(unsigned int i)
{
	m.seg[X86_TR].limit = 0x60;		/* no I/O bitmap */
	m.c.regs[X86_RCX] = 0xc0000082;
	machine_set_msr(&m, 0xc0000082, 0);
	m.c.regs[X86_RDX] = 0;
	m.c.regs[X86_RAX] = m.cr0;
	expect_fault_bytes(__FILE__, __LINE__, privileged[i].code, privileged[i].len,
			   EXC_GP, 0);
}

static void privileged_instructions(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(privileged); i++) {
		long_mode(3);
		machine_feature(&m, 7, 1, 10, true);	/* INVPCID */
		x86_emulate_set_cpuid(&m.c);
		expect_privileged(i);
		if (privileged[i].only64)
			continue;
		protected_mode(3);
		m.efer |= EFER_SCE_BIT;
		machine_feature(&m, 7, 1, 10, true);
		x86_emulate_set_cpuid(&m.c);
		m.c.vendor = X86_VENDOR_AMD_LIKE;
		expect_privileged(i);
	}
}

static void io_bitmap(void)
{
	protected_mode(3);
	ok("\xe4\x60");				/* all bits clear */
	store(TSS_NOW + 104 + 0x60 / 8, 0x80, 1);
	fault("\xe4\x67", EXC_GP, 0);
	fault("\xe5\x64", EXC_GP, 0);		/* 64 to 67 */
	ok("\x66\xe5\x65");
	m.c.rflags |= X86_EFLAGS_IOPL;
	ok("\xe4\x67");
	m.c.rflags &= ~(u64)X86_EFLAGS_IOPL;
	/* Two bytes are always read: the second has to be inside as well. */
	m.seg[X86_TR].limit = 104 + 0x60 / 8;
	fault("\xe4\x60", EXC_GP, 0);
	m.seg[X86_TR].limit = 104 + 0x60 / 8 + 1;
	ok("\xe4\x60");
	m.seg[X86_TR].limit = 102;
	fault("\xe4\x60", EXC_GP, 0);
	m.seg[X86_TR].limit = 0x3ff;
	m.seg[X86_TR].ar = 0x83;		/* a 16-bit TSS has none */
	fault("\xe4\x60", EXC_GP, 0);
	m.seg[X86_TR].ar = X86_AR_UNUSABLE;
	fault("\xe4\x60", EXC_GP, 0);
	protected_mode(0);
	m.seg[X86_TR].ar = X86_AR_UNUSABLE;
	ok("\xe4\x60");
}

static void interrupt_flag(void)
{
	protected_mode(3);
	m.c.rflags |= X86_EFLAGS_IF;
	store(STACK_TOP, 0, 4);
	ok("\x9d");				/* popf keeps IF and IOPL */
	check(m.c.rflags & X86_EFLAGS_IF);
	store(STACK_TOP, EMUL_FL_ALL, 4);
	m.c.regs[X86_RSP] = STACK_TOP;
	ok("\x9d");
	same(m.c.rflags & (X86_EFLAGS_IOPL | X86_EFLAGS_VM | X86_EFLAGS_VIF |
			   X86_EFLAGS_VIP | X86_EFLAGS_RF), 0);
	protected_mode(0);
	store(STACK_TOP, EMUL_FL_ALL, 4);
	ok("\x9d");
	same(m.c.rflags & X86_EFLAGS_IOPL, X86_EFLAGS_IOPL);
	check(m.c.rflags & X86_EFLAGS_IF);
	same(m.c.rflags & (X86_EFLAGS_VM | X86_EFLAGS_VIF | X86_EFLAGS_RF), 0);
	/* PVI: CLI and STI work on VIF at CPL 3. */
	protected_mode(3);
	m.cr4 |= X86_CR4_PVI;
	ok("\xfb");
	check(m.c.rflags & X86_EFLAGS_VIF);
	ok("\xfa");
	check(!(m.c.rflags & X86_EFLAGS_VIF));
	m.c.rflags |= X86_EFLAGS_VIP;
	fault("\xfb", EXC_GP, 0);
}

static void umip(void)
{
	protected_mode(3);
	ok("\x0f\x01\x05\x00\x00\x04\x00");	/* sgdt */
	ok("\x0f\x00\xc0");
	ok("\x0f\x00\xc8");
	same(m.c.regs[X86_RAX] & 0xffff, TSS_SEL);
	ok("\x0f\x01\xe0");			/* smsw eax: all of CR0 */
	same(m.c.regs[X86_RAX], m.cr0);
	m.cr4 |= X86_CR4_UMIP;
	fault("\x0f\x01\x05\x00\x00\x04\x00", EXC_GP, 0);
	fault("\x0f\x01\x0d\x00\x00\x04\x00", EXC_GP, 0);
	fault("\x0f\x00\xc0", EXC_GP, 0);
	fault("\x0f\x00\xc8", EXC_GP, 0);
	fault("\x0f\x01\xe0", EXC_GP, 0);
}

static void look_at_descriptors(void)
{
	protected_mode(0);
	m.c.regs[X86_RCX] = TSS_SEL;
	ok("\x0f\x02\xc1");			/* lar eax, ecx */
	check(m.c.rflags & X86_EFLAGS_ZF);
	same(m.c.regs[X86_RAX], 0x8b00);
	ok("\x0f\x03\xc1");			/* lsl */
	same(m.c.regs[X86_RAX], 0x3ff);
	m.c.regs[X86_RCX] = GATE32;
	ok("\x0f\x02\xc1");			/* a gate has rights, but no limit */
	check(m.c.rflags & X86_EFLAGS_ZF);
	ok("\x0f\x03\xc1");
	check(!(m.c.rflags & X86_EFLAGS_ZF));
	m.c.regs[X86_RCX] = CODE32;
	ok("\x0f\x03\xc1");
	same(m.c.regs[X86_RAX], 0xffffffff);
	ok("\x0f\x00\xe1");			/* verr cx */
	check(m.c.rflags & X86_EFLAGS_ZF);
	ok("\x0f\x00\xe9");			/* verw cx */
	check(!(m.c.rflags & X86_EFLAGS_ZF));
	protected_mode(3);
	m.c.regs[X86_RCX] = TSS_SEL;
	ok("\x0f\x02\xc1");			/* not visible from CPL 3 */
	check(!(m.c.rflags & X86_EFLAGS_ZF));
	long_mode(0);
	m.c.regs[X86_RCX] = TSS16_SEL;
	ok("\x0f\x02\xc1");			/* no such type in long mode */
	check(!(m.c.rflags & X86_EFLAGS_ZF));
	m.c.regs[X86_RCX] = TSS_SEL;
	ok("\x0f\x02\xc1");
	check(m.c.rflags & X86_EFLAGS_ZF);
}

static void load_ldt_and_task(void)
{
	protected_mode(0);
	m.c.regs[X86_RAX] = LDT_SEL;
	ok("\x0f\x00\xd0");			/* lldt ax */
	same(m.seg[X86_LDTR].base, LDT);
	same(m.seg[X86_LDTR].limit, 0x3f);
	m.c.regs[X86_RAX] = 0;
	ok("\x0f\x00\xd0");
	same(m.seg[X86_LDTR].ar, X86_AR_UNUSABLE);
	fault("\x0f\x00\xd8", EXC_GP, 0);	/* ltr 0 */
	m.c.regs[X86_RAX] = DATA32;
	fault("\x0f\x00\xd0", EXC_GP, DATA32);
	fault("\x0f\x00\xd8", EXC_GP, DATA32);
	m.c.regs[X86_RAX] = LDT_SEL | 4;
	fault("\x0f\x00\xd0", EXC_GP, LDT_SEL | 4);
	m.c.regs[X86_RAX] = TSS_SEL;
	fault("\x0f\x00\xd8", EXC_GP, TSS_SEL);	/* busy */
	m.c.regs[X86_RAX] = TSS_NEW_SEL;
	ok("\x0f\x00\xd8");
	same(m.seg[X86_TR].ar, 0x8b);
	same(load(GDT + TSS_NEW_SEL + 5, 1), 0x8b);
	m.c.regs[X86_RAX] = TSS16_SEL;
	ok("\x0f\x00\xd8");
	same(m.seg[X86_TR].ar, 0x83);
	set_descriptor(TSS_NEW_SEL, segment_descriptor(TSS_NEW, 0x67, 0x09, 0), 0);
	m.c.regs[X86_RAX] = TSS_NEW_SEL;
	fault("\x0f\x00\xd8", EXC_NP, TSS_NEW_SEL);
	set_descriptor(LDT_SEL, segment_descriptor(LDT, 0x3f, 0x02, 0), 0);
	m.c.regs[X86_RAX] = LDT_SEL;
	fault("\x0f\x00\xd0", EXC_NP, LDT_SEL);

	long_mode(0);
	set_descriptor(LDT_SEL, segment_descriptor(LDT, 0x3f, 0x82, 0), 0xffff8000);
	m.c.regs[X86_RAX] = LDT_SEL;
	ok("\x0f\x00\xd0");
	same(m.seg[X86_LDTR].base, 0xffff800000000000 | LDT);
	set_descriptor(LDT_SEL, segment_descriptor(LDT, 0x3f, 0x82, 0), 0x8000);
	fault("\x0f\x00\xd0", EXC_GP, 0);	/* a base that is not canonical */
	set_descriptor(TSS_NEW_SEL, segment_descriptor(TSS_NEW, 0x67, 0x89, 0), 0x8000);
	m.c.regs[X86_RAX] = TSS_NEW_SEL;
	fault("\x0f\x00\xd8", EXC_GP, 0);
	m.c.regs[X86_RAX] = TSS16_SEL;
	fault("\x0f\x00\xd8", EXC_GP, TSS16_SEL);
	m.c.regs[X86_RAX] = 0xf8;		/* the second half is beyond the table */
	fault("\x0f\x00\xd0", EXC_GP, 0xf8);
}

/* Descriptors that paging hides: the fault is that of an access by the system. */
static void hidden_tables(void)
{
	static const char *const codes[] = {
		"\x8e\xd8", "\x8e\xd0",			/* mov ds, mov ss */
		"\x0f\x02\xc8", "\x0f\x03\xc8",		/* lar, lsl */
		"\x0f\x00\xe0", "\x0f\x00\xe8",		/* verr, verw */
		"\x0f\x00\xd0", "\x0f\x00\xd8",		/* lldt, ltr */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		protected_mode(0);
		m.gdtr_base = ABSENT;
		m.c.regs[X86_RAX] = DATA32;
		expect_fault_bytes(__FILE__, __LINE__, codes[i], codes[i][0] == 0x0f ? 3 : 2,
				   EXC_PF, 0);
		same(m.c.fault.address, ABSENT + DATA32);
	}
	/* One that cannot become busy, or accessed. */
	protected_mode(0);
	set_descriptor(DATA32, segment_descriptor(TSS_NEW, 0x67, 0x89, 0), 0);
	memcpy(memory + DATA, memory + GDT, 0x100);
	m.gdtr_base = READ_ONLY;
	m.c.regs[X86_RAX] = DATA32;
	fault("\x0f\x00\xd8", EXC_PF, 3);
	store(DATA + DATA32, segment_descriptor(0, 0xfffff, 0xc092, 0), 8);
	fault("\x8e\xd8", EXC_PF, 3);
}

const struct test protected_tests[] = {
	{ "segment loads", segment_loads },
	{ "accessed bit", accessed_bit },
	{ "null SS in long mode", null_stack_in_long_mode },
	{ "null selectors and bases", null_selector_base },
	{ "PUSH and POP of segments", pop_segments },
	{ "stack slots of selectors", selector_slots },
	{ "segment checks of memory accesses", memory_checks },
	{ "page faults", page_rights },
	{ "alignment checks", alignment },
	{ "privileged instructions", privileged_instructions },
	{ "I/O permission", io_bitmap },
	{ "IF, IOPL and PVI", interrupt_flag },
	{ "UMIP", umip },
	{ "LAR, LSL, VERR, VERW", look_at_descriptors },
	{ "LLDT and LTR", load_ldt_and_task },
	{ "descriptors that paging hides", hidden_tables },
	{ NULL, NULL },
};
